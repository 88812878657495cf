/* SPDX-License-Identifier: GPL-2.0-or-later
 * cachespec.h - what ignorecache says: key="<ip>", max-count=100, max-time=5m.
 *
 * The grammar is fail2ban's: name=value between commas, values perhaps in quotes.
 */
#ifndef BANNER_CONF_CACHESPEC_H
#define BANNER_CONF_CACHESPEC_H

#include <stdint.h>

#include "banner/base/err.h"
#include "banner/base/str.h"

struct cachespec {
	struct str key;		/* with its tags; points into the text */
	uint64_t max;		/* answers kept, 1 to 100000 */
	int64_t time_ms;
};

/* 0, or -EINVAL with what is wrong; a text without key is wrong. */
int	cachespec_parse(const char *text, struct cachespec *, struct err *);

#endif
