/* SPDX-License-Identifier: GPL-2.0-or-later
 * repeat.h - one attempt that several lines speak of counts once.
 *
 * Remembers event keys for REPEAT_MS in a table of fixed size; when two keys meet in
 * one place the older is forgotten, and an attempt may then count twice.
 */
#ifndef BANNER_REPEAT_H
#define BANNER_REPEAT_H

#include <stdbool.h>

#include "banner/base/str.h"
#include "banner/base/table.h"

enum { REPEAT_MS = 2000 };

struct repeat;

struct repeat	*repeat_new(void);
void		 repeat_free(struct repeat *);
/* Was this key of the jail counted within REPEAT_MS before or after? If not, it is
 * remembered. */
bool repeat_seen(struct repeat *, uint32_t jail, struct str key, int64_t when_ms);

#endif
