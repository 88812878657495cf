/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal.h - texts that a match must contain.
 *
 * From a translated regex comes a conjunction of sets: every line that matches holds
 * a member of each set. The scan looks for one set per regex and so finds the
 * candidate lines. It may report a line too many, never one too few.
 *
 * The texts are ASCII only, so they are valid for every source whose encoding is a
 * superset of ASCII (not for UTF-16).
 */
#ifndef BANNER_LITERAL_H
#define BANNER_LITERAL_H

#include "banner/base/arena.h"
#include "banner/base/str.h"

/* Strings of one set; strings that alternatives multiply to; sets of one regex. */
enum { LITERAL_SET_MAX = 400, LITERAL_PRODUCT_MAX = 64, LITERAL_SETS_MAX = 8 };

/* Before matching, the date is cut out of the line, so text that is together in what
 * the regex sees may be apart in the file. What is known of where the cut can be: */
enum literal_cut {
	CUT_NONE,	/* nothing is removed: journal lines, or only at the line start */
	CUT_WORD,	/* the default templates: only between two bytes (or line ends)
			 * that are both no word characters; see literal.c on TAI64N */
	CUT_ANY,	/* anywhere: each text counts as one of its two halves */
};

struct literal { struct str text; bool nocase; };	/* nocase: lower case, ASCII case ignored */
struct literal_set { struct literal *v; size_t n; };
struct literal_sets {
	struct literal_set v[LITERAL_SETS_MAX];
	size_t n;	/* 0: nothing is known, every line is a candidate */
};

/* Sets of a regex as pattern_text() gives it, best first (rare-looking, long, few).
 * The texts live in the arena. Never fails: what is not understood gives no set. */
void	literal_extract(const char *regex, enum literal_cut, struct arena *,
	    struct literal_sets *);
/* Add the sets of b (a prefregex, which must match too) to a; best first, capped. */
void	literal_join(struct literal_sets *a, const struct literal_sets *b);
/* How good a set looks without a sample of the source; higher is rarer. */
double	literal_score(const struct literal_set *);

#endif
