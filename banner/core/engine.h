/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine.h - failures in, orders out: the whole decision.
 *
 * One engine per process. Deterministic: no clock, no I/O, no names; the caller gives
 * the time and carries out what comes from emit(). The daemon feeds store and actors
 * with it; banregex --simulate and the simulation tests print it.
 *
 *	failure -> allow list -> guard -> already banned? -> track -> ban -> order
 *
 * Times in now_ms are wall clock; expiry is asked for by the caller (engine_expire),
 * who owns the monotonic clock and keeps remaining times when the wall clock steps.
 */
#ifndef BANNER_ENGINE_H
#define BANNER_ENGINE_H

#include "banner/core/engine_state.h"
#include "banner/core/order.h"

struct buf;
struct conf;
struct conf_jail;
struct engine;
struct jail;		/* engine's own record of a jail */

struct engine_host {
	void *arg;
	void (*emit)(void *arg, const struct order *);
	void (*notice)(void *arg, const struct notice *);
	/* Asked once, when a limit is reached; the engine parks the decision and goes
	 * on. Answer with engine_answer, at once or later; after 60 s without it the
	 * answer is "do not ignore". NULL: such entries never match. */
	void (*ask)(void *arg, const struct question *);
	uint64_t seed;			/* of bantime.rndtime; 0: from the kernel */
	/* Engines that follow each other in one session go on with the totals of
	 * failures and bans, as after a reload; 0: they are not kept. */
	uint32_t session;
};

/* So many bans are ended in one call where very many may be due: milliseconds. */
enum { ENGINE_SLICE = 1024 };

int	engine_new(const struct conf *, const struct engine_host *, struct engine **,
	    struct err *);
void	engine_free(struct engine *);

/* Jails are the enabled, not refused ones of the configuration and `manual`. */
struct jail *engine_jail(struct engine *, const char *name); /* NULL: unknown */
size_t		 engine_jails(const struct engine *);
struct jail	*engine_jail_at(struct engine *, size_t i);
const char	*jail_name(const struct jail *);
const struct conf_jail	*jail_conf(const struct jail *);
/* Does any of its actions take the rows of a ban's attempts (attempts.h)? As long as
 * nobody has said no, they are kept for every jail that has an action. */
void	jail_keep_rows(struct jail *, bool);

/* One failure, from match; f->jail is the struct jail. One dated later than now counts
 * as of now. */
void	engine_failure(struct engine *, const struct failure *, int64_t now_ms);
void	engine_answer(struct engine *, uint64_t ticket, bool ignore, int64_t now_ms);

/* Release bans whose end is due, at most ENGINE_SLICE of them; returns when the next
 * one ends, INT64_MAX: none. Not after now_ms: more are due, call it again. Also ends
 * waits and sweeps counters: call it once a minute at least. */
int64_t	engine_expire(struct engine *, int64_t now_ms);
/* The wall clock stepped by delta: keep all remaining times. */
void	engine_step(struct engine *, int64_t delta_ms);

/* An administrator's ban, or (CAUSE_RESTORE) one that is in force and of which nothing
 * is known any more. until -1: the jail's bantime. 0 with the ban in *out,
 * -EEXIST (prolonged if longer), -EPERM guarded or allowed (reason in e), -ENOSPC. */
struct ban_request {
	const char *jail;		/* NULL: manual */
	struct subject subject;
	int64_t now_ms, until_ms;
	const char *comment;
	enum cause cause;
};
int	engine_ban(struct engine *, const struct ban_request *, const struct ban **out,
	    struct err *);
/* From one jail (NULL: all); subject NULL: everything. Returns how many. */
size_t engine_unban(struct engine *, const char *jail, const struct subject *,
    enum cause, int64_t now_ms);

/* The same for everything, in slices: false when it is done. What is banned between the
 * calls stays. Zero-initialise; jail (NULL: all) and cause are the caller's. */
struct unban_walk {
	const char *jail;
	enum cause cause;
	size_t lifted;		/* so far */
	uint64_t before;	/* ids of bans that may go; the walk's own, as left */
	size_t left;
};
bool	engine_unban_some(struct engine *, struct unban_walk *, int64_t now_ms);

/* Lookups. */
const struct ban	*engine_ban_find(const struct engine *, const char *jail,
			    const struct subject *);
const struct ban	*engine_ban_by_id(const struct engine *, uint64_t id);
/* A pointer that the caller may keep with the ban and must free before it ends, at its
 * order to unban or with the engine. NULL: no such ban. */
void	**engine_ban_attached(struct engine *, uint64_t id);
typedef bool (engine_ban_fn)(void *arg, const struct ban *);	/* false stops */
void engine_bans_each(const struct engine *, const char *jail, engine_ban_fn *, void *);

/* Does this ban of a user let him in from there? So it does where he logged in well
 * within the jail's "known" time, unless an administrator made it. */
bool engine_ban_spares(const struct engine *, const struct ban *, const struct addr *,
    int64_t now_ms);

struct engine_stats {
	uint64_t failures, ignored, guarded, bans, unbans, evicted_bans, evicted_keys,
	    parked, park_dropped, already, leaks,
	    repeats,	/* lines of an attempt that was counted already */
	    no_subject,	/* nothing to count: no user, no address */
	    outdated,	/* the ban would have ended before now */
	    held,	/* not banned because of hold */
	    cap_refused;	/* not banned: the table is full of bans without end */
	size_t banned_now, tracked_now, known_now, parked_now;
	size_t max_bans, max_tracked, max_known, max_parked;
	uint64_t evicted_known;
	size_t logins_now, max_logins;	/* places and accounts that logged in well */
	uint64_t logins_forgotten;
};
void	engine_stats(const struct engine *, const char *jail, struct engine_stats *);

/* A failure of a banned subject dated 5 s or more after its ban was acknowledged is a
 * leak; the daemon tells when that was. */
void	engine_applied(struct engine *, uint64_t ban_id, int64_t when_ms);

#endif
