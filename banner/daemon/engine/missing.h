/* SPDX-License-Identifier: GPL-2.0-or-later
 * missing.h - which far sides of an action do not hold a ban.
 *
 * Only the exceptions are kept: a ban that is everywhere costs nothing. An action's
 * targets are known by name from its actor, at most TARGETS_MAX of them.
 */
#ifndef BANNER_MISSING_H
#define BANNER_MISSING_H

#include <stdint.h>

#include "banner/base/buf.h"

enum { TARGETS_MAX = 1000 };

struct targets {
	char **name;
	unsigned n;	/* named so far */
	unsigned all;	/* how many there are, as the actor told */
};

struct lack {
	unsigned target;
	int err;
};
struct missing {
	struct lack *v;
	unsigned n;
};

void	targets_fini(struct targets *);
/* Number of the name, made if it is new; -1: too many. */
int	targets_find(struct targets *, const char *name);

/* err 0: it holds the ban after all. */
void	missing_set(struct missing *, unsigned target, int err);
void	missing_clear(struct missing *);
/* Is one of them merely late (and not down)? */
bool	missing_is_late(const struct missing *);
/* "3/4 proxies (proxy4: Connection refused)". */
void	missing_text(const struct missing *, const struct targets *, struct buf *);

#endif
