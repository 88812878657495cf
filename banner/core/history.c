/* SPDX-License-Identifier: GPL-2.0-or-later
 * history.c - known offenders, for bantime.increment.
 *
 * There is an entry for everybody who was banned within purge_age, so it is small: the
 * keyed hash of jail and subject stands for them, and the entries lie in one array,
 * which an index and a list by age lead into.
 */
#include "banner/core/history.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"
#include "banner/base/uncleared.h"
#include "banner/core/subject.h"
#include "banner/core/track_index.h"

#define NONE UINT32_MAX

struct known {
	struct hash128 key;
	int64_t until;		/* end of the last ban */
	uint32_t count;
	uint32_t prev, next;	/* towards the older, towards the newer; or NONE */
};

struct history {
	struct hash_key secret;
	struct track_index index;
	struct known *v;
	uint32_t n, cap;	/* places used so far, places there are */
	uint32_t unused;	/* first of those given back (next leads on), or NONE */
	uint32_t oldest, newest;
	size_t max;
	uint64_t evicted;
	int64_t keep_ms;
	bool all;
};

struct history *
history_new(size_t max, int64_t keep_ms, bool all)
{
	struct history *h = xcalloc(1, sizeof(*h));

	hash_key_random(&h->secret);
	h->unused = h->oldest = h->newest = NONE;
	h->max = max == 0 ? 1 : max < TRACK_NONE ? max : TRACK_NONE - 1;
	h->keep_ms = keep_ms;
	h->all = all;
	return h;
}

void
history_free(struct history *h)
{
	if (!h)
		return;
	track_index_fini(&h->index);
	free(h->v);
	free(h);
}

static uint32_t
index_hash(const struct known *k)
{
	return (uint32_t)k->key.h[0];
}

static void
unlink_known(struct history *h, const struct known *k)
{
	*(k->prev != NONE ? &h->v[k->prev].next : &h->oldest) = k->next;
	*(k->next != NONE ? &h->v[k->next].prev : &h->newest) = k->prev;
}

static void
append_known(struct history *h, struct known *k)
{
	uint32_t at = (uint32_t)(k - h->v);

	k->prev = h->newest;
	k->next = NONE;
	*(h->newest != NONE ? &h->v[h->newest].next : &h->oldest) = at;
	h->newest = at;
}

static void
forget(struct history *h, struct known *k)
{
	uint32_t at = (uint32_t)(k - h->v);

	track_index_del(&h->index, index_hash(k), at);
	unlink_known(h, k);
	k->next = h->unused;
	h->unused = at;
}

static struct hash128
key_of(const struct history *h, uint32_t jail, const struct subject *s)
{
	uint8_t key[SUBJECT_KEY] UNCLEARED;
	size_t len = subject_key(key, jail, s);

	return hash128(&h->secret, key, len);
}

struct wanted {
	const struct history *h;
	struct hash128 key;
};

static bool
is_wanted(const void *arg, uint32_t at)
{
	const struct wanted *w = arg;

	return memcmp(&w->h->v[at].key, &w->key, sizeof(w->key)) == 0;
}

static uint32_t
find_at(const struct history *h, struct hash128 key)
{
	struct wanted w = { h, key };

	return track_index_find(&h->index, (uint32_t)key.h[0], is_wanted, &w);
}

static struct known *
find(const struct history *h, struct hash128 key)
{
	uint32_t at = find_at(h, key);

	return at == TRACK_NONE ? NULL : &h->v[at];
}

/* A place for one more entry: one given back, or the next. */
static struct known *
take_place(struct history *h)
{
	uint32_t at = h->unused;

	if (at != NONE) {
		h->unused = h->v[at].next;
		return &h->v[at];
	}
	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap + h->cap / 2 : 64;
		h->v = xrealloc(h->v, h->cap * sizeof(*h->v));
	}
	return &h->v[h->n++];
}

/* The entry, made if needed, as the newest. */
static struct known *
get(struct history *h, struct hash128 key)
{
	uint32_t at = find_at(h, key);
	struct known *k;

	if (at != TRACK_NONE) {
		k = &h->v[at];
		unlink_known(h, k);
		append_known(h, k);
		return k;
	}
	if (h->index.n >= h->max) {
		forget(h, &h->v[h->oldest]);
		h->evicted++;
	}
	k = take_place(h);
	*k = (struct known){ .key = key };
	track_index_add(&h->index, index_hash(k), (uint32_t)(k - h->v));
	append_known(h, k);
	return k;
}

static bool
is_over(const struct history *h, const struct known *k, int64_t now_ms)
{
	return h->keep_ms > 0 && k->until != INT64_MAX &&
	    now_ms - k->until > h->keep_ms;
}

unsigned
history_count(struct history *h, uint32_t jail, const struct subject *s, int64_t now_ms)
{
	struct known *k = find(h, key_of(h, jail, s));

	if (k && is_over(h, k, now_ms)) {
		forget(h, k);
		return 0;
	}
	return k ? k->count : 0;
}

static void
add(struct history *h, uint32_t jail, const struct subject *s, unsigned more,
    int64_t until)
{
	struct known *k = get(h, key_of(h, jail, s));

	k->count += more;
	if (until > k->until)
		k->until = until;
}

void
history_add(struct history *h, uint32_t jail, const struct subject *s, int64_t now_ms,
    int64_t until_ms)
{
	int64_t until = until_ms ? until_ms : INT64_MAX;

	while (h->oldest != NONE && is_over(h, &h->v[h->oldest], now_ms))
		forget(h, &h->v[h->oldest]);
	add(h, jail, s, 1, until);
	if (h->all)
		add(h, HISTORY_ALL, s, 1, until);
}

void
history_restore(struct history *h, uint32_t jail, const struct subject *s,
    unsigned count, int64_t last_ms)
{
	uint32_t at = find_at(h, key_of(h, jail, s));
	unsigned have = at != TRACK_NONE ? h->v[at].count : 0;
	unsigned more = count > have ? count - have : 0;

	add(h, jail, s, more, last_ms);
	if (h->all)
		add(h, HISTORY_ALL, s, more, last_ms);
}

void
history_forget(struct history *h, uint32_t jail, const struct subject *s)
{
	struct known *k = find(h, key_of(h, jail, s)), *all;
	unsigned count = k ? k->count : 0;

	if (!k)
		return;
	forget(h, k);
	all = find(h, key_of(h, HISTORY_ALL, s));
	if (all && all->count <= count)
		forget(h, all);
	else if (all)
		all->count -= count;
}

void
history_shift(struct history *h, int64_t delta_ms)
{
	for (uint32_t at = h->oldest; at != NONE; at = h->v[at].next)
		if (h->v[at].until != INT64_MAX)
			h->v[at].until += delta_ms;
}

size_t
history_size(const struct history *h)
{
	return h->index.n;
}

uint64_t
history_evicted(const struct history *h)
{
	return h->evicted;
}
