/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_lint.c - rules that can be fooled, that take for ever, that never match.
 *
 * Each finding is shown with a line and was tried: the line was given to the rule and
 * came back with the wrong address, or made PCRE2 give up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/tools/banregex.h"
#include "banner/tools/sample.h"

#define TRUE_HOST "192.0.2.1"
#define FORGED_HOST "203.0.113.9"
enum { ROUNDS = 40, ALTERNATIVES = 4 };

struct lint {
	struct trial *t;
	size_t rule, findings;
	struct conf_filter one;		/* the filter with this rule alone */
	const char *regex, *option;	/* failregex, or its prefregex */
};

struct outcome {
	char id[SUBJECT_TEXT + 1];
	bool matched, gave_up;
};

static void
on_failure(void *arg, const struct failure *f)
{
	struct outcome *o = arg;

	failure_id(f, o->id);
	o->matched = true;
}

/* The line is taken without a date: dates are not what lint is about. */
static struct outcome
try_line(const struct lint *l, const char *line)
{
	struct rules_options ro = l->t->rules_options;
	struct outcome o = { "", false, false };
	struct block b = { .read_ms = l->t->now_ms, .line_ms = l->t->now_ms };
	struct buf text = { 0 };
	struct match *m;
	struct rules *r;
	struct err e;

	ro.filter = &l->one;
	ro.check_all = false;
	ro.raw = true;
	if (rules_new(&ro, &r, &e) < 0)
		return o;
	if (match_new(&r, 1, &m, &e) == 0) {
		buf_printf(&text, "%s\n", line);
		b.text = buf_view(&text);
		match_block(m, &b, on_failure, &o);
		o.gave_up = rules_stats(r)->errors > 0;
		match_free(m);
		buf_fini(&text);
	}
	rules_free(r);
	return o;
}

/* A whole line around the text of the rule. */
static void
whole_line(const struct lint *l, const char *text, struct buf *out)
{
	struct sample pre;

	buf_clear(out);
	if (!l->one.prefregex) {
		buf_puts(out, text);
		return;
	}
	sample_make(&pre, l->one.prefregex,
	    &(struct sample_wish){ TRUE_HOST, text, 0 });
	buf_str(out, buf_view(&pre.text));
	sample_free(&pre);
}

static struct outcome
try_text(const struct lint *l, const char *text, struct buf *line)
{
	whole_line(l, text, line);
	return try_line(l, line->p ? line->p : "");
}

/* "FILE:LINE: ", unless the rule is in no file. */
static void
put_place(const struct lint *l)
{
	struct conf_place at = conf_filter_place(&l->t->filter, l->option,
	    l->rule + 1);

	if (at.file)
		printf("%s:%d: ", at.file, at.line);
}

static void
found(struct lint *l, const char *what, const char *line)
{
	struct buf b = { 0 };

	buf_safe(&b, str_of(line), 600);
	printf("%zu) ", l->rule + 1);
	put_place(l);
	printf("%s\n    rule: %s\n    line: %s\n", what, l->regex, b.p);
	buf_fini(&b);
	l->findings++;
}

/* text with piece put in at a place. */
static void
insert(struct buf *out, const struct buf *text, size_t at, const char *piece)
{
	buf_clear(out);
	buf_add(out, text->p, at);
	buf_puts(out, piece);
	buf_add(out, text->p + at, text->len - at);
}

static bool
is_forged(const struct outcome *o)
{
	return o->matched && !strcmp(o->id, FORGED_HOST);
}

/* No "^": the text of the rule may be anything that a client sent. */
static bool
lint_unanchored(struct lint *l, const struct sample *forged)
{
	struct buf text = { 0 }, line = { 0 };
	struct outcome o;

	buf_puts(&text, "host other[1]: client said \"");
	buf_str(&text, buf_view(&forged->text));
	o = try_text(l, text.p, &line);
	if (is_forged(&o))
		found(l, "not anchored: it matches wherever its text stands in a line",
		    line.p);
	buf_fini(&text);
	buf_fini(&line);
	return is_forged(&o);
}

/* Does the rule still hold when anything follows? */
static bool
is_open(const struct lint *l, const struct sample *truth)
{
	struct buf text = { 0 }, line = { 0 };
	struct outcome o;

	buf_printf(&text, "%s, and more", truth->text.p);
	o = try_text(l, text.p, &line);
	buf_fini(&text);
	buf_fini(&line);
	return o.matched && !strcmp(o.id, TRUE_HOST);
}

/* Free text before the address may hold an address of its own. */
static void
lint_free_text(struct lint *l, const struct sample *truth, const struct sample *forged)
{
	struct buf text = { 0 }, line = { 0 }, piece = { 0 };
	bool open = is_open(l, truth);

	for (size_t i = 0; i < truth->nwild && i < forged->nwild; i++) {
		struct outcome o;

		buf_clear(&piece);
		buf_printf(&piece, "x%s ", forged->text.p + forged->wild[i]);
		insert(&text, &truth->text, truth->wild[i], piece.p);
		o = try_text(l, text.p, &line);
		if (!is_forged(&o) && open) {
			buf_clear(&text);
			buf_printf(&text, "%s %s", truth->text.p,
			    forged->text.p + forged->wild[i]);
			o = try_text(l, text.p, &line);
		}
		if (is_forged(&o)) {
			found(l, "free text can bring an address of its own", line.p);
			break;
		}
	}
	buf_fini(&text);
	buf_fini(&line);
	buf_fini(&piece);
}

