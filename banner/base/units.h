/* SPDX-License-Identifier: GPL-2.0-or-later
 * units.h - numbers with units, as people write and read them.
 *
 * All times in banner are int64_t milliseconds since 1970-01-01 00:00 UTC.
 */
#ifndef BANNER_UNITS_H
#define BANNER_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "banner/base/str.h"

#define MS_PER_S	INT64_C(1000)
#define MS_PER_MIN	(60 * MS_PER_S)
#define MS_PER_HOUR	(60 * MS_PER_MIN)
#define MS_PER_DAY	(24 * MS_PER_HOUR)

enum { UNITS_TEXT = 40 };

/* "2d 3h", "45s", "0s"; at most two units. -1 gives "for ever". Returns out. */
const char	*units_duration(int64_t ms, char out[UNITS_TEXT]);
/* Local time "2026-11-21 21:52:05". Returns out. */
const char	*units_time(int64_t ms, char out[UNITS_TEXT]);
/* "4096", "16K", "4M", "1G" (powers of 1024). 0, -EINVAL or -ERANGE. */
int		 units_bytes(struct str, uint64_t *);

#endif
