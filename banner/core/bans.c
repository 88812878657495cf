/* SPDX-License-Identifier: GPL-2.0-or-later
 * bans.c - the ban table.
 */
#include "banner/core/bans.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/uncleared.h"
#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/inside.h"
#include "banner/core/subject.h"

void
bans_init(struct bans *b, size_t max)
{
	*b = (struct bans){ .max = max < TRACK_NONE ? max : TRACK_NONE - 1 };
	hash_key_random(&b->secret);
}

static void
entry_free(struct ban_entry *e)
{
	free((char *)(uintptr_t)e->ban.subject.text.s);
	free((char *)(uintptr_t)e->ban.comment);
	free(e);
}

void
bans_fini(struct bans *b)
{
	heap_fini(&b->ends);	/* before the nodes in it are freed */
	heap_fini(&b->victims);
	for (size_t i = 0; i < b->n; i++)
		entry_free(b->v[i]);
	free(b->v);
	track_index_fini(&b->by_subject);
	track_index_fini(&b->by_id);
}

static uint32_t
hash_subject(const struct bans *b, const struct jail *j, const struct subject *s)
{
	uint8_t key[SUBJECT_KEY] UNCLEARED;
	size_t len = subject_key(key, j->index, s);

	return (uint32_t)hash64(&b->secret, key, len);
}

/* Ids are our own: nobody else can choose any that meet. */
static uint32_t
hash_id(uint64_t id)
{
	return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32);
}

struct wanted {
	const struct bans *bans;
	const struct jail *jail;
	const struct subject *subject;
	uint64_t id;
};

static bool
same_subject(const void *arg, uint32_t at)
{
	const struct wanted *w = arg;
	const struct ban_entry *e = w->bans->v[at];

	return e->jail == w->jail && subject_eq(&e->ban.subject, w->subject);
}

static bool
same_id(const void *arg, uint32_t at)
{
	const struct wanted *w = arg;

	return w->bans->v[at]->ban.id == w->id;
}

struct ban_entry *
bans_find(const struct bans *b, const struct jail *j, const struct subject *s)
{
	struct wanted w = { .bans = b, .jail = j, .subject = s };
	uint32_t at;

	if (b->n == 0)
		return NULL;
	at = track_index_find(
	    &b->by_subject, hash_subject(b, j, s), same_subject, &w);
	return at == TRACK_NONE ? NULL : b->v[at];
}

struct ban_entry *
bans_by_id(const struct bans *b, uint64_t id)
{
	struct wanted w = { .bans = b, .id = id };
	uint32_t at = track_index_find(&b->by_id, hash_id(id), same_id, &w);

	return at == TRACK_NONE ? NULL : b->v[at];
}

static void
index_entry(struct bans *b, const struct ban_entry *e)
{
	track_index_add(&b->by_subject, e->hash, e->at);
	track_index_add(&b->by_id, hash_id(e->ban.id), e->at);
}

static void
unindex_entry(struct bans *b, const struct ban_entry *e)
{
	track_index_del(&b->by_subject, e->hash, e->at);
	track_index_del(&b->by_id, hash_id(e->ban.id), e->at);
}

static int64_t
heap_end(const struct ban *ban)
{
	return ban->until_ms ? ban->until_ms : INT64_MAX;
}

static void
entry_queue(struct bans *b, struct ban_entry *e)
{
	heap_move(&b->ends, &e->end, heap_end(&e->ban));
	if (!e->ban.manual && e->ban.until_ms)
		heap_move(&b->victims, &e->victim, e->ban.until_ms);
	else
		heap_del(&b->victims, &e->victim);
}

struct ban_entry *
bans_add(struct bans *b, struct jail *j, const struct ban *ban)
{
	struct ban_entry *e = xcalloc(1, sizeof(*e));

	e->ban = *ban;
	e->jail = j;
	e->ban.jail = j->conf->name;
	e->ban.comment = ban->comment ? xstrdup(ban->comment) : NULL;
	e->ban.subject.text.s = NULL;
	if (ban->subject.text.len)
		e->ban.subject.text.s = xstrndup(ban->subject.text.s,
		    ban->subject.text.len);
	e->hash = hash_subject(b, j, &e->ban.subject);
	entry_queue(b, e);
	if (b->n == b->cap) {
		b->cap = b->cap ? b->cap * 2 : 64;
		b->v = xrealloc(b->v, b->cap * sizeof(struct ban_entry *));
	}
	e->at = (uint32_t)b->n;
	b->v[b->n++] = e;
	index_entry(b, e);
	j->banned++;
	return e;
}

/* The last one takes the place. */
void
bans_del(struct bans *b, struct ban_entry *e)
{
	struct ban_entry *last = b->v[--b->n];

	unindex_entry(b, e);
	heap_del(&b->ends, &e->end);
	heap_del(&b->victims, &e->victim);
	if (last != e) {
		unindex_entry(b, last);
		last->at = e->at;
		b->v[e->at] = last;
		index_entry(b, last);
	}
	e->jail->banned--;
	entry_free(e);
}

void
bans_end(struct bans *b, struct ban_entry *e, int64_t until_ms)
{
	e->ban.until_ms = until_ms;
	entry_queue(b, e);
}

struct ban_entry *
bans_first(const struct bans *b)
{
	struct heap_node *n = heap_first(&b->ends);

	return n ? heap_entry(n, struct ban_entry, end) : NULL;
}

struct ban_entry *
bans_victim(const struct bans *b)
{
	struct heap_node *n = heap_first(&b->victims);

	return n ? heap_entry(n, struct ban_entry, victim) : NULL;
}

static void
entry_move(struct bans *b, struct ban_entry *e, int64_t delta_ms)
{
	e->ban.since_ms += delta_ms;
	if (e->ban.until_ms)
		bans_end(b, e, e->ban.until_ms + delta_ms);
}

void
bans_hold_back(struct bans *b, struct ban_entry *e, int64_t ahead_ms)
{
	e->ahead_ms = ahead_ms;
	entry_move(b, e, -ahead_ms);
}

/* The clock moved by delta. Where that makes the stored times of a ban the past, or
 * near it, they were right all the time. */
static void
let_ahead(struct bans *b, struct ban_entry *e, int64_t delta_ms)
{
	e->ahead_ms -= delta_ms;
	if (e->ahead_ms > MS_PER_MIN)
		return;
	entry_move(b, e, e->ahead_ms);
	e->ahead_ms = 0;
}

/* All ends move alike, so the order in the heaps stays. */
void
bans_shift(struct bans *b, int64_t delta_ms)
{
	for (size_t i = 0; i < b->n; i++) {
		struct ban_entry *e = b->v[i];

		e->ban.since_ms += delta_ms;
		if (e->applied_ms)
			e->applied_ms += delta_ms;
		if (e->own_until_ms)
			e->own_until_ms += delta_ms;
		if (!e->ban.until_ms)
			continue;
		e->ban.until_ms += delta_ms;
		e->end.key += delta_ms;
		if (e->victim.at)
			e->victim.key += delta_ms;
	}
	for (size_t i = 0; i < b->n; i++)
		if (b->v[i]->ahead_ms)
			let_ahead(b, b->v[i], delta_ms);
}
