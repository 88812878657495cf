/* SPDX-License-Identifier: GPL-2.0-or-later
 * netset.h - a set of prefixes, asked which of them covers or touches an address.
 *
 * A sorted array of prefixes with a number each; 24 bytes per entry, so a list of a
 * hundred thousand networks is cheap. Sorted on the first question after a change.
 * Embedded in its owner; zero-initialised is empty. Bounded by its owner.
 */
#ifndef BANNER_NETSET_H
#define BANNER_NETSET_H

#include <stdbool.h>
#include <stddef.h>

#include "banner/base/addr.h"

struct netset_entry {
	struct addr net;
	uint32_t tag;		/* the owner's */
};

struct netset {
	struct netset_entry *v;
	size_t n, cap;
	bool sorted;
	uint8_t plens[2][129];	/* prefix lengths in use, per family */
	bool begins[2][256];	/* some entry has addresses with this first byte */
};

void	netset_fini(struct netset *);
void	netset_add(struct netset *, const struct addr *, uint32_t tag);
/* The longest prefix that contains a; NULL when none does. */
const struct netset_entry	*netset_covers(struct netset *, const struct addr *a);
/* An entry inside the prefix a (or equal to it); NULL when there is none. */
const struct netset_entry	*netset_inside(struct netset *, const struct addr *a);

#endif
