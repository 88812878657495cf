/* SPDX-License-Identifier: GPL-2.0-or-later
 * addr.h - IPv4 and IPv6 addresses and prefixes, in binary.
 *
 * Addresses are parsed once, where they enter, and printed from binary; no text is
 * ever handed on. An IPv4-mapped IPv6 address is folded to IPv4 by the parser, so
 * one client has one value. Host bits below plen are always zero. The struct has
 * no padding: memcmp and hashing over the whole of it are valid.
 */
#ifndef BANNER_ADDR_H
#define BANNER_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "banner/base/str.h"

enum { ADDR_TEXT = 52 };	/* longest printed form with "/128" and NUL */

struct addr {
	uint8_t family;		/* 4 or 6; 0 = no address */
	uint8_t plen;		/* prefix length: 0..32 or 0..128 */
	uint8_t ip[16];		/* network order; IPv4 in the first 4, rest zero */
};

/* One address (no prefix, no brackets, no zone), as inet_pton accepts it.
 * 0 or -EINVAL. */
int	addr_parse(struct str, struct addr *);
/* "A", "A/len" or "A/255.255.255.0"; host bits are cleared. 0 or -EINVAL. */
int	addr_parse_prefix(struct str, struct addr *);
/* Was the text meant as an address or prefix, and is none? */
bool	addr_is_mistaken(const char *);
/* 0 or -EAFNOSUPPORT. */
int	addr_from_sockaddr(const struct sockaddr *, struct addr *);
/* RFC 5952 text, with "/len" unless it is a single address; "-" for no address.
 * Returns out. */
const char	*addr_print(const struct addr *, char out[ADDR_TEXT]);

bool	addr_eq(const struct addr *, const struct addr *);
int	addr_cmp(const struct addr *, const struct addr *);	/* family, ip, plen */
bool	addr_is_single(const struct addr *);			/* /32 or /128 */
/* The first plen bits; a shorter prefix stays as it is. */
struct addr	addr_mask(const struct addr *, unsigned plen);
/* Is the second inside the first (or equal)? */
bool	addr_contains(const struct addr *net, const struct addr *);
/* Classes by IANA's registries; for a prefix: does it overlap the class? */
bool	addr_is_loopback(const struct addr *);
bool	addr_is_multicast(const struct addr *);
bool	addr_is_unspecified(const struct addr *);	/* 0.0.0.0/8 or :: */
bool	addr_is_broadcast(const struct addr *);		/* 255.255.255.255, 240/4 */

#endif
