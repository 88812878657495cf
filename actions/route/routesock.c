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

#include "actions/route/route.h"

enum { BURST = 64, DUMP_TRIES = 5, PATIENCE_S = 1 };

/* Offsets into nlmsghdr, and the body behind its 16 bytes. Loads of the filter machine
 * are big-endian, netlink is not: constants are turned round. */
static int
open_notices(struct nlsock *s, uint32_t own_port)
{
	static const int groups[] = { RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
	    RTNLGRP_LINK, 0 };
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

	return nlsock_listen(s, NETLINK_ROUTE, &prog, groups);
}

int
route_sock_open(struct route *r)
{
	int rc, one = 1;

	r->notices.fd = -1;
	rc = nlsock_open(&r->requests, NETLINK_ROUTE, PATIENCE_S);
	if (rc < 0)
		return rc;
	/* The kernel then filters dumps; we do so again, for kernels before 4.20. */
	setsockopt(r->requests.fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
	    sizeof(one));
	rc = open_notices(&r->notices, r->requests.port);
	if (rc < 0)
		route_sock_close(r);
	return rc;
}

void
route_sock_close(struct route *r)
{
	nlsock_close(&r->requests);
	nlsock_close(&r->notices);
}

struct batch {
	struct bn_change *v[ROUTE_BATCH];
	size_t n;
};

/* Errors come for any message of the batch, in order; the last is always answered. */
static bool
take_answer(void *arg, uint32_t i, int err)
{
	struct batch *b = arg;

	if (i >= b->n)
		return false;
	b->v[i]->err = err;
	return i == b->n - 1;
}

void
route_send(struct route *r, struct bn_change *changes, size_t n, uint8_t type)
{
	char out[ROUTE_BATCH * ROUTE_MSG_MAX] __attribute__((aligned(8)))
	    NLSOCK_UNCLEARED;
	struct batch b NLSOCK_UNCLEARED;
	struct nlmsghdr *h = NULL;
	uint32_t first = r->requests.seq;
	size_t len = 0;
	int rc;

	b.n = 0;
	for (size_t i = 0; i < n; i++) {
		rc = route_format(r, &changes[i], type, out + len);
		changes[i].err = rc < 0 ? rc : 0;
		if (rc < 0)
			continue;
		h = (struct nlmsghdr *)(void *)(out + len);
		h->nlmsg_seq = r->requests.seq++;
		h->nlmsg_pid = r->requests.port;
		len += NLMSG_ALIGN((size_t)rc);
		b.v[b.n++] = &changes[i];
	}
	if (b.n == 0)
		return;
	h->nlmsg_flags |= NLM_F_ACK;
	rc = nlsock_send(&r->requests, out, len);
	if (rc == 0)
		rc = nlsock_answers(&r->requests, first, take_answer, &b);
	/* An answer is lost, nobody knows whose: all have to be tried again. */
	for (size_t i = 0; rc < 0 && i < b.n; i++)
		b.v[i]->err = rc;
}

struct reader {
	route_seen_fn *fn;
	void *arg;
};

static void
take_route(void *arg, const struct nlmsghdr *h)
{
	struct reader *d = arg;
	struct route_seen s;

	if (route_parse(h, &s))
		d->fn(d->arg, &s);
}

static int
dump_family(struct route *r, uint8_t family, struct reader *d)
{
	struct {
		struct nlmsghdr h;
		struct rtmsg rt;
		struct nlattr head;
		uint32_t table;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type = RTM_GETROUTE,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.rt = { .rtm_family = family, .rtm_protocol = ROUTE_PROTO },
		.head = { sizeof(q.head) + sizeof(q.table), RTA_TABLE },
		.table = r->table,
	};
	int rc = nlsock_dump(&r->requests, &(struct nlsock_dump){ .q = &q.h,
	    .tries = DUMP_TRIES, .fn = take_route, .arg = d });

	/* With strict checking a table that does not exist yet is an error: it is
	 * empty. */
	return rc == -ENOENT ? 0 : rc;
}

int
route_dump(struct route *r, route_seen_fn *fn, void *arg)
{
	struct reader d = { .fn = fn, .arg = arg };
	int rc = dump_family(r, AF_INET, &d);

	return rc < 0 ? rc : dump_family(r, AF_INET6, &d);
}

struct lost {
	const struct route *route;
	struct bn_addr v[BURST];
	size_t n;
	bool all;		/* too many, or unknown which */
};

static void
take_notice(void *arg, const struct nlmsghdr *h)
{
	struct lost *lost = arg;
	struct route_seen s;

	if (h->nlmsg_type == RTM_NEWLINK)
		lost->all = true;
	else if (!route_parse(h, &s) || s.table != lost->route->table)
		return;
	else if (lost->n == BURST)
		lost->all = true;
	else
		lost->v[lost->n++] = s.dst;
}

int
route_notices(struct route *r)
{
	struct lost lost = { .route = r };
	const struct bn_host *h = r->host;
	int rc = nlsock_heard(r->notices.fd, take_notice, &lost);

	if (rc < 0 && rc != -ENOBUFS)
		return rc;
	lost.all |= rc < 0;
	for (size_t i = 0; !lost.all && i < lost.n; i++)
		h->lost(h->ctx, &(struct bn_subject){ .kind = BN_ADDR,
		    .addr = lost.v[i] });
	if (lost.all)
		h->drifted(h->ctx);
	return 0;
}
