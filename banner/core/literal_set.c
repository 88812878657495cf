/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal_set.c - sums and products of sets of strings, and how rare they look.
 */
#include "banner/core/literal_set.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum {
	USEFUL_BYTES = 3,	/* shorter texts are everywhere */
	PIECES_MAX = 6,		/* of one text, besides its heaviest */
	HEAVIEST = PIECES_MAX,
};

static struct str
lower(struct arena *a, struct str s)
{
	char *copy = arena_dup(a, s);

	for (size_t i = 0; i < s.len; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] | 0x20);
	return (struct str){ copy, s.len };
}

struct literal_set
set_one(struct arena *a, struct str s, bool nocase)
{
	struct literal *v = arena_alloc(a, sizeof(*v));

	v->text = nocase ? lower(a, s) : (struct str){ arena_dup(a, s), s.len };
	v->nocase = nocase;
	return (struct literal_set){ v, 1 };
}

static struct literal
join(struct arena *a, const struct literal *x, const struct literal *y)
{
	size_t len = x->text.len + y->text.len;
	bool nocase = x->nocase || y->nocase;
	char *s = arena_alloc(a, len + 1);

	if (x->text.len)
		memcpy(s, x->text.s, x->text.len);
	if (y->text.len)
		memcpy(s + x->text.len, y->text.s, y->text.len);
	if (nocase && !(x->nocase && y->nocase))
		return (struct literal){ lower(a, (struct str){ s, len }), true,
			x->digits };
	return (struct literal){ { s, len }, nocase, x->digits };
}

struct literal_set
set_product(struct arena *a, struct literal_set x, struct literal_set y)
{
	struct literal_set out = { arena_alloc(a, x.n * y.n * sizeof(*out.v)), 0 };

	for (size_t i = 0; i < x.n; i++)
		for (size_t k = 0; k < y.n; k++)
			out.v[out.n++] = join(a, &x.v[i], &y.v[k]);
	return out;
}

static bool
has(const struct literal_set *set, const struct literal *l)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->v[i].nocase == l->nocase && set->v[i].digits == l->digits &&
		    str_eq(set->v[i].text, l->text))
			return true;
	return false;
}

struct literal_set
set_union(struct arena *a, struct literal_set x, struct literal_set y)
{
	struct literal_set out = { arena_alloc(a, (x.n + y.n) * sizeof(*out.v)), 0 };

	for (size_t i = 0; i < x.n; i++)
		if (!has(&out, &x.v[i]))
			out.v[out.n++] = x.v[i];
	for (size_t i = 0; i < y.n; i++)
		if (!has(&out, &y.v[i]))
			out.v[out.n++] = y.v[i];
	return out;
}

/* Also true of the empty set. */
static bool
set_has_empty(const struct literal_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (!set->v[i].text.len)
			return true;
	return set->n == 0;
}

void
part_need(struct arena *a, struct part *p, struct literal_set set)
{
	struct literal_set *v;

	if (set_has_empty(&set))
		return;
	v = arena_alloc(a, (p->nneed + 1) * sizeof(*v));
	if (p->nneed)
		memcpy(v, p->need, p->nneed * sizeof(*v));
	v[p->nneed] = set;
	p->need = v;
	p->nneed++;
}

/* Letters that are rare in log text say more than common ones. */
static double
weight(struct str s)
{
	double sum = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.s[i];

		if (strchr("aeiostnrl ", c) && c)
			sum += 0.35;
		else if (isdigit(c) || (ispunct(c) && strchr(".:-[]/", c)))
			sum += 0.5;
		else
			sum += 1;
	}
	return sum;
}

double
literal_score(const struct literal_set *set)
{
	double least = 1e9;

	for (size_t i = 0; i < set->n; i++) {
		double w = weight(set->v[i].text);

		if (w < least)
			least = w;
	}
	return least - 0.15 * (sqrt((double)set->n) - 1);
}

static bool
is_word(char c)
{
	/* Bytes of letters beyond ASCII count as none: then more is cut, never less. */
	return isalnum((unsigned char)c) || c == '_';
}

/* Can the line be apart between s[at - 1] and s[at]? */
static bool
breaks(struct str s, size_t at, enum literal_cut cut)
{
	if (s.s[at] == '\n' || s.s[at - 1] == '\n')
		return true;
	switch (cut) {
	case CUT_NONE:
	case CUT_ANY:
		break;
	case CUT_WORD:
		return !is_word(s.s[at - 1]) && !is_word(s.s[at]);
	case CUT_BEFORE:
		return !is_word(s.s[at]);
	}
	return false;
}

