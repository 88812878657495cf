/* SPDX-License-Identifier: GPL-2.0-or-later
 * relay_resync.c - the whole wanted set, told to an actor anew.
 *
 * The ids of that moment are noted, and their bans are sent in slices as fast as the
 * socket takes them: a million bans cost 8 MB of ids, not 100 MB of records. What
 * changes meanwhile is told as always; told twice it is the same, and an end that
 * overtakes its ban means that the ban is not found any more. At the start the ids are
 * noted while the store tells the bans, so that all three processes work at once.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay_int.h"
#include "banner/daemon/engine/stream.h"

enum { SLICE_BYTES = 256 * 1024, IDS_MIN = 64 };

static void
put_wanted(struct actor_link *l, const struct ban *ban)
{
	struct relay *r = l->relay;
	struct order o = { .verb = VERB_BAN, .cause = CAUSE_RESTORE };
	struct ban again = *ban;

	again.restored = true;
	o.ban = &again;
	for (size_t i = 0; i < r->nactions; i++)
		if (r->actions[i].conf->actor == l->number &&
		    relay_serves(r, ban->jail, i)) {
			relay_wait_for(r, &o, i);
			relay_put_change(l, relay_instance_of(r, i), &o);
		}
}

static void
put_generation(struct actor_link *l, enum wire_type type)
{
	size_t at = wire_start(&l->link.out, type);

	wire_u64(&l->link.out, l->generation);
	if (type == WIRE_COMPLETE)
		wire_u8(&l->link.out, l->force);
	wire_finish(&l->link.out, at);
}

static void
put_jail(struct actor_link *l, const char *jail, bool started)
{
	struct relay *r = l->relay;

	for (size_t i = 0; i < r->nactions; i++) {
		size_t at;

		if (r->actions[i].conf->actor != l->number || !relay_serves(r, jail, i))
			continue;
		at = wire_start(&l->link.out, WIRE_JAIL);
		wire_u32(&l->link.out, relay_instance_of(r, i));
		wire_text(&l->link.out, jail);
		wire_u8(&l->link.out, started);
		wire_finish(&l->link.out, at);
	}
}

void
relay_complete(struct actor_link *l)
{
	struct engined *d = l->relay->d;

	if (l->completed || l->resync || l->ids || !link_is_open(&l->link) ||
	    !d->caught_up)
		return;
	if (stream_lost(d->stream) && !l->adopted) {
		if (!stream_follows(d->stream))
			relay_ask_unnamed(l);
		return;
	}
	l->completed = true;
	put_generation(l, WIRE_COMPLETE);
	l->force = false;
}

void
relay_resync_stop(struct actor_link *l)
{
	free(l->ids);
	l->ids = NULL;
	l->nids = l->sent = l->cap = 0;
}

static bool
note_id(void *arg, const struct ban *ban)
{
	struct actor_link *l = arg;

	if (l->nids == l->cap) {
		l->cap = l->cap ? l->cap * 2 : IDS_MIN;
		l->ids = xrealloc(l->ids, l->cap * sizeof(*l->ids));
	}
	l->ids[l->nids++] = ban->id;
	return true;
}

void
relay_put_flush(struct actor_link *l)
{
	size_t at = wire_start(&l->link.out, WIRE_FLUSH);

	wire_u32(&l->link.out, WIRE_ALL);
	wire_finish(&l->link.out, at);
}

static void
begin(struct actor_link *l)
{
	struct relay *r = l->relay;

	relay_resync_stop(l);
	l->resync = l->completed = false;
	l->generation = ++r->generation;
	put_generation(l, WIRE_BEGIN);
	for (size_t i = 0; i < engine_jails(r->d->engine); i++)
		put_jail(l, jail_name(engine_jail_at(r->d->engine, i)), true);
	if (r->d->paused)
		relay_put_flush(l);
	else
		engine_bans_each(r->d->engine, NULL, note_id, l);
}

void
relay_restored(struct actor_link *l, const struct ban *ban)
{
	if (l->resync)
		begin(l); /* it is among them, the last */
	else if (!l->nids || l->ids[l->nids - 1] != ban->id)
		note_id(l, ban); /* once, for all actions of this actor */
}

/* A slice, if the socket takes it; a ban that ended meanwhile is not named. */
static void
send_wanted(struct actor_link *l)
{
	static const struct timeval soon = { 0, 0 };
	const struct ban *ban;

	while (l->sent < l->nids && l->link.out.len < SLICE_BYTES) {
		ban = engine_ban_by_id(l->relay->d->engine, l->ids[l->sent++]);
		if (ban)
			put_wanted(l, ban);
	}
	if (l->sent < l->nids)
		event_add(l->relay->more, &soon);
	else if (l->relay->d->restored) {
		relay_resync_stop(l);
		relay_complete(l);
	}
	link_flush(&l->link);
}

void
relay_resync(struct actor_link *l)
{
	struct engined *d = l->relay->d;

	if (!link_is_open(&l->link) || l->link.waits || (!d->restored && !l->ids))
		return;
	if (l->resync) {
		begin(l);
		if (!l->ids)
			relay_complete(l);
	}
	if (l->ids)
		send_wanted(l);
}
