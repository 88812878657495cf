/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex.c - tries a filter on a log, with the matching code of the daemon.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "banner/tools/banregex.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 255, MARK_BEFORE = 50, MARK_WIDTH = 70 };

const char *
failure_id(const struct failure *f, char out[SUBJECT_TEXT + 1])
{
	switch (f->subject.kind) {
	case SUBJECT_ADDR:
		return addr_print(&f->subject.addr, out);
	case SUBJECT_USER:
	case SUBJECT_ID:
		memcpy(out, f->subject.text.s, f->subject.text.len);
		out[f->subject.text.len] = '\0';
		return out;
	case SUBJECT_NONE:
		break;
	}
	out[0] = '\0';
	return out;
}

struct str
failure_field(const struct failure *f, const char *name)
{
	for (size_t i = 0; i < f->nfields; i++)
		if (str_is(f->fields[i].name, name))
			return f->fields[i].value;
	return (struct str){ 0 };
}

void
buf_url(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (c < 0x80 && (isalnum(c) || strchr("-_.~", c)))
			buf_putc(b, (char)c);
		else
			buf_printf(b, "%%%02X", c);
	}
}

static const struct reporter *
choose(const struct options *o)
{
	if (o->json)
		return &json_reporter;
	if (o->out && !o->invert)
		return &out_reporter;
	if (o->explain)
		return &explain_reporter;
	return o->invert ? &invert_reporter : &text_reporter;
}

static const char *
regex_of(const struct conf_filter *f, const struct err *e)
{
	const struct conf_list pref = { (const char **)(uintptr_t)&f->prefregex, 1 };
	const struct { const char *option; const struct conf_list *list; } lists[] = {
		{ "failregex", &f->failregex }, { "ignoreregex", &f->ignoreregex },
		{ "loginregex", &f->loginregex }, { "prefregex", &pref } };

	for (size_t i = 0; e->option && e->number && i < 4; i++)
		if (strcmp(lists[i].option, e->option) == 0 &&
		    e->number <= lists[i].list->n)
			return lists[i].list->v[e->number - 1];
	return NULL;
}

/* The regex that is wrong, with a mark below the column. */
static void
mark_regex(const struct trial *t, const struct err *e, struct buf *out)
{
	const char *regex = regex_of(&t->filter, e);
	size_t column = e->column, from;

	if (!regex || !column || column > strlen(regex) + 1)
		return;
	from = column > MARK_BEFORE ? column - MARK_BEFORE : 0;
	buf_puts(out, "    ");
	buf_safe(out, str_of(regex + from), MARK_WIDTH);
	buf_printf(out, "\n    %*s\n", (int)(column - from), "^");
}

/* Lines that match and are not of any date count as of now: right for a log that is
 * followed, wrong for an old one. */
static void
say_undated(const struct trial *t)
{
	const struct rules_stats *st = rules_stats(t->rules);
	uint64_t dated = 0, hits;
	const char *name;

	for (size_t i = 0; rules_dates(t->rules, i, &name, &hits); i++)
		dated += hits;
	if (st->matched && !dated && !t->o->journal && !log_is_journal(t->o->log))
		fprintf(stderr, "banregex: no date was found in any of the lines that "
		    "matched: see datepattern in banner-filter(5)\n");
}

static int
run(const struct options *o, struct err *e)
{
	struct trial t = { .reporter = choose(o) };
	struct buf mark = { 0 };
	int rc = log_check(o->log, e);

	if (rc == 0) {
		rc = trial_init(&t, o, o->filter, e);
		if (rc < 0)
			mark_regex(&t, e, &mark);
	}
	if (rc == 0) {
		if (t.reporter->start)
			t.reporter->start(&t);
		rc = trial_read(&t, o->log, e);
		if (t.reporter->end)
			t.reporter->end(&t);
		fflush(stdout);
		say_undated(&t);
	}
	trial_fini(&t);
	if (mark.len)
		fprintf(stderr, "banregex: %s\n%s", e->text, mark.p);
	if (mark.len)
		e->text[0] = '\0';
	buf_fini(&mark);
	return rc < 0 ? EXIT_USAGE : 0;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct err e = { "" };
	int rc = options_read(argc, argv, &o, &e);

	if (rc == 1)
		return 0;
	if (rc == 0)
		rc = o.lint ? lint_run(&o, &e)
		    : o.test ? test_run(&o, &e)
		    : o.simulate ? simulate_run(&o, &e)
		    : run(&o, &e);
	else
		rc = EXIT_USAGE;
	if (e.text[0])
		fprintf(stderr, "banregex: %s\n", e.text);
	if (fflush(stdout) || ferror(stdout))
		return EXIT_FAILED;
	return rc;
}
