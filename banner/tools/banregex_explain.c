/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_explain.c - for each line, why it matched or did not (--explain).
 */
#include <stdio.h>
#include <stdlib.h>

#include "banner/tools/banregex.h"

struct explaining {
	struct rules *probe;	/* a second set of rules, asked about single lines */
	struct buf found;	/* failures of the line at hand */
};

static void
explain_start(struct trial *t)
{
	struct explaining *x = xcalloc(1, sizeof(*x));
	struct err e;

	if (rules_new(&t->rules_options, &x->probe, &e) < 0)
		x->probe = NULL;	/* they compiled a moment ago */
	t->report = x;
}

static void
explain_failure(struct trial *t, const struct failure *f)
{
	struct explaining *x = t->report;
	char id[SUBJECT_TEXT + 1];

	buf_printf(&x->found, "    failregex %u: ", f->rule + 1);
	buf_safe(&x->found, str_of(failure_id(f, id)), SUBJECT_TEXT);
	if (f->user.len > 0) {
		buf_puts(&x->found, ", user ");
		buf_safe(&x->found, f->user, SUBJECT_TEXT);
	}
	if (f->nlines > 1)
		buf_printf(&x->found, ", with %zu lines", f->nlines);
	buf_putc(&x->found, '\n');
}

static void
explain_line(struct trial *t, struct str line, enum line_verdict verdict, int rule)
{
	static const char *const names[] = { [LINE_MATCHED] = "matched",
		[LINE_IGNORED] = "ignored", [LINE_MISSED] = "missed",
		[LINE_REFUSED] = "refused: a regex gave up",
		[LINE_WAITING] = "kept: its session has no address yet" };
	struct explaining *x = t->report;
	struct buf b = { 0 };

	buf_safe(&b, line, LONGEST_LINE);
	buf_printf(&b, "\n    %s\n", names[verdict]);
	buf_str(&b, buf_view(&x->found));
	if (verdict == LINE_MISSED && x->probe && !t->filter.parser)
		rules_trace(x->probe, line, t->now_ms, &b);
	fwrite(b.p, 1, b.len, stdout);
	buf_fini(&b);
	buf_clear(&x->found);
}

static void
explain_end(struct trial *t)
{
	struct explaining *x = t->report;

	rules_free(x->probe);
	buf_fini(&x->found);
	free(x);
}

const struct reporter explain_reporter = {
	.watch = WATCH_ALL, .start = explain_start, .failure = explain_failure,
	.line = explain_line, .end = explain_end,
};
