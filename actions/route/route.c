/* SPDX-License-Identifier: GPL-2.0-or-later
 * route.c - bans as kernel routes that lead nowhere.
 *
 * Adding is CREATE|EXCL, so nothing of anybody else is ever replaced. When the prefix
 * exists already a dump tells whose it is: ours is success, a foreign one is a
 * conflict (-EEXIST), reported and left alone. Removals name protocol and type, so
 * they can only hit ours; what is not there counts as removed.
 */
#include "actions/route/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/netlink.h>
#include <netlink/route/route.h>

#include "actions/common/option.h"

static const struct bn_key route_keys[] = {
	{ "blocktype", "blackhole", "blackhole (silent), unreachable or prohibit "
	    "(answered by ICMP)" },
	{ "table", "main", "kernel routing table that holds the bans: a name of "
	    "/etc/iproute2/rt_tables, or a number from 1" },
	{ "metric", "0", "metric of the routes, 0 to 4294967295; 0 is the kernel's "
	    "default" },
	{ "ingress", "no", "yes or no; yes: nft rules drop what comes from banned "
	    "addresses" },
	{ "kill_sessions", "no", "yes or no; yes: close the connections banned "
	    "addresses have" },
	{ NULL, NULL, NULL }
};

static const struct { const char *name; uint8_t type; } blocktypes[] = {
	{ "blackhole", RTN_BLACKHOLE }, { "unreachable", RTN_UNREACHABLE },
	{ "prohibit", RTN_PROHIBIT },
};
enum { NTYPES = sizeof(blocktypes) / sizeof(*blocktypes) };

static int
get_number(const struct bn_host *h, const char *key, uint32_t *out)
{
	const char *text = h->get(h->ctx, key);
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || v > UINT32_MAX)
		return option_refuse(h, route_keys, key, text);
	*out = (uint32_t)v;
	return 0;
}

static int
get_table(const struct bn_host *h, uint32_t *out)
{
	const char *text = h->get(h->ctx, "table");
	int id;

	if (*text >= '0' && *text <= '9') {
		id = get_number(h, "table", out);
		return id == 0 && *out == 0
		    ? option_refuse(h, route_keys, "table", text) : id;
	}
	id = strcmp(text, "main") == 0 ? RT_TABLE_MAIN : -1;
	if (id < 0 && rtnl_route_read_table_names("/etc/iproute2/rt_tables") == 0)
		id = rtnl_route_str2table(text);
	if (id <= 0)
		return option_refuse(h, route_keys, "table", text);
	*out = (uint32_t)id;
	return 0;
}

static int
get_bool(const struct bn_host *h, const char *key, bool *out)
{
	const char *text = h->get(h->ctx, key);

	*out = strcmp(text, "yes") == 0;
	return *out || strcmp(text, "no") == 0 ? 0
	    : option_refuse(h, route_keys, key, text);
}

static int
get_type(const struct bn_host *h, uint8_t *out)
{
	const char *text = h->get(h->ctx, "blocktype");

	for (int i = 0; i < NTYPES; i++) {
		if (strcmp(text, blocktypes[i].name) == 0) {
			*out = blocktypes[i].type;
			return 0;
		}
	}
	return option_refuse(h, route_keys, "blocktype", text);
}

static int
get_options(struct route *r)
{
	const struct bn_host *host = r->host;
	int rc = get_type(host, &r->type);

	if (rc == 0)
		rc = get_table(host, &r->table);
	if (rc == 0)
		rc = get_number(host, "metric", &r->metric);
	if (rc == 0)
		rc = get_bool(host, "ingress", &r->want_ingress);
	if (rc == 0)
		rc = get_bool(host, "kill_sessions", &r->want_kill);
	return rc;
}

static int
route_check(const struct bn_host *host)
{
	struct route r = { .host = host };

	return get_options(&r);
}

static int
route_open(const struct bn_host *host, void **self)
{
	struct route *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->host = host;
	rc = get_options(r);
	if (rc == 0)
		rc = route_sock_open(r);
	if (rc == 0) {
		rc = route_more_open(r);
		if (rc < 0)
			route_sock_close(r);
	}
	if (rc < 0) {
		free(r);
		return rc;
	}
	*self = r;
	return 0;
}

static bool
route_is_ours(const struct route *r, const struct route_seen *s)
{
	return s->table == r->table && s->protocol == ROUTE_PROTO &&
	    (s->type == RTN_BLACKHOLE || s->type == RTN_UNREACHABLE ||
	    s->type == RTN_PROHIBIT);
}

