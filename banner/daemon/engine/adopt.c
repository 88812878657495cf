/* SPDX-License-Identifier: GPL-2.0-or-later
 * adopt.c - what is in force while the stored state is lost becomes bans again.
 *
 * A damaged database must open no door. When every source has read what was there, an
 * actor is asked what it finds in force that no ban asks for. Of each a ban is made, in
 * the first jail that has this action and for its bantime; then COMPLETE may follow.
 */
#include <errno.h>

#include "banner/core/engine.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay_int.h"

void
relay_ask_unnamed(struct actor_link *l)
{
	if (l->asked)
		return;
	l->asked = true;
	wire_empty(&l->link.out, WIRE_UNNAMED);
	link_flush(&l->link);
}

static const char *
jail_with(const struct relay *r, size_t action)
{
	struct engine *en = r->d->engine;

	for (size_t i = 0; i < engine_jails(en); i++) {
		const struct jail *j = engine_jail_at(en, i);

		if (relay_serves(r, jail_name(j), action))
			return jail_name(j); /* manual is the last */
	}
	return NULL;
}

static void
adopt(struct relay *r, size_t action, const struct addr *a)
{
	struct ban_request want = { .jail = jail_with(r, action),
		.subject = { .kind = SUBJECT_ADDR, .addr = *a, .text = STR("") },
		.now_ms = engined_now(),
		.until_ms = -1,
		.comment = "in force when the database was lost",
		.cause = CAUSE_RESTORE };
	const struct ban *ban;
	struct err e;

	/* what may not be banned any more goes with COMPLETE */
	if (want.jail && engine_ban(r->d->engine, &want, &ban, &e) < 0)
		log_debug("banner.engine", "not kept: %s", e.text);
}

int
relay_found(struct actor_link *l, struct wire_in *in)
{
	uint32_t instance = wire_get_u32(in);
	struct addr a = wire_get_addr(in);
	struct relay_action *action = relay_action_of(l->relay, l->number, instance);

	if (in->bad || (!action && instance != WIRE_ALL))
		return -EBADMSG;
	if (action) {
		l->found++;
		adopt(l->relay, (size_t)(action - l->relay->actions), &a);
		return 0;
	}
	log_notice("banner.engine",
	    "actor %u: %zu entries in force that no ban asked for", l->number,
	    l->found);
	l->adopted = true;
	relay_complete(l);
	engined_turn(l->relay->d);
	return 0;
}
