/* SPDX-License-Identifier: GPL-2.0-or-later
 * track_cell.c - the tracker's memory: cells, their order, and what changed.
 */
#include "banner/core/track_cell.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

_Static_assert(sizeof(struct track_cell) == 72, "a tracked key must stay small");

void
cell_fini(struct track_cell *c)
{
	if (c->big)
		free(c->u.block);
	c->big = 0;
	c->n = 0;
}

static size_t
block_bytes(const struct track_cell *c)
{
	return c->big ? ((size_t)CELL_INLINE << c->big) * sizeof(struct track_item) : 0;
}

struct track_item *
cell_room(struct track *t, struct track_cell *c)
{
	struct track_item *v;

	if (c->n < (unsigned)CELL_INLINE << c->big)
		return cell_items(c);
	t->bytes -= block_bytes(c);
	v = c->big ? c->u.block : NULL;
	c->big++;
	v = xrealloc(v, block_bytes(c));
	if (c->big == 1)
		memcpy(v, c->u.in, sizeof(c->u.in));
	c->u.block = v;
	t->bytes += block_bytes(c);
	return v;
}

static uint32_t
key_hash(const struct track *t, const struct track_key *key)
{
	return (uint32_t)hash64(&t->hash, key, sizeof(*key));
}

struct same { const struct track *t; const struct track_key *key; };

static bool
same_key(const void *arg, uint32_t cell)
{
	const struct same *s = arg;

	return memcmp(&cell_at(s->t, cell)->key, s->key, sizeof(*s->key)) == 0;
}

uint32_t
cells_find(const struct track *t, const struct track_key *key)
{
	struct same s = { .t = t, .key = key };

	return track_index_find(&t->index, key_hash(t, key), same_key, &s);
}

static uint32_t
cells_take(struct track *t)
{
	uint32_t i = t->free_cells;

	if (i != TRACK_NONE) {
		t->free_cells = cell_at(t, i)->next;
		return i;
	}
	if (t->ncells == t->nchunks * CELLS_CHUNK) {
		t->chunks = xrealloc(t->chunks, (t->nchunks + 1) * sizeof(*t->chunks));
		t->chunks[t->nchunks++] = xmalloc(CELLS_CHUNK * sizeof(**t->chunks));
	}
	return t->ncells++;
}

static void
list_append(struct track *t, uint32_t i)
{
	struct track_cell *c = cell_at(t, i);

	c->prev = t->youngest;
	c->next = TRACK_NONE;
	if (t->youngest != TRACK_NONE)
		cell_at(t, t->youngest)->next = i;
	else
		t->oldest = i;
	t->youngest = i;
}

static void
list_remove(struct track *t, uint32_t i)
{
	struct track_cell *c = cell_at(t, i);

	if (c->prev != TRACK_NONE)
		cell_at(t, c->prev)->next = c->next;
	else
		t->oldest = c->next;
	if (c->next != TRACK_NONE)
		cell_at(t, c->next)->prev = c->prev;
	else
		t->youngest = c->prev;
}

uint32_t
cells_new(struct track *t, const struct track_key *key, int64_t newest)
{
	uint32_t i = cells_take(t);

	*cell_at(t, i) = (struct track_cell){ .key = *key, .newest = newest };
	list_append(t, i);
	track_index_add(&t->index, key_hash(t, key), i);
	t->bytes += sizeof(struct track_cell);
	return i;
}

void
cells_touch(struct track *t, uint32_t i)
{
	if (t->youngest == i)
		return;
	list_remove(t, i);
	list_append(t, i);
}

/* Beyond the cap the store keeps a record too long; it is judged by its times when it
 * comes back, so that costs accuracy only after a crash. */
static void
note_gone(struct track *t, const struct track_key *key)
{
	if (t->ngone == CHANGED_MAX)
		return;
	if (t->ngone == t->gone_cap) {
		t->gone_cap = t->gone_cap ? t->gone_cap * 2 : 64;
		t->gone = xrealloc(t->gone, t->gone_cap * sizeof(*t->gone));
	}
	t->gone[t->ngone++] = *key;
}

void
cells_del(struct track *t, uint32_t i)
{
	struct track_cell *c = cell_at(t, i);

	if (c->stored)
		note_gone(t, &c->key);
	track_index_del(&t->index, key_hash(t, &c->key), i);
	list_remove(t, i);
	t->bytes -= sizeof(*c) + block_bytes(c);
	cell_fini(c);
	c->changed = false;
	c->next = t->free_cells;
	t->free_cells = i;
	if (t->last == i)
		t->last = TRACK_NONE;
}

void
cells_changed(struct track *t, uint32_t i)
{
	struct track_cell *c = cell_at(t, i);

	if (c->changed)
		return;
	c->changed = true;
	if (t->all_changed)
		return;
	if (t->nchanged == CHANGED_MAX) {
		t->all_changed = true;
		return;
	}
	if (t->nchanged == t->changed_cap) {
		t->changed_cap = t->changed_cap ? t->changed_cap * 2 : 64;
		t->changed = xrealloc(t->changed, t->changed_cap * sizeof(*t->changed));
	}
	t->changed[t->nchanged++] = i;
}

void
cells_stored(struct track *t, uint32_t i)
{
	cell_at(t, i)->stored = true;
}

size_t
track_bytes(const struct track *t)
{
	size_t chunks =
	    t->nchunks * (CELLS_CHUNK * sizeof(struct track_cell) + sizeof(void *));
	size_t blocks = t->bytes - t->index.n * sizeof(struct track_cell);

	return sizeof(*t) + chunks + blocks + track_index_bytes(&t->index) +
	    t->changed_cap * sizeof(*t->changed) + t->gone_cap * sizeof(*t->gone);
}
