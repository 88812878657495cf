/* SPDX-License-Identifier: GPL-2.0-or-later
 * sockkill.c - closing the connections that banned addresses still have open.
 *
 * A batch of bans costs one walk over the sockets of the machine, not one each.
 */
#include "actions/common/sockkill.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { RECV_BYTES = 32768, PATIENCE_S = 2 };

struct request {
	struct nlmsghdr h;
	struct inet_diag_req_v2 r;
};

static int
open_one(void)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

int
sockkill_open(struct sockkill *k)
{
	*k = (struct sockkill){ .list = open_one(), .kill = open_one(), .seq = 1 };
	if (k->list >= 0 && k->kill >= 0)
		return 0;
	sockkill_close(k);
	return -EPROTONOSUPPORT;
}

void
sockkill_close(struct sockkill *k)
{
	if (k->list >= 0)
		close(k->list);
	if (k->kill >= 0)
		close(k->kill);
	k->list = k->kill = -1;
}

static int
ask(struct sockkill *k, int fd, struct request *q)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	q->h.nlmsg_len = sizeof(*q);
	q->h.nlmsg_seq = k->seq++;
	do
		n = sendto(fd, q, sizeof(*q), MSG_NOSIGNAL,
		    (const struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static ssize_t
receive(int fd, void *buf, size_t size)
{
	struct sockaddr_nl from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n;

	do
		n = recvfrom(fd, buf, size, MSG_TRUNC, (struct sockaddr *)&from, &len);
	while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)n > size ? -ENOBUFS : n;
}

/* The peer as a ban would name it. */
static struct bn_addr
peer(const struct inet_diag_msg *m)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct bn_addr a = { .family = m->idiag_family == AF_INET ? 4 : 6 };

	memcpy(a.ip, m->id.idiag_dst, a.family == 4 ? 4 : 16);
	if (a.family == 6 && memcmp(a.ip, mapped, sizeof(mapped)) == 0) {
		memmove(a.ip, a.ip + 12, 4);
		memset(a.ip + 4, 0, 12);
		a.family = 4;
	}
	return a;
}

static bool
covers(const struct bn_addr *net, const struct bn_addr *a)
{
	size_t bytes = net->plen / 8;
	uint8_t rest = (uint8_t)(0xff00 >> net->plen % 8);

	return net->family == a->family && memcmp(net->ip, a->ip, bytes) == 0 &&
	    (net->plen % 8 == 0 || (net->ip[bytes] & rest) == (a->ip[bytes] & rest));
}

struct walk {
	struct sockkill *k;
	const struct bn_change *v;
	size_t n;
	uint8_t protocol;
	int killed;
};

static bool
is_banned(const struct walk *w, const struct bn_addr *a)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].verb == BN_ADD && w->v[i].err == 0 &&
		    covers(&w->v[i].subject.addr, a))
			return true;
	return false;
}

/* 0 also when it ended by itself meanwhile. */
static int
kill_one(struct walk *w, const struct inet_diag_msg *m)
{
	char buf[1024] __attribute__((aligned(8)));
	struct request q = { .h = { .nlmsg_type = SOCK_DESTROY,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK } };
	const struct nlmsghdr *h = (const void *)buf;
	const struct nlmsgerr *e = NLMSG_DATA(h);
	uint32_t seq = w->k->seq;
	ssize_t n;
	int rc;

	q.r = (struct inet_diag_req_v2){ .sdiag_family = m->idiag_family,
	    .sdiag_protocol = w->protocol, .id = m->id };
	rc = ask(w->k, w->k->kill, &q);
	if (rc < 0)
		return rc;
	do {
		n = receive(w->k->kill, buf, sizeof(buf));
		if (n < 0)
			return (int)n;
	} while (!NLMSG_OK(h, (size_t)n) || h->nlmsg_seq != seq ||
	    h->nlmsg_type != NLMSG_ERROR);
	w->killed += e->error == 0;
	return e->error == -ENOENT ? 0 : e->error;
}

static struct nlmsghdr *
next(struct nlmsghdr *h, ssize_t *left)
{
	size_t n = NLMSG_ALIGN(h->nlmsg_len);

	*left -= (ssize_t)n;
	return (struct nlmsghdr *)(void *)((char *)h + n);
}

/* 1: goes on; 0: the end; -errno. */
static int
take(struct walk *w, struct nlmsghdr *h, ssize_t len, uint32_t seq)
{
	int rc = 1;

	for (; len > 0 && NLMSG_OK(h, (size_t)len) && rc > 0; h = next(h, &len)) {
		const struct inet_diag_msg *m = NLMSG_DATA(h);
		const struct nlmsgerr *e = NLMSG_DATA(h);
		struct bn_addr a;

		if (h->nlmsg_seq != seq)
			continue;
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return e->error ? e->error : -EIO;
		if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
			continue;
		a = peer(m);
		if (is_banned(w, &a))
			rc = kill_one(w, m) < 0 ? -EOPNOTSUPP : 1;
	}
	return rc;
}

/* A kernel without sockets of that kind to list has none. */
static int
walk_sockets(struct walk *w, uint8_t family)
{
	char buf[RECV_BYTES] __attribute__((aligned(8)));
	struct request q = { .h = { .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	uint32_t seq = w->k->seq;
	ssize_t n;
	int rc;

	q.r = (struct inet_diag_req_v2){ .sdiag_family = family,
	    .sdiag_protocol = w->protocol,
	    .idiag_states = w->protocol == IPPROTO_UDP ? 1U << TCP_ESTABLISHED :
	    ~(1U << TCP_LISTEN) };
	rc = ask(w->k, w->k->list, &q);
	for (rc = rc == 0 ? 1 : rc; rc > 0;) {
		n = receive(w->k->list, buf, sizeof(buf));
		rc = n < 0 ? (int)n : take(w, (void *)buf, n, seq);
	}
	return rc == -ENOENT ? 0 : rc;
}

int
sockkill_banned(struct sockkill *k, const struct bn_change *v, size_t n)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct walk w = { .k = k, .v = v, .n = n };
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		any |= v[i].verb == BN_ADD && v[i].err == 0;
	for (size_t i = 0; any && rc == 0 && i < 4; i++) {
		w.protocol = protocols[i / 2];
		rc = walk_sockets(&w, families[i % 2]);
	}
	return rc < 0 ? rc : w.killed;
}
