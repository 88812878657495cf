/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft_rules.c - what our part of the table has to look like.
 *
 * Each rule has a comment that says what it does, and which tells it later: rules that
 * carry the right comments in the right order, and none besides, are taken as ours.
 */
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "actions/nft/nft.h"

/* Where the source address is in a packet (RFC 791, RFC 8200). */
enum { SOURCE_IPV4 = 12, SOURCE_IPV6 = 8 };

/* One rule of ours, before it is written. */
struct planned {
	const char *chain;
	char comment[NFRULE_COMMENT];
	uint8_t family, plen;		/* of the set; family 0: picks traffic */
	uint8_t protocol;
	uint16_t lo, hi;		/* ports; 0: all */
};
typedef void (planned_fn)(void *arg, const struct planned *);

static void
plan_traffic(const struct nft *n, planned_fn *fn, void *arg)
{
	const struct nft_scope *s = &n->scope;
	struct planned p = { .chain = n->base };

	for (size_t i = 0; i < s->nprotocols; i++) {
		const char *name = nft_protocol(s->protocols[i]);

		p.protocol = s->protocols[i];
		if (!s->nports) {
			snprintf(p.comment, sizeof(p.comment), "banner: %s", name);
			fn(arg, &p);
		}
		for (size_t k = 0; k < s->nports; k++) {
			p.lo = s->ports[k].lo;
			p.hi = s->ports[k].hi;
			snprintf(p.comment, sizeof(p.comment), "banner: %s %u-%u", name,
			    p.lo, p.hi);
			fn(arg, &p);
		}
	}
}

static void
plan_sources(const struct nft *n, const struct nft_sets *s, planned_fn *fn, void *arg)
{
	struct planned p = { .chain = n->from };

	for (int six = 0; six < 2; six++) {
		for (int plen = 128; plen >= 0; plen--) {
			if (!s->have[six][plen])
				continue;
			p.family = six ? 6 : 4;
			p.plen = (uint8_t)plen;
			snprintf(p.comment, sizeof(p.comment), "banner: IPv%d /%d",
			    p.family, plen);
			fn(arg, &p);
		}
	}
}

static void
plan(const struct nft *n, const struct nft_sets *s, planned_fn *fn, void *arg)
{
	plan_traffic(n, fn, arg);
	plan_sources(n, s, fn, arg);
}

static void
write_traffic(struct nft *n, struct nfrule *r, const struct planned *p)
{
	uint16_t lo = htons(p->lo), hi = htons(p->hi);

	nfrule_meta(r, NFT_META_L4PROTO);
	nfrule_cmp(r, NFT_CMP_EQ, &p->protocol, 1);
	if (p->lo) {
		nfrule_payload(r, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2);
		nfrule_cmp(r, lo == hi ? NFT_CMP_EQ : NFT_CMP_GTE, &lo, 2);
		if (lo != hi)
			nfrule_cmp(r, NFT_CMP_LTE, &hi, 2);
	}
	nfrule_verdict(r, NFT_GOTO, n->from);
}

static void
make_mask(uint8_t out[16], uint8_t plen)
{
	for (int i = 0; i < 16; i++) {
		int bits = plen - i * 8;

		out[i] = bits >= 8 ? 0xff : bits <= 0 ? 0 :
		    (uint8_t)(0xff << (8 - bits));
	}
}

static void
write_source(struct nft *n, struct nfrule *r, const struct planned *p)
{
	uint32_t len = p->family == 4 ? 4 : 16;
	char set[NFRULE_NAME];
	uint8_t mask[16];

	make_mask(mask, p->plen);
	nft_set_name(n, p->family, p->plen, set);
	nfrule_family(r, p->family);
	nfrule_payload(r, NFT_PAYLOAD_NETWORK_HEADER, p->family == 4 ?
	    SOURCE_IPV4 : SOURCE_IPV6, len);
	if (p->plen < len * 8)
		nfrule_mask(r, mask, len);
	nfrule_lookup(r, set);
	nfrule_counter(r);
	if (n->reject)
		nfrule_reject(r);
	else
		nfrule_verdict(r, NF_DROP, NULL);
}

static void
write_rule(void *arg, const struct planned *p)
{
	struct nft *n = arg;
	struct nfrule r;

	nfrule_start(&n->nl, &r, n->table, p->chain, p->comment);
	if (p->family)
		write_source(n, &r, p);
	else
		write_traffic(n, &r, p);
	nfrule_end(&r);
}

static void
write_sets(struct nft *n, const struct nft_sets *s)
{
	struct nfrule_set set = { .table = n->table };
	char name[NFRULE_NAME];

	for (int six = 0; six < 2; six++) {
		for (int plen = 0; plen <= 128; plen++) {
			if (!s->have[six][plen])
				continue;
			set.family = six ? 6 : 4;
			nft_set_name(n, set.family, (uint8_t)plen, name);
			set.name = name;
			set.id++;
			nfrule_set(&n->nl, &set);
		}
	}
}

static void
write_chains(struct nft *n)
{
	nfrule_chain(&n->nl, n->table, n->base, n->input ? NF_INET_LOCAL_IN :
	    NF_INET_PRE_ROUTING, n->priority);
	if (n->scope.nprotocols)
		nfrule_chain(&n->nl, n->table, n->from, -1, 0);
	nfrule_empty(&n->nl, n->table, n->base);
	if (n->scope.nprotocols)
		nfrule_empty(&n->nl, n->table, n->from);
}

void
nft_build(struct nft *n, const struct nft_sets *s)
{
	nfrule_table(&n->nl, n->table);
	write_sets(n, s);
	write_chains(n);
	plan(n, s, write_rule, n);
}

/* What is to be removed is made first: removing what is not there would fail. */
void
nft_demolish(struct nft *n, const struct nft_sets *s)
{
	char name[NFRULE_NAME];

	nfrule_table(&n->nl, n->table);
	write_chains(n);
	nfrule_del_chain(&n->nl, n->table, n->base);
	if (n->scope.nprotocols)
		nfrule_del_chain(&n->nl, n->table, n->from);
	for (int six = 0; six < 2; six++) {
		for (int plen = 0; plen <= 128; plen++) {
			if (!s->have[six][plen])
				continue;
			nft_set_name(n, six ? 6 : 4, (uint8_t)plen, name);
			nfrule_del_set(&n->nl, n->table, name);
		}
	}
}

/* FNV-1a, over both texts with their ends. */
uint64_t
nft_digest(uint64_t digest, const char *chain, const char *comment)
{
	const char *const texts[] = { chain, comment };

	digest ^= UINT64_C(0xcbf29ce484222325);
	for (int i = 0; i < 2; i++) {
		const char *s = texts[i];

		do {
			digest ^= (uint8_t)*s;
			digest *= UINT64_C(0x100000001b3);
		} while (*s++);
	}
	return digest;
}

static void
digest_rule(void *arg, const struct planned *p)
{
	uint64_t *digest = arg;

	*digest = nft_digest(*digest, p->chain, p->comment);
}

uint64_t
nft_rules_digest(const struct nft *n, const struct nft_sets *s)
{
	uint64_t digest = 0;

	plan(n, s, digest_rule, &digest);
	return digest;
}
