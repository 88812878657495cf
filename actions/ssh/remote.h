/* SPDX-License-Identifier: GPL-2.0-or-later
 * remote.h - what is said to the program at the far end of a pipe.
 *
 * A remote puts text into h->out, takes the lines that come back, and tells with
 * host_acked() and host_synced() how far the proxy is. Whatever a proxy says is cut,
 * counted, and decides nothing but what is shown of this proxy.
 */
#ifndef BANNER_SSH_REMOTE_H
#define BANNER_SSH_REMOTE_H

#include "actions/ssh/proxy.h"

struct remote_ops {
	const char *name, *command;
	void (*hello)(struct host *);	/* the pipe has opened */
	void (*set)(struct host *);	/* begin to bring the whole set */
	void (*ping)(struct host *);
	int (*fill)(struct host *);	/* h->out gets what comes next; 0, -errno */
	/* A line that came, cut at its end. 0, or -errno: give the host up. */
	int (*line)(struct host *, char *);
	/* Forget the connection; called also when there is none. */
	void (*close)(struct host *);
};
extern const struct remote_ops remote_edge;	/* banner-edge(7) */
extern const struct remote_ops remote_iproute;	/* ip -batch */

/* What is in force, or not, in spite of its being acknowledged. */
int	host_fail_add(struct host *, const struct bn_addr *, int err, const char *why);
void	host_fail_drop(struct host *, const struct bn_addr *);
/* Tell the ban of this address, if there is one. */
void	host_tell(struct host *, const struct bn_addr *, int err);

#endif
