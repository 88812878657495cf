/* SPDX-License-Identifier: GPL-2.0-or-later
 * inside.h - the engine's inside: its parts and its record of a jail.
 *
 * Private to the engine's files. Everything is owned by struct engine.
 */
#ifndef BANNER_INSIDE_H
#define BANNER_INSIDE_H

#include "banner/base/table.h"
#include "banner/core/block.h"
#include "banner/core/track.h"

struct allow;
struct ban_entry;
struct bans;
struct conf;
struct conf_jail;
struct engine;
struct engine_host;
struct engine_stats;
struct err;
struct evidence;
struct guard;
struct history;
struct ignorecache;
struct park;
struct repeat;

/* The most that maxretry can be. */
enum { JAIL_RETRY_MAX = 65535 };

struct jail {
	const struct conf_jail *conf;
	struct conf_jail *own;		/* conf, once it was changed; see runtime.h */
	bool stopped;
	bool rows;			/* of attempts are kept for its actions */
	struct engine *engine;
	uint32_t index;			/* in engine.jails */
	size_t banned;			/* bans in force */
	struct track *track;
	struct allow *allow;
	struct ignorecache *cache;	/* NULL: no ignorecache */
	struct engine_stats *stats;
	uint64_t totals_told;		/* their sum when the store was told */
};

struct engine {
	const struct conf *conf;
	struct conf_jail *manual;	/* made here when the configuration has none */
	struct engine_host *host;
	struct jail *jails;
	size_t njails;
	struct table *by_name;
	struct bans *bans;
	struct guard *guard;
	struct history *history;
	struct evidence *evidence;
	struct repeat *repeat;
	struct known *known;
	struct park *park;
	struct hash_key secret;		/* of counting keys; survives restarts */
	bool secret_new;		/* the store must be told */
	uint64_t random;		/* state of the generator */
	uint64_t next_id;
	int64_t rate_start_ms, cap_said_ms, rate_said_ms;
	uint64_t rate_bans;		/* in the minute since rate_start_ms */
};

/* What a failure counts for, and who will be banned for it. */
struct target {
	struct subject subject;
	struct track_key key;
	uint32_t what;			/* the distinct value */
};

/* False: the failure has not what the jail counts. */
bool	target_of(const struct jail *, const struct failure *, struct target *);

/* A decision that is due: the failure that reached the limit, and the sum. */
struct verdict {
	struct jail *jail;
	const struct failure *failure;
	struct target target;
	struct track_sum sum;
	int64_t now_ms;
};

/* engine_verdict.c: the limit is reached; asks first, where somebody must be asked. */
void	engine_decide(struct engine *, const struct verdict *);
/* Keep the lines and the row of its failure; returns the mark to find all of them. */
uint32_t	engine_keep(struct engine *, const struct verdict *);

/* Room for one more ban: 0, or -ENOSPC when no ban may be released. */
int	engine_room(struct engine *, int64_t now_ms);
void	engine_release(struct engine *, struct ban_entry *, int cause);
void	engine_notice(struct engine *, int event, const struct jail *,
	    const struct failure *, const char *text);
/* Why the jail's allow list, or ignoreself, lets this failure go; NULL: it counts. */
const char	*jail_ignores(struct jail *, const struct failure *);
/* Why this subject may not be banned in the jail by an administrator or a restore. */
const char	*jail_forbids(struct jail *, const struct subject *);
uint64_t	 engine_new_id(struct engine *, int64_t now_ms);

size_t	engine_max_bans(const struct conf *);
size_t	engine_max_known(const struct conf *);	/* offenders */
int	jails_new(struct engine *, struct err *);
void	jails_free(struct engine *);

#endif
