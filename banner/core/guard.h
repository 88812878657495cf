/* SPDX-License-Identifier: GPL-2.0-or-later
 * guard.h - what must never be banned, whoever asks.
 *
 * A set of prefixes with reasons, asked twice: by the engine before a decision and by
 * the actor before the kernel. The live part (own addresses, gateways, name servers,
 * admin sessions) is replaced whole whenever the daemon learns that it changed.
 */
#ifndef BANNER_GUARD_H
#define BANNER_GUARD_H

#include <stdbool.h>
#include <stddef.h>

#include "banner/base/addr.h"

struct guard;

struct guard *guard_new(void); /* loopback, multicast, broadcast, 0/8, link-local */
void		 guard_free(struct guard *);
/* Entries live in groups ("trusted", "own", "gateway", ...) replaced as one. */
struct guard_entry { struct addr net; const char *reason; };
void guard_set(struct guard *, const char *group, const struct guard_entry *, size_t n);
/* Shortest prefixes: /24 and /56, by an administrator /16 and /48. */
enum guard_by { GUARD_AUTO, GUARD_ADMIN };
/* NULL: may be banned; else the reason, valid until the next call. A prefix is refused
 * too when something guarded lies inside it. */
const char *guard_refuses(const struct guard *, const struct addr *, enum guard_by);
/* Does this group hold the address? ("own" decides ignoreself.) */
bool guard_has(const struct guard *, const char *group, const struct addr *);
size_t		 guard_count(const struct guard *);

#endif
