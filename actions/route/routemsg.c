/* SPDX-License-Identifier: GPL-2.0-or-later
 * routemsg.c - one route as an rtnetlink message, written and read (rtnetlink(7)).
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/msg.h>

#include "actions/route/route.h"

int
route_format(const struct route *r, const struct bn_change *c, uint8_t type,
    char out[ROUTE_MSG_MAX])
{
	const struct bn_addr *a = &c->subject.addr;
	bool add = c->verb != BN_DEL;
	struct rtmsg rt = {
		.rtm_family = a->family == 4 ? AF_INET : AF_INET6,
		.rtm_dst_len = a->plen,
		.rtm_table = r->table < 256 ? (uint8_t)r->table : RT_TABLE_UNSPEC,
		.rtm_protocol = ROUTE_PROTO,
		/* A removal must not depend on a scope, nor on the metric that was
		 * configured when the route was made. */
		.rtm_scope = add ? RT_SCOPE_UNIVERSE : RT_SCOPE_NOWHERE,
		.rtm_type = type,
	};
	struct nl_msg *m = nlmsg_alloc_size(ROUTE_MSG_MAX);
	int rc = -ENOMEM;

	if (!m)
		return rc;
	if (nlmsg_put(m, 0, 0, add ? RTM_NEWROUTE : RTM_DELROUTE, 0,
	    NLM_F_REQUEST | (add ? NLM_F_CREATE | NLM_F_EXCL : 0)) &&
	    nlmsg_append(m, &rt, sizeof(rt), NLMSG_ALIGNTO) == 0 &&
	    nla_put(m, RTA_DST, a->family == 4 ? 4 : 16, a->ip) == 0 &&
	    nla_put_u32(m, RTA_TABLE, r->table) == 0 &&
	    (!add || !r->metric || nla_put_u32(m, RTA_PRIORITY, r->metric) == 0)) {
		rc = (int)nlmsg_hdr(m)->nlmsg_len;
		memcpy(out, nlmsg_hdr(m), (size_t)rc);
	}
	nlmsg_free(m);
	return rc;
}

/* The default route comes without RTA_DST: then dst is all zero, as it should be. */
static bool
read_dst(const struct rtmsg *rt, struct nlattr *attr, struct bn_addr *dst)
{
	int bytes = rt->rtm_family == AF_INET ? 4 : 16;

	*dst =
	    (struct bn_addr){ .family = bytes == 4 ? 4 : 6, .plen = rt->rtm_dst_len };
	if (rt->rtm_dst_len > bytes * 8)
		return false;
	if (!attr)
		return rt->rtm_dst_len == 0;
	if (nla_len(attr) != bytes)
		return false;
	memcpy(dst->ip, nla_data(attr), (size_t)bytes);
	return true;
}

bool
route_parse(const struct nlmsghdr *head, struct route_seen *s)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(uintptr_t)head;
	struct nlattr *attr[RTA_MAX + 1];
	const struct rtmsg *rt;

	*s = (struct route_seen){ .message = h->nlmsg_type };
	if (h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_DELROUTE)
		return false;
	if (!nlmsg_valid_hdr(h, sizeof(*rt)))
		return false;
	rt = nlmsg_data(h);
	if ((rt->rtm_family != AF_INET && rt->rtm_family != AF_INET6) ||
	    rt->rtm_flags & RTM_F_CLONED)
		return false;
	if (nlmsg_parse(h, sizeof(*rt), attr, RTA_MAX, NULL) < 0)
		return false;
	s->table = attr[RTA_TABLE] && nla_len(attr[RTA_TABLE]) == 4 ?
	    nla_get_u32(attr[RTA_TABLE]) : rt->rtm_table;
	s->protocol = rt->rtm_protocol;
	s->type = rt->rtm_type;
	return read_dst(rt, attr[RTA_DST], &s->dst);
}
