/* SPDX-License-Identifier: GPL-2.0-or-later
 * track_window.c - the sliding window of track.h.
 *
 * A key is a cell of 72 bytes: the key, its newest time, and items sorted from young
 * to old. An item is an age relative to the newest time and a number: how many
 * failures fell on that time, or, when different users or hosts are counted, which
 * one it was. Ages instead of times keep an item at 32 bits for every findtime and
 * make the window test one comparison; when a newer failure comes, all ages of the
 * cell grow by the difference, which are a handful. A failure that arrives late is
 * simply an item with its age.
 *
 * Four items lie in the cell, enough for maxretry 5: the failure that reaches the
 * limit is never stored. More live in a block of their own that doubles. Cells and
 * blocks together have a budget, so keys with many items cost other keys, not memory.
 *
 * The grain is the unit of ages: 1 ms; a 64th of findtime when maxretry is above 64;
 * and coarser when findtime would not fit. Times are rounded down to it.
 *
 * Cells lie in chunks that never move, are linked from silent longest to youngest and
 * are found by track_index. A cell that changed is listed for the store.
 */
#include "banner/core/track.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/track_cell.h"

/* Cells and blocks may take this much per key on average; the index needs the rest. */
enum { CELL_BUDGET = 88, BUDGET_MIN = 65536 };

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t
track_grain(const struct track *t, int64_t ms)
{
	return t->grain == 1 ? ms : floor_div(ms, t->grain) * t->grain;
}

static void
set_limits(struct track *t, unsigned maxretry, int64_t findtime_ms)
{
	t->maxretry = maxretry ? maxretry : 1;
	t->findtime = findtime_ms < 0 ? 0 : findtime_ms;
	t->grain = 1;
	if (!t->distinct && t->maxretry > TRACK_EXACT)
		t->grain = t->findtime / TRACK_EXACT + 1;
	if (t->findtime / t->grain > INT32_MAX)
		t->grain = t->findtime / INT32_MAX + 1;
}

struct track *
track_new(const struct track_limits *limits, const struct hash_key *key)
{
	struct track *t = xcalloc(1, sizeof(*t));

	t->distinct = limits->distinct;
	set_limits(t, limits->maxretry, limits->findtime_ms);
	t->max_keys = limits->max_keys ? limits->max_keys : 1;
	t->budget = t->max_keys * CELL_BUDGET;
	if (t->budget < BUDGET_MIN)
		t->budget = BUDGET_MIN;
	t->hash = *key;
	t->oldest = t->youngest = t->last = TRACK_NONE;
	t->free_cells = TRACK_NONE;
	return t;
}

void
track_free(struct track *t)
{
	if (!t)
		return;
	for (uint32_t i = t->oldest; i != TRACK_NONE; i = cell_at(t, i)->next)
		cell_fini(cell_at(t, i));
	for (size_t i = 0; i < t->nchunks; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->changed);
	free(t->gone);
	track_index_fini(&t->index);
	free(t);
}

/* Ages of another grain, and only those in the window. */
static void
cell_limit(struct track *t, struct track_cell *c, int64_t old_grain)
{
	struct track_item *v = cell_items(c);

	c->newest = track_grain(t, c->newest);
	for (unsigned i = 0; i < c->n; i++) {
		int64_t age = (int64_t)v[i].age * old_grain;

		if (age > t->findtime) {
			c->n = (uint16_t)i;
			return;
		}
		v[i].age = (uint32_t)(age / t->grain);
	}
}

void
track_limit(struct track *t, unsigned maxretry, int64_t findtime_ms)
{
	int64_t old_grain = t->grain;

	set_limits(t, maxretry, findtime_ms);
	for (uint32_t i = t->oldest; i != TRACK_NONE; i = cell_at(t, i)->next)
		cell_limit(t, cell_at(t, i), old_grain);
}

/* Make ages relative to a newer time and drop what left the window. */
static void
cell_advance(struct track *t, struct track_cell *c, int64_t newest)
{
	struct track_item *v = cell_items(c);
	uint64_t by = (uint64_t)(newest - c->newest) / (uint64_t)t->grain;
	uint64_t limit = (uint64_t)(t->findtime / t->grain);

	c->newest = newest;
	for (unsigned i = 0; i < c->n; i++) {
		if (v[i].age + by > limit) {
			c->n = (uint16_t)i;
			return;
		}
		v[i].age += (uint32_t)by;
	}
}

static unsigned
cell_count(const struct track *t, const struct track_cell *c)
{
	const struct track_item *v = cell_items_of(c);
	unsigned n = 0;

	if (t->distinct)
		return c->n;
	for (unsigned i = 0; i < c->n; i++)
		n += v[i].what;
	return n;
}

/* distinct: the item of this value, or -1. */
static int
cell_value(const struct track_cell *c, uint32_t what)
{
	const struct track_item *v = cell_items_of(c);

	for (unsigned i = 0; i < c->n; i++)
		if (v[i].what == what)
			return (int)i;
	return -1;
}

static void
cell_remove(struct track_cell *c, unsigned at)
{
	struct track_item *v = cell_items(c);

	memmove(&v[at], &v[at + 1], (c->n - at - 1u) * sizeof(*v));
	c->n--;
}

static void
cell_insert(struct track *t, struct track_cell *c, struct track_item item)
{
	struct track_item *v = cell_items(c);
	unsigned at = 0;

	while (at < c->n && v[at].age < item.age)
		at++;
	if (!t->distinct && at < c->n && v[at].age == item.age) {
		v[at].what += item.what;
		return;
	}
	if (c->n == UINT16_MAX)
		return;
	v = cell_room(t, c);
	memmove(&v[at + 1], &v[at], (c->n - at) * sizeof(*v));
	v[at] = item;
	c->n++;
}

