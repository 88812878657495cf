/* SPDX-License-Identifier: GPL-2.0-or-later
 * guard_in.h - a group of the guard, as it arrives in records.
 *
 * A group may come in several records; the guard gets it when the last one is there.
 * What it holds meanwhile is bounded. Embedded in its owner; zeroed is empty.
 */
#ifndef BANNER_GUARD_IN_H
#define BANNER_GUARD_IN_H

#include <stddef.h>

#include "banner/base/buf.h"

struct guard;
struct guard_entry;
struct wire_in;

struct guard_in {
	struct guard_entry *v;
	size_t n;
	struct buf reasons;
	const char *group;	/* that was replaced; valid as long as its record */
};

/* Take a WIRE_GUARD. 1: the group was replaced; 0: more of it follows; -EBADMSG. */
int	guard_in_record(struct guard_in *, struct guard *, struct wire_in *);
void	guard_in_fini(struct guard_in *);

#endif
