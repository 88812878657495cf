/* SPDX-License-Identifier: GPL-2.0-or-later
 * nlsock.h - a netlink socket: whole requests, answers by number, dumps, notices.
 *
 * Shared by the actions that talk to the kernel (netlink(7)). Only what the kernel sent
 * is believed; answers to earlier requests (after a timeout) are passed over. -EIO,
 * -ENOBUFS and -ETIMEDOUT leave open what became of a request.
 */
#ifndef BANNER_ACTIONS_NLSOCK_H
#define BANNER_ACTIONS_NLSOCK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For big buffers that are written before they are read: the build clears all others,
 * which for these takes longer than what is done with them. */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define NLSOCK_UNCLEARED __attribute__((uninitialized))
#else
#define NLSOCK_UNCLEARED
#endif

struct nlsock {
	int fd;				/* -1: closed */
	uint32_t port, seq;		/* seq: the number of the next request */
};
struct sock_fprog;

/* A socket for requests of this protocol (NETLINK_...), whose answers are waited for so
 * many seconds; or one for the notices of the groups (0 ends them) that pass the
 * filter. 0 or -errno. */
int	nlsock_open(struct nlsock *, int protocol, int patience_s);
int	nlsock_listen(struct nlsock *, int protocol, const struct sock_fprog *,
	    const int *groups);
void	nlsock_close(struct nlsock *);

/* Whole. 0 or -errno. */
int	nlsock_send(const struct nlsock *, const void *, size_t);
/* Tell fn each acknowledgement or error: i is its number beyond first. Until fn says
 * that this was the last. 0 or -errno. */
typedef bool (nlsock_answer_fn)(void *arg, uint32_t i, int err);
int	nlsock_answers(const struct nlsock *, uint32_t first, nlsock_answer_fn *,
	    void *arg);

/* Ask q, whose number is set here, and tell fn each message of the answer. Up to tries
 * times while it changes meanwhile: what is told twice must do no harm. 0, -EAGAIN (it
 * still changed), or -errno. */
typedef void (nlsock_fn)(void *arg, const struct nlmsghdr *);
struct nlsock_dump {
	struct nlmsghdr *q;
	unsigned tries;
	nlsock_fn *fn;
	void *arg;
};
int	nlsock_dump(struct nlsock *, const struct nlsock_dump *);

/* All notices that are pending. 0; -ENOBUFS: some are lost; -errno. */
int	nlsock_heard(int fd, nlsock_fn *, void *arg);

#endif
