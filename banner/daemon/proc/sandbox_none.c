/* SPDX-License-Identifier: GPL-2.0-or-later
 * sandbox_none.c - no system call filter: the build has no libseccomp.
 */
#include <errno.h>

#include "banner/daemon/proc/sandbox.h"

bool
sandbox_has_filter(void)
{
	return false;
}

int
sandbox_filter(enum sandbox_profile profile, struct err *e)
{
	return -ENOSYS;
}
