/* SPDX-License-Identifier: GPL-2.0-or-later
 * netfeed.h - own addresses and gateways, read from the kernel (rtnetlink(7)).
 *
 * Read-only. The socket is subscribed to changes of addresses and routes; our own
 * routes (protocol 98) are filtered out in the kernel, so a burst of bans wakes nobody.
 */
#ifndef BANNER_NETFEED_H
#define BANNER_NETFEED_H

#include "banner/base/addr.h"

int netfeed_open(void); /* descriptor or -errno */
/* Drop what was announced. True if something was. */
bool netfeed_drain(int fd);
/* All own addresses, or all gateways and the prefixes' broadcast addresses. */
enum netfeed_what { NETFEED_OWN, NETFEED_GATEWAY };
typedef void(netfeed_fn)(void *arg, const struct addr *, const char *reason);
int netfeed_dump(enum netfeed_what, netfeed_fn *, void *arg); /* 0 or -errno */

#endif
