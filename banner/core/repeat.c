/* SPDX-License-Identifier: GPL-2.0-or-later
 * repeat.c - event keys of the last moments.
 */
#include "banner/core/repeat.h"

#include <stdlib.h>

#include "banner/base/arena.h"

enum { PLACES = 4096, WAYS = 4 };

struct place { uint64_t hash; int64_t when_ms; };

struct repeat {
	struct hash_key key;
	struct place places[PLACES];
};

struct repeat *
repeat_new(void)
{
	struct repeat *r = xcalloc(1, sizeof(*r));

	hash_key_random(&r->key);
	return r;
}

void
repeat_free(struct repeat *r)
{
	free(r);
}

static bool
near(const struct place *p, int64_t when_ms)
{
	return when_ms - p->when_ms <= REPEAT_MS && p->when_ms - when_ms <= REPEAT_MS;
}

bool
repeat_seen(struct repeat *r, uint32_t jail, struct str key, int64_t when_ms)
{
	uint64_t h =
	    hash64(&r->key, key.s, key.len) + jail * UINT64_C(0x9e3779b97f4a7c15);
	struct place *set = &r->places[h % (PLACES / WAYS) * WAYS], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].hash == h && near(&set[i], when_ms))
			return true;
		if (set[i].when_ms < oldest->when_ms)
			oldest = &set[i];
	}
	*oldest = (struct place){ .hash = h, .when_ms = when_ms };
	return false;
}
