/* SPDX-License-Identifier: GPL-2.0-or-later
 * repeat.c - event keys of the last moments.
 */
#include "banner/core/repeat.h"

#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"

enum { PLACES = 4096, WAYS = 4 };

struct place {
	uint64_t hash;
	int64_t when_ms;
	uint32_t attempts;
	struct { uint32_t hash, lines; } kind[REPEAT_KINDS];
};

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

static uint64_t
mix(const struct repeat *r, uint64_t h, const void *p, size_t len)
{
	return h * UINT64_C(0x9e3779b97f4a7c15) + hash64(&r->key, p ? p : "", len);
}

static bool
near(const struct place *p, int64_t when_ms, int64_t window_ms)
{
	return when_ms - p->when_ms <= window_ms && p->when_ms - when_ms <= window_ms;
}

/* The place of this key; a new one has no attempts. */
static struct place *
find(struct repeat *r, uint64_t h, int64_t when_ms, int64_t window_ms)
{
	struct place *set = &r->places[h % (PLACES / WAYS) * WAYS], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].hash == h && near(&set[i], when_ms, window_ms))
			return &set[i];
		if (set[i].when_ms < oldest->when_ms)
			oldest = &set[i];
	}
	*oldest = (struct place){ .hash = h, .when_ms = when_ms };
	return oldest;
}

/* One more line of this kind: is it an attempt more? */
static bool
another(struct place *p, uint32_t kind)
{
	size_t i = 0;

	while (i < REPEAT_KINDS - 1 && p->kind[i].lines && p->kind[i].hash != kind)
		i++;
	p->kind[i].hash = kind;
	if (++p->kind[i].lines <= p->attempts)
		return false;
	p->attempts = p->kind[i].lines;
	return true;
}

static bool
counted(struct repeat *r, uint64_t h, const struct attempt_key *k,
    const struct failure *f, int64_t window_ms)
{
	bool kinds = k->kind.len > 0;
	struct place *p;

	if (k->part[0].len == 0)
		return false;
	for (size_t i = 0; i < 2; i++)
		h = mix(r, h, k->part[i].s, k->part[i].len);
	p = find(r, h, f->when_ms, kinds ? window_ms : REPEAT_MS);
	if (!kinds)
		return p->attempts++ > 0;
	if (p->when_ms < f->when_ms)
		p->when_ms = f->when_ms;
	return !another(p, (uint32_t)mix(r, 0, k->kind.s, k->kind.len));
}

bool
repeat_seen(struct repeat *r, uint32_t jail, const struct failure *f)
{
	const struct attempt_id *ev = &f->attempt;
	uint64_t h;

	if (!ev->once.len && !ev->exact.part[0].len && !ev->loose.part[0].len)
		return false;	/* it names no attempt */
	h = mix(r, jail + 1, f->origin.s, f->origin.len);
	if (f->addr.family)
		h = mix(r, h, &f->addr, sizeof(f->addr));
	if (ev->once.len > 0) {
		uint64_t line = mix(r, h, ev->once.s, ev->once.len);

		if (find(r, line, f->when_ms, REPEAT_EXACT_MS)->attempts++ > 0)
			return true;
	}
	return counted(r, h, &ev->exact, f, REPEAT_EXACT_MS) ||
	    counted(r, mix(r, h, "loose", 5), &ev->loose, f, REPEAT_MS);
}
