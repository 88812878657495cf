/* SPDX-License-Identifier: GPL-2.0-or-later
 * relay.h - the engine's side of the actors: what must be in force, and what is.
 *
 * Orders go to the actors of the jail's actions. An actor that starts, comes back or
 * does not keep up gets the whole wanted set (BEGIN, all bans, COMPLETE); COMPLETE,
 * which allows removals, waits until every source has read what was there at the start.
 */
#ifndef BANNER_RELAY_H
#define BANNER_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/core/engine.h"
#include "banner/daemon/engine/missing.h"
#include "banner/daemon/proc/wire.h"

struct engined;
struct relay;

enum { RELAY_BUCKETS = 24 }; /* latency: < 1 ms, < 2, < 4 ... */

/* One action of the configuration, as its actor told. */
struct relay_action {
	const struct conf_action *conf;
	bool connected;
	bool bare; /* needs neither evidence nor captures */
	uint64_t applied, failed, waiting;
	uint64_t lacking; /* bans that failed and are not in force */
	int64_t owes_ms; /* since then, if any wait; CLOCK_MONOTONIC */
	uint64_t in_force, repaired, conflicts, refused; /* of WIRE_STATE */
	int64_t failed_ms;
	char last_error[200];
	struct targets targets;
	uint32_t latency[RELAY_BUCKETS]; /* line read to acknowledgement */
};

struct relay *relay_new(struct engined *);
void relay_free(struct relay *);
size_t relay_links(const struct relay *);
bool relay_link_is_open(const struct relay *, size_t actor);
void relay_connect(struct relay *, unsigned actor, int sock);
/* Sent at once, if it is the first to this actor since relay_flush, else by then. */
void relay_order(struct relay *, const struct order *);
void relay_flush(struct relay *); /* send what is queued */
/* Lines that may lead to orders are about to be matched: actors that can carry these
 * out at once wake up meanwhile. */
void relay_soon(struct relay *, int64_t now_ms);
void relay_caught_up(struct relay *);
/* An actor has a lot to read, and reads. */
bool relay_busy(const struct relay *);
/* All again: BEGIN, wanted, COMPLETE. force: far sides may remove most of theirs. */
void relay_sync(struct relay *, bool force);
/* Remove everything from every action (stop --unban, panic). */
void relay_flush_all(struct relay *);
/* The jail's actions; `manual` has those of all jails. */
size_t relay_actions(const struct relay *);
const struct relay_action *relay_action(const struct relay *, size_t i);
bool relay_serves(const struct relay *, const char *jail, size_t action);

/* Where a ban stands at an action. */
enum relay_state { RELAY_NONE, RELAY_WAITING, RELAY_APPLIED, RELAY_FAILED };
struct relay_status {
	enum relay_state state;
	int64_t when_ms;
	int err;
};
void
relay_status(const struct relay *, uint64_t ban, size_t action, struct relay_status *);
/* Ask the action's actor whether the subject (an address) is in force out there;
 * control_looked tells. False: nobody to ask. */
struct relay_looked {
	uint64_t id;
	size_t action;
	bool there;
	int err; /* errno */
};
bool relay_look(struct relay *, uint64_t id, size_t action, const struct subject *);
bool relay_waits(const struct relay *, uint64_t ban); /* for any answer */
/* Far sides that do not hold the ban; NULL: the action has nothing to do with it. */
const struct missing *relay_missing(const struct relay *, uint64_t ban, size_t action);
bool relay_late(const struct relay *, uint64_t ban); /* one is merely late */
/* Ask all actors for their targets (ban: where it stands there); so many ends come. */
unsigned relay_targets(struct relay *, uint64_t id, uint64_t ban);
/* Answers not yet given, over all bans. */
uint64_t relay_waiting(const struct relay *);

#endif
