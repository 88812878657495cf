/* SPDX-License-Identifier: GPL-2.0-or-later
 * match.h - blocks of lines in, failures out: the one door of matching.
 *
 * A struct rules is one jail's compiled filter with its own memory (date order,
 * sessions, line buffers). A struct match joins the rules of all jails that read the
 * same source: one scan finds the lines that can matter at all, and only those are
 * dated and given to PCRE2, in fail2ban's order. Deterministic: time comes with the
 * block. Calls are sequential; failures arrive in line order, per line in jail order.
 */
#ifndef BANNER_MATCH_H
#define BANNER_MATCH_H

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "banner/core/block.h"

struct rules;
struct match;

struct rules_options {
	const struct conf_filter *filter;
	enum conf_dns usedns;
	const char *logtimezone;	/* NULL: from the line or the system */
	const char *logencoding;
	int64_t findtime_ms;		/* older lines of a backlog are dropped; 0: never */
	bool check_all;			/* report every failregex that hits, not the first */
	bool raw;			/* names stay names */
	bool no_literals;		/* every regex on every line (proofs and tests) */
	const struct addr *trusted;	/* for parsers that read proxy chains */
	size_t ntrusted;
	void *jail;			/* handed back in each failure */
};

/* Compile all of it. On error -EINVAL, e says which regex, column and reason. */
int	rules_new(const struct rules_options *, struct rules **, struct err *);
void	rules_free(struct rules *);

/* What happened on each line, for banregex and doctor; all counters since the start. */
struct rules_stats {
	uint64_t lines, candidates, matched, ignored, missed;
	uint64_t errors;		/* PCRE2 gave up: the line was refused, not missed */
	uint64_t limit_hits;		/* of these, match limit or time budget */
	uint64_t too_old, no_date, bad_host;
	uint64_t sessions_dropped;	/* forgotten at the cap of 100 or after 5 minutes */
};
const struct rules_stats	*rules_stats(const struct rules *);
size_t		 rules_count(const struct rules *);			/* failregexes */
uint64_t	 rules_hits(const struct rules *, size_t rule);
uint64_t	 rules_prefix_hits(const struct rules *);
uint64_t	 rules_ignore_hits(const struct rules *);		/* of all */
const char	*rules_text(const struct rules *, size_t rule);	/* after tag expansion */
bool		 rules_every_line(const struct rules *);	/* no literal: sees all lines */
/* Date templates with hits, most used first; false at the end. */
bool		 rules_dates(const struct rules *, size_t i, const char **name, uint64_t *hits);

/* Sessions survive a restart: one opaque record per open session (see session.h). */
typedef void (rules_session_fn)(void *arg, struct str key, struct str record);
void	rules_sessions(struct rules *, rules_session_fn *, void *arg);
int	rules_session_put(struct rules *, struct str key, struct str record);	/* 0 or -EINVAL */

/* The rules stay the caller's and must outlive the match. */
int	match_new(struct rules *const *, size_t n, struct match **, struct err *);
void	match_free(struct match *);

typedef void (match_fn)(void *arg, const struct failure *);
void	match_block(struct match *, const struct block *, match_fn *, void *arg);

/* Time of one line by the first rules that can date it, for finding a start position.
 * -1: the line has no date. */
int64_t	match_line_time(struct match *, struct str line, int64_t now_ms);

/* Told about every line when set (banregex): verdict and the rule that decided. */
enum line_verdict { LINE_MATCHED, LINE_IGNORED, LINE_MISSED, LINE_REFUSED };
typedef void (match_line_fn)(void *arg, struct str line, enum line_verdict, int rule);
void	match_watch_lines(struct match *, match_line_fn *, void *arg);

#endif
