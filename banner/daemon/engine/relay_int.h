/* SPDX-License-Identifier: GPL-2.0-or-later
 * relay_int.h - between relay.c (orders out), relay_resync.c (all orders anew) and
 * relay_answer.c (answers in).
 */
#ifndef BANNER_RELAY_INT_H
#define BANNER_RELAY_INT_H

#include "banner/daemon/engine/link.h"
#include "banner/daemon/engine/relay.h"

struct actor_link {
	struct relay *relay;
	unsigned number;
	struct link link;
	bool resync; /* records were dropped, or it is new */
	bool completed, force;
	bool asked, adopted; /* what it has in force that no ban asks for */
	size_t found;
	bool early; /* an order went, since the last relay_flush */
	uint64_t generation;
	uint64_t *ids; /* bans still to be sent in this generation, or NULL */
	size_t nids, sent, cap;
};

struct slot {
	uint8_t state; /* enum relay_state */
	int err;
	int64_t when_ms;
	struct missing missing;
};

/* Of one ban, attached to it: a slot per action that its jail has. */
struct progress {
	int64_t read_ms; /* of the line that led to it; 0: no line */
	struct slot slots[];
};

struct relay {
	struct engined *d;
	struct relay_action *actions;
	size_t nactions;
	struct actor_link *links;
	size_t nlinks;
	uint64_t generation, waiting;
	int64_t soon_ms; /* of the last WIRE_SOON */
	struct event *more; /* wanted sets that go on after the events at hand */
};

struct relay_action *relay_action_of(struct relay *, unsigned actor, uint32_t instance);
/* Position of the action among those of its actor: its instance on the wire. */
uint32_t relay_instance_of(const struct relay *, size_t action);
void relay_wait_for(struct relay *, const struct order *, size_t action);
void relay_put_change(struct actor_link *, uint32_t instance, const struct order *);
/* Begin a resync if one is due, go on with one that runs. */
void relay_resync(struct actor_link *);
void relay_resync_stop(struct actor_link *);
/* It is to take everything out of force. */
void relay_put_flush(struct actor_link *);
/* A ban arrives from the store: it is part of the wanted set, and told while the others
 * arrive. */
void relay_restored(struct actor_link *, const struct ban *);
/* COMPLETE, once all is sent and every source has read what was there. */
void relay_complete(struct actor_link *);
/* The stored state is lost: what an actor has in force is taken over as bans. */
void relay_ask_unnamed(struct actor_link *);
int relay_found(struct actor_link *, struct wire_in *);
/* Which jails must keep rows of attempts: what a->bare says has changed. */
void relay_tell_rows(const struct relay *);
/* Where a ban stands; all counters of it follow. */
void relay_slot(struct relay *, size_t action, struct slot *, enum relay_state);
struct progress *relay_progress(const struct relay *, uint64_t ban, bool make);
/* One record of an actor; nonzero: it was bad. */
int relay_record(void *arg, enum wire_type, struct wire_in *);

#endif
