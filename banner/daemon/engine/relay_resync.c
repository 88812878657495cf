/* SPDX-License-Identifier: GPL-2.0-or-later
 * relay_resync.c - the whole wanted set, told to an actor anew.
 *
 * The ids of that moment are noted, and their bans are sent in slices as fast as the
 * socket takes them: a million bans cost 8 MB of ids, not 100 MB of records. What
 * changes meanwhile is told as always; told twice it is the same, and an end that
 * overtakes its ban means that the ban is not found any more.
 */
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay_int.h"
#include "banner/daemon/engine/stream.h"

enum { SLICE_BYTES = 256 * 1024 };

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
	l->nids = l->sent = 0;
}

static bool
note_id(void *arg, const struct ban *ban)
{
	struct actor_link *l = arg;

	l->ids[l->nids++] = ban->id;
	return true;
}

static void
note_wanted(struct actor_link *l)
{
	struct engined *d = l->relay->d;
	struct engine_stats st;

	relay_resync_stop(l);
	engine_stats(d->engine, NULL, &st);
	l->ids = xcalloc(st.banned_now + 1, sizeof(*l->ids));
	if (!d->paused)
		engine_bans_each(d->engine, NULL, note_id, l);
}

/* As much as the socket takes now; a ban that ended meanwhile is not named. */
static void
send_wanted(struct actor_link *l)
{
	const struct ban *ban;

	while (l->ids && !l->link.waits && link_is_open(&l->link)) {
		while (l->sent < l->nids && l->link.out.len < SLICE_BYTES) {
			ban = engine_ban_by_id(
			    l->relay->d->engine, l->ids[l->sent++]);
			if (ban)
				put_wanted(l, ban);
		}
		if (l->sent == l->nids) {
			relay_resync_stop(l);
			relay_complete(l);
		}
		link_flush(&l->link);
	}
}

void
relay_resync(struct actor_link *l)
{
	struct engined *d = l->relay->d;

	if (!link_is_open(&l->link) || !d->restored || l->link.waits)
		return;
	if (l->resync) {
		l->resync = l->completed = false;
		l->generation = ++l->relay->generation;
		put_generation(l, WIRE_BEGIN);
		for (size_t i = 0; i < engine_jails(d->engine); i++)
			put_jail(l, jail_name(engine_jail_at(d->engine, i)), true);
		note_wanted(l);
	}
	send_wanted(l);
}
