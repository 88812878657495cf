/* SPDX-License-Identifier: GPL-2.0-or-later
 * tail.c - the last lines of a stream.
 */
#include "banner/core/tail.h"

#include <string.h>

void
tail_fini(struct tail *t)
{
	buf_fini(&t->kept);
}

/* Cut at a line start. Only when twice as much is there: each byte moves once. */
static void
shorten(struct tail *t)
{
	const char *lf;
	size_t over;

	if (t->kept.len <= 2 * TAIL_BYTES)
		return;
	over = t->kept.len - TAIL_BYTES;
	lf = memchr(t->kept.p + over, '\n', TAIL_BYTES);
	buf_drop(&t->kept, lf ? (size_t)(lf + 1 - t->kept.p) : t->kept.len);
}

void
tail_add(struct tail *t, struct str block)
{
	size_t skip = block.len > 2 * TAIL_BYTES ? block.len - 2 * TAIL_BYTES : 0;

	t->end += block.len;
	if (skip > 0)
		buf_clear(&t->kept);
	buf_add(&t->kept, block.s + skip, block.len - skip);
	shorten(t);
}

/* Lines of text between offsets to and from, last first. False: fn said stop. */
static bool
walk(struct str text, size_t from, size_t to, tail_fn *fn, void *arg)
{
	while (from > to) {
		size_t end = from - (text.s[from - 1] == '\n');
		const char *lf = end > to ? memrchr(text.s + to, '\n', end - to) : NULL;
		size_t start = lf ? (size_t)(lf + 1 - text.s) : to;

		if (!fn(arg, (struct str){ text.s + start, end - start }))
			return false;
		from = start;
	}
	return true;
}

void
tail_back(const struct tail *t, struct str block, struct tail_range r, tail_fn *fn,
    void *arg)
{
	uint64_t start = t->end - t->kept.len;	/* position of the first kept byte */
	size_t to = r.to > t->end ? (size_t)(r.to - t->end) : 0;

	if (!walk(block, (size_t)(r.from - t->end), to, fn, arg) || r.to >= t->end)
		return;
	to = r.to > start ? (size_t)(r.to - start) : 0;
	walk(buf_view(&t->kept), t->kept.len, to, fn, arg);
}
