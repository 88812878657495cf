/* SPDX-License-Identifier: GPL-2.0-or-later
 * kept.h - a failure that outlives its block: a copy with its own texts.
 *
 * Used where a decision waits for an answer from outside. Bounded: of the lines the
 * last KEPT_LINES; a text that finds no room in KEPT_BYTES is left empty, which only
 * displays would miss. The event key is not kept: it was looked at already.
 */
#ifndef BANNER_KEPT_H
#define BANNER_KEPT_H

#include <stddef.h>

#include "banner/core/block.h"

enum { KEPT_LINES = 16, KEPT_BYTES = 16384 };

/* Refers to itself: never copied or moved. */
struct kept {
	struct failure failure;
	struct field fields[FAILURE_FIELDS];
	struct str lines[KEPT_LINES];
	size_t used;
	char text[KEPT_BYTES];
};

void		 kept_set(struct kept *, const struct failure *);
/* One more text into it; empty when there is no room. */
struct str	 kept_text(struct kept *, struct str);

#endif