/* Changes that met an existing route, sorted by address. */
struct conflicts {
	struct route *route;
	struct bn_change **v;
	size_t n;
};

static int
by_address(const void *a, const void *b)
{
	const struct bn_change *const *x = a, *const *y = b;

	return memcmp(&(*x)->subject.addr, &(*y)->subject.addr,
	    sizeof((*x)->subject.addr));
}

static void
clear_conflict(void *arg, const struct route_seen *s)
{
	struct conflicts *c = arg;
	struct bn_change key = { .subject.addr = s->dst }, *want = &key, **found;

	if (!route_is_ours(c->route, s))
		return;
	found = bsearch(&want, c->v, c->n, sizeof(c->v[0]), by_address);
	if (!found)
		return;
	(*found)->err = 0;
	c->route->mixed |= s->type != c->route->type;
}

/* Whose are the routes that were in the way? One dump tells it for all of them. */
static void
look(struct route *r, struct bn_change *v, size_t n)
{
	struct conflicts c = { .route = r };
	size_t met = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		met += v[i].err == -EEXIST;
	if (met == 0)
		return;
	c.v = calloc(met, sizeof(struct bn_change *));
	if (!c.v)
		return;		/* they stay conflicts and are tried again */
	for (size_t i = 0; i < n; i++)
		if (v[i].err == -EEXIST)
			c.v[c.n++] = &v[i];
	qsort(c.v, c.n, sizeof(c.v[0]), by_address);
	rc = route_dump(r, clear_conflict, &c);
	for (size_t i = 0; rc < 0 && i < c.n; i++)
		c.v[i]->err = rc;
	free(c.v);
}

/* An earlier run may have put them there with another blocktype, or somebody else have
 * replaced ours. */
static void
delete_other_types(struct route *r, struct bn_change *v, size_t n)
{
	for (int t = 0; t < NTYPES; t++) {
		struct bn_change left[ROUTE_BATCH] NLSOCK_UNCLEARED;
		struct bn_change *from[ROUTE_BATCH] NLSOCK_UNCLEARED;
		size_t k = 0;

		if (blocktypes[t].type == r->type)
			continue;
		for (size_t i = 0; i < n; i++) {
			if (v[i].verb != BN_DEL || v[i].err != -ESRCH)
				continue;
			left[k] = v[i];
			from[k++] = &v[i];
		}
		route_send(r, left, k, blocktypes[t].type);
		for (size_t i = 0; i < k; i++)
			from[i]->err = left[i].err;
	}
}

static void
apply_batch(struct route *r, struct bn_change *v, size_t n)
{
	route_send(r, v, n, r->type);
	if (r->mixed)
		delete_other_types(r, v, n);
	for (size_t i = 0; i < n; i++)
		if (v[i].verb == BN_DEL && v[i].err == -ESRCH)
			v[i].err = 0;
}

static int
route_apply(void *self, struct bn_change *v, size_t n)
{
	for (size_t i = 0; i < n; i += ROUTE_BATCH)
		apply_batch(self, v + i, n - i < ROUTE_BATCH ? n - i : ROUTE_BATCH);
	look(self, v, n);
	route_ingress(self);
	route_kill(self, v, n);
	return 0;
}

struct lister {
	struct route *route;
	bn_seen_fn *fn;
	void *arg;
	bool mixed;
};

static void
list_one(void *arg, const struct route_seen *s)
{
	struct lister *l = arg;

	if (!route_is_ours(l->route, s))
		return;
	l->mixed |= s->type != l->route->type;
	l->fn(l->arg, &(struct bn_subject){ .kind = BN_ADDR, .addr = s->dst }, NULL);
}

static int
route_list(void *self, bn_seen_fn *fn, void *arg)
{
	struct route *r = self;
	struct lister l = { .route = r, .fn = fn, .arg = arg };
	int rc;

	rc = route_dump(r, list_one, &l);
	r->mixed = l.mixed;
	return rc;
}

static int
route_poll_fd(void *self)
{
	struct route *r = self;

	return route_fd(r);
}

static int
route_run(void *self)
{
	route_heard(self);
	return route_notices(self);
}

static void
route_close(void *self)
{
	struct route *r = self;

	route_more_close(r);
	route_sock_close(r);
	free(r);
}

BN_ACTION(route) = {
	.abi = BN_ACTION_ABI, .size = sizeof(struct bn_action_ops),
	.flags = BN_STATE, .name = "route", .kinds = 1 << BN_ADDR,
	.keys = route_keys, .open = route_open, .apply = route_apply,
	.list = route_list, .poll_fd = route_poll_fd, .run = route_run,
	.close = route_close, .check = route_check,
};
