/* SPDX-License-Identifier: GPL-2.0-or-later
 * nfrule.c - tables, chains, sets and rules of nf_tables, as messages of a transaction.
 */
#include "actions/common/nfrule.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* Numbers of the nft tool for the types of keys; it prints sets by them. */
enum { TYPE_IPADDR = 7, TYPE_IP6ADDR = 8 };
/* Userdata is a list of type, length, value; this type is the comment. */
enum { UDATA_COMMENT = 0 };

static void
put_u32(struct nlmsghdr *h, uint16_t attr, uint32_t v)
{
	mnl_attr_put_u32(h, attr, htonl(v));
}

void
nfrule_table(struct nfnl *n, const char *table)
{
	struct nlmsghdr *h = nfnl_message(n, NFT_MSG_NEWTABLE, NLM_F_CREATE);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
}

void
nfrule_chain(struct nfnl *n, const char *table, const char *chain, int hook,
    int priority)
{
	struct nlmsghdr *h = nfnl_message(n, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nlattr *nest;

	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, chain);
	if (hook < 0)
		return;
	nest = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
	put_u32(h, NFTA_HOOK_HOOKNUM, (uint32_t)hook);
	put_u32(h, NFTA_HOOK_PRIORITY, (uint32_t)priority);
	mnl_attr_nest_end(h, nest);
	put_u32(h, NFTA_CHAIN_POLICY, NF_ACCEPT);
	mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, "filter");
}

void
nfrule_set(struct nfnl *n, const struct nfrule_set *s)
{
	struct nlmsghdr *h = nfnl_message(n, NFT_MSG_NEWSET, NLM_F_CREATE);

	mnl_attr_put_strz(h, NFTA_SET_TABLE, s->table);
	mnl_attr_put_strz(h, NFTA_SET_NAME, s->name);
	put_u32(h, NFTA_SET_FLAGS, NFT_SET_TIMEOUT);
	put_u32(h, NFTA_SET_KEY_TYPE, s->family == 4 ? TYPE_IPADDR : TYPE_IP6ADDR);
	put_u32(h, NFTA_SET_KEY_LEN, s->family == 4 ? 4 : 16);
	put_u32(h, NFTA_SET_ID, s->id);
}

void
nfrule_empty(struct nfnl *n, const char *table, const char *chain)
{
	struct nlmsghdr *h = nfnl_message(n, NFT_MSG_DELRULE, 0);

	mnl_attr_put_strz(h, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, chain);
}

void
nfrule_del_chain(struct nfnl *n, const char *table, const char *chain)
{
	struct nlmsghdr *h = nfnl_message(n, NFT_MSG_DELCHAIN, 0);

	mnl_attr_put_strz(h, NFTA_CHAIN_TABLE, table);
	mnl_attr_put_strz(h, NFTA_CHAIN_NAME, chain);
}

void
nfrule_del_set(struct nfnl *n, const char *table, const char *set)
{
	struct nlmsghdr *h = nfnl_message(n, NFT_MSG_DELSET, 0);

	mnl_attr_put_strz(h, NFTA_SET_TABLE, table);
	mnl_attr_put_strz(h, NFTA_SET_NAME, set);
}

void
nfrule_del_table(struct nfnl *n, const char *table)
{
	struct nlmsghdr *h = nfnl_message(n, NFT_MSG_DELTABLE, 0);

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
}

