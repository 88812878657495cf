/* SPDX-License-Identifier: GPL-2.0-or-later
 * set.c - the set, the log of operations, and texts.
 */
#include "actions/ssh/set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { SET_FIRST = 1024, LOG_FIRST = 1024, TEXT_KEPT = 4096 };

int
set_init(struct set *s)
{
	*s = (struct set){ .cap = SET_FIRST };
	s->v = calloc(s->cap, sizeof(*s->v));
	if (!s->v)
		return -ENOMEM;
	return getrandom(s->key, sizeof(s->key), 0) == sizeof(s->key) ? 0 : -EIO;
}

void
set_fini(struct set *s)
{
	free(s->v);
	*s = (struct set){ 0 };
}

static uint64_t
mix(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static size_t
place(const struct set *s, const struct bn_addr *a)
{
	uint64_t high, low;

	memcpy(&high, a->ip, sizeof(high));
	memcpy(&low, a->ip + sizeof(high), sizeof(low));
	high = mix(high ^ s->key[0], (low ^ s->key[1]) | 1);
	return mix(high ^ a->plen, s->key[0] | 1) & (s->cap - 1);
}

static bool
same(const struct bn_addr *a, const struct bn_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct entry *
set_find(const struct set *s, const struct bn_addr *a)
{
	for (size_t i = place(s, a);; i = (i + 1) & (s->cap - 1)) {
		if (!s->v[i].addr.family)
			return NULL;
		if (same(&s->v[i].addr, a))
			return &s->v[i];
	}
}

static int
grow(struct set *s)
{
	struct entry *old = s->v;
	size_t n = s->cap;

	s->v = calloc(n * 2, sizeof(*s->v));
	if (!s->v) {
		s->v = old;
		return -ENOMEM;
	}
	s->cap = n * 2;
	for (size_t i = 0; i < n; i++) {
		size_t at = old[i].addr.family ? place(s, &old[i].addr) : 0;

		if (!old[i].addr.family)
			continue;
		while (s->v[at].addr.family)
			at = (at + 1) & (s->cap - 1);
		s->v[at] = old[i];
	}
	free(old);
	return 0;
}

/* FNV-1a, 64 bit, over family, prefix length and address. */
static uint64_t
digest(const struct bn_addr *a)
{
	const uint8_t *p = (const uint8_t *)a;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(*a); i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

struct entry *
set_put(struct set *s, const struct bn_addr *a)
{
	struct entry *e = set_find(s, a);
	size_t at;

	if (e)
		return e;
	if (s->n * 2 >= s->cap && grow(s) < 0)
		return NULL;
	at = place(s, a);
	while (s->v[at].addr.family)
		at = (at + 1) & (s->cap - 1);
	s->v[at] = (struct entry){ .addr = *a };
	s->n++;
	s->digest += digest(a);
	return &s->v[at];
}

/* What follows moves back, so that no search ends at the gap. */
void
set_del(struct set *s, const struct bn_addr *a)
{
	struct entry *e = set_find(s, a);
	size_t gap, home;

	if (!e)
		return;
	s->n--;
	s->digest -= digest(a);
	gap = (size_t)(e - s->v);
	for (size_t i = (gap + 1) & (s->cap - 1); s->v[i].addr.family;
	     i = (i + 1) & (s->cap - 1)) {
		home = place(s, &s->v[i].addr);
		if (((i - home) & (s->cap - 1)) < ((i - gap) & (s->cap - 1)))
			continue;
		s->v[gap] = s->v[i];
		gap = i;
	}
	s->v[gap] = (struct entry){ 0 };
}

struct op *
oplog_at(const struct oplog *l, uint64_t seq)
{
	return seq >= l->first && seq < l->next ? &l->v[seq & (l->cap - 1)] : NULL;
}

uint64_t
oplog_last(const struct oplog *l)
{
	return l->next ? l->next - 1 : 0;
}

static int
log_grow(struct oplog *l)
{
	size_t cap = l->cap ? l->cap * 2 : LOG_FIRST;
	struct op *v = calloc(cap, sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (uint64_t i = l->first; i < l->next; i++)
		v[i & (cap - 1)] = l->v[i & (l->cap - 1)];
	free(l->v);
	l->v = v;
	l->cap = cap;
	return 0;
}

struct op *
oplog_add(struct oplog *l, uint64_t *seq)
{
	if (l->next == 0)
		l->next = l->first = l->told = 1;
	if (l->next - l->first == l->cap && (l->cap == LOG_OPS || log_grow(l) < 0)) {
		if (!l->cap)
			return NULL;
		l->first++;
	}
	*seq = l->next++;
	return &l->v[*seq & (l->cap - 1)];
}

static int
room(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : 256;
	char *p;

	if (t->at == t->len)
		t->at = t->len = 0;
	if (t->len + n <= t->cap)
		return 0;
	if (t->at >= t->len - t->at && t->at >= n) {
		memmove(t->p, t->p + t->at, t->len - t->at);
		t->len -= t->at;
		t->at = 0;
		return 0;
	}
	while (cap < t->len + n)
		cap *= 2;
	p = realloc(t->p, cap);
	if (!p)
		return -ENOMEM;
	t->p = p;
	t->cap = cap;
	return 0;
}

int
text_add(struct text *t, const void *p, size_t n)
{
	if (n == 0)
		return 0;
	if (room(t, n) < 0)
		return -ENOMEM;
	memcpy(t->p + t->len, p, n);
	t->len += n;
	return 0;
}

int
text_printf(struct text *t, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return n < 0 || (size_t)n >= sizeof(line) ? -EMSGSIZE
						  : text_add(t, line, (size_t)n);
}

/* Large buffers are given back: a burst is rare, a host stays for months. */
void
text_drop(struct text *t, size_t n)
{
	t->at += n;
	if (t->at < t->len)
		return;
	t->at = t->len = 0;
	if (t->cap > TEXT_KEPT)
		text_fini(t);
}

void
text_fini(struct text *t)
{
	free(t->p);
	*t = (struct text){ 0 };
}

size_t
addr_text(const struct bn_addr *a, char out[64])
{
	bool single = a->plen == (a->family == 4 ? 32 : 128);

	if (!inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, out, 64))
		out[0] = '\0';
	if (!single)
		snprintf(out + strlen(out), 8, "/%u", a->plen);
	return strlen(out);
}

int
addr_read(const char *text, struct bn_addr *a)
{
	char part[64], *slash, *end;
	unsigned long plen;

	if (strlen(text) >= sizeof(part))
		return -EINVAL;
	strcpy(part, text);
	slash = strchr(part, '/');
	if (slash)
		*slash++ = '\0';
	*a = (struct bn_addr){ .family = strchr(part, ':') ? 6 : 4 };
	if (inet_pton(a->family == 4 ? AF_INET : AF_INET6, part, a->ip) != 1)
		return -EINVAL;
	a->plen = a->family == 4 ? 32 : 128;
	plen = slash ? strtoul(slash, &end, 10) : a->plen;
	if (plen > a->plen || (slash && (*end || !*slash)))
		return -EINVAL;
	a->plen = (uint8_t)plen;
	return 0;
}
