/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal.c - reading a regex for the texts that each match must contain.
 *
 * A small recursive reader of PCRE2's syntax. Each piece gives a struct part: the
 * strings it can be, if they are few, and sets of which a match holds a member.
 *
 *	concatenation	strings multiply as long as they are few; then what was
 *			gathered becomes a set and a new run begins
 *	alternation	strings add up; else the best set of each branch, joined
 *	x? x{0,1}	x or nothing; x* x{0,n}: nothing is known
 *	x+ x{2,5}	what x needs is needed
 *	(?=..) ^ \b	zero width: they neither help nor break a run
 *
 * Whatever is not understood is a piece of which nothing is known, or ends the
 * reading with no sets at all. So the worst that can happen is a slow rule.
 *
 * Three hazards, each checked by tests:
 * - The date is cut out before matching (literal_cut). With the default templates both
 *   ends of a date border on something that is no word character, but for TAI64N, which
 *   may follow a letter: the scan therefore treats any line that holds the beginning of
 *   such a label ("@40000000") as a candidate for every rule. Not covered: a date
 *   that begins with a blank or a sign right behind a word ("x 1/02/2005 10:00:00 y"),
 *   cut out of the middle of a text that the regex wants whole ("x y").
 * - Without case, PCRE2 lets U+017F match s and U+212A match k: these two letters are
 *   unknown where case is ignored.
 * - Text is decoded before matching: characters beyond ASCII are unknown.
 */
#include "banner/core/literal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "banner/core/literal_char.h"

enum { DEPTH_MAX = 60, ORDER_MEMBERS = 8 };

static struct part	read_alternatives(struct reader *);

static struct part
part_text(struct reader *r, const char *s, size_t len)
{
	return (struct part){ .exact = true,
	    .strings = set_one(r->a, (struct str){ s, len }, false) };
}

static bool
starts(struct reader *r, const char *prefix)
{
	size_t n = strlen(prefix);

	if (strncmp(r->p, prefix, n) != 0)
		return false;
	r->p += n;
	return true;
}

static struct part
read_group_body(struct reader *r)
{
	struct part p = read_alternatives(r);

	if (*r->p != ')') {
		r->lost = true;
		return part_unknown();
	}
	r->p++;
	return p;
}

static struct part
read_zero_width(struct reader *r)
{
	read_group_body(r);
	return part_text(r, "", 0);
}

/* (?(cond)yes|no): what both branches can be. */
static struct part
read_condition(struct reader *r)
{
	struct part p;

	if (starts(r, "?=") || starts(r, "?!") || starts(r, "?<=") || starts(r, "?<!"))
		read_zero_width(r);
	else
		literal_skip(r, ")");
	if (r->lost)
		return part_unknown();
	/* One branch alone: the other is empty. */
	p = read_alternatives(r);
	if (*r->p++ != ')')
		r->lost = true;
	/* The branches were read as alternatives; a lone one may also be nothing. */
	p.nneed = 0;
	if (p.exact)
		p.strings = set_union(r->a, p.strings, part_text(r, "", 0).strings);
	return p;
}

/* (?flags) and (?flags:...); the pointer stands on the flags. */
static struct part
read_flags(struct reader *r, bool outer)
{
	bool on = true, nocase = r->nocase;
	struct part p;

	for (; *r->p && *r->p != ')' && *r->p != ':'; r->p++) {
		if (*r->p == '-')
			on = false;
		else if (*r->p == 'i')
			nocase = on;
		else if (*r->p == '^')
			nocase = false;
		else if (!strchr("msJUan", *r->p)) {
			r->lost = true;		/* x: white space would count */
			return part_unknown();
		}
	}
	r->nocase = nocase;
	if (*r->p == ')') {		/* to the end of the enclosing group */
		r->p++;
		return part_text(r, "", 0);
	}
	r->lost |= *r->p != ':';
	r->p += *r->p == ':';	/* not past the end */
	p = read_group_body(r);
	r->nocase = outer;
	return p;
}

