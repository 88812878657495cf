/* SPDX-License-Identifier: GPL-2.0-or-later
 * known.h - who logged in well from where, and when.
 *
 * An old password in a phone, or a Monday morning behind one address, looks like an
 * attack until one sees that the same accounts log in well from there. A pair of
 * address (IPv6: /64) and account that did so is known for the jail's "known" time; its
 * failures do not count. Other accounts from that address count as ever, so an
 * attacker's own account excuses nothing but itself.
 *
 * A table of fixed size; when pairs meet in one place the older is forgotten, and its
 * failures count again until its next login. It is not kept over a restart.
 */
#ifndef BANNER_KNOWN_H
#define BANNER_KNOWN_H

#include <stdbool.h>

#include "banner/core/block.h"

struct known;

struct known	*known_new(void);
void		 known_free(struct known *);
void		 known_add(struct known *, const struct failure *);
/* Did this pair log in well within the time before the failure? */
bool		 known_has(const struct known *, const struct failure *, int64_t ms);

#endif