/* What is between places where the line can be apart: the heaviest piece, or the one
 * with this number. Empty: there is none. */
static struct str
piece_of(struct str s, enum literal_cut cut, size_t number)
{
	struct str best = { s.s, 0 };
	double heaviest = -1;
	size_t from = 0, n = 0;

	for (size_t at = 1; at <= s.len; at++) {
		struct str piece;

		if (at < s.len && !breaks(s, at, cut))
			continue;
		piece = (struct str){ s.s + from, at - from };
		from = at;
		if (piece.len == 1 && piece.s[0] == '\n')
			continue;
		if (n++ == number)
			return piece;
		if (number == HEAVIEST && weight(piece) > heaviest) {
			heaviest = weight(piece);
			best = piece;
		}
	}
	return best;
}

static void
add_once(struct literal_set *set, struct literal l)
{
	if (!has(set, &l))
		set->v[set->n++] = l;
}

/* Replace each string by a piece of it that no cut can break; a CUT_ANY string becomes
 * its two halves. An empty result means: the set is of no use. */
static struct literal_set
set_uncut(struct arena *a, struct literal_set set, enum literal_cut cut, size_t number)
{
	struct literal_set out = { NULL, 0 };

	out.v = arena_alloc(a, (2 * set.n + 1) * sizeof(*out.v));
	for (size_t i = 0; i < set.n; i++) {
		struct literal l = set.v[i];
		size_t half;

		l.text = piece_of(l.text, cut, number);
		if (cut == CUT_ANY || l.text.s != set.v[i].text.s ||
		    (cut != CUT_NONE && !is_word(l.text.s[0])))
			l.digits = 0;	/* the date may stand between */
		half = cut == CUT_ANY ? l.text.len / 2 : l.text.len;
		if (half < USEFUL_BYTES)
			return (struct literal_set){ NULL, 0 };
		if (cut == CUT_ANY) {	/* one cut breaks only one half */
			struct literal second = l;

			second.text.s += half;
			second.text.len -= half;
			add_once(&out, second);
			l.text.len = half;
		}
		add_once(&out, l);
	}
	return out;
}

static bool
is_same(const struct literal_set *a, const struct literal_set *b)
{
	for (size_t i = 0; i < a->n && a->n == b->n; i++)
		if (a->v[i].nocase != b->v[i].nocase ||
		    a->v[i].digits != b->v[i].digits ||
		    !str_eq(a->v[i].text, b->v[i].text))
			return false;
	return a->n == b->n;
}

/* Add a set in the order of their scores; not one that is there or too bad. */
static void
sets_keep(struct literal_sets *out, struct literal_set set)
{
	double score = literal_score(&set);
	size_t at = out->n;

	for (size_t i = 0; i < out->n; i++)
		if (is_same(&out->v[i], &set))
			return;
	while (at > 0 && literal_score(&out->v[at - 1]) < score)
		at--;
	if (at == LITERAL_SETS_MAX)
		return;
	if (out->n < LITERAL_SETS_MAX)
		out->n++;
	memmove(&out->v[at + 1], &out->v[at], (out->n - at - 1) * sizeof(set));
	out->v[at] = set;
}

void
sets_own(struct literal_sets *sets, struct arena *a)
{
	for (size_t i = 0; i < sets->n; i++) {
		struct literal_set *set = &sets->v[i];
		struct literal *v = arena_alloc(a, set->n * sizeof(*v));

		for (size_t k = 0; k < set->n; k++) {
			v[k] = set->v[k];
			v[k].text.s = arena_dup(a, v[k].text);
		}
		set->v = v;
	}
}

static void
add_pieces(struct literal_sets *out, struct literal_set set)
{
	if (set.n > 0 && set.n <= LITERAL_SET_MAX)
		sets_keep(out, set);
}

/* What looks rare may be on every line of the source, so that the other pieces are sets
 * of their own, from which scan.c chooses by a sample. */
void
sets_take(struct literal_sets *out, struct arena *a, const struct part *p,
    enum literal_cut cut)
{
	for (size_t i = 0; i < p->nneed; i++) {
		add_pieces(out, set_uncut(a, p->need[i], cut, HEAVIEST));
		for (size_t k = 0; k < PIECES_MAX; k++)
			add_pieces(out, set_uncut(a, p->need[i], cut, k));
	}
}

void
sets_join(struct literal_sets *out, const struct literal_sets *more)
{
	for (size_t i = 0; i < more->n; i++)
		sets_keep(out, more->v[i]);
}
