/* SPDX-License-Identifier: GPL-2.0-or-later
 * track_record.c - the tracker's records: to the store and back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/core/track_cell.h"

enum { LIST_KEEP = 1024 };	/* keys */

/* A record: key, newest time is the first item's; per item its time and number. */
struct record_head {
	struct track_key key;
	uint32_t distinct, n;
};
struct record_item { int64_t when_ms; uint32_t what, zero; };

static void
track_record(const struct track *t, const struct track_cell *c, struct buf *out)
{
	const struct track_item *v = cell_items_of(c);
	struct record_head head = { .key = c->key, .distinct = t->distinct, .n = c->n };

	buf_clear(out);
	buf_add(out, &head, sizeof(head));
	for (unsigned i = 0; i < c->n; i++) {
		struct record_item item = { .what = v[i].what,
		    .when_ms = c->newest - (int64_t)v[i].age * t->grain };

		buf_add(out, &item, sizeof(item));
	}
}

int
track_restore(struct track *t, struct str record)
{
	struct record_head head;
	struct record_item item;
	uint32_t at;

	if (record.len < sizeof(head))
		return -EINVAL;
	memcpy(&head, record.s, sizeof(head));
	if (head.n > UINT16_MAX || head.distinct > 1 ||
	    record.len != sizeof(head) + head.n * sizeof(item))
		return -EINVAL;
	if (head.n == 0 || head.distinct != t->distinct)
		return 0;
	at = cells_find(t, &head.key);
	for (uint32_t i = 0; i < head.n; i++) {
		struct track_hit hit = { .key = head.key };

		memcpy(&item, record.s + sizeof(head) + i * sizeof(item), sizeof(item));
		if (at == TRACK_NONE)
			at = cells_new(t, &head.key, track_grain(t, item.when_ms));
		hit.when_ms = item.when_ms;
		hit.weight = hit.what = item.what;
		cell_store(t, cell_at(t, at), &hit);
	}
	cells_stored(t, at);
	while (t->index.n > t->max_keys && t->oldest != at)
		cells_del(t, t->oldest);
	return 0;
}

static void
record_one(struct track *t, uint32_t i, track_record_fn *fn, void *arg)
{
	struct track_cell *c = cell_at(t, i);
	struct buf b = { .len = 0 };

	c->changed = false;
	c->stored = true;
	track_record(t, c, &b);
	fn(arg, &c->key, buf_view(&b));
	buf_fini(&b);
}

/* What a burst needed is not kept. */
static void
lists_clear(struct track *t)
{
	t->nchanged = t->ngone = 0;
	if (t->changed_cap > LIST_KEEP) {
		free(t->changed);
		t->changed = NULL;
		t->changed_cap = 0;
	}
	if (t->gone_cap > LIST_KEEP) {
		free(t->gone);
		t->gone = NULL;
		t->gone_cap = 0;
	}
}

/* A key may be gone and back again: what is gone is said first. */
void
track_records(struct track *t, bool all, track_record_fn *fn, void *arg)
{
	for (size_t i = 0; i < t->ngone; i++)
		fn(arg, &t->gone[i], (struct str){ "", 0 });
	if (all || t->all_changed) {
		for (uint32_t i = t->oldest; i != TRACK_NONE; i = cell_at(t, i)->next)
			if (all || cell_at(t, i)->changed)
				record_one(t, i, fn, arg);
	} else {
		for (size_t i = 0; i < t->nchanged; i++)
			if (cell_at(t, t->changed[i])->changed)
				record_one(t, t->changed[i], fn, arg);
	}
	t->all_changed = false;
	lists_clear(t);
}
