/* SPDX-License-Identifier: GPL-2.0-or-later
 * sockkill.h - closing the connections that banned addresses still have open.
 *
 * By sock_diag(7): TCP sockets in any state but listening, and connected UDP sockets,
 * IPv4 and IPv6, mapped addresses included. Their programs see ECONNABORTED.
 */
#ifndef BANNER_ACTIONS_SOCKKILL_H
#define BANNER_ACTIONS_SOCKKILL_H

#include <stdbool.h>
#include <stddef.h>

#include "actions/common/nlsock.h"
#include "banner/action.h"

struct sockkill {
	struct nlsock list, kill;
	bool failed;		/* and that was said */
};

int	sockkill_open(struct sockkill *);	/* 0 or -errno */
void	sockkill_close(struct sockkill *);
/* Close the sockets of all additions among the changes that came about (err 0), and
 * tell the host how many; of failures in a row the first. Needs CAP_NET_ADMIN. */
void	sockkill_banned(struct sockkill *, const struct bn_host *,
	    const struct bn_change *, size_t n);

#endif
