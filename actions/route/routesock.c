/* SPDX-License-Identifier: GPL-2.0-or-later
 * routesock.c - batches of changes, dumps and notices over rtnetlink.
 *
 * Two sockets. Requests go in batches: one sendmsg with up to ROUTE_BATCH messages, of
 * which only the last asks for an acknowledgement; the kernel answers errors for any
 * and then that one. An answer that was lost (ENOBUFS, a timeout) leaves the outcome
 * open: the change is reported as failed, tried again, and then found to be as wanted.
 *
 * Notices tell of routes that somebody else removed or replaced. A filter in the
 * kernel drops all others, our own changes first of all, so that a large restore
 * cannot overrun the socket. Notices are hints: more than a few at once, or a lost
 * one, and only a dump is believed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#include "actions/route/route.h"

enum { RECV_BYTES = 65536, RCVBUF_BYTES = 8 << 20, BURST = 64, DUMP_TRIES = 5 };

/* Offsets into nlmsghdr, and the body behind its 16 bytes. Loads of the filter machine
 * are big-endian, netlink is not: constants are turned round. */
static int
filter_notices(int fd, uint32_t own_port)
{
	struct sock_filter code[] = {
		/* 0 */ BPF_STMT(
		    BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		/* 1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 4, 0),
		/* 2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		/* 3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWLINK), 6, 9),
		/* 4: a new route matters when it replaced one */
		BPF_STMT(
		    BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_flags)),
		/* 5 */
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htons(NLM_F_REPLACE), 2, 7),
		/* 6: a removed one when it was ours */
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS,
		    sizeof(struct nlmsghdr) + offsetof(struct rtmsg, rtm_protocol)),
		/* 7 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ROUTE_PROTO, 0, 5),
		/* 8: and somebody else did it */
		BPF_STMT(
		    BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		/* 9 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port), 3, 2),
		/* 10: the loopback device, on which IPv6 keeps such routes */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    sizeof(struct nlmsghdr) + offsetof(struct ifinfomsg, ifi_index)),
		/* 11 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(1), 0, 1),
		/* 12 */ BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		/* 13 */ BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ?
	    -errno : 0;
}

static struct nl_sock *
open_one(int *rc)
{
	struct nl_sock *s = nl_socket_alloc();
	int fd, size = RCVBUF_BYTES;

	*rc = s ? 0 : -ENOMEM;
	if (!s)
		return NULL;
	if (nl_connect(s, NETLINK_ROUTE) < 0) {
		*rc = errno ? -errno : -EIO;
		nl_socket_free(s);
		return NULL;
	}
	fd = nl_socket_get_fd(s);
	/* Without CAP_NET_ADMIN the ordinary limit has to do. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return s;
}

static int
open_notices(struct route *r)
{
	static const int groups[] = { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
	    RTNLGRP_LINK };
	int rc, fd;

	r->notices = open_one(&rc);
	if (!r->notices)
		return rc;
	fd = nl_socket_get_fd(r->notices);
	rc = filter_notices(fd, nl_socket_get_local_port(r->requests));
	for (size_t i = 0; rc == 0 && i < sizeof(groups) / sizeof(*groups); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
		    sizeof(groups[i])) < 0)
			rc = -errno;
	return rc;
}

int
route_sock_open(struct route *r)
{
	struct timeval patience = { .tv_sec = 1 };
	int rc, fd, one = 1;

	r->requests = open_one(&rc);
	if (!r->requests)
		return rc;
	fd = nl_socket_get_fd(r->requests);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* The kernel then filters dumps; we do so again, for kernels before 4.20. */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	/* Errors without a copy of the request: more of them fit. */
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	rc = open_notices(r);
	if (rc < 0)
		route_sock_close(r);
	return rc;
}

void
route_sock_close(struct route *r)
{
	nl_socket_free(r->requests);
	nl_socket_free(r->notices);
	r->requests = r->notices = NULL;
}

static ssize_t
receive(struct nl_sock *s, void *buf, int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec io = { buf, RECV_BYTES };
	struct msghdr m;
	ssize_t n;

	do {
		m = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof(from),
		    .msg_iov = &io, .msg_iovlen = 1 };
		n = recvmsg(nl_socket_get_fd(s), &m, flags);
		/* Only the kernel is believed. */
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return errno == EAGAIN && !flags ? -ETIMEDOUT : -errno;
	return m.msg_flags & MSG_TRUNC ? -ENOBUFS : n;
}

static int
send_bytes(struct route *r, const void *p, size_t n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t rc;

	do
		rc = sendto(nl_socket_get_fd(r->requests), p, n, MSG_NOSIGNAL,
		    (const struct sockaddr *)&kernel, sizeof(kernel));
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return -errno;
	return (size_t)rc == n ? 0 : -EIO;
}

/* Errors come for any message of the batch, in order; the last one is always answered.
 * True when that was it. Answers to earlier batches (after a timeout) are passed over.
 */
static bool
take_answers(
    struct nlmsghdr *h, ssize_t n, uint32_t first, struct bn_change **v, size_t count)
{
	int left = (int)n;

	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = nlmsg_data(h);
		uint32_t i = h->nlmsg_seq - first;

		if (h->nlmsg_type != NLMSG_ERROR || i >= count ||
		    nlmsg_datalen(h) < (int)sizeof(e->error))
			continue;
		v[i]->err = e->error;
		if (i == count - 1)
			return true;
	}
	return false;
}

