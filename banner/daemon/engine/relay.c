/* SPDX-License-Identifier: GPL-2.0-or-later
 * relay.c - orders to the actors.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/relay_int.h"

/* What an actor that does not read may have waiting; beyond it gets a resync. */
enum { QUEUE_BYTES = 4 << 20, BUSY_BYTES = 1 << 20 };
/* So many orders of one turn are worth a system call. */
enum { SEND_BYTES = WIRE_FRAME / 2 };
/* An actor that waits awake takes some of this from others. */
enum { SOON_EVERY_MS = 10 };

size_t
relay_actions(const struct relay *r)
{
	return r->nactions;
}

const struct relay_action *
relay_action(const struct relay *r, size_t i)
{
	return &r->actions[i];
}

static bool
jail_names(const struct conf_jail *c, size_t action)
{
	for (size_t i = 0; i < c->naction; i++)
		if (c->action[i] == action)
			return true;
	return false;
}

bool
relay_serves(const struct relay *r, const char *jail, size_t action)
{
	const struct conf *c = r->d->conf;
	struct jail *j = engine_jail(r->d->engine, jail);
	const struct conf_jail *own = j ? jail_conf(j) : NULL;

	if (own && own->naction)
		return jail_names(own, action);
	if (own && strcmp(jail, "manual") != 0)
		return false;
	/* manual, and a jail that is gone but whose bans must be lifted: everywhere */
	for (size_t i = 0; i < c->njails; i++)
		if (c->jails[i].enabled && !c->jails[i].refused &&
		    jail_names(&c->jails[i], action))
			return true;
	return !j;
}

/* Position of the action among those of its actor: its instance on the wire. */
uint32_t
relay_instance_of(const struct relay *r, size_t action)
{
	uint32_t n = 0;

	for (size_t i = 0; i < action; i++)
		n += r->actions[i].conf->actor == r->actions[action].conf->actor;
	return n;
}

struct relay_action *
relay_action_of(struct relay *r, unsigned actor, uint32_t instance)
{
	for (size_t i = 0; i < r->nactions; i++)
		if (r->actions[i].conf->actor == actor && instance-- == 0)
			return &r->actions[i];
	return NULL;
}

struct progress *
relay_progress(const struct relay *r, uint64_t ban, bool make)
{
	void **at = engine_ban_attached(r->d->engine, ban);

	if (at && !*at && make)
		*at = xcalloc(1,
		    sizeof(struct progress) + r->nactions * sizeof(struct slot));
	return at ? *at : NULL;
}

void
relay_slot(struct relay *r, size_t action, struct slot *s, enum relay_state to)
{
	struct relay_action *a = &r->actions[action];
	bool waits = to == RELAY_WAITING, waited = s->state == RELAY_WAITING;

	/* an answer, or the first question: from then on it owes the next */
	if (waited || !a->waiting)
		a->owes_ms = clock_ms(CLOCK_MONOTONIC);
	a->waiting += (uint64_t)waits - waited;
	r->waiting += (uint64_t)waits - waited;
	a->lacking += (uint64_t)(to == RELAY_FAILED) - (s->state == RELAY_FAILED);
	s->state = to;
}

static void
forget(struct relay *r, uint64_t ban)
{
	void **at = engine_ban_attached(r->d->engine, ban);
	struct progress *p = at ? *at : NULL;

	for (size_t i = 0; p && i < r->nactions; i++) {
		relay_slot(r, i, &p->slots[i], RELAY_NONE);
		missing_clear(&p->slots[i].missing);
	}
	free(p);
	if (at)
		*at = NULL;
}

void
relay_wait_for(struct relay *r, const struct order *o, size_t action)
{
	struct progress *p = relay_progress(r, o->ban->id, true);

	if (!p)
		return; /* the engine does not know the ban */
	if (o->cause == CAUSE_FAILURES && o->verb == VERB_BAN)
		p->read_ms = r->d->read_ms;
	missing_clear(&p->slots[action].missing);
	if (p->slots[action].state != RELAY_WAITING)
		relay_slot(r, action, &p->slots[action], RELAY_WAITING);
	p->slots[action] = (struct slot){ .state = RELAY_WAITING };
}

