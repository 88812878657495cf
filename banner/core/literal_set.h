/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal_set.h - sums and products of sets of strings.
 *
 * A struct part is what is known of a piece of a regex: the exact strings it can
 * match (if there are few), and sets of which each match holds a member.
 */
#ifndef BANNER_LITERAL_SET_H
#define BANNER_LITERAL_SET_H

#include "banner/base/arena.h"
#include "banner/base/str.h"

/* Strings of one set; strings that alternatives multiply to. */
enum { LITERAL_SET_MAX = 400, LITERAL_PRODUCT_MAX = 64 };

/* Before matching, the date is cut out of the line, so text that is together in what
 * the regex sees may be apart in the file. What is known of where the cut can be: */
enum literal_cut {
	CUT_NONE,	/* nothing is removed, or only at the start of the line */
	CUT_WORD,	/* the default templates: only between two bytes (or line ends)
			 * that are both no word characters; see literal.c on TAI64N */
	CUT_BEFORE,	/* only before a byte that is no word character */
	CUT_ANY,	/* anywhere: each text counts as one of its two halves */
};

/* nocase: the text is lower case, and ASCII case is ignored. digits: so many digits
 * stand before it at least: "\d{3}0[1-9] " is no time of day. */
enum { LITERAL_DIGITS_MAX = 9 };
struct literal { struct str text; bool nocase; uint8_t digits; };

/* Do so many stand before text[at]? Of those beyond ASCII each byte counts as one. */
static inline bool
literal_digits(struct str text, size_t at, unsigned n)
{
	if (at < n)
		return false;
	for (const char *s = text.s + at - n; s < text.s + at; s++)
		if ((*s < '0' || *s > '9') && !(*s & 0x80))
			return false;
	return true;
}

struct literal_set { struct literal *v; size_t n; };

enum { LITERAL_SETS_MAX = 8 };	/* of one regex */

struct literal_sets {
	struct literal_set v[LITERAL_SETS_MAX];
	size_t n;	/* 0: nothing is known, every line is a candidate */
};

/* Add the sets of another, which must match too. */
void	sets_join(struct literal_sets *, const struct literal_sets *);
/* Copy all of them into this arena, to outlive the one they were made in. */
void	sets_own(struct literal_sets *, struct arena *);

/* How good a set looks without a sample of the source; higher is rarer. */
double	literal_score(const struct literal_set *);

struct part {
	bool exact;			/* strings holds every text it matches */
	uint8_t digits;			/* every text it matches ends with so many */
	struct literal_set strings;
	struct literal_set *need;	/* each match holds one of each */
	size_t nneed;
};

struct literal_set	set_one(struct arena *, struct str, bool nocase);
/* Each of the first followed by each of the second; the caller checked the size. */
struct literal_set	set_product(struct arena *, struct literal_set,
			    struct literal_set);
struct literal_set	set_union(struct arena *, struct literal_set,
			    struct literal_set);
void	part_need(struct arena *, struct part *, struct literal_set);
/* Add the pieces that each match of the part holds in one piece whatever is cut. */
void	sets_take(struct literal_sets *, struct arena *, const struct part *,
	    enum literal_cut);

#endif
