/* SPDX-License-Identifier: GPL-2.0-or-later
 * allow.c - a jail's ignoreip.
 */
#include "banner/core/allow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"
#include "banner/core/netset.h"

struct entry {
	char *text;
	struct addr net;	/* family 0: a name or an id */
};

struct group {
	char *name;
	struct entry *v;
	size_t n;
};

/* A tag in the set is the position of its group; the text is printed from the net. */
struct allow {
	struct group *groups;
	size_t ngroups;
	struct netset nets;
	struct table *ids;	/* text -> entry text */
	struct buf names;
	char text[ADDR_TEXT];
};

struct allow *
allow_new(void)
{
	struct allow *a = xcalloc(1, sizeof(*a));

	a->ids = table_new();
	return a;
}

static void
group_clear(struct group *g)
{
	for (size_t i = 0; i < g->n; i++)
		free(g->v[i].text);
	free(g->v);
	g->v = NULL;
	g->n = 0;
}

void
allow_free(struct allow *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->ngroups; i++) {
		group_clear(&a->groups[i]);
		free(a->groups[i].name);
	}
	free(a->groups);
	netset_fini(&a->nets);
	table_free(a->ids);
	buf_fini(&a->names);
	free(a);
}

/* Could the text be a host name? Letters, digits, dots, hyphens. */
static bool
looks_like_name(const char *s)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "0123456789.-_";

	return *s && s[strspn(s, ok)] == '\0' && strlen(s) < 254;
}

/* The lookup parts from all groups; lists change seldom. */
static void
allow_rebuild(struct allow *a)
{
	a->nets.n = 0;
	a->nets.sorted = false;
	table_free(a->ids);
	a->ids = table_new();
	buf_clear(&a->names);
	for (size_t i = 0; i < a->ngroups; i++)
		for (size_t k = 0; k < a->groups[i].n; k++) {
			struct entry *e = &a->groups[i].v[k];

			if (e->net.family) {
				netset_add(&a->nets, &e->net, (uint32_t)i);
				continue;
			}
			if (table_set(a->ids, e->text, strlen(e->text), e->text))
				continue;
			if (looks_like_name(e->text))
				buf_printf(&a->names, "%s%s",
				    a->names.len ? " " : "", e->text);
		}
}

static struct group *
group_get(struct allow *a, const char *name)
{
	for (size_t i = 0; i < a->ngroups; i++)
		if (strcmp(a->groups[i].name, name) == 0)
			return &a->groups[i];
	a->groups = xrealloc(a->groups, (a->ngroups + 1) * sizeof(*a->groups));
	a->groups[a->ngroups] = (struct group){ .name = xstrdup(name) };
	return &a->groups[a->ngroups++];
}

static struct entry
entry_make(const char *text)
{
	struct entry e = { .text = xstrdup(text) };

	if (addr_parse_prefix(str_of(text), &e.net) < 0)
		e.net.family = 0;
	return e;
}

void
allow_set(struct allow *a, const char *group, const char *const *v, size_t n)
{
	struct group *g = group_get(a, group);

	group_clear(g);
	g->v = xcalloc(n + 1, sizeof(*g->v));
	for (size_t i = 0; i < n && i < ALLOW_MAX; i++)
		if (!str_starts(str_of(v[i]), "file:") && v[i][0])
			g->v[g->n++] = entry_make(v[i]);
	allow_rebuild(a);
}

static struct entry *
entry_find(struct group *g, const char *text)
{
	for (size_t i = 0; i < g->n; i++)
		if (strcmp(g->v[i].text, text) == 0)
			return &g->v[i];
	return NULL;
}

int
allow_add(struct allow *a, const char *entry, struct err *e)
{
	struct group *g = group_get(a, "runtime");

	if (!*entry || strpbrk(entry, " \t\r\n,"))
		return err_set(
		    e, -EINVAL, "an entry is one address, prefix, name or id");
	if (str_starts(str_of(entry), "file:"))
		return err_set(e, -EINVAL, "a file is named in ignoreip, not here");
	for (size_t i = 0; i < a->ngroups; i++)
		if (entry_find(&a->groups[i], entry))
			return err_set(e, -EEXIST, "%s is in the list already", entry);
	if (g->n == ALLOW_MAX)
		return err_set(e, -ENOSPC, "the list is full (%d entries)", ALLOW_MAX);
	g->v = xrealloc(g->v, (g->n + 1) * sizeof(*g->v));
	g->v[g->n++] = entry_make(entry);
	allow_rebuild(a);
	return 0;
}

int
allow_del(struct allow *a, const char *entry)
{
	for (size_t i = 0; i < a->ngroups; i++) {
		struct group *g = &a->groups[i];
		struct entry *e = entry_find(g, entry);

		if (!e || strncmp(g->name, "file:", 5) == 0)
			continue;
		free(e->text);
		*e = g->v[--g->n];
		allow_rebuild(a);
		return 0;
	}
	return -ENOENT;
}

const char *
allow_has(struct allow *a, const struct addr *addr, struct str id)
{
	const struct netset_entry *e = netset_covers(&a->nets, addr);

	if (e)
		return addr_print(&e->net, a->text);
	return id.len ? table_find(a->ids, id.s, id.len) : NULL;
}

const char *
allow_names(struct allow *a)
{
	return a->names.len ? a->names.p : "";
}

void
allow_each(const struct allow *a, allow_fn *fn, void *arg)
{
	for (size_t i = 0; i < a->ngroups; i++)
		for (size_t k = 0; k < a->groups[i].n; k++)
			fn(arg, a->groups[i].v[k].text);
}
