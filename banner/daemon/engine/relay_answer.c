/* SPDX-License-Identifier: GPL-2.0-or-later
 * relay_answer.c - what the actors say.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/relay_int.h"

static void
count_latency(struct relay_action *a, int64_t ms)
{
	unsigned bucket = 0;

	while (bucket < RELAY_BUCKETS - 1 && ms >= INT64_C(1) << bucket)
		bucket++;
	a->latency[bucket]++;
}

static void
note_error(struct relay_action *a, int err, const char *target, int64_t when)
{
	a->failed++;
	a->failed_ms = when;
	snprintf(a->last_error, sizeof(a->last_error), "%s%s%s", target,
	    target[0] ? ": " : "", err_change(err));
}

/* The whole is in force when one target holds it; without targets, when it was told. */
static void
settle(struct relay *r, struct relay_action *a, struct progress *p, uint64_t id,
    int64_t when)
{
	struct slot *s = &p->slots[a - r->actions];
	bool nowhere = a->targets.all && s->missing.n >= a->targets.all;
	bool was = s->state == RELAY_APPLIED;

	relay_slot(r, (size_t)(a - r->actions), s,
	    nowhere ? RELAY_FAILED : RELAY_APPLIED);
	s->err = nowhere ? s->missing.v[0].err : 0;
	s->when_ms = was ? s->when_ms : when;
	if (nowhere || was)
		return;
	engine_applied(r->d->engine, id, when);
	if (p->read_ms)
		count_latency(a, when - p->read_ms);
	p->read_ms = 0;
}

static void
take_target(
    struct relay *r, struct relay_action *a, uint64_t id, const char *target, int err)
{
	struct progress *p = relay_progress(r, id, false);
	struct slot *s = p ? &p->slots[a - r->actions] : NULL;
	int i = targets_find(&a->targets, target);

	if (!s || i < 0)
		return;
	missing_set(&s->missing, (unsigned)i, err);
	if (s->state != RELAY_WAITING)
		settle(r, a, p, id, engined_now());
}

static void
take_whole(struct relay *r, struct relay_action *a, uint64_t id, int err, int64_t when)
{
	struct progress *p = relay_progress(r, id, false);
	struct slot *s = p ? &p->slots[a - r->actions] : NULL;

	if (!s)
		return;
	if (err) {
		relay_slot(r, (size_t)(a - r->actions), s, RELAY_FAILED);
		s->err = err;
		s->when_ms = when;
	} else {
		settle(r, a, p, id, when);
	}
}

static int
take_done(struct actor_link *l, struct wire_in *in)
{
	struct relay *r = l->relay;
	struct relay_action *a = relay_action_of(r, l->number, wire_get_u32(in));
	uint64_t id = wire_get_u64(in);
	unsigned verb = wire_get_u8(in);
	const char *target = wire_get_text(in);
	int err = (int)wire_get_u32(in);
	int64_t when = wire_get_i64(in);

	if (in->bad || !a)
		return -EBADMSG;
	if (err)
		note_error(a, err, target, when);
	else if (!target[0])
		a->applied++;
	if (verb != VERB_UNBAN && target[0])
		take_target(r, a, id, target, err);
	else if (verb != VERB_UNBAN)
		take_whole(r, a, id, err, when);
	control_applied(r->d->control, id);
	return 0;
}

static int
take_state(struct actor_link *l, struct wire_in *in)
{
	struct relay_action *a = relay_action_of(l->relay, l->number, wire_get_u32(in));
	bool was_bare = a && a->bare;
	const char *text;

	if (!a)
		return -EBADMSG;
	a->in_force = wire_get_u64(in);
	wire_get_u64(in);
	wire_get_u64(in);
	wire_get_u64(in);
	a->repaired = wire_get_u64(in);
	a->conflicts = wire_get_u64(in);
	a->refused = wire_get_u64(in);
	a->failed_ms = wire_get_i64(in);
	text = wire_get_text(in);
	a->targets.all = wire_get_u32(in);
	a->bare = wire_get_u8(in) != 0;
	if (in->bad)
		return -EBADMSG;
	if (a->bare != was_bare)
		relay_tell_rows(l->relay);
	snprintf(a->last_error, sizeof(a->last_error), "%s", text);
	return 0;
}

static int
take_looked(struct actor_link *l, struct wire_in *in)
{
	struct relay *r = l->relay;
	struct relay_looked looked = { .id = wire_get_u64(in) };
	struct relay_action *a = relay_action_of(r, l->number, wire_get_u32(in));

	looked.there = wire_get_u8(in) != 0;
	looked.err = (int)wire_get_u32(in);
	if (in->bad || !a)
		return -EBADMSG;
	looked.action = (size_t)(a - r->actions);
	control_looked(r->d->control, looked);
	return 0;
}

