/* SPDX-License-Identifier: GPL-2.0-or-later
 * known.c - who logged in well from where, and when.
 */
#include "banner/core/known.h"

#include <ctype.h>
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"

enum { PLACES = 65536, WAYS = 4, HOST6 = 64 };

struct place { uint64_t hash; int64_t when_ms; };

struct known {
	struct hash_key key;
	struct place places[PLACES];
};

struct known *
known_new(void)
{
	struct known *k = xcalloc(1, sizeof(*k));

	hash_key_random(&k->key);
	return k;
}

void
known_free(struct known *k)
{
	free(k);
}

/* 0: the failure has not both. Names are compared without regard to case. */
static uint64_t
pair(const struct known *k, const struct failure *f)
{
	char name[SUBJECT_TEXT];
	struct addr a = f->addr;
	uint64_t h;

	if (!a.family || f->user.len == 0 || f->user.len > sizeof(name))
		return 0;
	if (a.family == 6)
		a = addr_mask(&a, HOST6);
	for (size_t i = 0; i < f->user.len; i++)
		name[i] = (char)tolower((unsigned char)f->user.s[i]);
	h = hash64(&k->key, &a, sizeof(a)) * UINT64_C(0x9e3779b97f4a7c15) +
	    hash64(&k->key, name, f->user.len);
	return h ? h : 1;
}

void
known_add(struct known *k, const struct failure *f)
{
	uint64_t h = pair(k, f);
	struct place *set = &k->places[h % (PLACES / WAYS) * WAYS], *oldest = set;

	if (!h)
		return;
	for (int i = 0; i < WAYS; i++) {
		if (set[i].hash == h) {
			oldest = &set[i];
			break;
		}
		if (set[i].when_ms < oldest->when_ms)
			oldest = &set[i];
	}
	*oldest = (struct place){ h, f->when_ms };
}

bool
known_has(const struct known *k, const struct failure *f, int64_t ms)
{
	uint64_t h = pair(k, f);
	const struct place *set = &k->places[h % (PLACES / WAYS) * WAYS];

	for (int i = 0; h && i < WAYS; i++)
		if (set[i].hash == h && f->when_ms - set[i].when_ms <= ms)
			return true;
	return false;
}
