/* SPDX-License-Identifier: GPL-2.0-or-later
 * match.h - blocks of lines in, failures out: the one door of matching.
 *
 * A struct match joins the rules of all jails that read the same source: one scan
 * finds the lines that can matter at all, and only those are dated and given to
 * PCRE2, in fail2ban's order. Deterministic: time comes with the
 * block. Calls are sequential; failures arrive in line order, per line in jail order.
 */
#ifndef BANNER_MATCH_H
#define BANNER_MATCH_H

#include "banner/core/block.h"
#include "banner/core/rules.h"

struct match;

/* The rules stay the caller's and must outlive the match. */
int	match_new(struct rules *const *, size_t n, struct match **, struct err *);
void	match_free(struct match *);

void	match_block(struct match *, const struct block *, match_fn *, void *arg);
/* The same in two steps: whether there are lines to look at, which takes a small part
 * of the time, and then, for the same block, looking at them. */
bool	match_scan(struct match *, const struct block *);
void	match_judge(struct match *, const struct block *, match_fn *, void *arg);

/* For those who read a big source with several threads. First a sample of it, at least
 * 64 KiB: what to look for is then settled (blocks of match_block() are their own
 * sample, small ones when 32 KiB of them have come). Each thread has a scan_run;
 * scan_find() (scan.h) looks through a block ahead of its turn, and match_found()
 * judges what was found, called for the blocks in order. */
void	match_sample(struct match *, struct str sample);
struct scan_run;
struct scan_run	*match_ahead(const struct match *);	/* for scan_run_free() */
void	match_found(struct match *, struct scan_run *, const struct block *, match_fn *,
	    void *arg);

/* Time of one line by the first rules that can date it, for finding a start position.
 * -1: the line has no date. */
int64_t	match_line_time(struct match *, struct str line, int64_t now_ms);

/* For tools: told of each line's verdict and the failregex that decided (or -1), once
 * per jail. Candidates are the lines that were looked at; all others are missed. */
enum match_watch { WATCH_NONE, WATCH_CANDIDATES, WATCH_ALL };
typedef void (match_line_fn)(void *arg, struct str line, enum line_verdict, int rule);
void	match_watch_lines(struct match *, enum match_watch, match_line_fn *, void *arg);

#endif
