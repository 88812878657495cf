/* SPDX-License-Identifier: GPL-2.0-or-later
 * explained.h - all that explain finds, as lines of text.
 */
#ifndef BANNER_TEST_EXPLAINED_H
#define BANNER_TEST_EXPLAINED_H

#include "banner/core/engine.h"
#include "banner/core/explain.h"

struct saying {
	struct buf *out;
	int64_t now_ms;
};

static inline void
say_guard(void *arg, const char *why)
{
	const struct saying *s = arg;

	buf_printf(s->out, "never banned: %s\n", why);
}

static inline void
say_ban(void *arg, const struct explain_ban *e)
{
	const struct saying *s = arg;

	explain_ban_text(e, s->now_ms, s->out);
}

static inline void
say_jail(void *arg, const struct explain_jail *e)
{
	const struct saying *s = arg;

	explain_jail_text(e, s->out);
}

static inline void
engine_explain(struct engine *en, const struct subject *s, int64_t now_ms,
    struct buf *out)
{
	struct saying saying = { .out = out, .now_ms = now_ms };
	struct explain_to to = { &saying, say_guard, say_ban, say_jail };
	struct explain_found found;

	explain(en, s, now_ms, &to, &found);
	if (found.nothing)
		buf_puts(out, "not banned: no failures known in any jail\n");
}

#endif
