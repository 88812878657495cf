/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor.h - one action instance: what shall be in force, and making it so.
 *
 * Owns the plugin's instance and the wanted set. Called by the process's loop, never
 * blocks but where the plugin does, has no clock of its own: the host tells the time.
 * Outcomes and log lines go to the host.
 */
#ifndef BANNER_ACTOR_H
#define BANNER_ACTOR_H

#include "banner/core/guard.h"
#include "banner/daemon/actor/plugin.h"
#include "banner/daemon/proc/wire.h"

/* What became of one ban. target "" = all of it; err 0 or -errno. */
struct actor_outcome {
	unsigned number;
	uint64_t ban;
	enum bn_verb verb;
	const char *target;
	int err;
	int64_t when_ms;
};

/* bn_host.known, of the instance of this action. */
struct actor_question {
	const struct conf_action *conf;
	uint64_t ticket;
	const char *user;
	struct addr from;
};

struct actor_host {
	void *arg;
	int64_t (*now_ms)(void *arg);
	void (*outcome)(void *arg, const struct actor_outcome *);
	void (*log)(void *arg, enum bn_level, const char *action, const char *text);
	void *loop;	/* struct event_base, or NULL */
	int (*known)(void *arg, const struct actor_question *);	/* or NULL */
};

struct instance_options {
	const struct conf_action *conf;
	const struct plugin *plugin; /* must outlive the instance, as conf and guard */
	const struct guard *guard;
	struct actor_host host;
};

struct instance_stats {
	uint64_t in_force, wanted;	/* entries now */
	uint64_t failing, conflicts, refused;	/* of these, now */
	uint64_t applied, repaired;	/* since the start */
	uint32_t targets;		/* far sides, 0: none */
	bool open;			/* else open is tried again later */
	bool bare;			/* needs neither evidence nor captures */
	int64_t error_ms;		/* when the last error was; 0: never */
	char error[160];		/* its text, "" if never */
};

struct instance;

/* Checks the options and opens the plugin. An open that fails is tried again later
 * and leaves the instance usable; only wrong options are an error (-EINVAL). */
int	instance_new(const struct instance_options *, struct instance **, struct err *);
void	instance_free(struct instance *);
bool	instance_same(struct instance *, struct instance *);

/* The engine's records. number: the instance the record named (shared instances
 * serve several). */
void	instance_begin(struct instance *, uint64_t generation);
void	instance_change(struct instance *, unsigned number, const struct wire_ban *);
/* force: far sides may remove most of what they hold. */
void	instance_complete(struct instance *, uint64_t generation, bool force);
void	instance_jail(struct instance *, const char *jail, bool started);
int	instance_flush(struct instance *);
/* How many entries a flush has not removed yet that nobody could find later, because
 * the plugin cannot list them; those whose removal failed are not counted. */
size_t	instance_unflushed(const struct instance *);
/* The guard has changed. */
void	instance_guard(struct instance *);
void	instance_known(struct instance *, uint64_t ticket, bool yes);
int	instance_targets(struct instance *, bn_target_fn *, void *arg);
int	instance_where(struct instance *, uint64_t ban, bn_target_fn *, void *arg);

/* Carry out what is due, some thousand changes at most. Returns when to call again
 * without new records: now or earlier means at once, INT64_MAX never. */
int64_t	instance_work(struct instance *);
/* There is more to carry out at once; and the same until there is not. */
bool	instance_busy(const struct instance *);
int64_t	instance_work_off(struct instance *);
int	instance_poll_fd(struct instance *);	/* -1: none */
void	instance_run(struct instance *);	/* poll_fd is readable */

/* Ask the plugin what is there, not what we believe. 1 it is, 0 it is not, -EAGAIN a
 * change of it is under way, -ENOTSUP the plugin cannot list, or -errno. */
int	instance_look(struct instance *, const struct subject *);

/* Tell fn what the plugin finds in force that no ban asks for. -ENOTSUP: it cannot
 * tell, -ENOTCONN: not now, or what the plugin says. */
typedef void (instance_unnamed_fn)(void *arg, const struct bn_subject *);
int	instance_unnamed(struct instance *, instance_unnamed_fn *, void *arg);

/* Carry out removals of what no ban asks for. The plugin lists first: one that has just
 * been opened removes nothing where it believes nothing to be. */
int	instance_remove(struct instance *, struct bn_change *, size_t n);

/* Is it in force, as far as is known? */
bool	instance_has(struct instance *, const struct bn_subject *);
void	instance_stats(const struct instance *, struct instance_stats *);

#endif
