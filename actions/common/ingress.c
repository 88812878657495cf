/* SPDX-License-Identifier: GPL-2.0-or-later
 * ingress.c - packets of addresses without a way back are dropped as they arrive.
 *
 * Only TCP and UDP are concerned, so neighbour discovery is left alone.
 */
#include "actions/common/ingress.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "actions/common/nfrule.h"

static const char table[] = "banner", chain[] = "ingress";

struct ingress {
	struct nfnl nl;
	struct nlsock notices;
	bool there;
};

/* What the machine's routing is like, one family at a time. */
struct routing {
	bool has_default, policies;
};

int
ingress_open(struct ingress **out)
{
	struct ingress *g = calloc(1, sizeof(*g));
	int rc;

	*out = g;
	if (!g)
		return -ENOMEM;
	rc = nfnl_open(&g->nl);
	if (rc == 0)
		rc = nfnl_listen(&g->nl, &g->notices);
	if (rc == 0)
		return 0;
	nfnl_close(&g->nl);
	free(g);
	*out = NULL;
	return rc;
}

void
ingress_close(struct ingress *g)
{
	if (!g)
		return;
	nfnl_close(&g->nl);
	nlsock_close(&g->notices);
	free(g);
}

int
ingress_fd(const struct ingress *g)
{
	return g->notices.fd;
}

static void
hear(void *arg, const struct nlmsghdr *h)
{
	const struct nlattr *v[NFTA_CHAIN_NAME + 1];
	struct ingress *g = arg;
	int type = nfnl_type(h);

	if (type < 0 || !nfnl_attrs(h, v, NFTA_CHAIN_NAME) ||
	    !nfnl_is(v[NFTA_TABLE_NAME], table))
		return;
	if (type == NFT_MSG_DELTABLE ||
	    (type == NFT_MSG_DELCHAIN && nfnl_is(v[NFTA_CHAIN_NAME], chain)) ||
	    ((type == NFT_MSG_NEWRULE || type == NFT_MSG_DELRULE) &&
	    nfnl_is(v[NFTA_RULE_CHAIN], chain)))
		g->there = false;
}

void
ingress_heard(struct ingress *g)
{
	if (nlsock_heard(g->notices.fd, hear, g) < 0)
		g->there = false;
}

static void
see_route(struct routing *r, const struct nlmsghdr *h)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);

	r->has_default |= mnl_nlmsg_get_payload_len(h) >= sizeof(*rt) &&
	    rt->rtm_dst_len == 0 && rt->rtm_type == RTN_UNICAST &&
	    rt->rtm_table == RT_TABLE_MAIN;
}

/* Rules beyond the three every machine has: local, main, default. */
static void
see_policy(struct routing *r, const struct nlmsghdr *h)
{
	const struct fib_rule_hdr *f = mnl_nlmsg_get_payload(h);

	r->policies |= mnl_nlmsg_get_payload_len(h) >= sizeof(*f) &&
	    (f->table < RT_TABLE_DEFAULT || f->src_len || f->dst_len);
}

/* 1: goes on; 0: the end; -errno. */
static int
take(struct routing *r, const struct nlmsghdr *h, ssize_t len)
{
	int left = (int)len;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return e->error ? e->error : -EIO;
		if (h->nlmsg_type == RTM_NEWROUTE)
			see_route(r, h);
		if (h->nlmsg_type == RTM_NEWRULE)
			see_policy(r, h);
	}
	return 1;
}

/* The kernel is asked to leave out the routes of bans, which may be many. */
static int
ask(int fd, uint16_t type, uint8_t family, struct routing *r)
{
	char buf[32768] __attribute__((aligned(8)));
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct {
		struct nlmsghdr h;
		struct rtmsg rt;
	} q = { .h = { .nlmsg_len = sizeof(q), .nlmsg_type = type,
	    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = type },
	    .rt = { .rtm_family = family } };
	ssize_t n;
	int rc;

	if (type == RTM_GETROUTE)
		q.rt.rtm_type = RTN_UNICAST;
	if (sendto(fd, &q, sizeof(q), 0, (const struct sockaddr *)&kernel,
	    sizeof(kernel)) < 0)
		return -errno;
	do {
		n = recv(fd, buf, sizeof(buf), 0);
		rc = n < 0 ? -errno : take(r, (void *)buf, n);
	} while (rc > 0);
	return rc;
}

static int
look(struct routing v[2])
{
	struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), one = 1;
	int rc = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	for (int six = 0; six < 2 && rc == 0; six++) {
		v[six] = (struct routing){ 0 };
		rc = ask(fd, RTM_GETROUTE, six ? AF_INET6 : AF_INET, &v[six]);
		if (rc == 0)
			rc = ask(fd, RTM_GETRULE, six ? AF_INET6 : AF_INET, &v[six]);
		/* A kernel without IPv6 has no routes of it. */
		if (six && (rc == -EOPNOTSUPP || rc == -EAFNOSUPPORT))
			rc = 0;
	}
	close(fd);
	return rc;
}

static void
write_rule(struct ingress *g, uint8_t family, bool udp)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP }, missing;
	char comment[NFRULE_COMMENT];
	struct nfrule r;

	snprintf(comment, sizeof(comment), "banner: IPv%u %s without a way back",
	    family, udp ? "UDP" : "TCP");
	nfrule_start(&g->nl, &r, table, chain, comment);
	nfrule_family(&r, family);
	nfrule_meta(&r, NFT_META_L4PROTO);
	nfrule_cmp(&r, NFT_CMP_EQ, &protocols[udp], 1);
	nfrule_fib_oif(&r);
	nfrule_cmp(&r, NFT_CMP_EQ, &missing, 1);
	nfrule_counter(&r);
	nfrule_verdict(&r, NF_DROP, NULL);
	nfrule_end(&r);
}

static int
write_chain(struct ingress *g, const struct routing v[2])
{
	nfnl_begin(&g->nl);
	nfrule_table(&g->nl, table);
	nfrule_chain(&g->nl, table, chain, NF_INET_PRE_ROUTING, -300);
	nfrule_empty(&g->nl, table, chain);
	for (int i = 0; i < 4; i++)
		if (v[i / 2].has_default && !v[i / 2].policies)
			write_rule(g, i / 2 ? 6 : 4, i % 2);
	return nfnl_commit(&g->nl);
}

int
ingress_ensure(struct ingress *g, struct ingress_why *why)
{
	struct routing v[2] = { { 0 } };
	int rc;

	if (g->there)
		return 0;
	rc = look(v);
	if (rc < 0) {
		snprintf(why->text, sizeof(why->text), "routes cannot be listed");
		return rc;
	}
	if (v[0].policies || v[1].policies) {
		snprintf(why->text, sizeof(why->text), "there are routing policies "
		    "(ip rule): a source may be wanted although no route of table "
		    "main leads to it");
		return -EINVAL;
	}
	if (!v[0].has_default && !v[1].has_default) {
		snprintf(why->text, sizeof(why->text), "there is no default route: all "
		    "sources beyond the own networks would be dropped");
		return -EINVAL;
	}
	rc = write_chain(g, v);
	g->there = rc == 0;
	if (rc < 0)
		snprintf(why->text, sizeof(why->text), "nf_tables refuses the rules");
	return rc;
}
