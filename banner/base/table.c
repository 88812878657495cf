/* SPDX-License-Identifier: GPL-2.0-or-later
 * table.c - a hash table from bytes to pointers that grows without stalls.
 *
 * Extendible hashing (Fagin and others 1979): the top bits of the hash choose, in
 * a directory, a segment of at most SEG_MAX slots, and the low bits the slot in it,
 * with linear probing. A full segment is split in two by one more bit. So an
 * insertion moves at most SEG_MAX pointers, or doubles the directory, which is one
 * pointer per segment: 50 kB for a million keys. No old and new table ever stand
 * side by side. A small table is one segment that starts with SEG_MIN slots.
 *
 * Beside the slots stands a byte of each hash, so that probing meets the entries of
 * others, each in memory of its own, hardly ever.
 *
 * A key costs one allocation of 16 bytes and its own length, and 10 to 20 bytes of
 * slots. Segments are not joined again; an emptied table gives all of them back.
 */
#include "banner/base/table.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/str.h"

enum { SEG_MIN = 8, SEG_MAX = 256, DEPTH_MAX = 20 };

struct entry {
	void *value;
	uint32_t hash, len;
	char key[];
};

struct segment {
	uint32_t n, cap;	/* cap is a power of two */
	unsigned depth;		/* how many top bits all its hashes share */
	struct entry *slots[];	/* cap, then as many tags */
};

struct table {
	struct hash_key key;
	size_t count;
	unsigned depth;		/* the directory has 1 << depth pointers */
	struct segment **dir;
};

static uint8_t *
tags(const struct segment *s)
{
	return (uint8_t *)(uintptr_t)&s->slots[s->cap];
}

/* Bits that choose neither the segment nor, but for big ones, the slot. 0: free. */
static uint8_t
tag_of(uint32_t hash)
{
	return (uint8_t)(hash >> 8 | 1);
}

static struct segment *
segment_new(uint32_t cap, unsigned depth)
{
	struct segment *s = xcalloc(1, sizeof(*s) + cap * (sizeof(*s->slots) + 1));

	s->cap = cap;
	s->depth = depth;
	return s;
}

/* The slot of the key, or the free one where it belongs: some are always free. */
static uint32_t
segment_slot(const struct segment *s, uint32_t hash, struct str key)
{
	uint32_t i = hash & (s->cap - 1);
	const uint8_t *t = tags(s), tag = tag_of(hash);

	for (; t[i]; i = (i + 1) & (s->cap - 1)) {
		const struct entry *e = t[i] == tag ? s->slots[i] : NULL;

		if (e && e->hash == hash && e->len == key.len &&
		    (key.len == 0 || memcmp(e->key, key.s, key.len) == 0))
			break;
	}
	return i;
}

/* The entry is known not to be there. */
static void
segment_put(struct segment *s, struct entry *e)
{
	uint32_t i = e->hash & (s->cap - 1);
	uint8_t *t = tags(s);

	while (t[i])
		i = (i + 1) & (s->cap - 1);
	s->slots[i] = e;
	t[i] = tag_of(e->hash);
	s->n++;
}

/* Close the gap at i by moving back what probing had pushed beyond it, so that no
 * marks of deleted entries pile up. */
static void
segment_close(struct segment *s, uint32_t i)
{
	uint32_t mask = s->cap - 1;
	uint8_t *t = tags(s);

	for (uint32_t j = (i + 1) & mask; s->slots[j]; j = (j + 1) & mask) {
		uint32_t home = s->slots[j]->hash & mask;

		if (((j - home) & mask) < ((j - i) & mask))
			continue;	/* its home is behind the gap */
		s->slots[i] = s->slots[j];
		t[i] = t[j];
		i = j;
	}
	s->slots[i] = NULL;
	t[i] = 0;
	s->n--;
}

static size_t
dir_index(const struct table *t, uint32_t hash)
{
	return t->depth ? hash >> (32 - t->depth) : 0;
}

static void
dir_set(struct table *t, struct segment *s, uint32_t hash)
{
	size_t width = (size_t)1 << (t->depth - s->depth);
	size_t first = dir_index(t, hash) & ~(width - 1);

	for (size_t i = 0; i < width; i++)
		t->dir[first + i] = s;
}

static void
dir_double(struct table *t)
{
	size_t n = (size_t)1 << t->depth;

	t->dir = xrealloc(t->dir, 2 * n * sizeof(*t->dir));
	for (size_t i = n; i-- > 0;)
		t->dir[2 * i] = t->dir[2 * i + 1] = t->dir[i];
	t->depth++;
}

/* The same segment with twice the slots; also when no bits are left to split by. */
static struct segment *
segment_grow(struct table *t, struct segment *s, uint32_t hash)
{
	struct segment *big = segment_new(2 * s->cap, s->depth);

	for (uint32_t i = 0; i < s->cap; i++)
		if (s->slots[i])
			segment_put(big, s->slots[i]);
	dir_set(t, big, hash);
	free(s);
	return big;
}

