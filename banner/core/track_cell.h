/* SPDX-License-Identifier: GPL-2.0-or-later
 * track_cell.h - the tracker's memory: cells, their order, and what changed.
 *
 * Private to the tracker's files.
 */
#ifndef BANNER_TRACK_CELL_H
#define BANNER_TRACK_CELL_H

#include "banner/core/track.h"
#include "banner/core/track_index.h"

enum {
	CELL_INLINE = 4, CELLS_CHUNK = 4096,
	CHANGED_MAX = 65536,	/* listed changes; more: all cells are looked at */
};

struct track_item { uint32_t age, what; };

struct track_cell {
	struct track_key key;
	int64_t newest;
	uint32_t prev, next;	/* towards the silent, towards the young */
	uint32_t mark;
	uint16_t n;
	uint8_t big; /* items are in a block of CELL_INLINE << big, if not 0 */
	bool changed : 1;	/* since the store was told */
	bool stored : 1;	/* the store has a record of it */
	union {
		struct track_item in[CELL_INLINE];
		struct track_item *block;
	} u;
};

struct track {
	unsigned maxretry;
	bool distinct, all_changed;
	int64_t findtime, grain;
	size_t max_keys, budget, bytes;
	uint64_t evicted;
	struct hash_key hash;
	struct track_index index;
	struct track_cell **chunks;
	size_t nchunks;
	uint32_t ncells;	/* ever used */
	uint32_t free_cells;	/* chained by next */
	uint32_t oldest, youngest, last;
	uint32_t *changed;
	size_t nchanged, changed_cap;
	struct track_key *gone;	/* keys the store still has */
	size_t ngone, gone_cap;
};

static inline struct track_cell *
cell_at(const struct track *t, uint32_t i)
{
	return &t->chunks[i / CELLS_CHUNK][i % CELLS_CHUNK];
}

static inline struct track_item *
cell_items(struct track_cell *c)
{
	return c->big ? c->u.block : c->u.in;
}

static inline const struct track_item *
cell_items_of(const struct track_cell *c)
{
	return c->big ? c->u.block : c->u.in;
}

void			 cell_fini(struct track_cell *);
struct track_item *cell_room(struct track *, struct track_cell *); /* for one more */

uint32_t	cells_find(const struct track *, const struct track_key *);
uint32_t	cells_new(struct track *, const struct track_key *, int64_t newest);
void		cells_touch(struct track *, uint32_t);	/* is now the youngest */
void		cells_del(struct track *, uint32_t);
void		cells_changed(struct track *, uint32_t);
void		cells_stored(struct track *, uint32_t);	/* came from the store */

/* Keep a failure of the cell; too old for its window: not kept. */
void cell_store(struct track *, struct track_cell *, const struct track_hit *);
int64_t		track_grain(const struct track *, int64_t ms);	/* rounded down */

#endif