void
relay_put_change(struct actor_link *l, uint32_t instance, const struct order *o)
{
	const struct relay_action *a = relay_action_of(l->relay, l->number, instance);
	size_t at = wire_start(&l->link.out, WIRE_CHANGE);
	struct order told = *o;

	if (a && a->bare)
		told.nlines = told.nfields = 0;
	wire_u32(&l->link.out, instance);
	wire_put_ban(&l->link.out, &told);
	wire_finish(&l->link.out, at);
}

/* The first order of a turn goes out at once: matching goes on while the actor wakes
 * up. Those that follow it in the same block of lines go together. */
static void
send_early(struct actor_link *l)
{
	if (l->link.waits || (l->early && l->link.out.len < SEND_BYTES))
		return;
	l->early = true;
	link_flush(&l->link);
}

static void
order_action(struct relay *r, size_t action, const struct order *o)
{
	struct actor_link *l = &r->links[r->actions[action].conf->actor];

	if (!r->d->restored && o->verb == VERB_BAN && link_is_open(&l->link) &&
	    !r->d->paused) {
		relay_restored(l, o->ban);
		return;
	}
	if (o->verb != VERB_UNBAN)
		relay_wait_for(r, o, action);
	if (!link_is_open(&l->link) || r->d->paused)
		return;
	/* what ended while we were away is named also to actors that cannot list */
	if (l->resync && (r->d->restored || o->verb != VERB_UNBAN))
		return;
	if (l->link.out.len > QUEUE_BYTES) {
		log_warn("banner.engine",
		    "actor %u does not keep up; it gets the whole "
		    "wanted set when it does",
		    l->number);
		l->resync = true;
		return;
	}
	relay_put_change(l, relay_instance_of(r, action), o);
	if (r->d->restored)
		send_early(l);
}

void
relay_order(struct relay *r, const struct order *o)
{
	for (size_t i = 0; i < r->nactions; i++)
		if (relay_serves(r, o->ban->jail, i))
			order_action(r, i, o);
	if (o->verb == VERB_UNBAN)
		forget(r, o->ban->id);
}

void
relay_flush(struct relay *r)
{
	for (size_t i = 0; i < r->nlinks; i++) {
		r->links[i].early = false;
		relay_resync(&r->links[i]);
		link_flush(&r->links[i].link);
	}
}

/* Needs nothing but the subject. The work of the others takes longer than waking. */
static bool
is_quick(const struct actor_link *l)
{
	const struct relay_action *a = relay_action_of(l->relay, l->number, 0);

	return a && a->bare && link_is_open(&l->link) && !l->link.out.len;
}

void
relay_soon(struct relay *r, int64_t now_ms)
{
	if (r->d->paused || now_ms - r->soon_ms < SOON_EVERY_MS)
		return;
	r->soon_ms = now_ms;
	for (size_t i = 0; i < r->nlinks; i++) {
		if (!is_quick(&r->links[i]))
			continue;
		wire_empty(&r->links[i].link.out, WIRE_SOON);
		link_flush(&r->links[i].link);
	}
}

bool
relay_busy(const struct relay *r)
{
	for (size_t i = 0; i < r->nlinks; i++)
		if (link_busy(&r->links[i].link, BUSY_BYTES))
			return true;
	return false;
}

void
relay_caught_up(struct relay *r)
{
	for (size_t i = 0; i < r->nlinks; i++)
		relay_complete(&r->links[i]);
	relay_flush(r);
}

void
relay_sync(struct relay *r, bool force)
{
	for (size_t i = 0; i < r->nlinks; i++) {
		r->links[i].resync = true;
		r->links[i].force |= force;
	}
	relay_flush(r);
}

void
relay_flush_all(struct relay *r)
{
	for (size_t i = 0; i < r->nlinks; i++) {
		relay_resync_stop(&r->links[i]);
		relay_put_flush(&r->links[i]);
	}
	relay_flush(r);
}

