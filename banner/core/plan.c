/* SPDX-License-Identifier: GPL-2.0-or-later
 * plan.c - which lines a match looks at: the literals of all its jails, one scan.
 */
#include "banner/core/plan.h"

#include <stdlib.h>
#include <string.h>

static void
parser_literals(struct rules *r)
{
	const char *const *v = r->parser->literals;
	struct literal_set *set = &r->parser_sets.v[0];

	for (set->n = 0; v && v[set->n]; set->n++)
		;
	if (set->n == 0)
		return;
	set->v = arena_alloc(r->arena, set->n * sizeof(*set->v));
	for (size_t i = 0; i < set->n; i++)
		set->v[i].text = str_of(v[i]);
	r->parser_sets.n = 1;
}

/* An encoding that is not ASCII's superset hides the texts: then every line counts. So
 * it does for a parser with a buffer of lines, which no filter has. */
bool
plan_own_bits(const struct rules *r)
{
	return !(r->multi && r->parser) && decoder_keeps_ascii(r->decoder);
}

static bool
has_any(const struct literal_set *set, const char *text)
{
	for (size_t i = 0; i < set->n; i++)
		if (memmem(set->v[i].text.s, set->v[i].text.len, text, strlen(text)))
			return true;
	return false;
}

static bool
starts_any(const struct literal_set *set, const char *text)
{
	for (size_t i = 0; i < set->n; i++)
		if (str_starts(set->v[i].text, text))
			return true;
	return false;
}

static void
allow(struct rules *r, struct literal_set *set, struct str text)
{
	*set = set_union(r->arena, *set, set_one(r->arena, text, false));
}

/* The file may have the line otherwise (judge_syslog.c). Behind its tag may stand
 * "message repeated N times: [ ", so that a text which goes from the tag into the
 * message is not there; nor are, in "<22>1 2026-", brackets and colon of the tag. */
static void
allow_syslog(struct rules *r, struct literal_sets *sets)
{
	for (size_t i = 0; i < sets->n && !r->multi; i++) {
		struct literal_set *set = &sets->v[i];
		bool spans = starts_any(set, " ") || has_any(set, ": ");

		if (spans)
			allow(r, set, STR("message repeated "));
		if (r->o.filter->ours && (spans || has_any(set, ":") ||
		    has_any(set, "[") || has_any(set, "]")))
			allow(r, set, STR(">1 20"));
	}
}

/* The order and the end make the search of long texts short. */
static void
regex_literals(struct rules *r, struct regex *x)
{
	const char *text = pattern_text(x->re);

	literal_extract(text, stamp_cut(&r->o.filter->datepattern), r->arena,
	    &x->literals);
	if (r->o.no_literals)
		x->literals.order.n = 0;
	else if (!r->multi)
		x->end = literal_end(text);
}

void
plan_literals(struct rules *r)
{
	r->arena = arena_new();
	r->every_line = r->o.no_literals || !plan_own_bits(r);
	if (!plan_own_bits(r))
		return;
	if (r->parser) {
		parser_literals(r);
		r->every_line |= r->parser_sets.n == 0;
	}
	if (r->pref)
		regex_literals(r, r->pref);
	for (size_t i = 0; i < r->nfail; i++) {
		struct literals *l = &r->fail[i].literals;

		regex_literals(r, &r->fail[i]);
		if (r->pref)
			sets_join(&l->sets, &r->pref->literals.sets);
		allow_syslog(r, &l->sets);
		r->every_line |= l->sets.n == 0;
	}
}

size_t
plan_bits(const struct rules *r)
{
	return plan_own_bits(r) ? r->nfail + (r->parser != NULL) : 1;
}

void
plan_make(struct plan *p, struct rules *const *rules, size_t n, struct str sample)
{
	struct scan_rule *v;
	size_t nbits = 0, bit = 0;
	struct literal_sets none = { .n = 0 };
	bool dates = false, every = false;

	for (size_t i = 0; i < n; i++)
		nbits += plan_bits(rules[i]);
	v = xcalloc(nbits + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		struct rules *r = rules[i];

		dates |= stamp_cut(&r->o.filter->datepattern) == CUT_WORD;
		if (!plan_own_bits(r) || r->parser)
			v[bit++].sets = &r->parser_sets;
		for (size_t k = 0; plan_own_bits(r) && k < r->nfail; k++)
			v[bit++] = (struct scan_rule){
				&r->fail[k].literals.sets, r->multi };
		every |= r->o.no_literals;
	}
	if (every)
		v[nbits++].sets = &none;
	plan_fini(p);
	p->scan = scan_new(v, nbits, sample, dates);
	p->run = scan_run_new(p->scan);
	p->sampled = sample.len > 0;
	free(v);
}

void
plan_fini(struct plan *p)
{
	scan_run_free(p->run);
	scan_free(p->scan);
	*p = (struct plan){ 0 };
}
