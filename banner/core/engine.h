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

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "banner/core/block.h"
#include "banner/core/engine_state.h"

struct engine;
struct jail;		/* engine's own record of a jail */

/* A ban as everyone sees it; the ban table owns it, others keep the id. */
struct ban {
	uint64_t id;			/* unique for ever (stored); 0 = none */
	const char *jail;		/* name */
	struct subject subject;
	int64_t since_ms, until_ms;	/* until 0 = for ever */
	unsigned failures;		/* attempts that led to it; 0: none did */
	unsigned count;			/* how many bans of it in this jail so far, 1.. */
	bool restored;			/* came from the store, not from new failures */
	bool manual;			/* asked for by an administrator */
	const char *comment;		/* or NULL */
};

enum verb { VERB_BAN, VERB_UNBAN, VERB_PROLONG };
enum cause { CAUSE_FAILURES, CAUSE_ADMIN, CAUSE_RESTORE, CAUSE_EXPIRED, CAUSE_EVICTED,
	CAUSE_BLOCKLIST, CAUSE_GUARD, CAUSE_CONFIG };

struct order {
	enum verb verb;
	enum cause cause;
	const struct ban *ban;
	const struct str *lines;	/* evidence of a new ban, oldest first */
	size_t nlines;
	const struct field *fields;	/* captures of the failure that decided */
	size_t nfields;
};

/* Things worth a log line or a record that are not orders. */
enum notice_event { EVENT_FOUND, EVENT_ALREADY, EVENT_IGNORED, EVENT_GUARDED, EVENT_CAP,
	EVENT_RATE, EVENT_LEAK };
struct notice {
	enum notice_event event;
	const char *jail;
	const struct failure *failure;	/* or NULL */
	const char *text;		/* "by ip", "own address 192.0.2.1" ... or "" */
};

/* What only the outside can tell before a ban: does one of these names stand for the
 * address, does the command say to ignore it? Borrowed for the call. */
struct question {
	uint64_t ticket;
	const char *jail;
	const char *names;		/* host names between blanks; "" none */
	const char *command;		/* ignorecommand; NULL none */
	const struct failure *failure;	/* the one that reached the limit */
};

struct engine_host {
	void *arg;
	void (*emit)(void *arg, const struct order *);
	void (*notice)(void *arg, const struct notice *);
	/* Asked once, when a limit is reached; the engine parks the decision and goes on.
	 * Answer with engine_answer, at once or later; after 60 s without it the answer is
	 * "do not ignore". NULL: such entries never match. */
	void (*ask)(void *arg, const struct question *);
	uint64_t seed;			/* of bantime.rndtime; 0: from the kernel */
};

int	engine_new(const struct conf *, const struct engine_host *, struct engine **,
	    struct err *);
void	engine_free(struct engine *);

/* Jails are the enabled, not refused ones of the configuration and `manual`. */
struct jail	*engine_jail(struct engine *, const char *name);	/* NULL: unknown */
size_t		 engine_jails(const struct engine *);
struct jail	*engine_jail_at(struct engine *, size_t i);
const char	*jail_name(const struct jail *);
const struct conf_jail	*jail_conf(const struct jail *);

/* One failure, from match; f->jail is the struct jail. */
void	engine_failure(struct engine *, const struct failure *, int64_t now_ms);
void	engine_answer(struct engine *, uint64_t ticket, bool ignore, int64_t now_ms);

/* Release every ban whose end is due; returns when the next one ends, INT64_MAX: none. */
int64_t	engine_expire(struct engine *, int64_t now_ms);
/* The wall clock stepped by delta: keep all remaining times. */
void	engine_step(struct engine *, int64_t delta_ms);

/* An administrator's ban. until -1: the jail's bantime. 0 with the ban in *out,
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
size_t	engine_unban(struct engine *, const char *jail, const struct subject *, enum cause,
	    int64_t now_ms);

/* Lookups. */
const struct ban	*engine_ban_find(const struct engine *, const char *jail,
			    const struct subject *);
const struct ban	*engine_ban_by_id(const struct engine *, uint64_t id);
typedef bool (engine_ban_fn)(void *arg, const struct ban *);	/* false stops */
void	engine_bans_each(const struct engine *, const char *jail, engine_ban_fn *, void *);

struct engine_stats {
	uint64_t failures, ignored, guarded, bans, unbans, evicted_bans, evicted_keys,
	    parked, park_dropped, already, leaks,
	    repeats,	/* lines of an attempt that was counted already */
	    no_subject,	/* nothing to count: no user, no address */
	    outdated,	/* the ban would have ended before now */
	    held,	/* not banned because of hold */
	    cap_refused;	/* not banned: the table is full of bans without end */
	size_t banned_now, tracked_now, known_now, parked_now;
	size_t max_bans, max_tracked;
};
void	engine_stats(const struct engine *, const char *jail, struct engine_stats *);

/* A failure of a banned subject dated 5 s or more after its ban was acknowledged is a
 * leak; the daemon tells when that was. */
void	engine_applied(struct engine *, uint64_t ban_id, int64_t when_ms);

/* Why is this subject banned, or not? One item per line, the text of banctl explain. */
void	engine_explain(const struct engine *, const struct subject *, int64_t now_ms,
	    struct buf *);

#endif
