/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft_apply.c - changes as transactions.
 *
 * A transaction is all or nothing, and one that fails takes the kernel some 30 ms, so
 * bad elements must be rare. Adding what is there is no error, removing what is not is
 * one: when that happens, everything to be removed is added first. Whatever fails then
 * is halved until the culprit stands alone.
 *
 * A longer ban is added, removed and added again in one transaction, because kernels
 * before 6.12 keep the old timeout of an element that is there.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <time.h>

#include "actions/nft/nft.h"

enum { CHUNK = 512, MESSAGE_FULL = 16 << 10 };

/* A message with elements of one set that is being written. */
struct writing {
	struct nft *nft;
	int64_t now_ms;
	struct nlmsghdr *h;
	struct nlattr *list;
	uint16_t type;
	uint8_t family, plen;
};

static int64_t
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool
has_set(const struct nft_sets *s, const struct bn_change *c)
{
	const struct bn_addr *a = &c->subject.addr;

	return s->have[a->family == 6][a->plen];
}

static void
end_message(struct writing *w)
{
	if (w->h)
		mnl_attr_nest_end(w->h, w->list);
	w->h = NULL;
}

static void
start_message(struct writing *w, uint16_t type, const struct bn_addr *a)
{
	char set[NFRULE_NAME];

	end_message(w);
	nft_set_name(w->nft, a->family, a->plen, set);
	w->h = nfnl_message(&w->nft->nl, type, type == NFT_MSG_NEWSETELEM ?
	    NLM_F_CREATE : 0);
	w->type = type;
	w->family = a->family;
	w->plen = a->plen;
	mnl_attr_put_strz(w->h, NFTA_SET_ELEM_LIST_TABLE, w->nft->table);
	mnl_attr_put_strz(w->h, NFTA_SET_ELEM_LIST_SET, set);
	w->list = mnl_attr_nest_start(w->h, NFTA_SET_ELEM_LIST_ELEMENTS);
}

static void
put_timeout(struct writing *w, const struct bn_change *c)
{
	int64_t left = c->until_ms + NFT_LINGER_MS - w->now_ms;

	if (c->until_ms == 0)
		return;
	if (left < 1000)
		left = 1000;
	mnl_attr_put_u64(w->h, NFTA_SET_ELEM_TIMEOUT, htobe64((uint64_t)left));
}

static void
write_element(struct writing *w, uint16_t type, const struct bn_change *c)
{
	const struct bn_addr *a = &c->subject.addr;
	struct nlattr *element, *key;

	if (!w->h || w->type != type || w->family != a->family || w->plen != a->plen ||
	    w->h->nlmsg_len > MESSAGE_FULL)
		start_message(w, type, a);
	element = mnl_attr_nest_start(w->h, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(w->h, NFTA_SET_ELEM_KEY);
	mnl_attr_put(w->h, NFTA_DATA_VALUE, a->family == 4 ? 4 : 16, a->ip);
	mnl_attr_nest_end(w->h, key);
	if (type == NFT_MSG_NEWSETELEM && c->verb != BN_DEL)
		put_timeout(w, c);
	mnl_attr_nest_end(w->h, element);
}

/* Removals from sets that do not exist are left out. sure: that they cannot fail. */
static void
write_changes(struct nft *n, const struct bn_change *v, size_t count, bool sure)
{
	struct writing w = { .nft = n, .now_ms = wall_ms() };

	for (size_t i = 0; i < count; i++)
		if (v[i].verb == BN_PROLONG || (sure && v[i].verb == BN_DEL &&
		    has_set(&n->sets, &v[i])))
			write_element(&w, NFT_MSG_NEWSETELEM, &v[i]);
	for (size_t i = 0; i < count; i++)
		if (v[i].verb == BN_PROLONG || (v[i].verb == BN_DEL &&
		    has_set(&n->sets, &v[i])))
			write_element(&w, NFT_MSG_DELSETELEM, &v[i]);
	for (size_t i = 0; i < count; i++)
		if (v[i].verb != BN_DEL)
			write_element(&w, NFT_MSG_NEWSETELEM, &v[i]);
	end_message(&w);
}

static int
transact(struct nft *n, const struct bn_change *v, size_t count, bool sure)
{
	struct nft_sets s = n->sets;
	bool grown = false;
	int rc;

	for (size_t i = 0; i < count; i++) {
		const struct bn_addr *a = &v[i].subject.addr;

		if (v[i].verb == BN_DEL)
			continue;
		grown |= !n->built || !has_set(&s, &v[i]);
		s.have[a->family == 6][a->plen] = true;
	}
	nfnl_begin(&n->nl);
	if (grown)
		nft_build(n, &s);
	write_changes(n, v, count, sure);
	rc = nfnl_commit(&n->nl);
	if (rc == 0 && grown) {
		n->sets = s;
		n->built = true;
	}
	return rc;
}

/* Something was missing: an element, or table, set or chain, which others removed. */
static int
transact_again(struct nft *n, const struct bn_change *v, size_t count)
{
	int rc = nft_inspect(n);

	return rc < 0 ? rc : transact(n, v, count, true);
}

/* Errors that would meet any transaction. */
static bool
is_general(int rc)
{
	return rc == -EPERM || rc == -ETIMEDOUT || rc == -EACCES ||
	    rc == -EPROTONOSUPPORT || rc == -EAFNOSUPPORT;
}

static void
change_some(struct nft *n, struct bn_change *v, size_t count)
{
	int rc = transact(n, v, count, false);

	if (rc == -ENOENT)
		rc = transact_again(n, v, count);
	if (rc < 0 && count > 1 && !is_general(rc)) {
		change_some(n, v, count / 2);
		change_some(n, v + count / 2, count - count / 2);
		return;
	}
	for (size_t i = 0; i < count; i++)
		v[i].err = v[i].verb == BN_DEL && rc == -ENOENT ? 0 : rc;
}

void
nft_change(struct nft *n, struct bn_change *v, size_t count)
{
	for (size_t i = 0; i < count; i += CHUNK)
		change_some(n, v + i, count - i < CHUNK ? count - i : CHUNK);
}
