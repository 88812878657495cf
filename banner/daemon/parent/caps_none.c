/* SPDX-License-Identifier: GPL-2.0-or-later
 * caps_none.c - changing the user in a build without libcap-ng: it has no capability
 * afterwards, so processes that need one stay who they are.
 */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <unistd.h>

#include "banner/daemon/parent/caps.h"

int
caps_become(const struct identity *id, const char *caps, struct err *e)
{
	if (!id->change || caps[0])
		return 0;
	if (initgroups(id->name, id->gid) < 0 ||
	    setresgid(id->gid, id->gid, id->gid) < 0 ||
	    setresuid(id->uid, id->uid, id->uid) < 0)
		return err_set(
		    e, -errno, "cannot become user %s: %s", id->name, strerror(errno));
	return 0;
}

int
caps_check(const char *caps, struct err *e)
{
	return 0;
}
