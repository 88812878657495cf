/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_text.c - the report for people, in the shape fail2ban-regex users know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/clock.h"
#include "banner/base/units.h"
#include "banner/core/pattern.h"
#include "banner/tools/banregex.h"

/* Lines of one verdict, kept for the end. */
struct list {
	char **v;
	size_t n, cap;
};

struct text_report {
	struct list matched, missed, ignored;
	struct buf *hits;		/* per failregex, with -v: who and when */
	uint64_t joined;		/* lines that matched with a later one */
	int64_t started_ns;
};

static void
keep(struct list *l, struct str line, bool all)
{
	if (!all && l->n > SHOWN_LINES)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 32;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	while (line.len && strchr(" \t", line.s[line.len - 1]))
		line.len--;
	l->v[l->n++] = xstrndup(line.s, line.len);
}

/* A line of several that matched together was told as missed before. */
static bool
take_back(struct list *l, struct str line)
{
	while (line.len && strchr(" \t\n", line.s[line.len - 1]))
		line.len--;
	for (size_t i = l->n; i-- > 0;) {
		if (!str_is(line, l->v[i]))
			continue;
		free(l->v[i]);
		memmove(l->v + i, l->v + i + 1, (--l->n - i) * sizeof(*l->v));
		return true;
	}
	return false;
}