/* The pointer stands behind "(". */
static struct part
read_group(struct reader *r)
{
	bool outer = r->nocase;
	struct part p;

	if (*r->p == '*') {
		r->lost = true;
		return part_unknown();
	}
	if (!starts(r, "?")) {
		p = read_group_body(r);
		r->nocase = outer;
		return p;
	}
	if (starts(r, "#")) {
		literal_skip(r, ")");
		return part_text(r, "", 0);
	}
	if (starts(r, "P=") || starts(r, "P>") || starts(r, "R") || starts(r, "&") ||
	    isdigit((unsigned char)*r->p)) {
		literal_skip(r, ")");
		return part_unknown();
	}
	if (starts(r, "=") || starts(r, "!") || starts(r, "<=") || starts(r, "<!"))
		p = read_zero_width(r);
	else if (starts(r, "("))
		p = read_condition(r);
	else if (starts(r, "P<") || starts(r, "<")) {
		literal_skip(r, ">");
		p = read_group_body(r);
	} else if (starts(r, ">") || starts(r, "|") || starts(r, ":"))
		p = read_group_body(r);
	else if (starts(r, "C") || starts(r, "+"))
		r->lost = true, p = part_unknown();
	else
		return read_flags(r, outer);
	r->nocase = outer;
	return p;
}

static struct part
read_atom(struct reader *r)
{
	char c = *r->p++;
	bool digit;
	int escaped;

	switch (c) {
	case '(':
		return read_group(r);
	case '[':
		return literal_class(r);
	case '.':
		return part_unknown();
	case '^': case '$':
		return part_text(r, "", 0);
	case '\\':
		digit = *r->p == 'd';
		escaped = literal_escape(r);
		if (escaped == -2)
			return part_text(r, "", 0);
		if (escaped < 0)
			return (struct part){ .digits = digit };
		return literal_char(r, (unsigned)escaped);
	default:
		return literal_char(r, (unsigned char)c);
	}
}

/* {n}, {n,}, {n,m}: true and the pointer behind it; else it is plain text. */
static bool
read_braces(struct reader *r, unsigned long *low, unsigned long *high)
{
	const char *p = r->p + 1;
	char *end;

	if (!isdigit((unsigned char)*p))
		return false;
	*low = *high = strtoul(p, &end, 10);
	if (*end == ',') {
		p = end + 1;
		*high = ~0ul;
		end = (char *)(uintptr_t)p;
		if (isdigit((unsigned char)*p))
			*high = strtoul(p, &end, 10);
	}
	if (*end != '}')
		return false;
	r->p = end + 1;
	return true;
}

static bool
read_quantifier(struct reader *r, unsigned long *low, unsigned long *high)
{
	switch (*r->p) {
	case '*': *low = 0; *high = ~0ul; r->p++; break;
	case '+': *low = 1; *high = ~0ul; r->p++; break;
	case '?': *low = 0; *high = 1; r->p++; break;
	case '{':
		if (!read_braces(r, low, high))
			return false;
		break;
	default:
		return false;
	}
	if (*r->p == '?' || *r->p == '+')
		r->p++;
	return true;
}

static struct part
repeat(struct reader *r, struct part p, unsigned long low, unsigned long high)
{
	struct part out = part_unknown();

	if (low == 0 && high == 1 && p.exact && p.strings.n < LITERAL_PRODUCT_MAX) {
		out.exact = true;
		out.strings = set_union(r->a, p.strings, part_text(r, "", 0).strings);
		return out;
	}
	if (low == 0)
		return out;
	if (low == 1 && high == 1)
		return p;
	/* what an exact part needs are its strings, which are told once, below */
	if (!p.exact) {
		out.need = p.need;
		out.nneed = p.nneed;
	}
	if (p.digits)
		out.digits = low < LITERAL_DIGITS_MAX ? (uint8_t)low :
		    LITERAL_DIGITS_MAX;
	if (p.exact && p.strings.n == 1 && !p.strings.v[0].text.len)
		return p;	/* zero width, however often */
	if (p.exact && low == high && low <= 3 &&
	    p.strings.n * p.strings.n * p.strings.n <= LITERAL_PRODUCT_MAX) {
		out = p;
		for (unsigned long i = 1; i < low; i++)
			out.strings = set_product(r->a, out.strings, p.strings);
	} else if (p.exact) {
		part_need(r->a, &out, p.strings);
	}
	return out;
}

/* Digits that end what was gathered so far: a new run that is empty knows of those
 * before it. */
static uint8_t
digits_before(const struct part *run, const struct part *p)
{
	const struct literal *first = run->strings.v;
	unsigned n = p->digits;

	if (n > 0 && run->strings.n == 1 && first->text.len == 0)
		n += first->digits;
	return n < LITERAL_DIGITS_MAX ? (uint8_t)n : LITERAL_DIGITS_MAX;
}

