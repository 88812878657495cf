/* SPDX-License-Identifier: GPL-2.0-or-later
 * nfrule.h - tables, chains, sets and rules of nf_tables, as messages of a transaction.
 *
 * Everything lies in tables of family inet. Names: at most NFRULE_NAME bytes with the
 * NUL. Expressions work on one register: load, mask, compare or look up, then act.
 */
#ifndef BANNER_ACTIONS_NFRULE_H
#define BANNER_ACTIONS_NFRULE_H

#include "actions/common/nfnl.h"

enum { NFRULE_NAME = 160, NFRULE_COMMENT = 96 };

struct nfrule_set {
	const char *table, *name;
	uint8_t family;			/* 4 or 6: of the addresses it holds */
	uint32_t id;			/* any number, its own in the transaction */
};

/* These make sure that it is there: no error if it is already. */
void	nfrule_table(struct nfnl *, const char *table);
/* hook: NF_INET_...; -1 makes a chain that others go to. */
void	nfrule_chain(struct nfnl *, const char *table, const char *chain, int hook,
	    int priority);
void	nfrule_set(struct nfnl *, const struct nfrule_set *);
/* Remove all rules of a chain, or a chain, a set, a table with what is in it. */
void	nfrule_empty(struct nfnl *, const char *table, const char *chain);
void	nfrule_del_chain(struct nfnl *, const char *table, const char *chain);
void	nfrule_del_set(struct nfnl *, const char *table, const char *set);
void	nfrule_del_table(struct nfnl *, const char *table);

/* One rule at the end of a chain: start, expressions, end. comment tells it later. */
struct nfrule {
	struct nlmsghdr *h;
	struct nlattr *list;
};
void	nfrule_start(struct nfnl *, struct nfrule *, const char *table,
	    const char *chain, const char *comment);
void	nfrule_end(struct nfrule *);
/* The comment of a rule in a dump, or NULL; good as long as the message. */
const char *nfrule_comment(const struct nlattr *userdata);

void	nfrule_meta(struct nfrule *, uint32_t key);	/* NFT_META_... */
void	nfrule_payload(struct nfrule *, uint32_t base, uint32_t off, uint32_t len);
void	nfrule_mask(struct nfrule *, const void *mask, size_t len);
void	nfrule_cmp(struct nfrule *, uint32_t op, const void *, size_t len);
void	nfrule_lookup(struct nfrule *, const char *set);
/* The device the route back to the sender leads to; 0 when there is none. */
void	nfrule_fib_oif(struct nfrule *);
void	nfrule_counter(struct nfrule *);
/* NF_DROP, NF_ACCEPT, or NFT_GOTO and NFT_RETURN with their chain. */
void	nfrule_verdict(struct nfrule *, int verdict, const char *chain);
void	nfrule_reject(struct nfrule *);		/* ICMP: port unreachable */
/* A rule for one family only. */
void	nfrule_family(struct nfrule *, uint8_t family);

#endif
