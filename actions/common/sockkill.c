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
#include <stdio.h>
#include <string.h>

enum { PATIENCE_S = 2 };

struct request {
	struct nlmsghdr h;
	struct inet_diag_req_v2 r;
};

int
sockkill_open(struct sockkill *k)
{
	k->kill.fd = -1;
	if (nlsock_open(&k->list, NETLINK_SOCK_DIAG, PATIENCE_S) == 0 &&
	    nlsock_open(&k->kill, NETLINK_SOCK_DIAG, PATIENCE_S) == 0)
		return 0;
	sockkill_close(k);
	return -EPROTONOSUPPORT;
}

void
sockkill_close(struct sockkill *k)
{
	nlsock_close(&k->list);
	nlsock_close(&k->kill);
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
	int killed, err;
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

static bool
take_answer(void *arg, uint32_t i, int err)
{
	if (i == 0)
		*(int *)arg = err;
	return i == 0;
}

/* Success also when it ended by itself meanwhile. */
static int
kill_one(struct walk *w, const struct inet_diag_msg *m)
{
	struct nlsock *s = &w->k->kill;
	struct request q = { .h = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DESTROY,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK, .nlmsg_seq = s->seq++ },
	    .r = { .sdiag_family = m->idiag_family, .sdiag_protocol = w->protocol,
	    .id = m->id } };
	int err = 0, rc = nlsock_send(s, &q, sizeof(q));

	if (rc == 0)
		rc = nlsock_answers(s, q.h.nlmsg_seq, take_answer, &err);
	w->killed += rc == 0 && err == 0;
	return rc < 0 ? rc : err == -ENOENT ? 0 : err;
}

static void
look_at(void *arg, const struct nlmsghdr *h)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	struct walk *w = arg;
	struct bn_addr a;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || w->err < 0)
		return;
	a = peer(m);
	if (is_banned(w, &a) && kill_one(w, m) < 0)
		w->err = -EOPNOTSUPP;
}

/* A kernel without sockets of that kind to list has none. */
static int
walk_sockets(struct walk *w, uint8_t family)
{
	struct request q = { .h = { .nlmsg_len = sizeof(q),
	    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	    .r = { .sdiag_family = family, .sdiag_protocol = w->protocol,
	    .idiag_states = w->protocol == IPPROTO_UDP ? 1U << TCP_ESTABLISHED :
	    ~(1U << TCP_LISTEN) } };
	int rc = nlsock_dump(&w->k->list, &(struct nlsock_dump){ .q = &q.h, .tries = 1,
	    .fn = look_at, .arg = w });

	return rc == -ENOENT || rc == -EAGAIN ? w->err : rc < 0 ? rc : w->err;
}

/* The number closed, or -errno; -EOPNOTSUPP where the kernel cannot. */
static int
close_banned(struct sockkill *k, const struct bn_change *v, size_t n)
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

void
sockkill_banned(struct sockkill *k, const struct bn_host *host,
    const struct bn_change *v, size_t n)
{
	int rc = close_banned(k, v, n);
	char text[160];

	if (rc > 0) {
		snprintf(text, sizeof(text),
		    "%d open connections of banned addresses closed", rc);
		host->log(host->ctx, BN_INFO, text);
	}
	if (rc < 0 && !k->failed) {
		snprintf(text, sizeof(text), "kill_sessions: %s", rc == -EOPNOTSUPP ?
		    "this kernel cannot close sockets (CONFIG_INET_DIAG_DESTROY)" :
		    strerror(-rc));
		host->log(host->ctx, BN_ERROR, text);
	}
	k->failed = rc < 0;
}
