/* SPDX-License-Identifier: GPL-2.0-or-later
 * netfeed.c - dumps of addresses and routes over NETLINK_ROUTE.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "banner/daemon/parent/netfeed.h"

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK 12
#endif
#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

enum { OUR_PROTOCOL = 98, DUMP_BYTES = 32768 };

static int
netlink_socket(unsigned groups)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK,
		SOCK_RAW | SOCK_CLOEXEC | (groups ? SOCK_NONBLOCK : 0), NETLINK_ROUTE),
	    on = 1;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

/* Accept all but NEWROUTE and DELROUTE of our protocol. */
static void
filter_own_routes(int fd)
{
	enum {
		TYPE = offsetof(struct nlmsghdr, nlmsg_type),
		PROTO = NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol)
	};
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, TYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, PROTO),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_PROTOCOL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

int
netfeed_open(void)
{
	int fd = netlink_socket(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
	    RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);

	if (fd >= 0)
		filter_own_routes(fd);
	return fd;
}

bool
netfeed_drain(int fd)
{
	char room[8192];
	bool any = false;
	ssize_t n;

	/* ENOBUFS: some were lost, so something changed */
	while ((n = recv(fd, room, sizeof(room), MSG_DONTWAIT)) > 0 ||
	    (n < 0 && errno == ENOBUFS))
		any = true;
	return any;
}

static void
tell(const struct rtattr *a, int family, const char *reason, netfeed_fn *fn, void *arg)
{
	struct addr addr = { .family = family == AF_INET ? 4 : 6 };
	size_t len = addr.family == 4 ? 4 : 16;

	if (RTA_PAYLOAD(a) < len)
		return;
	memcpy(addr.ip, RTA_DATA(a), len);
	addr.plen = (uint8_t)(len * 8);
	if (!addr_is_unspecified(&addr))
		fn(arg, &addr, reason);
}

static void
take_address(const struct nlmsghdr *h, netfeed_fn *fn, void *arg)
{
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	int left = (int)IFA_PAYLOAD(h);

	for (const struct rtattr *a = IFA_RTA(m); RTA_OK(a, left);
	     a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFA_LOCAL ||
		    (a->rta_type == IFA_ADDRESS && m->ifa_family == AF_INET6))
			tell(a, m->ifa_family, "own address", fn, arg);
		else if (a->rta_type == IFA_ADDRESS)
			tell(a, m->ifa_family, "own address or its peer", fn, arg);
		else if (a->rta_type == IFA_BROADCAST)
			tell(a, m->ifa_family, "broadcast address", fn, arg);
	}
}

static void
take_hops(const struct rtattr *multi, int family, netfeed_fn *fn, void *arg)
{
	const struct rtnexthop *hop = RTA_DATA(multi);
	int left = (int)RTA_PAYLOAD(multi);

	while (RTNH_OK(hop, left)) {
		int inner = hop->rtnh_len - (int)sizeof(*hop);

		for (const struct rtattr *a = RTNH_DATA(hop); RTA_OK(a, inner);
		     a = RTA_NEXT(a, inner))
			if (a->rta_type == RTA_GATEWAY)
				tell(a, family, "gateway", fn, arg);
		left -= RTNH_ALIGN(hop->rtnh_len);
		hop = RTNH_NEXT(hop);
	}
}

static void
take_route(const struct nlmsghdr *h, netfeed_fn *fn, void *arg)
{
	const struct rtmsg *m = NLMSG_DATA(h);
	int left = (int)RTM_PAYLOAD(h);

	if (m->rtm_type != RTN_UNICAST)
		return;
	for (const struct rtattr *a = RTM_RTA(m); RTA_OK(a, left);
	     a = RTA_NEXT(a, left)) {
		if (a->rta_type == RTA_GATEWAY)
			tell(a, m->rtm_family, "gateway", fn, arg);
		else if (a->rta_type == RTA_MULTIPATH)
			take_hops(a, m->rtm_family, fn, arg);
	}
}

static int
ask(int fd, enum netfeed_what what, unsigned char family)
{
	struct {
		struct nlmsghdr h;
		union {
			struct ifaddrmsg ifa;
			struct rtmsg rtm;
		} u;
	} q;

	memset(&q, 0, sizeof(q));
	q.h.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (what == NETFEED_OWN) {
		q.h.nlmsg_type = RTM_GETADDR;
		q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.u.ifa));
		q.u.ifa.ifa_family = family;
	} else {
		q.h.nlmsg_type = RTM_GETROUTE;
		q.h.nlmsg_len = NLMSG_LENGTH(sizeof(q.u.rtm));
		q.u.rtm.rtm_family = family;
		q.u.rtm.rtm_type = RTN_UNICAST;
	}
	return send(fd, &q, q.h.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* One datagram of the answer: 1 more follow, 0 it was the last, or -errno. */
static int
take_messages(char *room, ssize_t n, netfeed_fn *fn, void *arg)
{
	int left = (int)n;

	for (struct nlmsghdr *h = (void *)room; NLMSG_OK(h, (unsigned)left);
	     h = NLMSG_NEXT(h, left)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type == NLMSG_ERROR)
			return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
		if (h->nlmsg_type == RTM_NEWADDR)
			take_address(h, fn, arg);
		else if (h->nlmsg_type == RTM_NEWROUTE)
			take_route(h, fn, arg);
	}
	return 1;
}

static int
dump(int fd, enum netfeed_what what, unsigned char family, netfeed_fn *fn, void *arg)
{
	_Alignas(struct nlmsghdr) char room[DUMP_BYTES];
	int rc = ask(fd, what, family);

	if (rc < 0)
		return rc;
	do {
		ssize_t n = recv(fd, room, sizeof(room), 0);

		if (n < 0)
			return -errno;
		rc = take_messages(room, n, fn, arg);
	} while (rc > 0);
	return rc;
}

int
netfeed_dump(enum netfeed_what what, netfeed_fn *fn, void *arg)
{
	int fd = netlink_socket(0), rc;

	if (fd < 0)
		return fd;
	rc = dump(fd, what, AF_INET, fn, arg);
	if (rc == 0)
		rc = dump(fd, what, AF_INET6, fn, arg);
	close(fd);
	return rc;
}
