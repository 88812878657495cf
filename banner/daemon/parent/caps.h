/* SPDX-License-Identifier: GPL-2.0-or-later
 * caps.h - becoming another user with few capabilities, between fork and exec.
 */
#ifndef BANNER_CAPS_H
#define BANNER_CAPS_H

#include <sys/types.h>

#include "banner/base/err.h"

struct identity {
	const char *name; /* of the user, for messages */
	uid_t uid;
	gid_t gid;
	int change; /* 0: stay who we are */
};

/* Keep only the capabilities in caps ("net_admin dac_read_search", "" = none) across
 * the coming exec, and become the user. Capabilities we do not have ourselves are left
 * out. 0 or -errno. */
int caps_become(const struct identity *, const char *caps, struct err *);

/* Do these names exist? 0 or -EINVAL. */
int caps_check(const char *caps, struct err *);

#endif
