/* SPDX-License-Identifier: GPL-2.0-or-later
 * carrier.h - byte pipes to a program on another host.
 *
 * A carrier may not block, and must bound what one call does, however much the other
 * side sends. It sets h->fd when it has a descriptor; until then step is called every
 * NAME_MS. Of what fails it returns -errno and leaves a text in h->error, which host.c
 * tells.
 */
#ifndef BANNER_SSH_CARRIER_H
#define BANNER_SSH_CARRIER_H

#include <sys/types.h>

#include "actions/ssh/proxy.h"

struct carrier_ops {
	const char *name;
	/* Of the action: keys are read here, before the process is confined. */
	int (*init)(struct ssh *);
	void (*fini)(struct ssh *);
	int (*start)(struct host *);
	int (*step)(struct host *);	/* 1: the pipe is open, 0: not yet, -errno */
	/* Bytes, -EAGAIN, another -errno; 0 from read: the end. A write that was
	 * -EAGAIN is repeated with the same bytes. */
	ssize_t (*read)(struct host *, char *, size_t);
	ssize_t (*write)(struct host *, const char *, size_t);
	uint32_t (*events)(struct host *);	/* EPOLLIN, EPOLLOUT */
	void (*stop)(struct host *);
};

extern const struct carrier_ops carrier_libssh2, carrier_openssh;

/* resolve.c: h->where becomes h->addr, without waiting. start: 0 or -errno; done: 1
 * when it is there, 0 when it has to be asked again, -errno with text. free: also while
 * a question is under way. */
int	resolve_start(struct host *);
int	resolve_done(struct host *);
void	resolve_free(struct host *);

/* Leave the text, return err. */
int	carrier_error(struct host *, int err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

#endif
