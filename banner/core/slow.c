/* SPDX-License-Identifier: GPL-2.0-or-later
 * slow.c - regexes that gave up on lines: how often, and how often lately.
 */
#include "banner/core/slow.h"

#include "banner/base/buf.h"

enum { WINDOW_MS = 10 * 1000, MOST = 200 };	/* in the window: 0.6 s of work */

static bool
in_window(const struct slow *s, int64_t now_ms)
{
	return now_ms >= s->since_ms && now_ms - s->since_ms < WINDOW_MS;
}

void
slow_add(struct slow *s, int64_t now_ms)
{
	if (!in_window(s, now_ms)) {
		s->since_ms = now_ms;
		s->lately = 0;
	}
	s->n++;
	s->lately++;
}

bool
slow_is_worn_out(const struct slow *s, const struct block *b)
{
	return b->live && s->lately >= MOST && in_window(s, b->read_ms);
}

void
slow_print(const struct slow *s, const char *kind, size_t number, struct buf *b)
{
	if (s->n == 0)
		return;
	buf_printf(b, "%s%s", b->len > 0 ? ", " : "", kind);
	if (number > 0)
		buf_printf(b, " %zu", number);
	if (s->n == 1)
		buf_puts(b, " (once)");
	else
		buf_printf(b, " (%llu times)", (unsigned long long)s->n);
}
