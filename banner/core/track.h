/* SPDX-License-Identifier: GPL-2.0-or-later
 * track.h - who failed how often, and when it is enough.
 *
 * One struct track per jail. Exact sliding window: a failure counts while it is not
 * more than findtime older than the newest of its key, in whatever order they arrive.
 * Up to maxretry 64 every time is kept; above that (and not for distinct) times fall
 * into 64 buckets per findtime. Grows stepwise to max_keys; then the key silent for
 * longest is forgotten, so an attacker can cost us accuracy but never memory: less
 * than TRACK_BYTES per key in all, whatever the keys do. No clock: callers pass times.
 */
#ifndef BANNER_TRACK_H
#define BANNER_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/base/buf.h"
#include "banner/base/table.h"

enum { TRACK_BYTES = 120, TRACK_EXACT = 64 };

struct track;
struct track_key { uint8_t b[16]; };	/* an address, or a keyed hash of anything */

struct track_limits {
	unsigned maxretry;	/* 1 .. 65535 */
	int64_t findtime_ms;
	size_t max_keys;
	bool distinct;		/* count different values of what, not failures */
};

struct track_hit {
	struct track_key key;
	int64_t when_ms;
	unsigned weight;	/* >= 1; not for distinct */
	uint32_t what;		/* distinct: hash of the user or host */
};

struct track_sum {
	unsigned count;		/* within findtime of the newest, this hit included */
	int64_t first_ms, newest_ms;	/* of those */
	uint32_t mark;		/* as given to track_mark; 0: none */
};

struct track	*track_new(const struct track_limits *, const struct hash_key *);
void		 track_free(struct track *);
/* Other limits (ranges as above); failures out of the new window are forgotten. */
void		 track_limit(struct track *, unsigned maxretry, int64_t findtime_ms);

/* Count a failure. True when the limit is reached: this last failure is then not kept,
 * and the caller decides whether the key is to be forgotten. */
bool track_add(struct track *, const struct track_hit *, struct track_sum *);
/* Remember a number of the caller's with the key counted last (if it is kept). */
void		 track_mark(struct track *, uint32_t mark);
/* Forget one key. False: was not known. */
bool		 track_forget(struct track *, const struct track_key *);
/* What is known of a key at this moment: failures of the last findtime. */
bool track_find(
    const struct track *, const struct track_key *, int64_t now_ms, struct track_sum *);
/* Forget keys that nothing can add to any more: newest failure older than twice
 * findtime (one that comes late is at most findtime old). At most max of them,
 * beginning with the one silent for longest. Returns how many. */
size_t		 track_sweep(struct track *, int64_t now_ms, size_t max);
/* Times later than now are taken as now. */
void		 track_not_later(struct track *, int64_t now_ms);
/* All times move (the wall clock stepped). */
void		 track_shift(struct track *, int64_t delta_ms);

size_t		 track_count(const struct track *);
uint64_t	 track_evicted(const struct track *);	/* forgotten at the cap */
size_t		 track_bytes(const struct track *);	/* memory in use */

/* Records for the store: those that changed since the last call, or all. An empty
 * record says that the key is gone. */
typedef void (track_record_fn)(void *arg, const struct track_key *, struct str record);
void		 track_records(struct track *, bool all, track_record_fn *, void *arg);
/* 0, or -EINVAL. A record of another kind (distinct or not) is dropped. */
int		 track_restore(struct track *, struct str record);

#endif
