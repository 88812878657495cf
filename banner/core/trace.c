/* SPDX-License-Identifier: GPL-2.0-or-later
 * trace.c - why a line did not match: date, prefregex, and how far each regex came.
 *
 * A regex is cut between its outermost parts (a character, class or group with its
 * quantifier). If a beginning of it matches, every shorter beginning does, so the
 * longest one that still matches is found by bisection; the part behind it is what
 * the line lacks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/core/literal_char.h"
#include "banner/core/rules_data.h"

enum { PARTS_MAX = 512, SHOWN = 120 };

struct parts {
	size_t end[PARTS_MAX];	/* offset behind each part */
	size_t n;
};

/* Behind a class. */
static size_t
class_end(const char *re, size_t i)
{
	i = literal_class_end(re, i);
	return re[i] ? i + 1 : i;
}

static size_t
group_end(const char *re, size_t i)
{
	int depth = 0;

	while (re[i]) {
		if (re[i] == '\\' && re[i + 1])
			i++;
		else if (re[i] == '[') {
			i = class_end(re, i);
			continue;
		} else if (re[i] == '(')
			depth++;
		else if (re[i] == ')' && --depth == 0)
			return i + 1;
		i++;
	}
	return i;
}

static size_t
atom_end(const char *re, size_t i)
{
	size_t brace;

	if (re[i] == '\\' && re[i + 1]) {
		i += 2;
		if (re[i - 1] == 'x' && re[i] == '{')
			i += strcspn(re + i, "}") + 1;
	} else if (re[i] == '[')
		i = class_end(re, i);
	else if (re[i] == '(')
		i = group_end(re, i);
	else
		i++;
	if (re[i] == '{') {
		brace = strspn(re + i + 1, "0123456789,");
		if (brace > 0 && re[i + 1 + brace] == '}')
			i += brace + 2;
	}
	return i + strspn(re + i, "*+?");
}

/* An alternation of the whole has no beginnings that mean something: no parts. */
static void
split(const char *re, struct parts *p)
{
	p->n = 0;
	for (size_t i = 0; re[i] && p->n < PARTS_MAX;) {
		if (re[i] == '|') {
			p->n = 0;
			return;
		}
		i = atom_end(re, i);
		p->end[p->n++] = i;
	}
}

struct attempt {
	struct rules *rules;
	struct pattern_run *run;
	struct text subject;
	const char *re;
};

/* Does the regex up to this offset match; if so, where does its match end? */
static bool
beginning_matches(const struct attempt *a, size_t len, size_t *to)
{
	char *text = xstrndup(a->re, len);
	struct pattern *p = NULL;
	bool yes = false;
	size_t from;

	if (pattern_new(text, PATTERN_PLAIN, &p, NULL) == 0)
		yes = pattern_search(a->run, p, a->subject.s, 0, a->subject.ascii) ==
		    PATTERN_YES && pattern_span(a->run, 0, &from, to);
	pattern_free(p);
	free(text);
	return yes;
}

struct reach {
	size_t parts, of;	/* how many of its parts agree */
	size_t regex;		/* offset of what comes next in the regex */
	size_t text;		/* offset behind the match in the line */
};

static struct reach
reach_of(const struct attempt *a)
{
	struct reach r = { 0 };
	struct parts p;
	size_t low = 0, high;

	split(a->re, &p);
	r.of = p.n;
	for (high = p.n; low < high;) {
		size_t mid = (low + high + 1) / 2, to;

		if (beginning_matches(a, p.end[mid - 1], &to)) {
			low = mid;
			r.regex = p.end[mid - 1];
			r.text = to;
		} else {
			high = mid - 1;
		}
	}
	r.parts = low;
	return r;
}

static void
show(struct buf *out, const char *title, struct str s)
{
	buf_printf(out, "    %-10s", title);
	buf_safe(out, s, SHOWN);
	buf_putc(out, '\n');
}