/* Many rounds of what a repeated group repeats, and then no match. */
static bool
lint_rounds(struct lint *l, const char *regex, bool prefix, unsigned alternative)
{
	struct sample s;
	struct buf text = { 0 }, line = { 0 }, rounds = { 0 };
	bool slow = false;

	sample_make(&s, regex,
	    &(struct sample_wish){ TRUE_HOST, prefix ? "x" : NULL, alternative });
	for (size_t i = 0; i < s.nnested && !slow; i++) {
		struct outcome o;

		/* with and without something between, before and in the group, and
		 * with what follows it broken or only the end */
		for (size_t try = 0; try < 8 && !slow; try++) {
			size_t skip = try / 2 % 2;

			buf_clear(&rounds);
			for (int n = 0; n < ROUNDS; n++)
				buf_puts(&rounds, s.nested[i].round + 2 * (try % 2));
			if (!rounds.len || s.nested[i].at + skip > s.text.len)
				continue;
			insert(&text, &s.text, s.nested[i].at + skip, rounds.p);
			buf_puts(&text, "\"\x01!");
			if (try < 4)
				text.p[s.nested[i].at + skip + rounds.len] = '\x02';
			o = prefix ? try_line(l, text.p) : try_text(l, text.p, &line);
			slow = o.gave_up;
		}
		if (slow)
			found(l, "takes exponential time: PCRE2 gave up on this line",
			    prefix || !line.p ? text.p : line.p);
	}
	buf_fini(&text);
	buf_fini(&line);
	buf_fini(&rounds);
	sample_free(&s);
	return slow;
}

static void
lint_slow(struct lint *l, const char *regex, bool prefix)
{
	for (unsigned i = 0; i < ALTERNATIVES; i++)
		if (lint_rounds(l, regex, prefix, i))
			return;
}

/* The end of the tag, class, escape or character at p; solid: some text must stand
 * there. NULL: it takes more than this to be sure. */
static const char *
atom_end(const char *p, bool *solid)
{
	const char *end = p + 1;

	*solid = true;
	if (*p == '<') {
		end = strchr(p, '>');
		if (!end || str_starts(str_of(p), "<SKIP"))
			return NULL;
		*solid = str_starts(str_of(p), "<HOST>") ||
		    str_starts(str_of(p), "<ADDR>");
		end++;
	} else if (*p == '[') {
		end = strchr(p[1] == '^' ? p + 3 : p + 2, ']');
		if (!end)
			return NULL;
		end++;
	} else if (*p == '\\') {
		*solid = !strchr("ABGKZbz", p[1]);
		end = p[1] ? p + 2 : end;
	}
	if (strchr("(|)", *p) || str_starts(str_of(p), "\\Q"))
		return NULL;
	if (*end && strchr("?*{", *end))
		*solid = false;
	return end + strspn(end, "?*+");
}

/* "$" with text behind it, "^" with text before it. */
static bool
never_matches(const char *regex)
{
	bool before = false, end = false, solid;

	for (const char *p = regex; *p;) {
		if (*p == '^' && before)
			return true;
		if (*p == '^' || *p == '$') {
			end |= *p++ == '$';
			continue;
		}
		p = atom_end(p, &solid);
		if (!p)
			return false;
		if (*p == '{' && !(p = strchr(p, '}')))
			return false;
		p += *p == '}';
		if (solid && end)
			return true;
		before |= solid;
	}
	return false;
}

/* Nothing can be said of a rule without a line that it matches. */
static bool
lint_host(struct lint *l, const struct sample *truth)
{
	struct buf line = { 0 };
	struct outcome o = try_text(l, truth->text.p, &line);
	bool right = o.matched && !strcmp(o.id, TRUE_HOST);

	/* what is no failure by itself shows nothing */
	if (!o.matched && !strstr(l->regex, "<F-NOFAIL>")) {
		put_place(l);
		printf("rule %zu is not judged, no line was found that it matches: "
		    "%s\n", l->rule + 1, l->regex);
	} else if (o.matched && !right)
		found(l, "takes part of the address for the text before it", line.p);
	buf_fini(&line);
	return right;
}

static void
lint_rule(struct lint *l)
{
	struct sample truth, forged;

	sample_make(&truth, l->regex, &(struct sample_wish){ TRUE_HOST, NULL, 0 });
	sample_make(&forged, l->regex, &(struct sample_wish){ FORGED_HOST, NULL, 0 });
	if (l->t->filter.maxlines == 1 && never_matches(l->regex))
		found(l, "never matches: text before ^ or behind $", truth.text.p);
	else if (truth.has_host && lint_host(l, &truth) && !lint_unanchored(l, &forged))
		lint_free_text(l, &truth, &forged);
	lint_slow(l, l->regex, false);
	sample_free(&truth);
	sample_free(&forged);
}

int
lint_run(const struct options *o, struct err *e)
{
	struct trial t = { .reporter = &text_reporter };
	struct lint l = { .t = &t };
	int rc = trial_init(&t, o, o->filter, e);

	for (size_t i = 0; rc == 0 && i < t.filter.failregex.n; i++) {
		l.rule = i;
		l.one = t.filter;
		l.one.failregex = (struct conf_list){ &t.filter.failregex.v[i], 1 };
		l.one.ignoreregex.n = l.one.weight.n = 0;
		l.one.parser = NULL;
		l.option = "prefregex";
		l.regex = l.one.prefregex;
		if (i == 0 && l.regex)
			lint_slow(&l, l.regex, true);
		l.option = "failregex";
		l.regex = t.filter.failregex.v[i];
		lint_rule(&l);
	}
	if (rc == 0)
		printf("%s: %zu rules, %zu findings\n", o->filter, t.filter.failregex.n,
		    l.findings);
	trial_fini(&t);
	return rc < 0 ? 2 : l.findings ? 1 : 0;
}
