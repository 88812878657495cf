/* SPDX-License-Identifier: GPL-2.0-or-later
 * carrier_none.c - stands for carrier libssh2 in a build without the library.
 */
#include <errno.h>

#include "actions/ssh/carrier.h"

static int
init(struct ssh *s)
{
	ssh_log(s, BN_ERROR, "this build has no libssh2: use carrier = openssh");
	return -ENOTSUP;
}

static void
fini(struct ssh *s)
{
}

const struct carrier_ops carrier_libssh2 = {
	.name = "libssh2",
	.init = init,
	.fini = fini,
};
