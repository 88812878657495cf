/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan.h - a block of bytes in, the lines that can matter out.
 *
 * One scan holds the must-have literals of many regexes and looks for all of them in
 * one pass over the block. A struct scan is read-only after scan_new, so any thread may
 * use it; a struct scan_run is one thread's working memory.
 */
#ifndef BANNER_SCAN_H
#define BANNER_SCAN_H

#include "banner/core/literal.h"

struct scan;
struct scan_run;

/* One regex as the scan sees it; its number is its place in the array. */
struct scan_rule {
	const struct literal_sets *sets;	/* n = 0: every line is a candidate */
	bool apart;	/* members of two sets may be in two lines */
};

/* sample: some text of the real source (may be empty), to choose the rarest set of
 * each rule. dates: the date is searched with the default templates (CUT_WORD), so a
 * line with a TAI64N label is a candidate for all. Copies what it needs. */
struct scan	*scan_new(const struct scan_rule *, size_t n, struct str sample,
		    bool dates);
void		 scan_free(struct scan *);
size_t		 scan_words(const struct scan *);	/* words of a rule set */

struct scan_run	*scan_run_new(const struct scan *);
void		 scan_run_free(struct scan_run *);

/* Called for each candidate line in order; line without its LF. rules: bit i % 64 of
 * word i / 64 is set when rule i can match there. */
typedef void (scan_fn)(void *arg, struct str line, const uint64_t *rules);
/* In two steps: the first takes the time, and different runs may do it at the same
 * time; the second tells what the run found in this block, and returns how many lines
 * that has; a last line without LF counts. Blocks are at most 2 GiB. */
void	scan_find(struct scan_run *, struct str block);
size_t	scan_tell(struct scan_run *, struct str block, scan_fn *, void *arg);
size_t	scan_lines(const struct scan_run *);	/* of the block */
bool	scan_any(const struct scan_run *);	/* scan_tell() has something to tell */

#endif
