/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal_set.h - sums and products of sets of strings, for literal.c only.
 *
 * A struct part is what is known of a piece of a regex: the exact strings it can
 * match (if there are few), and sets of which each match holds a member.
 */
#ifndef BANNER_LITERAL_SET_H
#define BANNER_LITERAL_SET_H

#include "banner/core/literal.h"

struct part {
	bool exact;			/* all is known: strings holds every text it matches */
	struct literal_set strings;
	struct literal_set *need;	/* each match holds one of each */
	size_t nneed;
};

struct literal_set	set_one(struct arena *, struct str, bool nocase);
/* Every string of a followed by every string of b; the caller checked the size. */
struct literal_set	set_product(struct arena *, struct literal_set a, struct literal_set b);
struct literal_set	set_union(struct arena *, struct literal_set a, struct literal_set b);
bool	set_has_empty(const struct literal_set *);	/* also true of the empty set */
void	part_need(struct arena *, struct part *, struct literal_set);
/* Replace each string by its best piece that no cut can break; a CUT_ANY string
 * becomes its two halves. An empty result means: the set is of no use. */
struct literal_set	set_uncut(struct arena *, struct literal_set, enum literal_cut);

#endif
