/* SPDX-License-Identifier: GPL-2.0-or-later
 * park.h - decisions that wait for an answer from outside.
 *
 * Each holds a copy of its failure, cut to what a ban needs. At most PARK_MAX, one per
 * (jail, subject); what does not fit is not decided now, and the caller counts it.
 */
#ifndef BANNER_PARK_H
#define BANNER_PARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct park;
struct subject;
struct jail;
struct verdict;

enum { PARK_MAX = 1024, PARK_WAIT_MS = 60000 };

struct park	*park_new(void);
void		 park_free(struct park *);
/* Ticket of the parked copy, 0 when there is no room. */
uint64_t	 park_put(struct park *, const struct verdict *);
/* Take it out; it lives until the next call of any of these. NULL: unknown ticket. */
const struct verdict	*park_take(struct park *, uint64_t ticket);
/* The ticket that has waited too long, or 0. */
uint64_t	 park_late(const struct park *, int64_t now_ms);
bool park_has(const struct park *, const struct jail *, const struct subject *);
size_t		 park_count(const struct park *);
void		 park_shift(struct park *, int64_t delta_ms);

#endif
