/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft_look.c - what is there, and notices of what others did to it.
 *
 * A removed element is put back by itself; whatever else happens to our chains, sets
 * or the table leads to a look at all of it, which rebuilds chains and rules that are
 * not as they have to be. Expiry in the kernel gives no notice, and needs none: it
 * comes after the end of the ban.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "actions/nft/nft.h"

enum { BURST = 64 };

/* Is it a set as we make them? Others under such a name are somebody else's. */
static bool
is_our_kind(const struct nlattr *const *v, uint8_t family)
{
	return v[NFTA_SET_FLAGS] && v[NFTA_SET_KEY_LEN] &&
	    ntohl(mnl_attr_get_u32(v[NFTA_SET_FLAGS])) == NFT_SET_TIMEOUT &&
	    ntohl(mnl_attr_get_u32(v[NFTA_SET_KEY_LEN])) == (family == 4 ? 4 : 16);
}

static void
see_set(void *arg, const struct nlmsghdr *h)
{
	const struct nlattr *v[NFTA_SET_KEY_LEN + 1];
	struct nft *n = arg;
	uint8_t family, plen;

	if (nfnl_type(h) == NFT_MSG_NEWSET && nfnl_attrs(h, v, NFTA_SET_KEY_LEN) &&
	    nfnl_is(v[NFTA_SET_TABLE], n->table) && v[NFTA_SET_NAME] &&
	    nft_set_of(n, mnl_attr_get_str(v[NFTA_SET_NAME]), &family, &plen) &&
	    is_our_kind(v, family))
		n->sets.have[family == 6][plen] = true;
}

struct rules {
	const struct nft *nft;
	const char *chain;
	uint64_t digest;
};

static void
see_rule(void *arg, const struct nlmsghdr *h)
{
	const struct nlattr *v[NFTA_RULE_USERDATA + 1];
	struct rules *r = arg;
	const char *comment;

	if (nfnl_type(h) != NFT_MSG_NEWRULE || !nfnl_attrs(h, v, NFTA_RULE_USERDATA) ||
	    !nfnl_is(v[NFTA_RULE_TABLE], r->nft->table) ||
	    !nfnl_is(v[NFTA_RULE_CHAIN], r->chain))
		return;
	comment = nfrule_comment(v[NFTA_RULE_USERDATA]);
	r->digest = nft_digest(r->digest, r->chain, comment ? comment : "");
}

/* An answer of "no such thing" is the empty list. */
static int
ask(struct nft *n, const struct nfnl_question *q, nlsock_fn *fn, void *arg)
{
	int rc = nfnl_dump(&n->nl, q, fn, arg);

	return rc == -ENOENT ? 0 : rc;
}

static int
rules_digest(struct nft *n, const char *chain, uint64_t *digest)
{
	struct rules r = { .nft = n, .chain = chain };
	int rc = -EAGAIN;

	/* Unlike sets and elements, rules told twice would make a difference. */
	for (int i = 0; i < 5 && rc == -EAGAIN; i++) {
		r.digest = *digest;
		rc = ask(n, &(struct nfnl_question){ .type = NFT_MSG_GETRULE,
		    .table_attr = NFTA_RULE_TABLE, .table = n->table,
		    .name_attr = NFTA_RULE_CHAIN, .name = chain, .once = true },
		    see_rule, &r);
	}
	*digest = r.digest;
	return rc;
}

int
nft_inspect(struct nft *n)
{
	uint64_t digest = 0;
	int rc;

	n->sets = (struct nft_sets){ 0 };
	n->built = false;
	rc = ask(n, &(struct nfnl_question){ .type = NFT_MSG_GETSET,
	    .table_attr = NFTA_SET_TABLE, .table = n->table }, see_set, n);
	if (rc == 0)
		rc = rules_digest(n, n->base, &digest);
	if (rc == 0 && n->scope.nprotocols)
		rc = rules_digest(n, n->from, &digest);
	n->built = rc == 0 && digest == nft_rules_digest(n, &n->sets) && digest != 0;
	return rc;
}

static bool
has_any(const struct nft_sets *s)
{
	return memchr(s->have, 1, sizeof(s->have)) != NULL;
}

struct telling {
	bn_seen_fn *fn;
	void *arg;
	uint8_t family, plen;
};

/* The address of one element; false when there is none to be read. */
static bool
read_element(const struct nlattr *element, uint8_t family, uint8_t plen,
    struct bn_addr *out)
{
	const struct nlattr *v[NFTA_SET_ELEM_KEY + 1], *key[NFTA_DATA_VALUE + 1];
	size_t len = family == 4 ? 4 : 16;

	*out = (struct bn_addr){ .family = family, .plen = plen };
	if (!nfnl_nested(element, v, NFTA_SET_ELEM_KEY) || !v[NFTA_SET_ELEM_KEY] ||
	    !nfnl_nested(v[NFTA_SET_ELEM_KEY], key, NFTA_DATA_VALUE) ||
	    !key[NFTA_DATA_VALUE] ||
	    mnl_attr_get_payload_len(key[NFTA_DATA_VALUE]) != len)
		return false;
	memcpy(out->ip, mnl_attr_get_payload(key[NFTA_DATA_VALUE]), len);
	return true;
}

