/* SPDX-License-Identifier: GPL-2.0-or-later
 * track_index.h - where in the tracker is the cell of a hash?
 *
 * Open addressing with linear probing over pairs (cell number, hash), 8 bytes each.
 * It grows by moving a few slots from the old table at each change, so that no
 * insertion stalls. The keys themselves are the caller's. Embedded in its owner.
 */
#ifndef BANNER_TRACK_INDEX_H
#define BANNER_TRACK_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct track_slots {
	uint64_t *v;		/* 0 free, MOVED, or (cell + 1) << 32 | hash */
	size_t cap;		/* power of two, 0: none */
};

struct track_index {
	struct track_slots now, old;
	size_t n;		/* entries in both */
	size_t moved;		/* slots of old already emptied */
};

/* Is this the cell that is looked for? */
typedef bool (track_same_fn)(const void *arg, uint32_t cell);

#define TRACK_NONE (UINT32_MAX - 1)	/* no such cell */

void	 track_index_fini(struct track_index *);
uint32_t track_index_find(const struct track_index *, uint32_t hash, track_same_fn *,
	    const void *arg);
void	 track_index_add(struct track_index *, uint32_t hash, uint32_t cell);
void	 track_index_del(struct track_index *, uint32_t hash, uint32_t cell);
size_t	 track_index_bytes(const struct track_index *);

#endif