/* Two segments told apart by one more bit; returns the one for the hash. */
static struct segment *
segment_split(struct table *t, struct segment *s, uint32_t hash)
{
	uint32_t bit = UINT32_C(1) << (31 - s->depth);
	struct segment *half[2];

	if (s->depth == t->depth)
		dir_double(t);
	half[0] = segment_new(s->cap, s->depth + 1);
	half[1] = segment_new(s->cap, s->depth + 1);
	for (uint32_t i = 0; i < s->cap; i++)
		if (s->slots[i])
			segment_put(half[!!(s->slots[i]->hash & bit)], s->slots[i]);
	dir_set(t, half[0], hash & ~bit);
	dir_set(t, half[1], hash | bit);
	free(s);
	return half[!!(hash & bit)];
}

/* The segment for the hash, with room for one more entry. */
static struct segment *
segment_with_room(struct table *t, uint32_t hash)
{
	struct segment *s = t->dir[dir_index(t, hash)];

	while (s->n >= s->cap - s->cap / 8)
		if (s->cap < SEG_MAX || s->depth == DEPTH_MAX)
			s = segment_grow(t, s, hash);
		else
			s = segment_split(t, s, hash);
	return s;
}

static void
table_reset(struct table *t)
{
	t->count = 0;
	t->depth = 0;
	t->dir = xmalloc(sizeof(*t->dir));
	t->dir[0] = segment_new(SEG_MIN, 0);
}

/* Index just behind those that point to the segment at i. */
static size_t
next_segment(const struct table *t, size_t i)
{
	return i + ((size_t)1 << (t->depth - t->dir[i]->depth));
}

static void
table_drop(struct table *t)
{
	for (size_t i = 0, next; i < (size_t)1 << t->depth; i = next) {
		struct segment *s = t->dir[i];

		next = next_segment(t, i);
		for (uint32_t j = 0; j < s->cap; j++)
			free(s->slots[j]);
		free(s);
	}
	free(t->dir);
}

struct table *
table_new(void)
{
	struct table *t = xcalloc(1, sizeof(*t));

	hash_key_random(&t->key);
	table_reset(t);
	return t;
}

void
table_free(struct table *t)
{
	if (!t)
		return;
	table_drop(t);
	free(t);
}

void
table_free_with(struct table *t, void (*free_value)(void *))
{
	for (size_t i = 0; t && i < (size_t)1 << t->depth; i = next_segment(t, i))
		for (uint32_t j = 0; j < t->dir[i]->cap; j++)
			if (t->dir[i]->slots[j])
				free_value(t->dir[i]->slots[j]->value);
	table_free(t);
}

size_t
table_count(const struct table *t)
{
	return t->count;
}

void *
table_find(const struct table *t, const void *key, size_t len)
{
	const struct segment *s;
	const struct entry *e;
	uint32_t hash;

	if (t->count == 0)
		return NULL;
	hash = (uint32_t)hash64(&t->key, key, len);
	s = t->dir[dir_index(t, hash)];
	e = s->slots[segment_slot(s, hash, (struct str){ key, len })];
	return e ? e->value : NULL;
}

static struct entry *
entry_new(uint32_t hash, struct str key, void *value)
{
	struct entry *e = xmalloc(sizeof(*e) + key.len);

	*e = (struct entry){ .value = value, .hash = hash, .len = (uint32_t)key.len };
	if (key.len > 0)
		memcpy(e->key, key.s, key.len);
	return e;
}

void *
table_set(struct table *t, const void *key, size_t len, void *value)
{
	uint32_t hash = (uint32_t)hash64(&t->key, key, len);
	struct segment *s = t->dir[dir_index(t, hash)];
	struct str k = { key, len };
	struct entry *e = s->slots[segment_slot(s, hash, k)];

	assert(value && len <= UINT32_MAX);
	if (e) {
		void *was = e->value;

		e->value = value;
		return was;
	}
	segment_put(segment_with_room(t, hash), entry_new(hash, k, value));
	t->count++;
	return NULL;
}

void *
table_del(struct table *t, const void *key, size_t len)
{
	uint32_t hash = (uint32_t)hash64(&t->key, key, len);
	struct segment *s = t->dir[dir_index(t, hash)];
	uint32_t i = segment_slot(s, hash, (struct str){ key, len });
	struct entry *e = s->slots[i];
	void *was;

	if (!e)
		return NULL;
	was = e->value;
	segment_close(s, i);
	free(e);
	if (--t->count == 0 && t->depth > 0) {
		table_drop(t);
		table_reset(t);
	}
	return was;
}

void
table_each(const struct table *t, table_fn *fn, void *arg)
{
	for (size_t i = 0; i < (size_t)1 << t->depth; i = next_segment(t, i)) {
		const struct segment *s = t->dir[i];

		for (uint32_t j = 0; j < s->cap; j++) {
			struct entry *e = s->slots[j];

			if (e && !fn(arg, e->key, e->len, e->value))
				return;
		}
	}
}
