/* SPDX-License-Identifier: GPL-2.0-or-later
 * increment.h - longer bans for those who come back (bantime.increment and family).
 */
#ifndef BANNER_INCREMENT_H
#define BANNER_INCREMENT_H

#include <stdint.h>

struct conf_increment;

/* The time of a ban after `before` earlier ones. random: 0 <= r < 1, for rndtime, which
 * is added after maxtime. A formula that fails or gives nonsense: the plain time. */
int64_t	 increment_bantime(const struct conf_increment *, int64_t bantime_ms,
	    unsigned before, double random);
/* For how many one failure of a subject with so many bans counts (at most maxretry). */
unsigned increment_weight(unsigned before, unsigned maxretry);

#endif
