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

#include "banner/core/literal_set.h"

/* sets: best first (rare-looking, long, few), for the scan. order: of the text that
 * the regex sees, in the order in which a match holds them, one behind the other;
 * those of many members are left out. */
struct literals { struct literal_sets sets, order; };

/* Of a regex as pattern_text() gives it. The texts live in the arena. Never fails: what
 * is not understood gives no set. */
void	literal_extract(const char *regex, enum literal_cut, struct arena *,
	    struct literals *);
/* False: no match is possible, the text has not a member of each in this order. Takes
 * time in proportion to the text, which a search may not. */
bool	literal_in_order(const struct literal_sets *, struct str text);
/* The text after which a match can take all there is ("text.*$"), part of the regex;
 * empty if there is none. */
struct str	literal_end(const char *regex);
/* The text up to its last such piece, or nothing: to search this part gives the same
 * groups as to search all of it. */
struct str	literal_until(struct str text, struct str last);

#endif
