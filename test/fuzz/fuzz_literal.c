/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_literal.c - first line: a regex; the others: text. Where the regex matches, its
 * literals must be: else the search for them would lose the line.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/core/decode.h"
#include "banner/core/literal.h"
#include "banner/core/pattern.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct subject_of { struct pattern *re; struct pattern_run *run; const char *regex; };

static bool
holds(const struct literal *l, struct str s)
{
	for (size_t at = 0; at + l->text.len <= s.len; at++)
		if (!literal_digits(s, at, l->digits))
			continue;
		else if (l->nocase ? !strncasecmp(s.s + at, l->text.s, l->text.len) :
		    !memcmp(s.s + at, l->text.s, l->text.len))
			return true;
	return false;
}

static void
check_sets(const struct literal_sets *sets, struct str s)
{
	for (size_t i = 0; i < sets->n; i++) {
		bool found = false;

		for (size_t k = 0; k < sets->v[i].n; k++)
			found |= holds(&sets->v[i].v[k], s);
		if (!found)
			abort();
	}
}

/* The search up to the last text gives the same groups. */
static void
check_end(struct subject_of *x, struct text t, enum pattern_result whole)
{
	struct str last = literal_end(x->regex);
	size_t from[8], to[8], f, e;
	bool set[8] = { false };

	if (last.len == 0 || whole < PATTERN_NO)
		return;
	for (unsigned g = 1; whole == PATTERN_YES && g < 8; g++)
		set[g] = pattern_span(x->run, g, &from[g], &to[g]);
	t.s = literal_until(t.s, last);
	if (pattern_search(x->run, x->re, t.s, 0, t.ascii) != whole)
		abort();
	for (unsigned g = 1; whole == PATTERN_YES && g < 8; g++)
		if (pattern_span(x->run, g, &f, &e) != set[g] ||
		    (set[g] && (f != from[g] || e != to[g])))
			abort();
}

static void
check_line(struct subject_of *x, struct str line, struct decoder *d)
{
	struct arena *a = arena_new();
	struct literals l;
	struct text t;
	enum pattern_result rc;

	decoder_line(d, line, &t);
	literal_extract(x->regex, CUT_NONE, a, &l);
	rc = pattern_search(x->run, x->re, t.s, 0, t.ascii);
	if (rc == PATTERN_YES) {
		check_sets(&l.sets, t.s);
		if (!literal_in_order(&l.order, t.s))
			abort();
	}
	check_end(x, t, rc);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p, n }, first, line;
	struct subject_of x = { 0 };
	struct decoder *d;
	struct err e;
	char *regex;

	str_cut(&rest, '\n', &first);
	if (first.len == 0 || first.len > 200 || memchr(first.s, '\0', first.len))
		return 0;
	regex = xstrndup(first.s, first.len);
	if (pattern_new(regex, PATTERN_PREFIX, &x.re, &e) == 0) {
		decoder_new("utf-8", &d, &e);
		x.run = pattern_run_small();
		x.regex = pattern_text(x.re);
		while (rest.s && rest.len > 0) {
			str_cut(&rest, '\n', &line);
			check_line(&x, line, d);
		}
		pattern_run_free(x.run);
		decoder_free(d);
		pattern_free(x.re);
	}
	free(regex);
	return 0;
}
