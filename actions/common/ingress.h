/* SPDX-License-Identifier: GPL-2.0-or-later
 * ingress.h - packets of addresses without a way back are dropped as they arrive.
 *
 * Routes that lead nowhere stop answers only: a packet of a banned address still
 * reaches its program. A few rules of nf_tables in chain "ingress" of table "inet
 * banner" drop TCP and UDP from sources that no route leads back to, those of banned
 * addresses included. They fit a host with a default route and ordinary routing; for
 * a family without one, and with routing policies, they are refused.
 */
#ifndef BANNER_ACTIONS_INGRESS_H
#define BANNER_ACTIONS_INGRESS_H

#include <stddef.h>

#include "banner/action.h"

struct ingress;

/* Room for a reason. */
enum { INGRESS_WHY = 160 };
struct ingress_why {
	char text[INGRESS_WHY];
};

/* 0 with the object; -ENOTSUP: built without nf_tables; -errno. */
int	ingress_open(struct ingress **);
void	ingress_close(struct ingress *);	/* the rules stay; NULL is accepted */
/* Put the rules there as they have to be, if it is not done. 0: they are; -EINVAL:
 * refused, why says the reason; -errno. */
int	ingress_ensure(struct ingress *, struct ingress_why *);
/* Readable when others changed rules: call ingress_heard, then ingress_ensure. */
int	ingress_fd(const struct ingress *);
void	ingress_heard(struct ingress *);

#endif
