/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine_state.h - what the engine gives to the store and takes back, and the lists
 * that are replaced at run time. Part of engine.h.
 *
 * Restore comes before any failure. Records are opaque; those of jail "" belong to
 * the engine itself and are kept like all others.
 */
#ifndef BANNER_ENGINE_STATE_H
#define BANNER_ENGINE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/base/str.h"

struct addr;
struct ban;
struct engine;
struct err;
struct guard;
struct jail;
struct subject;

/* A ban from the store: emits VERB_BAN with CAUSE_RESTORE; one that ended meanwhile, or
 * is guarded or allowed now, emits VERB_UNBAN (it may still be in force somewhere). A
 * jail that is gone: VERB_UNBAN with CAUSE_CONFIG. */
void	engine_restore_ban(struct engine *, const struct ban *, int64_t now_ms);
/* A counter record as engine_counters gave it. 0, -ENOENT no such jail, or -EINVAL. */
int	engine_restore_counter(struct engine *, const char *jail, struct str record);
/* Known offender: bans so far, for bantime.increment. */
void engine_restore_history(struct engine *, const char *jail, const struct subject *,
    unsigned count, int64_t last_ms);

/* The end of the restore. A time later than now comes from a clock that was or is
 * wrong: counters are taken as of now; bans run their full length from now, but when
 * the clock is set right their stored times hold again. */
void	engine_restored(struct engine *, int64_t now_ms);

/* Counters that changed since the last call (all of them with all = true), for the
 * store. An empty record means: delete. */
typedef void (engine_counter_fn)(void *arg, const char *jail, struct str key,
	    struct str record);
void	engine_counters(struct engine *, bool all, engine_counter_fn *, void *arg);

/* The guard; after changing it call engine_guard_changed, which releases the bans it
 * refuses now (CAUSE_GUARD) and returns how many. */
struct guard	*engine_guard(struct engine *);
size_t		 engine_guard_changed(struct engine *, int64_t now_ms);

/* Allow list of a jail (ignoreip). An entry added releases the bans it covers. */
int	jail_allow_add(struct jail *, const char *entry, struct err *);
int	jail_allow_del(struct jail *, const char *entry);	/* 0 or -ENOENT */
typedef void (jail_allow_fn)(void *arg, const char *entry);
void	jail_allow_each(const struct jail *, jail_allow_fn *, void *arg);
/* The content of a file:PATH entry, whole; group is that entry's text. */
void jail_allow_set(struct jail *, const char *group, const char *const *v, size_t n);

/* The content of a jail's blocklist file, whole: bans what is new for ever and releases
 * what is gone. Returns how many entries the guard, the allow list or the cap refused.
 */
size_t engine_blocklist_set(
    struct engine *, struct jail *, const struct addr *, size_t n, int64_t now_ms);

#endif