/* "agrees up to ... then wants ... and finds ...". */
static void
show_reach(struct buf *out, const struct attempt *a, const struct reach *r)
{
	struct str s = a->subject.s, rest = { s.s + r->text, s.len - r->text };

	show(out, "  agrees", (struct str){ a->re, r->regex });
	show(out, "  wants", str_of(a->re + r->regex));
	show(out, "  finds", str_trim(rest));
}

static void
trace_date(struct rules *r, struct str line, int64_t now_ms, struct buf *out)
{
	struct stamp_hit hit = { 0 }, before = { 0 };
	char when[UNITS_TEXT], is[2 * UNITS_TEXT];
	bool found = stamp_find(r->stamp, line, now_ms, &hit);
	struct str date = { line.s + hit.cut_start, hit.cut_end - hit.cut_start };

	if (found && hit.has_time) {
		show(out, "date", date);
		/* what another year makes another date names none */
		stamp_peek(r->stamp, line, now_ms - 400 * MS_PER_DAY, &before);
		snprintf(is, sizeof(is), "%s%s",
		    units_time((int64_t)(hit.when_s * 1000), when),
		    before.when_s < hit.when_s ? " (no year in the line)" : "");
		show(out, "  is", str_of(is));
	} else {
		show(out, "date", STR("none"));
	}
	buf_clear(&r->cut);
	buf_add(&r->cut, line.s, hit.cut_start);
	buf_add(&r->cut, line.s + hit.cut_end, line.len - hit.cut_end);
	buf_putc(&r->cut, '\n');
}

/* False: the prefregex does not match, and that is said. */
static bool
trace_prefix(struct attempt *a, struct buf *out)
{
	struct regex *x = a->rules->pref;
	struct captures c = { 0 };
	struct spans spans;
	struct reach reach;

	if (!x)
		return true;
	if (pattern_search(a->run, x->re, a->subject.s, 0, a->subject.ascii) !=
	    PATTERN_YES) {
		a->re = pattern_text(x->re);
		reach = reach_of(a);
		show(out, "prefregex", STR("does not match"));
		show_reach(out, a, &reach);
		return false;
	}
	capture_spans(&x->map, a->run, &spans);
	capture_read(&x->map, &spans, a->subject.s, &c, &a->rules->joined);
	if (c.v[CAP_CONTENT].len > 0) {
		buf_clear(&a->rules->content);
		buf_str(&a->rules->content, c.v[CAP_CONTENT]);
		buf_putc(&a->rules->content, '\n');
		a->subject.s = buf_view(&a->rules->content);
		show(out, "content", c.v[CAP_CONTENT]);
	}
	return true;
}

/* The regex that came furthest in the text; of equals, in its own parts. */
static void
trace_regexes(struct attempt *a, struct buf *out)
{
	struct reach best = { 0 };
	size_t which = SIZE_MAX;
	char title[32];

	for (size_t i = 0; i < a->rules->nfail; i++) {
		struct reach r;

		a->re = pattern_text(a->rules->fail[i].re);
		r = reach_of(a);
		if (r.text > 0 && (which == SIZE_MAX || r.text > best.text ||
		    (r.text == best.text && r.parts > best.parts))) {
			best = r;
			which = i;
		}
	}
	if (which == SIZE_MAX) {
		show(out, "failregex", STR("none begins to match"));
		return;
	}
	a->re = pattern_text(a->rules->fail[which].re);
	snprintf(title, sizeof(title), "%zu is closest", which + 1);
	show(out, "failregex", str_of(title));
	show_reach(out, a, &best);
}

void
rules_trace(struct rules *r, struct str line, int64_t now_ms, struct buf *out)
{
	struct attempt a = { .rules = r, .run = pattern_run_new() };
	struct text t;

	decoder_line(r->decoder, line, &t);
	trace_date(r, t.s, now_ms, out);
	a.subject = (struct text){ buf_view(&r->cut), t.ascii };
	if (trace_prefix(&a, out))
		trace_regexes(&a, out);
	pattern_run_free(a.run);
}