void
relay_tell_rows(const struct relay *r)
{
	struct engine *en = r->d->engine;

	for (size_t i = 0; i < engine_jails(en); i++) {
		struct jail *j = engine_jail_at(en, i);
		const struct conf_jail *c = jail_conf(j);
		bool wanted = false;

		for (size_t k = 0; k < c->naction && !wanted; k++)
			wanted = !r->actions[c->action[k]].bare;
		jail_keep_rows(j, wanted);
	}
}

static void
connected(struct actor_link *l, bool yes)
{
	for (size_t i = 0; i < l->relay->nactions; i++)
		if (l->relay->actions[i].conf->actor == l->number) {
			l->relay->actions[i].connected = yes;
			l->relay->actions[i].bare = false;
		}
	relay_tell_rows(l->relay);
}

static void
on_closed(void *arg)
{
	struct actor_link *l = arg;

	log_error("banner.engine",
	    "actor %u is gone; it is told everything when it is back", l->number);
	connected(l, false);
	relay_resync_stop(l);
	control_targets_lost(l->relay->d->control);
	engined_reconnect(l->relay->d);
}

static void
on_drained(void *arg)
{
	relay_resync(arg);
}

static const struct link_ops relay_ops = {
	.record = relay_record,
	.closed = on_closed,
	.drained = on_drained,
};

size_t
relay_links(const struct relay *r)
{
	return r->nlinks;
}

bool
relay_link_is_open(const struct relay *r, size_t actor)
{
	return link_is_open(&r->links[actor].link);
}

void
relay_connect(struct relay *r, unsigned actor, int sock)
{
	struct actor_link *l;

	if (actor >= r->nlinks)
		return;
	l = &r->links[actor];
	link_open(&l->link, sock);
	l->resync = true;
	l->asked = false;
	connected(l, true);
	if (r->d->paused)
		relay_put_flush(l); /* not only when the store has told all */
	relay_flush(r);
}

void
relay_status(
    const struct relay *r, uint64_t ban, size_t action, struct relay_status *out)
{
	const struct progress *p = relay_progress(r, ban, false);

	*out = (struct relay_status){ 0 };
	if (!p)
		return;
	out->state = (enum relay_state)p->slots[action].state;
	out->when_ms = p->slots[action].when_ms;
	out->err = p->slots[action].err;
}

bool
relay_waits(const struct relay *r, uint64_t ban)
{
	const struct progress *p = relay_progress(r, ban, false);

	for (size_t i = 0; p && i < r->nactions; i++)
		if (p->slots[i].state == RELAY_WAITING)
			return true;
	return false;
}

uint64_t
relay_waiting(const struct relay *r)
{
	uint64_t n = r->waiting;

	for (size_t i = 0; i < r->nlinks; i++)
		n += r->links[i].nids - r->links[i].sent;
	return n;
}

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
	relay_flush(arg);
}

struct relay *
relay_new(struct engined *d)
{
	struct relay *r = xcalloc(1, sizeof(*r));

	r->d = d;
	r->nactions = d->mode == MODE_DRY ? 0 : d->conf->nactions;
	r->actions = xcalloc(r->nactions + 1, sizeof(*r->actions));
	for (size_t i = 0; i < r->nactions; i++) {
		r->actions[i].conf = &d->conf->actions[i];
		if (r->actions[i].conf->actor >= r->nlinks)
			r->nlinks = r->actions[i].conf->actor + 1;
	}
	r->more = evtimer_new(d->base, on_more, r);
	r->links = xcalloc(r->nlinks + 1, sizeof(*r->links));
	for (size_t i = 0; i < r->nlinks; i++) {
		r->links[i].relay = r;
		r->links[i].number = (unsigned)i;
		link_init(&r->links[i].link, d->base, &relay_ops, &r->links[i]);
	}
	return r;
}

static bool
free_progress(void *arg, const struct ban *ban)
{
	forget(arg, ban->id);
	return true;
}

void
relay_free(struct relay *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->nlinks; i++) {
		link_close(&r->links[i].link);
		relay_resync_stop(&r->links[i]);
	}
	engine_bans_each(r->d->engine, NULL, free_progress, r);
	for (size_t i = 0; i < r->nactions; i++)
		targets_fini(&r->actions[i].targets);
	event_free(r->more);
	free(r->links);
	free(r->actions);
	free(r);
}
