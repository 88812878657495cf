/* SPDX-License-Identifier: GPL-2.0-or-later
 * history.c - known offenders, for bantime.increment.
 */
#include "banner/core/history.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"
#include "banner/core/subject.h"

struct known {
	struct known *prev, *next;	/* towards the older, towards the newer */
	int64_t until;			/* end of the last ban */
	unsigned count;
	uint16_t len;
	uint8_t key[];
};

struct history {
	struct table *table;
	struct known *oldest, *newest;
	size_t max;
	int64_t keep_ms;
};

struct history *
history_new(size_t max, int64_t keep_ms)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->table = table_new();
	h->max = max ? max : 1;
	h->keep_ms = keep_ms;
	return h;
}

/* The analyzer does not see that unlinking moves oldest on, and so finds a use after
 * free in each loop over it. NOLINTBEGIN(clang-analyzer-*) */

static void
known_unlink(struct history *h, struct known *k)
{
	*(k->prev ? &k->prev->next : &h->oldest) = k->next;
	*(k->next ? &k->next->prev : &h->newest) = k->prev;
}

static void
known_append(struct history *h, struct known *k)
{
	k->prev = h->newest;
	k->next = NULL;
	*(h->newest ? &h->newest->next : &h->oldest) = k;
	h->newest = k;
}

static void
known_del(struct history *h, struct known *k)
{
	table_del(h->table, k->key, k->len);
	known_unlink(h, k);
	free(k);
}

void
history_free(struct history *h)
{
	if (!h)
		return;
	while (h->oldest)
		known_del(h, h->oldest);
	table_free(h->table);
	free(h);
}

static struct known *
known_find(const struct history *h, uint32_t jail, const struct subject *s)
{
	uint8_t key[SUBJECT_KEY];
	size_t len = subject_key(key, jail, s);

	return table_find(h->table, key, len);
}

/* The entry, made if needed, as the newest. */
static struct known *
known_get(struct history *h, uint32_t jail, const struct subject *s)
{
	uint8_t key[SUBJECT_KEY];
	size_t len = subject_key(key, jail, s);
	struct known *k = table_find(h->table, key, len);

	if (k) {
		known_unlink(h, k);
		known_append(h, k);
		return k;
	}
	if (table_count(h->table) >= h->max)
		known_del(h, h->oldest);
	k = xcalloc(1, sizeof(*k) + len);
	k->len = (uint16_t)len;
	memcpy(k->key, key, len);
	table_set(h->table, key, len, k);
	known_append(h, k);
	return k;
}

static bool
known_over(const struct history *h, const struct known *k, int64_t now_ms)
{
	return h->keep_ms > 0 && k->until != INT64_MAX &&
	    now_ms - k->until > h->keep_ms;
}

unsigned
history_count(struct history *h, uint32_t jail, const struct subject *s, int64_t now_ms)
{
	struct known *k = known_find(h, jail, s);

	if (k && known_over(h, k, now_ms)) {
		known_del(h, k);
		return 0;
	}
	return k ? k->count : 0;
}

static void
known_add(struct history *h, uint32_t jail, const struct subject *s, unsigned more,
    int64_t until)
{
	struct known *k = known_get(h, jail, s);

	k->count += more;
	if (until > k->until)
		k->until = until;
}

void
history_add(struct history *h, uint32_t jail, const struct subject *s, int64_t now_ms,
    int64_t until_ms)
{
	int64_t until = until_ms ? until_ms : INT64_MAX;

	while (h->oldest && known_over(h, h->oldest, now_ms))
		known_del(h, h->oldest);
	known_add(h, jail, s, 1, until);
	known_add(h, HISTORY_ALL, s, 1, until);
}

void
history_restore(struct history *h, uint32_t jail, const struct subject *s,
    unsigned count, int64_t last_ms)
{
	struct known *k = known_find(h, jail, s);
	unsigned have = k ? k->count : 0;
	unsigned more = count > have ? count - have : 0;

	known_add(h, jail, s, more, last_ms);
	known_add(h, HISTORY_ALL, s, more, last_ms);
}

void
history_forget(struct history *h, uint32_t jail, const struct subject *s)
{
	struct known *k = known_find(h, jail, s), *all;
	unsigned count = k ? k->count : 0;

	if (!k)
		return;
	known_del(h, k);
	all = known_find(h, HISTORY_ALL, s);
	if (all && all->count <= count)
		known_del(h, all);
	else if (all)
		all->count -= count;
}

void
history_shift(struct history *h, int64_t delta_ms)
{
	for (struct known *k = h->oldest; k; k = k->next)
		if (k->until != INT64_MAX)
			k->until += delta_ms;
}

size_t
history_size(const struct history *h)
{
	return table_count(h->table);
}

/* NOLINTEND(clang-analyzer-*) */
