/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal.h - texts that a match must contain.
 *
 * From a translated regex comes a conjunction of sets: every match holds a member of
 * each set. The scan looks for one set per regex and so finds the candidate lines. It
 * may report a line too many, never one too few.
 */
#ifndef BANNER_LITERAL_H
#define BANNER_LITERAL_H

#include "banner/base/arena.h"
#include "banner/base/str.h"

enum { LITERAL_SET_MAX = 400, LITERAL_PRODUCT_MAX = 64 };

struct literal { struct str text; bool nocase; };	/* nocase: ASCII case is ignored */
struct literal_set { struct literal *v; size_t n; };
struct literal_sets { struct literal_set *v; size_t n; };	/* n = 0: none is known */

/* Sets of a regex as pattern_text() gives it. cut_date: the date (and the line end)
 * was removed from the text before matching, so no literal may straddle a place where
 * it could have been. Never fails: what is not understood gives no set. */
void	literal_extract(const char *regex, bool cut_date, struct arena *,
	    struct literal_sets *);

#endif
