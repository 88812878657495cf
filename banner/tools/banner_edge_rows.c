/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge_rows.c - what the controller asked for, and its end.
 *
 * The instance (actor.h) knows a ban by a number; here that is the row's address,
 * unique as long as the row lives, and it lives until the removal is reported.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/clock.h"
#include "banner/daemon/actor/actor.h"
#include "banner/tools/banner_edge.h"

int64_t
edge_now(void)
{
	return clock_ms(CLOCK_BOOTTIME);
}

struct edge_row *
edge_row_find(const struct edge *e, const struct addr *a)
{
	return table_find(e->rows, a, sizeof(*a));
}

/* The plugin counts in wall-clock time. */
static void
tell_instance(struct edge *e, struct edge_row *r, enum verb verb)
{
	int64_t now = clock_ms(CLOCK_REALTIME);
	struct wire_ban b = { .verb = verb,
		.ban = { .id = (uintptr_t)r,
		    .jail = "edge",
		    .subject = { .kind = SUBJECT_ADDR,
			.addr = r->addr,
			.text = { "", 0 } },
		    .since_ms = now,
		    .manual = true } };

	if (r->end.at)
		b.ban.until_ms = now + (r->end.key - edge_now());
	instance_change(e->instance, 0, &b);
}

struct edge_row *
edge_row_set(struct edge *e, const struct addr *a, int64_t ttl_ms, uint64_t seq)
{
	struct edge_row *r = edge_row_find(e, a);

	if (!r) {
		r = xcalloc(1, sizeof(*r));
		r->addr = *a;
		table_set(e->rows, a, sizeof(*a), r);
	}
	r->seq = seq;
	r->generation = e->sync.generation;
	if (ttl_ms > 0)
		heap_move(&e->ends, &r->end, edge_now() + ttl_ms);
	else
		heap_del(&e->ends, &r->end);
	edge_state_note(e, a, ttl_ms > 0 ? r->end.key : 0);
	tell_instance(e, r, VERB_BAN);
	return r;
}

void
edge_row_end(struct edge *e, struct edge_row *r)
{
	edge_state_drop(e, &r->addr);
	heap_del(&e->ends, &r->end);
	tell_instance(e, r, VERB_UNBAN);
}

void
edge_row_forget(struct edge *e, struct edge_row *r)
{
	heap_del(&e->ends, &r->end);
	table_del(e->rows, &r->addr, sizeof(r->addr));
	free(r);
}

const char *
edge_policy(const struct edge *e, const struct addr *a)
{
	if (a->plen < (a->family == 4 ? e->conf.plen4 : e->conf.plen6))
		return "prefix too short";
	if (table_count(e->rows) >= e->conf.max_bans && !edge_row_find(e, a))
		return "limit";
	return NULL;
}

int64_t
edge_expire(struct edge *e)
{
	struct heap_node *n;
	int64_t now = edge_now();

	while ((n = heap_first(&e->ends))) {
		struct edge_row *r = heap_entry(n, struct edge_row, end);

		if (n->key > now)
			return n->key;
		edge_row_end(e, r);
	}
	return INT64_MAX;
}

static const char *
reason(const struct edge *e, const struct edge_row *r, int err)
{
	const char *why =
	    err == -EPERM ? guard_refuses(e->guard, &r->addr, GUARD_ADMIN) : NULL;

	if (err == -EPERM)
		return why ? why : "protected";
	return err == -EEXIST ? "conflict: somebody else's entry is in the way"
			      : strerror(-err);
}

void
edge_outcome(void *arg, const struct actor_outcome *o)
{
	struct edge *e = arg;
	struct edge_row *r = (struct edge_row *)(uintptr_t)o->ban;
	char text[ADDR_TEXT];
	bool news = r->err != o->err;

	if (o->target[0])
		return;
	r->err = o->err;
	if (o->err < 0)
		edge_say(e, "ERR %llu %s %s%s%s\n", (unsigned long long)r->seq,
		    addr_print(&r->addr, text), o->verb == BN_DEL ? "remove: " : "",
		    o->err == -EPERM ? "refused: " : "", reason(e, r, o->err));
	else if (news && o->verb != BN_DEL)
		edge_say(e, "FIXED %llu %s\n", (unsigned long long)r->seq,
		    addr_print(&r->addr, text));
	if (o->err == 0 && o->verb == BN_DEL)
		edge_row_forget(e, r);
}
