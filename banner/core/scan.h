/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan.h - a block of bytes in, the lines that can matter out.
 *
 * One scan holds the must-have literals of many regexes and looks for all of them in
 * one pass over the block. Pure and read-only after scan_new: any thread may use it.
 */
#ifndef BANNER_SCAN_H
#define BANNER_SCAN_H

#include "banner/core/literal.h"

struct scan;

/* One regex as the scan sees it. */
struct scan_rule {
	struct literal_sets sets;	/* n = 0: every line is a candidate for it */
	unsigned id;			/* the caller's; 0 .. rules - 1 */
};

/* sample: some text of the real source (may be empty), to choose the rarest set. */
struct scan	*scan_new(const struct scan_rule *, size_t n, struct str sample);
void		 scan_free(struct scan *);
bool		 scan_every_line(const struct scan *);	/* some rule has no literal */
const char	*scan_engine(const struct scan *);	/* "teddy-avx2", "4-gram" ... for status */

/* Called for each candidate line in order; line without its LF. rules is a bit set
 * (rules / 64 words) of the regexes whose literal was found in it. */
typedef void (scan_fn)(void *arg, struct str line, const uint64_t *rules);
/* Returns the number of lines in the block (counted in the same pass). */
size_t	scan_block(const struct scan *, struct str block, scan_fn *, void *arg);

#endif