/* What was gathered so far, and one more piece. */
static void
append(struct reader *r, struct part *run, bool *exact, struct part p)
{
	uint8_t digits = digits_before(run, &p);

	if (p.exact && run->strings.n * p.strings.n <= LITERAL_PRODUCT_MAX) {
		run->strings = set_product(r->a, run->strings, p.strings);
		return;
	}
	*exact = false;
	part_need(r->a, run, run->strings);
	if (p.exact) {
		run->strings = p.strings;
		return;
	}
	run->strings = part_text(r, "", 0).strings;
	run->strings.v[0].digits = digits;
	for (size_t i = 0; i < p.nneed; i++)
		part_need(r->a, run, p.need[i]);
}

/* Characters that stand for themselves, each once: how many come now. The last one
 * before a quantifier is none of them. */
static size_t
plain_length(const struct reader *r)
{
	size_t n = 0;

	while (!r->nocase && !strchr("\\[](){}.^$|*+?", r->p[n]) && !literal_vague(r,
	    (unsigned char)r->p[n]))
		n++;
	return n > 0 && r->p[n] && strchr("*+?{", r->p[n]) ? n - 1 : n;
}

static struct part
read_sequence(struct reader *r)
{
	struct part run = part_text(r, "", 0);
	bool exact = true;

	while (!r->lost && *r->p && *r->p != '|' && *r->p != ')') {
		size_t plain = plain_length(r);
		unsigned long low, high;
		struct part p;

		if (plain > 1) {
			append(r, &run, &exact, part_text(r, r->p, plain));
			r->p += plain;
			continue;
		}
		p = read_atom(r);
		while (!r->lost && read_quantifier(r, &low, &high))
			p = repeat(r, p, low, high);
		append(r, &run, &exact, p);
	}
	run.exact = exact;
	part_need(r->a, &run, run.strings);
	if (!exact)
		run.strings = (struct literal_set){ NULL, 0 };
	return run;
}

static const struct literal_set *
best_need(const struct part *p)
{
	const struct literal_set *best = NULL;

	for (size_t i = 0; i < p->nneed; i++)
		if (!best || literal_score(&p->need[i]) > literal_score(best))
			best = &p->need[i];
	return best;
}

static struct part
alternate(struct reader *r, const struct part *x, const struct part *y)
{
	const struct literal_set *a = best_need(x), *b = best_need(y);
	struct part out = part_unknown();

	if (x->exact && y->exact) {
		out.strings = set_union(r->a, x->strings, y->strings);
		out.exact = out.strings.n <= LITERAL_PRODUCT_MAX;
	}
	if (a && b && a->n + b->n <= LITERAL_SET_MAX)
		part_need(r->a, &out, set_union(r->a, *a, *b));
	return out;
}

/* Up to the closing bracket of the group, or the end. */
static struct part
read_alternatives(struct reader *r)
{
	struct part p;

	if (++r->depth > DEPTH_MAX)
		r->lost = true;
	p = read_sequence(r);
	while (!r->lost && *r->p == '|') {
		struct part next;

		r->p++;
		next = read_sequence(r);
		p = alternate(r, &p, &next);
	}
	r->depth--;
	return r->lost ? part_unknown() : p;
}

/* False: not understood. */
static bool
read_regex(const char *regex, struct arena *a, struct part *p)
{
	struct reader r = { .p = regex, .a = a };

	*p = read_alternatives(&r);
	return !r.lost && !*r.p;
}

static void
take_order(const struct part *p, struct literal_sets *out)
{
	for (size_t i = 0; i < p->nneed && out->n < LITERAL_SETS_MAX; i++)
		if (p->need[i].n <= ORDER_MEMBERS)
			out->v[out->n++] = p->need[i];
}

void
literal_extract(const char *regex, enum literal_cut cut, struct arena *a,
    struct literals *out)
{
	struct arena *scratch = arena_new();
	struct part p;

	out->sets.n = out->order.n = 0;
	if (read_regex(regex, scratch, &p)) {
		sets_take(&out->sets, scratch, &p, cut);
		take_order(&p, &out->order);
	}
	sets_own(&out->sets, a);
	sets_own(&out->order, a);
	arena_free(scratch);
}