static void
list_free(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static void
use(const char *what, const char *text)
{
	printf("Use %16s : %s\n", what, text);
}

/* The name, also of a path: "/etc/fail2ban/filter.d/sshd.conf" is sshd. */
static void
use_filter(const struct trial *t)
{
	const char *name = strrchr(t->filter.name, '/');
	size_t n;

	name = name ? name + 1 : t->filter.name;
	n = strlen(name);
	if (n > 5 && !strcmp(name + n - 5, ".conf"))
		n -= 5;
	printf("Use %16s : %.*s, basedir: %s\n", "  failregex filter file", (int)n,
	    name, t->o->config);
}

/* All of them, then the name of the usual ones, as fail2ban-regex has it. */
static void
use_dates(const struct conf_list *l)
{
	const char *last = l->n ? l->v[l->n - 1] : "";
	bool usual = !strcmp(last, "{^LN-BEG}") || !strcmp(last, "{DEFAULT}");

	for (size_t i = 0; i < l->n; i++)
		printf(i ? "\n%s" : "Use      datepattern : %s", l->v[i]);
	if (l->n)
		printf(" : %s\n", usual ? "Default Detectors" : last);
}

static void
use_match(const struct trial *t)
{
	const struct conf_list *l = &t->filter.journalmatch;

	for (size_t i = 0; i < l->n && !t->o->journalmatch; i++)
		use("journal match", l->v[i]);
	if (t->o->journalmatch)
		use("journal match", t->o->journalmatch);
}

static void
text_start(struct trial *t)
{
	struct text_report *r = xcalloc(1, sizeof(*r));
	const struct options *o = t->o;
	const char *encoding = t->rules_options.logencoding;
	char number[32];

	t->report = r;
	r->hits = xcalloc(rules_count(t->rules) + 1, sizeof(*r->hits));
	r->started_ns = clock_ns(CLOCK_MONOTONIC);
	printf("\nRunning tests\n=============\n\n");
	if (t->conf)
		use("jail", o->filter);
	if (t->filter.file)
		use_filter(t);
	else
		use("failregex line", o->filter);
	if (o->ignoreregex)
		use("ignoreregex line", o->ignoreregex);
	snprintf(number, sizeof(number), "%u", t->filter.maxlines);
	if (t->filter.maxlines > 1 ||
	    conf_option(&t->filter.options, "maxlines", NULL))
		use("maxlines", number);
	use_dates(&t->filter.datepattern);
	if (log_is_journal(o->log))
		printf("Use         systemd journal\n");
	else
		use(log_is_file(o->log) ? "log file" : "single line", o->log);
	if (log_is_file(o->log) || log_is_journal(o->log))
		use("encoding",
		    encoding && strcmp(encoding, "auto") ? encoding : "UTF-8");
	if (log_is_journal(o->log))
		use_match(t);
	printf("\n\n");
}

static void
text_failure(struct trial *t, const struct failure *f)
{
	struct text_report *r = t->report;
	char id[SUBJECT_TEXT + 1], when[UNITS_TEXT];

	for (size_t i = 0; t->filter.maxlines > 1 && i + 1 < f->nlines; i++)
		r->joined += take_back(&r->missed, f->lines[i]);
	if (!t->o->verbose)
		return;
	buf_puts(&r->hits[f->rule], "|      ");
	buf_safe(&r->hits[f->rule], str_of(failure_id(f, id)), SUBJECT_TEXT);
	buf_printf(&r->hits[f->rule], "  %s\n", units_time(f->when_ms, when));
}

static void
text_line(struct trial *t, struct str line, enum line_verdict verdict, int rule)
{
	struct text_report *r = t->report;

	switch (verdict) {
	case LINE_MATCHED:
	case LINE_WAITING:
		if (t->o->all_matched)
			keep(&r->matched, line, true);
		break;
	case LINE_IGNORED:
		if (!t->o->no_ignored)
			keep(&r->ignored, line, t->o->all_ignored);
		break;
	case LINE_MISSED:
	case LINE_REFUSED:
		if (!t->o->no_missed)
			keep(&r->missed, line, t->o->all_missed);
		/* None is printed, or too many: no need to hear of each from now on. */
		if ((t->o->no_missed ||
			(r->missed.n > SHOWN_LINES && !t->o->all_missed)) &&
		    t->filter.maxlines < 2)
			t->watch = WATCH_CANDIDATES;
		break;
	}
}

static void
print_prefix(const struct trial *t)
{
	struct buf b = { 0 };
	struct err e;

	if (pattern_expanded(t->filter.prefregex, 0, &b, &e) < 0)
		buf_puts(&b, t->filter.prefregex);
	printf("\nPrefregex: %llu total\n|  %s\n`-\n",
	    (unsigned long long)rules_prefix_hits(t->rules), b.p);
	buf_fini(&b);
}

static void
print_rules(const struct trial *t)
{
	const struct text_report *r = t->report;
	uint64_t total = 0;
	bool any = false;

	for (size_t i = 0; i < rules_count(t->rules); i++)
		total += rules_hits(t->rules, i);
	printf("\nFailregex: %llu total\n", (unsigned long long)total);
	for (size_t i = 0; i < rules_count(t->rules); i++) {
		uint64_t hits = rules_hits(t->rules, i);

		if (hits == 0 && !t->o->verbose)
			continue;
		if (!any)
			printf("|-  #) [# of hits] regular expression\n");
		any = true;
		printf("|  %2zu) [%llu] %s\n", i + 1, (unsigned long long)hits,
		    t->filter.failregex.v[i]);
		if (r->hits[i].len > 0)
			fputs(r->hits[i].p, stdout);
	}
	if (any)
		printf("`-\n");
}

static void
print_dates(const struct trial *t)
{
	const char *name;
	uint64_t hits;
	bool any = false;

	printf("\nDate template hits:\n");
	for (size_t i = 0; rules_dates(t->rules, i, &name, &hits); i++) {
		if (hits == 0 && !t->o->verbose && !t->o->verbose_date)
			continue;
		if (!any)
			printf("|- [# of hits] date format\n");
		any = true;
		printf("|  [%llu] %s\n", (unsigned long long)hits, name);
	}
	if (any)
		printf("`-\n");
}

static void
print_link(const struct trial *t, const char *line)
{
	for (size_t i = 0; i < t->filter.failregex.n; i++) {
		struct buf b = { 0 };

		buf_puts(&b, "https://www.debuggex.com/?flavor=python&re=");
		buf_url(&b, str_of(rules_text(t->rules, i)));
		buf_puts(&b, "&str=");
		buf_url(&b, str_of(line));
		printf("|    %s\n", b.p);
		buf_fini(&b);
	}
}

static void
print_list(const struct trial *t, const char *title, const struct list *l,
    uint64_t total)
{
	char lower[16];

	if (total == 0)
		return;
	snprintf(lower, sizeof(lower), "%s", title);
	lower[0] = (char)(lower[0] | 0x20);
	if (l->n < total) {
		printf("%s line(s): too many to print.  Use --print-all-%s to print "
		    "all %llu lines\n", title, lower, (unsigned long long)total);
		return;
	}
	printf("|- %s line(s):\n", title);
	for (size_t i = 0; i < l->n; i++) {
		struct buf b = { 0 };

		buf_safe(&b, str_of(l->v[i]), LONGEST_LINE);
		printf("|  %s\n", b.len ? b.p : "");
		buf_fini(&b);
		if (t->o->debuggex)
			print_link(t, l->v[i]);
	}
	printf("`-\n");
}

/* What the verdicts alone do not say. */
static void
print_remarks(const struct trial *t)
{
	const struct rules_stats *st = rules_stats(t->rules);
	const struct { uint64_t n; const char *text; } v[] = {
		{ st->errors, "refused: a regex gave up on them (PCRE2 limit)" },
		{ t->too_long, "skipped: longer than 16384 bytes" },
		{ st->bad_host, "matched, but what was found can be no id" },
		{ st->losses, "lines, values or users did not fit in a session" },
		{ st->sessions_dropped, "sessions forgotten before they ended" },
	};
	struct buf slow = { 0 };

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		if (v[i].n > 0)
			printf("%llu %s\n", (unsigned long long)v[i].n, v[i].text);
	rules_slow(t->rules, &slow);
	if (slow.len > 0)
		printf("Given up, as too slow: %s\n", slow.p);
	buf_fini(&slow);
	if (rules_every_line(t->rules))
		printf("Every line is given to the regexes: there is no text that each "
		    "match must contain\n");
}

static void
text_end(struct trial *t)
{
	const struct rules_stats *st = rules_stats(t->rules);
	struct text_report *r = t->report;
	uint64_t missed = st->missed + st->errors - r->joined;
	uint64_t matched = st->matched + st->waiting + r->joined;
	int64_t took_ns = clock_ns(CLOCK_MONOTONIC) - r->started_ns;

	printf("Results\n=======\n");
	if (t->filter.prefregex)
		print_prefix(t);
	print_rules(t);
	printf("\nIgnoreregex: %llu total\n",
	    (unsigned long long)rules_ignore_hits(t->rules));
	print_dates(t);
	printf("\nLines: %llu lines, %llu ignored, %llu matched, %llu missed\n",
	    (unsigned long long)st->lines, (unsigned long long)st->ignored,
	    (unsigned long long)matched, (unsigned long long)missed);
	printf("[processed in %.2f sec]\n\n", (double)took_ns / 1e9);
	print_remarks(t);
	if (t->o->all_matched)
		print_list(t, "Matched", &r->matched, matched - r->joined);
	if (!t->o->no_ignored)
		print_list(t, "Ignored", &r->ignored, st->ignored);
	if (!t->o->no_missed)
		print_list(t, "Missed", &r->missed, missed);
	list_free(&r->matched);
	list_free(&r->ignored);
	list_free(&r->missed);
	for (size_t i = 0; i < rules_count(t->rules); i++)
		buf_fini(&r->hits[i]);
	free(r->hits);
	free(r);
}

const struct reporter text_reporter = {
	.watch = WATCH_ALL,
	.start = text_start,
	.failure = text_failure,
	.line = text_line,
	.end = text_end,
};