/* Keep a failure of the cell; too old for its window: not kept. */
void
cell_store(struct track *t, struct track_cell *c, const struct track_hit *hit)
{
	int64_t when = track_grain(t, hit->when_ms);
	struct track_item item = { .what = t->distinct ? hit->what : hit->weight };
	int old;

	if (when > c->newest)
		cell_advance(t, c, when);
	else if (c->newest - when > t->findtime)
		return;
	item.age = (uint32_t)((c->newest - when) / t->grain);
	old = t->distinct ? cell_value(c, hit->what) : -1;
	if (old >= 0 && cell_items(c)[old].age <= item.age)
		return;
	if (old >= 0)
		cell_remove(c, (unsigned)old);
	cell_insert(t, c, item);
}

static void
cell_sum(const struct track *t, const struct track_cell *c, struct track_sum *sum)
{
	const struct track_item *v = cell_items_of(c);

	sum->count = cell_count(t, c);
	sum->newest_ms = c->newest;
	sum->first_ms =
	    c->n ? c->newest - (int64_t)v[c->n - 1].age * t->grain : c->newest;
	sum->mark = c->mark;
}

/* Would this failure reach the limit? Leaves the items alone but for the window. */
static bool
cell_reaches(struct track *t, struct track_cell *c, const struct track_hit *hit,
    struct track_sum *sum)
{
	int64_t when = track_grain(t, hit->when_ms);

	if (when > c->newest)
		cell_advance(t, c, when);
	cell_sum(t, c, sum);
	if (c->newest - when > t->findtime)
		return !t->distinct && hit->weight >= t->maxretry;
	if (when < sum->first_ms)
		sum->first_ms = when;
	if (!t->distinct)
		sum->count += hit->weight;
	else if (cell_value(c, hit->what) < 0)
		sum->count++;
	return sum->count >= t->maxretry;
}

/* The first failure of a key: a cell is needed unless one is enough. */
static bool
first_reaches(struct track *t, const struct track_hit *hit, struct track_sum *sum)
{
	int64_t when = track_grain(t, hit->when_ms);

	*sum = (struct track_sum){ .count = t->distinct ? 1 : hit->weight,
	    .first_ms = when, .newest_ms = when };
	return sum->count >= t->maxretry;
}

bool
track_add(struct track *t, const struct track_hit *hit, struct track_sum *sum)
{
	uint32_t at = cells_find(t, &hit->key);
	struct track_cell *c;

	t->last = at;
	if (at == TRACK_NONE) {
		if (first_reaches(t, hit, sum))
			return true;
		at = t->last = cells_new(t, &hit->key, track_grain(t, hit->when_ms));
	} else {
		cells_touch(t, at);
		if (cell_reaches(t, cell_at(t, at), hit, sum))
			return true;
	}
	c = cell_at(t, at);
	cell_store(t, c, hit);
	cells_changed(t, at);
	while ((t->index.n > t->max_keys || t->bytes > t->budget) && t->oldest != at) {
		cells_del(t, t->oldest);
		t->evicted++;
	}
	return false;
}

void
track_mark(struct track *t, uint32_t mark)
{
	if (t->last != TRACK_NONE)
		cell_at(t, t->last)->mark = mark;
}

bool
track_forget(struct track *t, const struct track_key *key)
{
	uint32_t at = cells_find(t, key);

	if (at == TRACK_NONE)
		return false;
	cells_del(t, at);
	return true;
}

bool
track_find(const struct track *t, const struct track_key *key, int64_t now_ms,
    struct track_sum *sum)
{
	uint32_t at = cells_find(t, key);
	const struct track_cell *c;
	const struct track_item *v;

	*sum = (struct track_sum){ .count = 0 };
	if (at == TRACK_NONE)
		return false;
	c = cell_at(t, at);
	v = cell_items_of(c);
	sum->newest_ms = c->newest;
	sum->mark = c->mark;
	for (unsigned i = 0; i < c->n; i++) {
		int64_t when = c->newest - (int64_t)v[i].age * t->grain;

		if (track_grain(t, now_ms) - when > t->findtime)
			break;
		sum->count += t->distinct ? 1 : v[i].what;
		sum->first_ms = when;
	}
	return true;
}

size_t
track_sweep(struct track *t, int64_t now_ms, size_t max)
{
	size_t n = 0;

	while (n < max && t->oldest != TRACK_NONE &&
	    track_grain(t, now_ms) - cell_at(t, t->oldest)->newest > 2 * t->findtime) {
		cells_del(t, t->oldest);
		n++;
	}
	return n;
}

void
track_shift(struct track *t, int64_t delta_ms)
{
	for (uint32_t i = t->oldest; i != TRACK_NONE; i = cell_at(t, i)->next) {
		struct track_cell *c = cell_at(t, i);

		c->newest = track_grain(t, c->newest + delta_ms);
		cells_changed(t, i);
	}
}

void
track_not_later(struct track *t, int64_t now_ms)
{
	int64_t now = track_grain(t, now_ms);

	for (uint32_t i = t->oldest; i != TRACK_NONE; i = cell_at(t, i)->next) {
		struct track_cell *c = cell_at(t, i);

		if (c->newest <= now)
			continue;
		c->newest = now;
		cells_changed(t, i);
	}
}

size_t
track_count(const struct track *t)
{
	return t->index.n;
}

uint64_t
track_evicted(const struct track *t)
{
	return t->evicted;
}
