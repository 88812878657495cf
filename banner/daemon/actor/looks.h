/* SPDX-License-Identifier: GPL-2.0-or-later
 * looks.h - questions of the engine to an actor: is this subject in force out there?
 *
 * Answered when nothing of that subject is under way, so a look that follows a change
 * on the same socket sees its outcome. At most LOOKS_MAX wait; the oldest gives way.
 */
#ifndef BANNER_LOOKS_H
#define BANNER_LOOKS_H

#include "banner/base/buf.h"
#include "banner/daemon/proc/wire.h"

struct instance;

enum { LOOKS_MAX = 16 };

struct look_open {
	uint64_t id;
	uint32_t number;
	struct instance *instance;
	struct subject subject;		/* an address */
};

struct looks {
	struct look_open v[LOOKS_MAX];
	size_t n;
};

/* The rest of a WIRE_LOOK record, after id and number. 0 or -EBADMSG. */
int	looks_add(struct looks *, struct look_open, struct wire_in *);
/* Answer those that can be answered now, into out. */
void	looks_answer(struct looks *, struct buf *out);

#endif
