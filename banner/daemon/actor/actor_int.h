/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor_int.h - inside an instance, for actor*.c alone.
 */
#ifndef BANNER_ACTOR_INT_H
#define BANNER_ACTOR_INT_H

#include "banner/daemon/actor/actor.h"
#include "banner/daemon/actor/actor_want.h"

struct instance {
	struct instance_options o;
	struct bn_host host;		/* what the plugin gets */
	const struct bn_action_ops *ops;
	void *self;
	uint32_t flags;
	struct wants wants;
	uint64_t generation, round, synthetic;
	bool open, resync, settled, list_due, complete_due, force, flushed;
	int64_t retry_ms, retry_at;	/* back-off: the last one, the next try */
	int64_t said_ms;		/* when said was logged */
	char said[160];
	struct instance_stats stats;
	int64_t repaired_ms;	/* when that was said last; 0: never */
	struct bn_change *batch;
	struct want **batch_want;
};
struct bn_host	instance_host(struct instance *);	/* for its plugin */
void	instance_list(struct instance *);	/* list, compare */
void	instance_back_off(struct instance *);
void	instance_error(struct instance *, const char *what, int err);
/* Apply the dirty wants in batches. */
void	instance_apply(struct instance *);
/* Outcome of a change of this want: state, reports, queues. */
void	instance_result(struct instance *, struct want *, int err);
void	instance_report(struct instance *, const struct holder *, enum bn_verb, int err,
	    int64_t when_ms);
void	instance_say(struct instance *, enum bn_level, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* Plugins with a far side learn when the wanted set is whole. */
void	instance_completed(struct instance *);
void	instance_in_force(struct instance *, struct want *, bool in_force);

#endif
