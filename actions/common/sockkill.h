/* SPDX-License-Identifier: GPL-2.0-or-later
 * sockkill.h - closing the connections that banned addresses still have open.
 *
 * By sock_diag(7): TCP sockets in any state but listening, and connected UDP sockets,
 * IPv4 and IPv6, mapped addresses included. Their programs see ECONNABORTED.
 */
#ifndef BANNER_ACTIONS_SOCKKILL_H
#define BANNER_ACTIONS_SOCKKILL_H

#include <stddef.h>

#include "actions/common/nlsock.h"
#include "banner/action.h"

struct sockkill {
	struct nlsock list, kill;
};

int	sockkill_open(struct sockkill *);	/* 0 or -errno */
void	sockkill_close(struct sockkill *);
/* Close the sockets of all additions among the changes that came about (err 0). The
 * number closed, or -errno; -EOPNOTSUPP where the kernel cannot
 * (CONFIG_INET_DIAG_DESTROY). Needs CAP_NET_ADMIN. */
int	sockkill_banned(struct sockkill *, const struct bn_change *, size_t n);

#endif