bool
relay_look(struct relay *r, uint64_t id, size_t action, const struct subject *s)
{
	struct actor_link *l = &r->links[r->actions[action].conf->actor];
	size_t at;

	if (!link_is_open(&l->link))
		return false;
	at = wire_start(&l->link.out, WIRE_LOOK);
	wire_u64(&l->link.out, id);
	wire_u32(&l->link.out, relay_instance_of(r, action));
	wire_addr(&l->link.out, &s->addr);
	wire_finish(&l->link.out, at);
	engined_turn(r->d);
	return true;
}

static int
take_host(struct actor_link *l, struct wire_in *in)
{
	uint64_t id = wire_get_u64(in);
	const struct relay_action *a =
	    relay_action_of(l->relay, l->number, wire_get_u32(in));
	struct news_target t = { .action = a ? a->conf->name : "" };

	t.name = wire_get_text(in);
	t.state = wire_get_text(in);
	if (in->bad || !a)
		return -EBADMSG;
	control_target(l->relay->d->control, id, &t);
	return 0;
}

unsigned
relay_targets(struct relay *r, uint64_t id, uint64_t ban)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->nlinks; i++) {
		struct buf *out = &r->links[i].link.out;
		size_t at;

		if (!link_is_open(&r->links[i].link))
			continue;
		at = wire_start(out, WIRE_TARGETS);
		wire_u64(out, id);
		wire_u64(out, ban);
		wire_finish(out, at);
		n++;
	}
	relay_flush(r);
	return n;
}

const struct missing *
relay_missing(const struct relay *r, uint64_t ban, size_t action)
{
	const struct progress *p = relay_progress(r, ban, false);

	return p && p->slots[action].state != RELAY_NONE ? &p->slots[action].missing
							 : NULL;
}

bool
relay_late(const struct relay *r, uint64_t ban)
{
	for (size_t i = 0; i < r->nactions; i++) {
		const struct missing *m = relay_missing(r, ban, i);

		if (m && missing_is_late(m))
			return true;
	}
	return false;
}

/* Every ban of the user that this actor carries out must spare him there. */
static bool
is_spared(struct actor_link *l, const struct subject *s, const struct addr *from)
{
	struct relay *r = l->relay;

	for (size_t i = 0; i < engine_jails(r->d->engine); i++) {
		const char *jail = jail_name(engine_jail_at(r->d->engine, i));
		const struct ban *ban = engine_ban_find(r->d->engine, jail, s);
		bool ours = false;

		for (size_t n = 0; ban && n < r->nactions; n++)
			ours |= r->actions[n].conf->actor == l->number &&
			    relay_serves(r, jail, n);
		if (ours && !engine_ban_spares(r->d->engine, ban, from, engined_now()))
			return false;
	}
	return true;
}

static int
take_known(struct actor_link *l, struct wire_in *in)
{
	uint32_t instance = wire_get_u32(in);
	uint64_t ticket = wire_get_u64(in);
	struct subject s = { .kind = SUBJECT_USER, .text = wire_get_str(in) };
	struct addr from = wire_get_addr(in);
	size_t at;

	if (in->bad || !relay_action_of(l->relay, l->number, instance))
		return -EBADMSG;
	at = wire_start(&l->link.out, WIRE_KNOWS);
	wire_u32(&l->link.out, instance);
	wire_u64(&l->link.out, ticket);
	wire_u8(&l->link.out, is_spared(l, &s, &from));
	wire_finish(&l->link.out, at);
	engined_turn(l->relay->d);
	return 0;
}

int
relay_record(void *arg, enum wire_type type, struct wire_in *in)
{
	struct actor_link *l = arg;

	if (type == WIRE_DONE)
		return take_done(l, in);
	if (type == WIRE_STATE)
		return take_state(l, in);
	if (type == WIRE_LOOKED)
		return take_looked(l, in);
	if (type == WIRE_KNOWN)
		return take_known(l, in);
	if (type == WIRE_FOUND)
		return relay_found(l, in);
	if (type == WIRE_TARGET)
		return take_host(l, in);
	if (type == WIRE_END) {
		control_target_end(l->relay->d->control, wire_get_u64(in));
		return 0;
	}
	return type == WIRE_HELLO ? 0 : -EBADMSG;
}
