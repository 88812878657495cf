/* SPDX-License-Identifier: GPL-2.0-or-later
 * ignorecache.h - answers to questions, kept for a while (jail option ignorecache).
 *
 * key="<F-USER>@<ip-host>", max-count=100, max-time=5m: the key is made of the tags of
 * a failure; at most max-count answers are kept, each for max-time.
 */
#ifndef BANNER_IGNORECACHE_H
#define BANNER_IGNORECACHE_H

#include "banner/base/err.h"
#include "banner/core/block.h"

struct ignorecache;
enum ignore_known { IGNORE_UNKNOWN, IGNORE_NO, IGNORE_YES };

/* 0 or -EINVAL with text. */
int	 ignorecache_new(const char *option, struct ignorecache **, struct err *);
void	 ignorecache_free(struct ignorecache *);
enum ignore_known	 ignorecache_find(struct ignorecache *, const struct failure *,
			    int64_t now_ms);
void	 ignorecache_set(struct ignorecache *, const struct failure *, bool ignore,
	    int64_t now_ms);

#endif
