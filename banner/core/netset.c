/* SPDX-License-Identifier: GPL-2.0-or-later
 * netset.c - sorted prefixes: one binary search per prefix length in use.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/netset.h"

void
netset_fini(struct netset *s)
{
	free(s->v);
	memset(s, 0, sizeof(*s));
}

void
netset_add(struct netset *s, const struct addr *net, uint32_t tag)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 8;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = (struct netset_entry){ .net = *net, .tag = tag };
	s->sorted = false;
}

static int
entry_cmp(const void *a, const void *b)
{
	const struct netset_entry *x = a, *y = b;
	int rc = addr_cmp(&x->net, &y->net);

	return rc ? rc : (x->tag > y->tag) - (x->tag < y->tag);
}

static void
netset_sort(struct netset *s)
{
	if (s->sorted)
		return;
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), entry_cmp);
	memset(s->plens, 0, sizeof(s->plens));
	memset(s->begins, 0, sizeof(s->begins));
	for (size_t i = 0; i < s->n; i++) {
		const struct addr *net = &s->v[i].net;
		size_t wide = net->plen < 8 ? (size_t)1 << (8 - net->plen) : 1;

		s->plens[net->family == 6][net->plen] = 1;
		memset(&s->begins[net->family == 6][net->ip[0]], 1, wide);
	}
	s->sorted = true;
}

/* Most addresses share not even their first byte with an entry. */
static bool
is_apart(const struct netset *s, const struct addr *a)
{
	return a->plen >= 8 && !s->begins[a->family == 6][a->ip[0]];
}

/* Index of the first entry that is not before a. */
static size_t
lower_bound(const struct netset *s, const struct addr *a)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (addr_cmp(&s->v[mid].net, a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct netset_entry *
netset_covers(struct netset *s, const struct addr *a)
{
	if (a->family == 0 || s->n == 0)
		return NULL;
	netset_sort(s);
	if (is_apart(s, a))
		return NULL;
	for (int plen = a->plen; plen >= 0; plen--) {
		struct addr net;
		size_t at;

		if (!s->plens[a->family == 6][plen])
			continue;
		net = addr_mask(a, (unsigned)plen);
		at = lower_bound(s, &net);
		if (at < s->n && addr_eq(&s->v[at].net, &net))
			return &s->v[at];
	}
	return NULL;
}

/* Entries order by family, address, length: what lies inside a prefix follows its
 * first address, and a shorter prefix with the same first address comes just before. */
const struct netset_entry *
netset_inside(struct netset *s, const struct addr *a)
{
	struct addr first = *a;
	size_t at;

	if (a->family == 0 || s->n == 0)
		return NULL;
	netset_sort(s);
	if (is_apart(s, a))
		return NULL;
	first.plen = 0;
	for (at = lower_bound(s, &first); at < s->n; at++) {
		const struct netset_entry *e = &s->v[at];

		if (addr_contains(a, &e->net))
			return e;
		if (e->net.family != a->family ||
		    memcmp(e->net.ip, a->ip, sizeof(a->ip)) != 0)
			return NULL;
	}
	return NULL;
}
