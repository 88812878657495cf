/* SPDX-License-Identifier: GPL-2.0-or-later
 * nlsock.c - a netlink socket: whole requests, answers by number, dumps, notices.
 */
#include "actions/common/nlsock.h"

#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ROOM = 65536, SOCKET_BYTES = 8 << 20 };

/* Without CAP_NET_ADMIN the ordinary limits have to do. */
static void
make_room(int fd)
{
	int size = SOCKET_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int
nlsock_open(struct nlsock *s, int protocol, int patience_s)
{
	struct timeval patience = { .tv_sec = patience_s };
	struct sockaddr_nl at = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(at);
	int one = 1, rc = 0;

	*s = (struct nlsock){ .seq = 1 };
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&at, &len) < 0) {
		rc = -errno;
		nlsock_close(s);
		return rc;
	}
	s->port = at.nl_pid;
	make_room(s->fd);
	setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* Errors without a copy of the request: more of them fit. */
	setsockopt(s->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return 0;
}

int
nlsock_listen(struct nlsock *s, int protocol, const struct sock_fprog *filter,
    const int *groups)
{
	int rc = nlsock_open(s, protocol, 0);

	if (rc < 0)
		return rc;
	if (setsockopt(
	    s->fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter)) < 0)
		rc = -errno;
	for (; rc == 0 && *groups; groups++)
		if (setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, groups,
		    sizeof(*groups)) < 0)
			rc = -errno;
	if (rc < 0)
		nlsock_close(s);
	return rc;
}

void
nlsock_close(struct nlsock *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

int
nlsock_send(const struct nlsock *s, const void *p, size_t n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t rc;

	do
		rc = sendto(s->fd, p, n, MSG_NOSIGNAL,
		    (const struct sockaddr *)&kernel, sizeof(kernel));
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return -errno;
	return (size_t)rc == n ? 0 : -EIO;
}

static ssize_t
receive(int fd, char buf[ROOM], int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec io = { buf, ROOM };
	struct msghdr m;
	ssize_t n;

	do {
		m = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof(from),
		    .msg_iov = &io, .msg_iovlen = 1 };
		n = recvmsg(fd, &m, flags);
		/* Only the kernel is believed. */
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return errno == EAGAIN && !flags ? -ETIMEDOUT : -errno;
	return m.msg_flags & MSG_TRUNC ? -ENOBUFS : n;
}

/* The message at *at, which is moved behind it; NULL at the end. */
static const struct nlmsghdr *
take(const char **at, const char *end)
{
	const struct nlmsghdr *h = (const void *)*at;
	size_t left = (size_t)(end - *at), len;

	if (left < sizeof(*h) || h->nlmsg_len < sizeof(*h) || h->nlmsg_len > left)
		return NULL;
	len = NLMSG_ALIGN((size_t)h->nlmsg_len);
	*at += len < left ? len : left;
	return h;
}

static bool
is_answer(const struct nlmsghdr *h, int *err)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);

	if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < NLMSG_LENGTH(sizeof(*err)))
		return false;
	*err = e->error;
	return true;
}

int
nlsock_answers(const struct nlsock *s, uint32_t first, nlsock_answer_fn *fn, void *arg)
{
	char buf[ROOM] __attribute__((aligned(8))) NLSOCK_UNCLEARED;
	const struct nlmsghdr *h;
	bool last = false;
	int err;

	while (!last) {
		const char *at = buf;
		ssize_t n = receive(s->fd, buf, 0);

		if (n < 0)
			return (int)n;
		while (!last && (h = take(&at, buf + n)))
			if (is_answer(h, &err))
				last = fn(arg, h->nlmsg_seq - first, err);
	}
	return 0;
}

/* 1: goes on; 0: the end; -errno. */
static int
take_dump(const struct nlsock_dump *d, const char *at, ssize_t n, bool *changed)
{
	const char *end = at + n;
	const struct nlmsghdr *h;
	int err;

	while ((h = take(&at, end))) {
		if (h->nlmsg_seq != d->q->nlmsg_seq)
			continue;
		*changed |= h->nlmsg_flags & NLM_F_DUMP_INTR;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (is_answer(h, &err))
			return err ? err : -EIO;
		d->fn(d->arg, h);
	}
	return 1;
}

static int
dump_once(struct nlsock *s, const struct nlsock_dump *d)
{
	char buf[ROOM] __attribute__((aligned(8))) NLSOCK_UNCLEARED;
	bool changed = false;
	int rc;

	d->q->nlmsg_seq = s->seq++;
	rc = nlsock_send(s, d->q, d->q->nlmsg_len);
	for (rc = rc == 0 ? 1 : rc; rc > 0;) {
		ssize_t n = receive(s->fd, buf, 0);

		rc = n < 0 ? (int)n : take_dump(d, buf, n, &changed);
	}
	/* parts may be missing */
	return rc == 0 && changed ? -EAGAIN : rc;
}

int
nlsock_dump(struct nlsock *s, const struct nlsock_dump *d)
{
	int rc = -EAGAIN;

	for (unsigned i = 0; i < d->tries && rc == -EAGAIN; i++)
		rc = dump_once(s, d);
	return rc;
}

int
nlsock_heard(int fd, nlsock_fn *fn, void *arg)
{
	char buf[ROOM] __attribute__((aligned(8))) NLSOCK_UNCLEARED;
	const struct nlmsghdr *h;
	int lost = 0;
	ssize_t n;

	while ((n = receive(fd, buf, MSG_DONTWAIT)) != -EAGAIN) {
		const char *at = buf;

		if (n == 0 || (n < 0 && n != -ENOBUFS))
			return (int)n;
		if (n < 0)
			lost = (int)n;
		while (n > 0 && (h = take(&at, buf + n)))
			fn(arg, h);
	}
	return lost;
}