void
nfrule_start(struct nfnl *n, struct nfrule *r, const char *table, const char *chain,
    const char *comment)
{
	char data[NFRULE_COMMENT + 2] = { UDATA_COMMENT };
	size_t len = strnlen(comment, NFRULE_COMMENT - 1);

	r->h = nfnl_message(n, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	mnl_attr_put_strz(r->h, NFTA_RULE_TABLE, table);
	mnl_attr_put_strz(r->h, NFTA_RULE_CHAIN, chain);
	data[1] = (char)(len + 1);
	memcpy(data + 2, comment, len);
	mnl_attr_put(r->h, NFTA_RULE_USERDATA, len + 3, data);
	r->list = mnl_attr_nest_start(r->h, NFTA_RULE_EXPRESSIONS);
}

void
nfrule_end(struct nfrule *r)
{
	mnl_attr_nest_end(r->h, r->list);
}

const char *
nfrule_comment(const struct nlattr *userdata)
{
	const char *p = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t left = userdata ? mnl_attr_get_payload_len(userdata) : 0;

	while (left >= 2 && (size_t)(uint8_t)p[1] + 2 <= left) {
		size_t len = (uint8_t)p[1];

		if (p[0] == UDATA_COMMENT)
			return len > 0 && p[1 + len] == '\0' ? p + 2 : NULL;
		p += len + 2;
		left -= len + 2;
	}
	return NULL;
}

/* One expression: start, attributes, end. */
struct expr {
	struct nlattr *element, *data;
};

static struct expr
start(struct nfrule *r, const char *name)
{
	struct expr e;

	e.element = mnl_attr_nest_start(r->h, NFTA_LIST_ELEM);
	mnl_attr_put_strz(r->h, NFTA_EXPR_NAME, name);
	e.data = mnl_attr_nest_start(r->h, NFTA_EXPR_DATA);
	return e;
}

static void
end(struct nfrule *r, struct expr e)
{
	mnl_attr_nest_end(r->h, e.data);
	mnl_attr_nest_end(r->h, e.element);
}

static void
put_value(struct nfrule *r, uint16_t attr, const void *p, size_t len)
{
	struct nlattr *nest = mnl_attr_nest_start(r->h, attr);

	mnl_attr_put(r->h, NFTA_DATA_VALUE, len, p);
	mnl_attr_nest_end(r->h, nest);
}

void
nfrule_meta(struct nfrule *r, uint32_t key)
{
	struct expr e = start(r, "meta");

	put_u32(r->h, NFTA_META_DREG, NFT_REG_1);
	put_u32(r->h, NFTA_META_KEY, key);
	end(r, e);
}

void
nfrule_payload(struct nfrule *r, uint32_t base, uint32_t off, uint32_t len)
{
	struct expr e = start(r, "payload");

	put_u32(r->h, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put_u32(r->h, NFTA_PAYLOAD_BASE, base);
	put_u32(r->h, NFTA_PAYLOAD_OFFSET, off);
	put_u32(r->h, NFTA_PAYLOAD_LEN, len);
	end(r, e);
}

void
nfrule_mask(struct nfrule *r, const void *mask, size_t len)
{
	static const uint8_t zero[16];
	struct expr e = start(r, "bitwise");

	put_u32(r->h, NFTA_BITWISE_SREG, NFT_REG_1);
	put_u32(r->h, NFTA_BITWISE_DREG, NFT_REG_1);
	put_u32(r->h, NFTA_BITWISE_LEN, (uint32_t)len);
	put_value(r, NFTA_BITWISE_MASK, mask, len);
	put_value(r, NFTA_BITWISE_XOR, zero, len);
	end(r, e);
}

void
nfrule_cmp(struct nfrule *r, uint32_t op, const void *p, size_t len)
{
	struct expr e = start(r, "cmp");

	put_u32(r->h, NFTA_CMP_SREG, NFT_REG_1);
	put_u32(r->h, NFTA_CMP_OP, op);
	put_value(r, NFTA_CMP_DATA, p, len);
	end(r, e);
}

void
nfrule_lookup(struct nfrule *r, const char *set)
{
	struct expr e = start(r, "lookup");

	mnl_attr_put_strz(r->h, NFTA_LOOKUP_SET, set);
	put_u32(r->h, NFTA_LOOKUP_SREG, NFT_REG_1);
	end(r, e);
}

void
nfrule_fib_oif(struct nfrule *r)
{
	struct expr e = start(r, "fib");

	put_u32(r->h, NFTA_FIB_DREG, NFT_REG_1);
	put_u32(r->h, NFTA_FIB_RESULT, NFT_FIB_RESULT_OIF);
	put_u32(r->h, NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR | NFTA_FIB_F_PRESENT);
	end(r, e);
}

void
nfrule_counter(struct nfrule *r)
{
	end(r, start(r, "counter"));
}

void
nfrule_verdict(struct nfrule *r, int verdict, const char *chain)
{
	struct expr e = start(r, "immediate");
	struct nlattr *data, *nest;

	put_u32(r->h, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = mnl_attr_nest_start(r->h, NFTA_IMMEDIATE_DATA);
	nest = mnl_attr_nest_start(r->h, NFTA_DATA_VERDICT);
	put_u32(r->h, NFTA_VERDICT_CODE, (uint32_t)verdict);
	if (chain)
		mnl_attr_put_strz(r->h, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(r->h, nest);
	mnl_attr_nest_end(r->h, data);
	end(r, e);
}

void
nfrule_reject(struct nfrule *r)
{
	struct expr e = start(r, "reject");

	put_u32(r->h, NFTA_REJECT_TYPE, NFT_REJECT_ICMPX_UNREACH);
	mnl_attr_put_u8(r->h, NFTA_REJECT_ICMP_CODE, NFT_REJECT_ICMPX_PORT_UNREACH);
	end(r, e);
}

void
nfrule_family(struct nfrule *r, uint8_t family)
{
	uint8_t proto = family == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;

	nfrule_meta(r, NFT_META_NFPROTO);
	nfrule_cmp(r, NFT_CMP_EQ, &proto, sizeof(proto));
}
