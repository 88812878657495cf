/* SPDX-License-Identifier: GPL-2.0-or-later
 * slow.h - regexes that gave up on lines: how often, and how often lately.
 *
 * One search is bounded (pattern_run.c). When lines on which a regex gives up come by
 * the thousand, that is still too much, so it then gives up on further long ones at
 * once, until its window of time is over. Short lines are always searched: nobody can
 * switch a regex off.
 */
#ifndef BANNER_SLOW_H
#define BANNER_SLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/core/block.h"

struct buf;

struct slow {
	uint64_t n;			/* searches given up */
	int64_t since_ms;		/* the window, and those in it */
	unsigned lately;
};

void	slow_add(struct slow *, int64_t now_ms);
/* Too many lately? Never in a backlog, where time does not tell how many there are. */
bool	slow_is_worn_out(const struct slow *, const struct block *);
/* "failregex 2 (7 times)", behind a comma if there is something already; number 0: the
 * kind alone. Nothing if it never gave up. */
void	slow_print(const struct slow *, const char *kind, size_t number, struct buf *);

#endif
