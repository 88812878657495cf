/* SPDX-License-Identifier: GPL-2.0-or-later
 * told.c - tables of what the store has.
 */
#include "banner/daemon/engine/told.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/base/table.h"

struct told {
	struct table *places;	/* source name -> its place */
	struct table *sessions; /* jail, NUL, key -> struct session_told */
	uint64_t round;
	struct buf name;	/* a key of sessions, put together */
};

struct session_told {
	uint64_t round;		/* named last */
	struct hash128 hash;	/* of the record */
};

static const struct hash_key record_key = { { 0, 0 } }; /* compared, never attacked */

struct told *
told_new(void)
{
	struct told *t = xcalloc(1, sizeof(*t));

	t->places = table_new();
	t->sessions = table_new();
	return t;
}

void
told_free(struct told *t)
{
	if (!t)
		return;
	table_free_with(t->places, free);
	table_free_with(t->sessions, free);
	buf_fini(&t->name);
	free(t);
}

bool
told_place(struct told *t, const char *source, const char *place)
{
	size_t len = strlen(source);
	const char *old = table_find(t->places, source, len);

	if (old && strcmp(old, place) == 0)
		return false;
	free(table_set(t->places, source, len, xstrdup(place)));
	return true;
}

void
told_round(struct told *t)
{
	t->round++;
}

bool
told_session(struct told *t, const char *jail, struct str key, struct str record)
{
	struct hash128 h = hash128(&record_key, record.s, record.len);
	struct session_told *s;
	bool same;

	buf_clear(&t->name);
	buf_add(&t->name, jail, strlen(jail) + 1);
	buf_str(&t->name, key);
	s = table_find(t->sessions, t->name.p, t->name.len);
	same = s && memcmp(&s->hash, &h, sizeof(h)) == 0;
	if (!s) {
		s = xcalloc(1, sizeof(*s));
		table_set(t->sessions, t->name.p, t->name.len, s);
	}
	s->round = t->round;
	s->hash = h;
	return !same;
}

/* Their keys, one after the other: u32 length, bytes. */
struct closed {
	const struct told *told;
	struct buf keys;
};

static int
find_closed(void *arg, const void *key, size_t len, void *value)
{
	struct closed *c = arg;
	const struct session_told *s = value;
	uint32_t n = (uint32_t)len;

	if (s->round != c->told->round) {
		buf_add(&c->keys, &n, sizeof(n));
		buf_add(&c->keys, key, len);
	}
	return 1;
}

void
told_closed(struct told *t, told_closed_fn *fn, void *arg)
{
	struct closed c = { .told = t };

	table_each(t->sessions, find_closed, &c);
	for (size_t at = 0; at < c.keys.len;) {
		const char *jail = c.keys.p + at + sizeof(uint32_t);
		size_t head = strlen(jail) + 1;
		uint32_t n;

		memcpy(&n, c.keys.p + at, sizeof(n));
		fn(arg, jail, (struct str){ jail + head, n - head });
		free(table_del(t->sessions, jail, n));
		at += sizeof(n) + n;
	}
	buf_fini(&c.keys);
}
