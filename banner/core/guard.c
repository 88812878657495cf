/* SPDX-License-Identifier: GPL-2.0-or-later
 * guard.c - the never-ban set: groups of prefixes with reasons.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/conf/jail.h"
#include "banner/core/guard.h"
#include "banner/core/netset.h"

enum { ADMIN_PLEN4 = 16, ADMIN_PLEN6 = 48 };

struct group {
	char *name;
	char **reasons;		/* parallel to entries */
	struct guard_entry *entries;
	size_t n;
};

/* A tag in the set is group << 16 | entry; longer groups share their last reason. */
struct guard {
	struct group *groups;
	size_t ngroups, count;
	struct netset set;
	char text[256];		/* the reason of the last refusal */
};

struct builtin { const char *net, *reason; };

static const struct builtin builtins[] = {
	{ "0.0.0.0/8", "unspecified address" },
	{ "127.0.0.0/8", "loopback" },
	{ "169.254.0.0/16", "link-local address" },
	{ "224.0.0.0/4", "multicast" },
	{ "240.0.0.0/4", "reserved or broadcast" },
	{ "::/128", "unspecified address" },
	{ "::1/128", "loopback" },
	{ "fe80::/10", "link-local address" },
	{ "ff00::/8", "multicast" },
};

struct guard *
guard_new(void)
{
	enum { N = sizeof(builtins) / sizeof(*builtins) };
	struct guard *g = xcalloc(1, sizeof(*g));
	struct guard_entry v[N];

	for (size_t i = 0; i < N; i++) {
		(void)addr_parse_prefix(str_of(builtins[i].net), &v[i].net);
		v[i].reason = builtins[i].reason;
	}
	guard_set(g, "builtin", v, N);
	return g;
}

static void
group_clear(struct group *gr)
{
	for (size_t i = 0; i < gr->n; i++)
		free(gr->reasons[i]);
	free(gr->reasons);
	free(gr->entries);
	gr->reasons = NULL;
	gr->entries = NULL;
	gr->n = 0;
}

void
guard_free(struct guard *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->ngroups; i++) {
		group_clear(&g->groups[i]);
		free(g->groups[i].name);
	}
	free(g->groups);
	netset_fini(&g->set);
	free(g);
}

static struct group *
group_find(const struct guard *g, const char *name)
{
	for (size_t i = 0; i < g->ngroups; i++)
		if (strcmp(g->groups[i].name, name) == 0)
			return &g->groups[i];
	return NULL;
}

static struct group *
group_get(struct guard *g, const char *name)
{
	struct group *gr = group_find(g, name);

	if (gr)
		return gr;
	g->groups = xrealloc(g->groups, (g->ngroups + 1) * sizeof(*g->groups));
	gr = &g->groups[g->ngroups++];
	*gr = (struct group){ .name = xstrdup(name) };
	return gr;
}

/* Sets change seldom and are small: the search array is simply built anew. */
static void
guard_rebuild(struct guard *g)
{
	g->set.n = 0;
	g->count = 0;
	for (size_t i = 0; i < g->ngroups; i++) {
		const struct group *gr = &g->groups[i];

		g->count += gr->n;
		for (size_t k = 0; k < gr->n; k++) {
			size_t at = k < 0xffff ? k : 0xffff;

			netset_add(&g->set, &gr->entries[k].net,
			    (uint32_t)(i << 16 | at));
		}
	}
	g->set.sorted = false;
}

void
guard_set(struct guard *g, const char *group, const struct guard_entry *v, size_t n)
{
	struct group *gr = group_get(g, group);

	group_clear(gr);
	gr->entries = xcalloc(n + 1, sizeof(*gr->entries));
	gr->reasons = xcalloc(n + 1, sizeof(*gr->reasons));
	for (size_t i = 0; i < n; i++) {
		if (v[i].net.family == 0)
			continue;
		gr->reasons[gr->n] = xstrdup(v[i].reason ? v[i].reason : group);
		gr->entries[gr->n].net = v[i].net;
		gr->entries[gr->n].reason = gr->reasons[gr->n];
		gr->n++;
	}
	guard_rebuild(g);
}

static const struct netset_entry *
guard_hit(const struct guard *cg, const struct addr *a)
{
	/* Sorting on demand is no visible change. */
	struct guard *g = (struct guard *)(uintptr_t)cg;
	const struct netset_entry *e = netset_covers(&g->set, a);

	return e ? e : netset_inside(&g->set, a);
}

static const char *
too_wide(const struct addr *a, enum guard_by by)
{
	unsigned limit = 0;

	switch (by) {
	case GUARD_AUTO:
		limit = a->family == 6 ? WIDEST6 : WIDEST4;
		break;
	case GUARD_ADMIN:
		limit = a->family == 6 ? ADMIN_PLEN6 : ADMIN_PLEN4;
		break;
	}
	if (a->plen >= limit)
		return NULL;
	return by == GUARD_AUTO ? "prefix too wide for an automatic ban"
	    : "prefix too wide (IPv4 from /16, IPv6 from /48)";
}

const char *
guard_refuses(const struct guard *g, const struct addr *a, enum guard_by by)
{
	struct guard *w = (struct guard *)(uintptr_t)g;
	const struct netset_entry *e;
	const struct group *gr;
	char net[ADDR_TEXT];

	if (a->family != 4 && a->family != 6)
		return "not an address";
	e = guard_hit(g, a);
	if (!e)
		return too_wide(a, by);
	gr = &g->groups[e->tag >> 16];
	snprintf(w->text, sizeof(w->text), "%s (%s)",
	    gr->reasons[e->tag & 0xffff], addr_print(&e->net, net));
	return w->text;
}

bool
guard_has(const struct guard *g, const char *group, const struct addr *a)
{
	const struct group *gr = group_find(g, group);

	for (size_t i = 0; gr && i < gr->n; i++)
		if (addr_contains(&gr->entries[i].net, a))
			return true;
	return false;
}

size_t
guard_count(const struct guard *g)
{
	return g->count;
}
