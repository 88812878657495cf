/* SPDX-License-Identifier: GPL-2.0-or-later
 * rules.h - one jail's compiled filter, with its own memory.
 *
 * The memory is what lines teach: the order of date templates, open sessions, line
 * buffers, the last date. All of it is capped. Lines come by way of match.h; rules may
 * be in several matches (one for each source of the jail), called one after the other.
 */
#ifndef BANNER_CORE_RULES_H
#define BANNER_CORE_RULES_H

#include "banner/conf/jail.h"
#include "banner/core/block.h"

struct buf;
struct rules;

/* WAITING: part of a session that has no address yet. */
enum line_verdict { LINE_MATCHED, LINE_IGNORED, LINE_MISSED, LINE_REFUSED,
	LINE_WAITING };

struct rules_options {
	const struct conf_filter *filter;
	enum conf_dns usedns;
	const char *logtimezone;	/* NULL: from the line or the system */
	const char *logencoding;
	int64_t findtime_ms;		/* older backlog lines are dropped; 0: never */
	bool check_all;			/* every failregex that hits, not the first */
	bool raw;			/* names stay names */
	bool gains;			/* tell logins that went well, too */
	bool no_literals;		/* every regex on every line (tests) */
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
	uint64_t errors;		/* PCRE2 gave up: refused, not missed */
	uint64_t limit_hits;		/* searches given up: match limit, time */
	uint64_t waiting;		/* part of a session without address yet */
	uint64_t too_old, no_date, bad_host;
	/* Failures whose only address is a trusted one: the client is not logged. */
	uint64_t own_peer;
	uint64_t losses;		/* lines, values, users beyond a cap */
	uint64_t sessions_dropped;	/* forgotten: 100 are open, or 5 minutes */
};
const struct rules_stats	*rules_stats(const struct rules *);
/* Are those so many that the proxy's side must be at fault? */
bool		 rules_peers_only(const struct rules *);
size_t		 rules_count(const struct rules *);	/* failregexes */
uint64_t	 rules_hits(const struct rules *, size_t rule);
uint64_t	 rules_prefix_hits(const struct rules *);
uint64_t	 rules_ignore_hits(const struct rules *);		/* of all */
/* Which regexes gave up, and how often: "failregex 2 (7 times), prefregex (once)"; adds
 * nothing if none did. */
void		 rules_slow(const struct rules *, struct buf *);
const char	*rules_text(const struct rules *, size_t rule);	/* tags expanded */
bool		 rules_every_line(const struct rules *);	/* no literal */
/* Date templates with hits, most used first; false at the end. */
bool		 rules_dates(const struct rules *, size_t i, const char **name,
		    uint64_t *hits);

/* Why did this line not match? Text of several indented lines: its date, how far the
 * prefregex came, or the failregex that came furthest. Learns dates, so ask a set of
 * rules of its own. */
void	rules_trace(struct rules *, struct str line, int64_t now_ms, struct buf *out);

/* Sessions survive a restart: one opaque record per open session (see session.h). */
typedef void (rules_session_fn)(void *arg, struct str key, struct str record);
void	rules_sessions(struct rules *, rules_session_fn *, void *arg);
/* 0 or -EINVAL. */
int	rules_session_put(struct rules *, struct str key, struct str record);

#endif
