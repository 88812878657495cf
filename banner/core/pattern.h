/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern.h - one regex of a filter: tags, Python's dialect, PCRE2 and its limits.
 *
 * Tags (<HOST>, <F-USER>..</F-USER> ...) are expanded, Python's dialect is translated
 * so that nothing silently means something else, and the result is compiled twice at
 * most: for bytes (a pure ASCII line) and for UTF with Unicode properties (any other
 * line); each on first use, with JIT. A match that fails for any reason other than
 * "no match" is an error and never taken for one.
 */
#ifndef BANNER_PATTERN_H
#define BANNER_PATTERN_H

#include "banner/base/err.h"
#include "banner/base/str.h"

struct buf;
struct pattern;
struct pattern_run;	/* match data, JIT stack, limits: one per thread of matching */

enum pattern_flags {
	PATTERN_MULTILINE = 1,	/* ^ and $ at inner lines (maxlines > 1) */
	PATTERN_NO_DNS = 2,	/* <HOST> means <ADDR> */
	PATTERN_PREFIX = 4,	/* needs no failure id: prefregex, ignoreregex, and a
				 * failregex whose prefregex has one */
	PATTERN_PLAIN = 8,	/* no tag expansion: date templates */
};

/* On error -EINVAL with column and reason in e. The programs are made on first use:
 * a pattern is searched by one thread at a time. */
int	pattern_new(const char *regex, unsigned flags, struct pattern **, struct err *);
void	pattern_free(struct pattern *);
/* The translated regex, for literals and lint. */
const char	*pattern_text(const struct pattern *);
/* The regex with its tags expanded and nothing translated, as fail2ban shows it. */
int	pattern_expanded(const char *regex, unsigned flags, struct buf *, struct err *);
/* Number of the group with that name, or 0. Tags give names in lower case. */
unsigned	 pattern_group(const struct pattern *, const char *name);
/* The highest number of a group; the name of a group, or NULL. */
size_t		 pattern_groups(const struct pattern *);
const char	*pattern_group_name(const struct pattern *, unsigned group);

struct pattern_run	*pattern_run_new(void);
/* Without a stack of its own for JIT, which takes 1 MiB of addresses: for dates. What
 * needs more than the 32 KiB there are without is searched without JIT. */
struct pattern_run	*pattern_run_small(void);
void			 pattern_run_free(struct pattern_run *);

enum pattern_result {
	PATTERN_NO = 0,
	PATTERN_YES = 1,
	PATTERN_LIMIT = -1,	/* given up: too much backtracking, stack or memory */
	PATTERN_ERROR = -2,	/* the subject is no UTF-8, or start lies behind it */
};

/* Search subject from start. ascii: it holds no byte >= 0x80; otherwise it must be
 * valid UTF-8. Groups are then read with pattern_span until the next search. */
enum pattern_result	pattern_search(struct pattern_run *, struct pattern *,
			    struct str subject, size_t start, bool ascii);
/* Groups of the last search: from and to of each, SIZE_MAX where it took no part; those
 * behind the last of *n took none. */
const size_t	*pattern_spans(const struct pattern_run *, unsigned *n);
/* Span of one of them; false: it took no part. */
bool	pattern_span(const struct pattern_run *, unsigned group, size_t *from,
	    size_t *to);

#endif
