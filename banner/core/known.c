/* SPDX-License-Identifier: GPL-2.0-or-later
 * known.c - who logged in well from where, and when.
 */
#include "banner/core/known.h"

#include <ctype.h>
#include <stdlib.h>

#include "banner/base/arena.h"

enum { PLACES = KNOWN_MAX, WAYS = 4, HOST6 = 64, PARTS = 256, GONE = 1024 };

struct place { uint64_t hash; int64_t when_ms, told_ms; };	/* hash 0: free */

struct known {
	const struct hash_key *key;
	struct place places[PLACES];
	bool changed[PARTS];	/* something in this part of the places is to be told */
	uint64_t gone[GONE];	/* told, and forgotten since */
	size_t ngone, count;
	uint64_t forgotten;
};

struct known *
known_new(const struct hash_key *key)
{
	struct known *k = xcalloc(1, sizeof(*k));

	k->key = key;
	return k;
}

void
known_free(struct known *k)
{
	free(k);
}

/* Of an address and a name, which may be empty: anybody. 0: nobody can be meant. Names
 * are compared without regard to case. */
static uint64_t
pair(const struct known *k, const struct addr *host, struct str user)
{
	char name[SUBJECT_TEXT];
	struct addr a = *host;
	uint64_t h;

	if (!a.family || user.len > sizeof(name))
		return 0;
	if (a.family == 6)
		a = addr_mask(&a, HOST6);
	for (size_t i = 0; i < user.len; i++)
		name[i] = (char)tolower((unsigned char)user.s[i]);
	h = hash64(k->key, &a, sizeof(a)) * UINT64_C(0x9e3779b97f4a7c15) +
	    hash64(k->key, name, user.len);
	return h ? h : 1;
}

/* Of the WAYS places that this pair could have, the first. */
static size_t
first_of(uint64_t h)
{
	return h % (PLACES / WAYS) * WAYS;
}

static void
forget(struct known *k, const struct place *p)
{
	if (p->hash && p->told_ms && k->ngone < GONE)
		k->gone[k->ngone++] = p->hash;
}

/* The place of this pair, or the oldest of those it could have, taken over. */
static struct place *
take_place(struct known *k, uint64_t h)
{
	struct place *set = &k->places[first_of(h)], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].hash == h)
			return &set[i];
		if (set[i].when_ms < oldest->when_ms)
			oldest = &set[i];
	}
	forget(k, oldest);
	k->forgotten += oldest->hash != 0;
	k->count += oldest->hash == 0;
	*oldest = (struct place){ .hash = h };
	return oldest;
}

static void
add(struct known *k, uint64_t h, int64_t when_ms)
{
	struct place *p;

	if (!h)
		return;
	p = take_place(k, h);
	if (p->when_ms < when_ms)
		p->when_ms = when_ms;
	if (p->when_ms - p->told_ms > KNOWN_TELL_MS)
		k->changed[(size_t)(p - k->places) / (PLACES / PARTS)] = true;
}

void
known_add(struct known *k, const struct failure *f)
{
	if (f->user.len > 0)
		add(k, pair(k, &f->addr, f->user), f->when_ms);
	add(k, pair(k, &f->addr, (struct str){ 0 }), f->when_ms);
}

static bool
has(const struct known *k, uint64_t h, int64_t since_ms)
{
	const struct place *set = &k->places[first_of(h)];

	for (int i = 0; h && i < WAYS; i++)
		if (set[i].hash == h && set[i].when_ms >= since_ms)
			return true;
	return false;
}

bool
known_has(const struct known *k, const struct failure *f, int64_t ms)
{
	return f->user.len > 0 && has(k, pair(k, &f->addr, f->user), f->when_ms - ms);
}

bool
known_has_host(const struct known *k, const struct failure *f, int64_t ms)
{
	return has(k, pair(k, &f->addr, (struct str){ 0 }), f->when_ms - ms);
}

size_t
known_count(const struct known *k)
{
	return k->count;
}

uint64_t
known_forgotten(const struct known *k)
{
	return k->forgotten;
}

static void
tell_part(struct known *k, size_t part, bool all, known_record_fn *fn, void *arg)
{
	struct place *p = &k->places[part * (PLACES / PARTS)];

	for (size_t i = 0; i < PLACES / PARTS; i++) {
		struct known_record r = { p[i].hash, p[i].when_ms, false };

		if (!p[i].hash)
			continue;
		if (!all && p[i].when_ms - p[i].told_ms <= KNOWN_TELL_MS)
			continue;
		p[i].told_ms = p[i].when_ms;
		fn(arg, &r);
	}
}

void
known_records(struct known *k, bool all, known_record_fn *fn, void *arg)
{
	for (size_t i = 0; i < k->ngone; i++) {
		struct known_record r = { k->gone[i], 0, true };

		fn(arg, &r);
	}
	k->ngone = 0;
	for (size_t part = 0; part < PARTS; part++) {
		if (!all && !k->changed[part])
			continue;
		k->changed[part] = false;
		tell_part(k, part, all, fn, arg);
	}
}

/* Of too many for the places the newer stay, in whatever order they come. */
void
known_restore(struct known *k, const struct known_record *r)
{
	struct place *set = &k->places[first_of(r->hash)], *p;
	struct place stored = { r->hash, r->when_ms, r->when_ms };
	bool newer = false;

	for (int i = 0; i < WAYS; i++)
		newer |= set[i].hash == r->hash || set[i].when_ms < r->when_ms;
	if (!newer) {
		forget(k, &stored);
		return;
	}
	p = take_place(k, r->hash);
	if (p->when_ms < r->when_ms)
		*p = stored;
}