static void
see_elements(void *arg, const struct nlmsghdr *h)
{
	const struct nlattr *v[NFTA_SET_ELEM_LIST_ELEMENTS + 1], *element;
	struct telling *t = arg;
	struct bn_subject s = { .kind = BN_ADDR };

	if (nfnl_type(h) != NFT_MSG_NEWSETELEM ||
	    !nfnl_attrs(h, v, NFTA_SET_ELEM_LIST_ELEMENTS) ||
	    !v[NFTA_SET_ELEM_LIST_ELEMENTS])
		return;
	mnl_attr_for_each_nested(element, v[NFTA_SET_ELEM_LIST_ELEMENTS])
		if (read_element(element, t->family, t->plen, &s.addr))
			t->fn(t->arg, &s, NULL);
}

static int
rebuild(struct nft *n)
{
	int rc;

	nfnl_begin(&n->nl);
	nft_build(n, &n->sets);
	rc = nfnl_commit(&n->nl);
	n->built = rc == 0;
	return rc;
}

int
nft_tell(struct nft *n, bn_seen_fn *fn, void *arg)
{
	struct telling t = { .fn = fn, .arg = arg };
	char set[NFRULE_NAME];
	int rc = nft_inspect(n);

	if (rc == 0 && !n->built && has_any(&n->sets))
		rc = rebuild(n);
	for (int i = 0; i < 2 * 129 && rc == 0; i++) {
		if (!n->sets.have[i / 129][i % 129])
			continue;
		t.family = i / 129 ? 6 : 4;
		t.plen = (uint8_t)(i % 129);
		nft_set_name(n, t.family, t.plen, set);
		rc = ask(n, &(struct nfnl_question){ .type = NFT_MSG_GETSETELEM,
		    .table_attr = NFTA_SET_ELEM_LIST_TABLE, .table = n->table,
		    .name_attr = NFTA_SET_ELEM_LIST_SET, .name = set },
		    see_elements, &t);
	}
	return rc;
}

struct hearing {
	struct nft *nft;
	struct bn_addr lost[BURST];
	size_t n;
	bool all;		/* too many, or more than elements */
};

/* Elements of one set of ours that somebody removed. */
static void
hear_elements(struct hearing *r, const struct nlattr *list, uint8_t family,
    uint8_t plen)
{
	const struct nlattr *element;

	if (!list) {
		r->all = true;
		return;
	}
	mnl_attr_for_each_nested(element, list) {
		if (r->n == BURST)
			r->all = true;
		else if (read_element(element, family, plen, &r->lost[r->n]))
			r->n++;
	}
}

/* Table and name have the same numbers in all these messages, but for chains. */
static void
hear(void *arg, const struct nlmsghdr *h)
{
	const struct nlattr *v[NFTA_CHAIN_NAME + 1], *name;
	struct hearing *r = arg;
	struct nft *n = r->nft;
	int type = nfnl_type(h);
	uint8_t family, plen;

	if (type < 0 || !nfnl_attrs(h, v, NFTA_CHAIN_NAME) ||
	    !nfnl_is(v[NFTA_TABLE_NAME], n->table))
		return;
	name = v[type == NFT_MSG_DELCHAIN ? NFTA_CHAIN_NAME : NFTA_SET_NAME];
	if (type == NFT_MSG_DELTABLE) {
		r->all = true;
	} else if (type == NFT_MSG_NEWRULE || type == NFT_MSG_DELRULE ||
	    type == NFT_MSG_DELCHAIN) {
		r->all |= nfnl_is(name, n->base) || nfnl_is(name, n->from);
	} else if (type == NFT_MSG_DELSET || type == NFT_MSG_NEWSETELEM ||
	    type == NFT_MSG_DELSETELEM) {
		if (!name || !nft_set_of(n, mnl_attr_get_str(name), &family, &plen))
			return;
		if (type == NFT_MSG_DELSETELEM)
			hear_elements(r, v[NFTA_SET_ELEM_LIST_ELEMENTS], family, plen);
		else
			r->all = true;
	}
}

int
nft_notices(struct nft *n)
{
	const struct bn_host *h = n->host;
	struct hearing r = { .nft = n };
	int rc = nlsock_heard(n->notices.fd, hear, &r);

	if (rc < 0 && rc != -ENOBUFS)
		return rc;
	for (size_t i = 0; !r.all && rc == 0 && i < r.n; i++)
		h->lost(h->ctx, &(struct bn_subject){ .kind = BN_ADDR,
		    .addr = r.lost[i] });
	if (r.all || rc < 0)
		h->drifted(h->ctx);
	return 0;
}

static void
see_anything(void *arg, const struct nlmsghdr *h)
{
	const struct nlattr *v[NFTA_TABLE_NAME + 1];
	struct telling *t = arg;
	const struct nft *n = t->arg;

	t->plen |= nfnl_type(h) >= 0 && nfnl_attrs(h, v, NFTA_TABLE_NAME) &&
	    nfnl_is(v[NFTA_TABLE_NAME], n->table);
}

int
nft_drop_table(struct nft *n)
{
	static const uint16_t kinds[] = { NFT_MSG_GETCHAIN, NFT_MSG_GETSET };
	struct telling left = { .arg = n };
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = ask(n, &(struct nfnl_question){ .type = kinds[i],
		    .table_attr = NFTA_SET_TABLE, .table = n->table }, see_anything,
		    &left);
	if (rc < 0 || left.plen)
		return rc;
	nfnl_begin(&n->nl);
	nfrule_table(&n->nl, n->table);
	nfrule_del_table(&n->nl, n->table);
	return nfnl_commit(&n->nl);
}
