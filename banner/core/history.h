/* SPDX-License-Identifier: GPL-2.0-or-later
 * history.h - known offenders: how often was a subject banned before?
 *
 * One count per (jail, subject) and, if wanted, one over all jails. At most max
 * entries: then the offender not banned for longest is forgotten. An entry is
 * forgotten, too, when its last ban ended more than keep_ms ago.
 */
#ifndef BANNER_HISTORY_H
#define BANNER_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct history;
struct subject;

enum { HISTORY_ALL = 0xffffffff };	/* instead of a jail's number: over all jails */

/* all: keep the counts over all jails, too; else they are 0. */
struct history	*history_new(size_t max, int64_t keep_ms, bool all);
void		 history_free(struct history *);
/* Bans so far. */
unsigned	 history_count(struct history *, uint32_t jail, const struct subject *,
		    int64_t now_ms);
/* One more ban, until (0: for ever). */
void		 history_add(struct history *, uint32_t jail, const struct subject *,
		    int64_t now_ms, int64_t until_ms);
/* At least this many bans, the last at last_ms. */
void history_restore(struct history *, uint32_t jail, const struct subject *,
    unsigned count, int64_t last_ms);
void history_forget(struct history *, uint32_t jail, const struct subject *);
void		 history_shift(struct history *, int64_t delta_ms);
size_t		 history_size(const struct history *);
uint64_t	 history_evicted(const struct history *);	/* at the cap */

#endif
