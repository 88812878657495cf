/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft.h - the parts of the nft action.
 *
 * nft.c: options and the calls of the action; nft_scope.c: ports and protocols, and
 * the names that follow from the options; nft_rules.c: what the table has to look
 * like; nft_apply.c: changes as transactions; nft_look.c: what is there, and notices.
 *
 * Each instance owns one base chain, one set per family and prefix length that was
 * ever needed, and nothing else; all names begin with that of its chain. With ports or
 * protocols the base chain only picks the traffic and a second chain has the rules.
 */
#ifndef BANNER_NFT_H
#define BANNER_NFT_H

#include "actions/common/nfnl.h"
#include "actions/common/nfrule.h"
#include "actions/common/sockkill.h"
#include "banner/action.h"

enum { NFT_PORTS = 64, NFT_PROTOCOLS = 4, NFT_GROUP = 100 };
/* The kernel lets go of a ban this long after its end, should nobody else do so. */
enum { NFT_LINGER_MS = 60000 };

struct nft_scope {
	uint8_t protocols[NFT_PROTOCOLS];
	struct { uint16_t lo, hi; } ports[NFT_PORTS];
	size_t nprotocols, nports;	/* both 0: all traffic */
};

/* Which sets there are: [family 6][prefix length]. */
struct nft_sets {
	bool have[2][129];
};

struct nft {
	const struct bn_host *host;
	const char *table;
	int priority;
	bool input, reject, kill;	/* hook input; verdict reject; kill_sessions */
	struct sockkill sockkill;
	struct nft_scope scope;
	char base[NFT_GROUP];		/* base chain, and start of all names */
	char from[NFT_GROUP + 8];	/* chain that looks at the source address */
	struct nft_sets sets;		/* in the kernel, as far as we know */
	bool built;			/* chains and rules are there and fit */
	struct nfnl nl;
	struct nlsock notices;
};

/* Read "22,80,6000:6010" and "tcp,udp"; 0, or -EINVAL, -E2BIG (too many) with the bad
 * word in bad. */
struct nft_word {
	const char *option;		/* that it stands in */
	char text[48];
};
int	nft_scope_parse(struct nft_scope *, const char *ports, const char *protocols,
	    struct nft_word *bad);
/* Fill base and from. */
void	nft_name(struct nft *);
const char *nft_protocol(uint8_t number);

/* Name of one set, and back; false if it is none of this instance. */
void	nft_set_name(const struct nft *, uint8_t family, uint8_t plen,
	    char out[NFRULE_NAME]);
bool	nft_set_of(const struct nft *, const char *name, uint8_t *family,
	    uint8_t *plen);

/* Write messages that make table, sets, chains and rules as they have to be. */
void	nft_build(struct nft *, const struct nft_sets *);
/* Write messages that remove them, whatever of them is there. */
void	nft_demolish(struct nft *, const struct nft_sets *);
/* A number for the rules that belong to these sets, and for those seen in a dump: add
 * each to the digest, which starts as 0. */
uint64_t nft_rules_digest(const struct nft *, const struct nft_sets *);
uint64_t nft_digest(uint64_t digest, const char *chain, const char *comment);

/* Up to any number of changes; the outcome of each is in its err. */
void	nft_change(struct nft *, struct bn_change *, size_t n);

/* Find out which sets there are and whether the rules fit; 0 or -errno. */
int	nft_inspect(struct nft *);
/* Build what is missing and tell all elements. */
int	nft_tell(struct nft *, bn_seen_fn *, void *arg);
int	nft_notices(struct nft *);
/* Remove the table if nothing is left in it. */
int	nft_drop_table(struct nft *);

#endif
