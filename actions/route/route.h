/* SPDX-License-Identifier: GPL-2.0-or-later
 * route.h - the parts of the route action.
 *
 * route.c: options and the calls of the action; routemsg.c: one route as a message,
 * written and read; routesock.c: batches, dumps and notices; route_more.c: the options
 * that go beyond routes.
 */
#ifndef BANNER_ROUTE_H
#define BANNER_ROUTE_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "actions/common/nlsock.h"
#include "actions/common/sockkill.h"
#include "banner/action.h"

/* Routes of ours carry this protocol, named "banner" in rt_protos.d: it is how they
 * are told from everybody else's. */
enum { ROUTE_PROTO = 98 };
enum { ROUTE_BATCH = 256, ROUTE_MSG_MAX = 128 };

struct ingress;

struct route {
	const struct bn_host *host;
	uint32_t table, metric;
	uint8_t type; /* RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT */
	bool mixed;			/* a dump held ours of another type */
	struct nlsock requests, notices;

	bool want_ingress, want_kill;	/* options */
	struct ingress *ingress;	/* NULL: not wanted */
	bool ingress_refused;		/* and that was said */
	int64_t ingress_again_s;
	struct sockkill sockkill;
	int both;			/* epoll of two sockets, or -1 */
};

/* One route that a message tells of. */
struct route_seen {
	uint16_t message; /* RTM_NEWROUTE, RTM_DELROUTE, else nothing below */
	uint32_t table;
	uint8_t protocol, type;
	struct bn_addr dst;
};
/* Read one message. False when it is no route of IPv4 or IPv6. */
bool	route_parse(const struct nlmsghdr *, struct route_seen *);
/* Write the request for one change; returns its length, at most ROUTE_MSG_MAX, or
 * -ENOMEM. */
int	route_format(const struct route *, const struct bn_change *, uint8_t type,
	    char out[ROUTE_MSG_MAX]);

int	route_sock_open(struct route *);
void	route_sock_close(struct route *);
/* At most ROUTE_BATCH changes in one message; the outcome of each is in its err as the
 * kernel told it. */
void	route_send(struct route *, struct bn_change *, size_t n, uint8_t type);
typedef void (route_seen_fn)(void *arg, const struct route_seen *);
int	route_dump(struct route *, route_seen_fn *, void *arg);	/* 0 or -errno */
/* Tell the host what the pending notices mean. */
int	route_notices(struct route *);

/* Options ingress and kill_sessions. open: 0 or -errno. */
int	route_more_open(struct route *);
void	route_more_close(struct route *);
/* Have the ingress rules in place, if they are wanted and were not refused just now. */
void	route_ingress(struct route *);
/* Readable when there are notices, for route_notices and route_heard. */
int	route_fd(const struct route *);
void	route_heard(struct route *);
/* Close the connections of what was just banned, if that is wanted. */
void	route_kill(struct route *, const struct bn_change *, size_t n);

#endif
