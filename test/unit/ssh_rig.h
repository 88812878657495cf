/* SPDX-License-Identifier: GPL-2.0-or-later
 * ssh_rig.h - the ssh action over socket pairs: the caller is its proxies.
 *
 * Both carriers of the action are replaced by one that connects at once. Host i of the
 * action has its other end in far[i]. rig_run() does what an actor would.
 */
#ifndef BANNER_SSH_RIG_H
#define BANNER_SSH_RIG_H

#include "actions/ssh/proxy.h"

enum { RIG_HOSTS = 4, RIG_TOLD = 4096, RIG_TEXT = 1 << 20 };

struct ssh_rig {
	struct bn_host bn;
	const char *hosts, *remote;
	void *self;			/* the action, NULL: not open */
	int far[RIG_HOSTS];		/* -1: not connected */
	bool refuses[RIG_HOSTS];	/* the next connections */
	struct told {
		uint64_t id;
		char target[16];
		int err;
	} told[RIG_TOLD];
	size_t ntold;
	char log[400];			/* the last line */
};

extern const struct bn_action_ops bn_action;

/* hosts and remote are options of the action. */
int	rig_open(struct ssh_rig *, const char *hosts, const char *remote);
void	rig_close(struct ssh_rig *);
void	rig_run(struct ssh_rig *);	/* until nothing happens at once */
void	rig_wait(struct ssh_rig *);	/* the same, after the next event: connecting */
/* verb on 192.0.x.y of number n, as ban n. */
void	rig_change(struct ssh_rig *, enum bn_verb, unsigned n);
struct bn_addr	rig_addr(unsigned n);
/* What host i was told since the last call, a string in out. */
size_t	rig_read(struct ssh_rig *, size_t i, char *out, size_t size);
void	rig_say(struct ssh_rig *, size_t i, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* The last outcome of the ban for the target; 1: none. */
int	rig_told(const struct ssh_rig *, uint64_t id, const char *target);

#endif