static void
await_answers(struct route *r, uint32_t first, struct bn_change **v, size_t count)
{
	char buf[RECV_BYTES] __attribute__((aligned(8))) ROUTE_UNCLEARED;
	ssize_t n = 0;
	bool last = false;

	while (!last) {
		n = receive(r->requests, buf, 0);
		if (n < 0)
			break;
		last = take_answers((struct nlmsghdr *)(void *)buf, n, first, v, count);
	}
	/* An answer is lost, nobody knows whose: all have to be tried again. */
	for (size_t i = 0; n < 0 && i < count; i++)
		v[i]->err = (int)n;
}

void
route_send(struct route *r, struct bn_change *changes, size_t n, uint8_t type)
{
	char out[ROUTE_BATCH * ROUTE_MSG_MAX] __attribute__((aligned(8)))
	    ROUTE_UNCLEARED;
	struct bn_change *v[ROUTE_BATCH] ROUTE_UNCLEARED;
	struct nlmsghdr *h = NULL;
	uint32_t first = r->seq;
	size_t len = 0, count = 0;
	int rc;

	for (size_t i = 0; i < n; i++) {
		rc = route_format(r, &changes[i], type, out + len);
		changes[i].err = rc < 0 ? rc : 0;
		if (rc < 0)
			continue;
		h = (struct nlmsghdr *)(void *)(out + len);
		h->nlmsg_seq = r->seq++;
		h->nlmsg_pid = nl_socket_get_local_port(r->requests);
		len += NLMSG_ALIGN((size_t)rc);
		v[count++] = &changes[i];
	}
	if (count == 0)
		return;
	h->nlmsg_flags |= NLM_F_ACK;
	rc = send_bytes(r, out, len);
	if (rc == 0)
		await_answers(r, first, v, count);
	for (size_t i = 0; rc < 0 && i < count; i++)
		v[i]->err = rc;
}

struct dump {
	route_seen_fn *fn;
	void *arg;
	uint32_t seq;
	bool changed;		/* while it was dumped: parts may be missing */
};

/* 1: goes on; 0: the end; -errno. */
static int
take_routes(struct dump *d, struct nlmsghdr *h, ssize_t n)
{
	int left = (int)n, rc = 1;
	struct route_seen s;

	for (; nlmsg_ok(h, left) && rc > 0; h = nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = nlmsg_data(h);

		if (h->nlmsg_seq != d->seq)
			continue;
		d->changed |= h->nlmsg_flags & NLM_F_DUMP_INTR;
		if (h->nlmsg_type == NLMSG_DONE)
			rc = 0;
		else if (h->nlmsg_type == NLMSG_ERROR)
			rc = e->error ? e->error : -EIO;
		else if (route_parse(h, &s))
			d->fn(d->arg, &s);
	}
	return rc;
}

static int
dump_family(struct route *r, uint8_t family, struct dump *d)
{
	char buf[RECV_BYTES] __attribute__((aligned(8))) ROUTE_UNCLEARED;
	struct {
		struct nlmsghdr h;
		struct rtmsg rt;
		struct nlattr head;
		uint32_t table;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETROUTE,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = r->seq++ },
		.rt = { .rtm_family = family, .rtm_protocol = ROUTE_PROTO },
		.head = { sizeof(q.head) + sizeof(q.table), RTA_TABLE },
		.table = r->table,
	};
	ssize_t n;
	int rc;

	d->seq = q.h.nlmsg_seq;
	d->changed = false;
	rc = send_bytes(r, &q, sizeof(q));
	for (rc = rc == 0 ? 1 : rc; rc > 0;) {
		n = receive(r->requests, buf, 0);
		rc = n < 0 ? (int)n : take_routes(d, (struct nlmsghdr *)(void *)buf, n);
	}
	if (rc == 0 && d->changed)
		return -EAGAIN;
	/* With strict checking a table that does not exist yet is an error: it is
	 * empty. */
	return rc == -ENOENT ? 0 : rc;
}

/* What is told twice because a dump had to be started again does no harm. */
int
route_dump(struct route *r, route_seen_fn *fn, void *arg)
{
	struct dump d = { .fn = fn, .arg = arg };
	int rc = 0;

	for (int family = 0; family < 2 && rc == 0; family++) {
		for (int i = 0; i < DUMP_TRIES; i++) {
			rc = dump_family(r, family ? AF_INET6 : AF_INET, &d);
			if (rc != -EAGAIN)
				break;
		}
	}
	return rc;
}

struct lost {
	struct bn_addr v[BURST];
	size_t n;
	bool all;		/* too many, or unknown which */
};

static void
take_notices(struct route *r, struct nlmsghdr *h, ssize_t n, struct lost *lost)
{
	int left = (int)n;
	struct route_seen s;

	for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
		if (h->nlmsg_type == RTM_NEWLINK)
			lost->all = true;
		else if (!route_parse(h, &s) || s.table != r->table)
			continue;
		else if (lost->n == BURST)
			lost->all = true;
		else
			lost->v[lost->n++] = s.dst;
	}
}

int
route_notices(struct route *r)
{
	char buf[RECV_BYTES] __attribute__((aligned(8))) ROUTE_UNCLEARED;
	struct lost lost = { .n = 0 };
	const struct bn_host *h = r->host;
	ssize_t n;

	while ((n = receive(r->notices, buf, MSG_DONTWAIT)) != -EAGAIN) {
		if (n == 0 || (n < 0 && n != -ENOBUFS))
			return (int)n;
		if (n < 0)
			lost.all = true;
		else
			take_notices(r, (struct nlmsghdr *)(void *)buf, n, &lost);
	}
	for (size_t i = 0; !lost.all && i < lost.n; i++)
		h->lost(h->ctx, &(struct bn_subject){ .kind = BN_ADDR,
		    .addr = lost.v[i] });
	if (lost.all)
		h->drifted(h->ctx);
	return 0;
}
