/* SPDX-License-Identifier: GPL-2.0-or-later
 * login_set.c - who is banned: names, addresses, prefixes.
 */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "actions/login/login.h"

struct held {
	struct bn_subject subject;	/* first: compare() sees but this */
	char text[];
};

static const char *
text_of(const struct bn_subject *s)
{
	return s->text ? s->text : "";
}

/* Names that differ in case alone are neighbours. */
static int
compare_loosely(const void *a, const void *b)
{
	const struct bn_subject *x = a, *y = b;
	int rc = (int)x->kind - (int)y->kind;

	if (rc == 0)
		rc = memcmp(&x->addr, &y->addr, sizeof(x->addr));
	return rc ? rc : strcasecmp(text_of(x), text_of(y));
}

static int
compare(const void *a, const void *b)
{
	const struct bn_subject *x = a, *y = b;
	int rc = compare_loosely(x, y);

	return rc ? rc : strcmp(text_of(x), text_of(y));
}

static size_t *
count_of(struct login_set *set, const struct bn_subject *s)
{
	return &set->nets[s->addr.family == 6][s->addr.plen];
}

int
login_set_add(struct login_set *set, const struct bn_subject *s)
{
	size_t len = strlen(text_of(s)) + 1;
	struct held *h;

	if (tfind(s, &set->root, compare))
		return 0;
	h = calloc(1, sizeof(*h) + len);
	if (!h)
		return -ENOMEM;
	h->subject = *s;
	memcpy(h->text, text_of(s), len);
	if (s->text)
		h->subject.text = h->text;
	if (!tsearch(h, &set->root, compare)) {
		free(h);
		return -ENOMEM;
	}
	if (s->kind == BN_ADDR)
		++*count_of(set, s);
	return 0;
}

void
login_set_del(struct login_set *set, const struct bn_subject *s)
{
	struct held **at = tfind(s, &set->root, compare), *h;

	if (!at)
		return;
	h = *at;
	tdelete(h, &set->root, compare);
	if (h->subject.kind == BN_ADDR)
		--*count_of(set, &h->subject);
	free(h);
}

struct lister {
	bn_seen_fn *fn;
	void *arg;
};

static void
list_one(const void *node, VISIT visit, void *arg)
{
	const struct held *h = *(struct held *const *)node;
	const struct lister *l = arg;

	if (visit == postorder || visit == leaf)
		l->fn(l->arg, &h->subject, NULL);
}

void
login_set_each(const struct login_set *set, bn_seen_fn *fn, void *arg)
{
	struct lister l = { fn, arg };

	twalk_r(set->root, list_one, &l);
}

void
login_set_clear(struct login_set *set)
{
	tdestroy(set->root, free);
	*set = (struct login_set){ NULL };
}

static void
mask(struct bn_addr *a, unsigned plen)
{
	a->plen = (uint8_t)plen;
	for (unsigned i = 0; i < sizeof(a->ip); i++) {
		unsigned bits = plen > 8 * i ? plen - 8 * i : 0;

		if (bits < 8)
			a->ip[i] &= (uint8_t)(0xff00U >> bits);
	}
}

bool
login_set_has(const struct login_set *set, const struct bn_addr *a)
{
	struct bn_subject s = { .kind = BN_ADDR, .addr = *a };

	for (unsigned plen = a->plen + 1U; plen-- > 0;) {
		if (!set->nets[a->family == 6][plen])
			continue;
		mask(&s.addr, plen);
		if (tfind(&s, &set->root, compare))
			return true;
	}
	return false;
}

const char *
login_set_user(const struct login_set *set, const char *name)
{
	struct bn_subject s = { .kind = BN_USER, .text = name };
	struct held *const *at = tfind(&s, &set->root, compare_loosely);

	return at ? (*at)->text : NULL;
}
