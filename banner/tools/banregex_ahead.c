/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_ahead.c - a big file, looked through by several threads.
 */
#include "banner/source/ahead.h"
#include "banner/tools/banregex.h"

static bool
is_plain(struct str lines, size_t max_line)
{
	return trial_is_plain(lines);
}

int
trial_ahead(struct trial *t, const struct trial_file *f)
{
	struct ahead_want want = { .fd = f->fd, .to = f->size,
		.max_line = LONGEST_LINE, .match = t->match, .plain = is_plain };
	struct ahead_piece p;
	struct ahead *a;
	uint64_t line = 1;
	int rc;

	a = t->o->no_prefilter ? NULL : ahead_new(&want);
	if (!a)
		return 1;
	while ((rc = ahead_next(a, &p)) > 0) {
		line += p.run ? trial_found(t, p.run, p.text, line) :
		    trial_feed(t, p.text, line);
		f->progress(f->arg, p.offset + p.text.len < f->size ?
		    p.offset + p.text.len : f->size);
	}
	ahead_free(a);
	return rc;
}
