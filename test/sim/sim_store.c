/* SPDX-License-Identifier: GPL-2.0-or-later
 * sim_store.c - the simulated store: what survives a restart of the engine.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/base/table.h"
#include "sim.h"

struct row {
	struct row *next;
	size_t klen, len;
	char *bytes;		/* jail NUL key, record */
	struct ban ban;
};

void
sim_store_init(struct sim *sim)
{
	sim->bans = table_new();
	sim->counters = table_new();
}

static int
row_free(void *arg, const void *key, size_t len, void *value)
{
	struct row *r = value;

	free(r->bytes);
	free(r);
	return 1;
}

void
sim_store_fini(struct sim *sim)
{
	table_each(sim->bans, row_free, NULL);
	table_each(sim->counters, row_free, NULL);
	table_free(sim->bans);
	table_free(sim->counters);
}

static void
drop(struct table *t, const void *key, size_t len)
{
	struct row *r = table_del(t, key, len);

	if (r)
		row_free(NULL, NULL, 0, r);
}

void
sim_store_order(struct sim *sim, const struct order *o)
{
	const struct ban *b = o->ban;
	struct row *r;

	drop(sim->bans, &b->id, sizeof(b->id));
	if (o->verb == VERB_UNBAN)
		return;
	r = xcalloc(1, sizeof(*r));
	r->ban = *b;
	r->ban.comment = NULL;
	r->ban.jail = arena_strdup(sim->arena, b->jail);
	if (b->subject.text.len)
		r->ban.subject.text.s = arena_dup(sim->arena, b->subject.text);
	table_set(sim->bans, &b->id, sizeof(b->id), r);
}

static void
keep_counter(void *arg, const char *jail, struct str key, struct str record)
{
	struct sim *sim = arg;
	struct row *r = xcalloc(1, sizeof(*r));
	size_t n = strlen(jail) + 1;

	r->klen = n + key.len;
	r->len = record.len;
	r->bytes = xmalloc(r->klen + r->len);
	memcpy(r->bytes, jail, n);
	memcpy(r->bytes + n, key.s, key.len);
	memcpy(r->bytes + r->klen, record.s, record.len);
	drop(sim->counters, r->bytes, r->klen);
	if (record.len)
		table_set(sim->counters, r->bytes, r->klen, r);
	else
		row_free(NULL, NULL, 0, r);
}

void
sim_store_counters(struct sim *sim)
{
	engine_counters(sim->en, false, keep_counter, sim);
}

struct list { struct row *first; };

static int
list_row(void *arg, const void *key, size_t len, void *value)
{
	struct list *l = arg;
	struct row *r = value, **at = &l->first;

	/* In a fixed order, so that the output of a restart is. */
	while (*at && (*at)->ban.id < r->ban.id)
		at = &(*at)->next;
	r->next = *at;
	*at = r;
	return 1;
}

void
sim_restart(struct sim *sim)
{
	struct list bans = { NULL }, counters = { NULL };

	sim_store_counters(sim);
	engine_free(sim->en);
	sim->en = NULL;
	table_each(sim->bans, list_row, &bans);
	table_each(sim->counters, list_row, &counters);
	table_free(sim->bans);
	sim->bans = table_new();
	sim_start(sim);
	for (struct row *r = bans.first, *next; r; r = next) {
		next = r->next;
		engine_restore_ban(sim->en, &r->ban, sim->now_ms);
		row_free(NULL, NULL, 0, r);
	}
	for (struct row *r = counters.first; r; r = r->next) {
		struct str record = { r->bytes + r->klen, r->len };

		if (engine_restore_counter(sim->en, r->bytes, record) < 0)
			buf_puts(&sim->out, "counter refused\n");
	}
}
