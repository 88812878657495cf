/* SPDX-License-Identifier: GPL-2.0-or-later
 * track_index.c - open addressing that grows in steps.
 */
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/core/track_index.h"

#define MOVED UINT64_MAX	/* held something; the probe goes on */

/* At 13/16 a key that is not there costs 15 slots, which are two lines of the cache. */
enum { MIN_CAP = 64, STEP = 16, FULL_16TH = 13 };

static uint64_t
slot_make(uint32_t hash, uint32_t cell)
{
	return ((uint64_t)cell + 1) << 32 | hash;
}

void
track_index_fini(struct track_index *x)
{
	free(x->now.v);
	free(x->old.v);
	*x = (struct track_index){ .n = 0 };
}

static uint32_t
slots_find(const struct track_slots *s, uint32_t hash, track_same_fn *same,
    const void *arg)
{
	if (s->cap == 0)
		return TRACK_NONE;
	for (size_t i = hash & (s->cap - 1); s->v[i]; i = (i + 1) & (s->cap - 1)) {
		uint32_t cell = (uint32_t)(s->v[i] >> 32) - 1;

		if (s->v[i] != MOVED && (uint32_t)s->v[i] == hash && same(arg, cell))
			return cell;
	}
	return TRACK_NONE;
}

uint32_t
track_index_find(const struct track_index *x, uint32_t hash, track_same_fn *same,
    const void *arg)
{
	uint32_t cell = slots_find(&x->now, hash, same, arg);

	return cell != TRACK_NONE ? cell : slots_find(&x->old, hash, same, arg);
}

static void
slots_put(struct track_slots *s, uint64_t slot)
{
	size_t i = (uint32_t)slot & (s->cap - 1);

	while (s->v[i])
		i = (i + 1) & (s->cap - 1);
	s->v[i] = slot;
}

/* A slot of the old table becomes MOVED, not free: later entries of its run are
 * still found behind it. */
static void
index_step(struct track_index *x)
{
	for (int i = 0; x->old.cap && i < STEP; i++) {
		uint64_t *slot = &x->old.v[x->moved++];

		if (*slot && *slot != MOVED) {
			slots_put(&x->now, *slot);
			*slot = MOVED;
		}
		if (x->moved == x->old.cap) {
			free(x->old.v);
			x->old = (struct track_slots){ .cap = 0 };
			x->moved = 0;
		}
	}
}

static void
index_grow(struct track_index *x)
{
	size_t cap = x->now.cap ? x->now.cap * 2 : MIN_CAP;

	while (x->old.cap)
		index_step(x);
	x->old = x->now;
	x->moved = 0;
	x->now.v = xcalloc(cap, sizeof(*x->now.v));
	x->now.cap = cap;
}

void
track_index_add(struct track_index *x, uint32_t hash, uint32_t cell)
{
	if ((x->n + 1) * 16 > x->now.cap * FULL_16TH)
		index_grow(x);
	index_step(x);
	slots_put(&x->now, slot_make(hash, cell));
	x->n++;
}

/* Close the gap: entries behind it move up unless that puts them before their home. */
static void
slots_close(struct track_slots *s, size_t gap)
{
	size_t mask = s->cap - 1;

	for (size_t i = (gap + 1) & mask; s->v[i]; i = (i + 1) & mask) {
		size_t home = (uint32_t)s->v[i] & mask;

		if (((i - home) & mask) >= ((i - gap) & mask)) {
			s->v[gap] = s->v[i];
			gap = i;
		}
	}
	s->v[gap] = 0;
}

static uint64_t *
slots_at(const struct track_slots *s, uint64_t slot)
{
	if (s->cap == 0)
		return NULL;
	for (size_t i = (uint32_t)slot & (s->cap - 1); s->v[i];
	    i = (i + 1) & (s->cap - 1))
		if (s->v[i] == slot)
			return &s->v[i];
	return NULL;
}

void
track_index_del(struct track_index *x, uint32_t hash, uint32_t cell)
{
	uint64_t slot = slot_make(hash, cell);
	uint64_t *at = slots_at(&x->now, slot);

	if (at) {
		slots_close(&x->now, (size_t)(at - x->now.v));
		x->n--;
	} else if ((at = slots_at(&x->old, slot)) != NULL) {
		*at = MOVED;
		x->n--;
	}
	index_step(x);
}

size_t
track_index_bytes(const struct track_index *x)
{
	return (x->now.cap + x->old.cap) * sizeof(uint64_t);
}
