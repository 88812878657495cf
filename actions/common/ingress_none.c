/* SPDX-License-Identifier: GPL-2.0-or-later
 * ingress_none.c - ingress.h where nf_tables is not built in.
 */
#include <errno.h>

#include "actions/common/ingress.h"

int
ingress_open(struct ingress **out)
{
	*out = NULL;
	return -ENOTSUP;
}

void
ingress_close(struct ingress *g)
{
}

int
ingress_ensure(struct ingress *g, struct ingress_why *why)
{
	return -ENOTSUP;
}

int
ingress_fd(const struct ingress *g)
{
	return -1;
}

void
ingress_heard(struct ingress *g)
{
}
