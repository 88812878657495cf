/* SPDX-License-Identifier: GPL-2.0-or-later
 * judge.h - one line before one jail: date, regexes, session, failure.
 *
 * Between match.c, which chooses the lines, and the parts that know one thing each.
 * A struct judge lives in the match and is set up for each line and jail.
 */
#ifndef BANNER_JUDGE_H
#define BANNER_JUDGE_H

#include "banner/core/rules_data.h"

/* A regex that several jails have: searched once per line and text. */
struct share {
	struct pattern *re;
	uint64_t seq;			/* line of the result */
	struct str subject;		/* what was searched; lives with the line */
	enum pattern_result result;
	struct spans spans;
};

enum { WEIGHT_MAX = 100 };	/* attempts that one line may stand for */

/* What a line needs room for, here so that it is not cleared for each. Of captures
 * those are valid that the jail has names for. */
struct room {
	struct spans spans;
	struct captures pre, hit;	/* of the prefregex, with those of the hit */
	struct field fields[FAILURE_FIELDS];
};

struct judge {
	struct pattern_run *run;
	const struct block *block;
	match_fn *fn;
	void *arg;
	uint64_t seq;			/* number of the line */
	/* The jail at hand. */
	struct rules *rules;
	struct share *const *shares;	/* prefregex, failregexes; NULL: not shared */
	const uint64_t *bits;		/* failregexes that can match; NULL: all */
	bool still;			/* no candidate: nothing is learned from it */
	bool marked;			/* a match of several lines may rest on it */
	size_t first_bit;		/* of this jail in bits */
	size_t at;			/* place of the line in the block */
	struct text line;		/* decoded */
	struct str shown;		/* the same, as it stands in the log */
	unsigned times;			/* lines that it stands for */
	/* Asked when the line has no date: catch up with the lines before it. */
	void (*look_back)(struct judge *);
	void *member;			/* match.c's own: whose line it is */
	int rule;			/* out: the failregex that decided, or -1 */
	struct room room;
};

/* judge_syslog.c: the line as it is; if it says nothing and is a message by RFC 5424,
 * as older syslogs write it; if that says nothing and is syslog's "message repeated N
 * times: [ ... ]", then the line it repeats, N times. */
enum line_verdict	judge_line(struct judge *);
enum line_verdict	judge_once(struct judge *);
/* The date of an earlier line of this jail; false: it has none. */
bool	judge_earlier_date(struct judge *, struct str line);

/* Lines of the buffer had to go because of its cap of bytes. */
void	judge_lost(struct rules *, size_t lines);

/* What is known of the line at hand; for judge.c and judge_when.c. */
struct view {
	struct judge *j;
	struct rules *r;
	bool has_when;
	int64_t when_ms;
	size_t cut_start, cut_end;	/* the date in the line */
	struct text whole;		/* without the date, each line with LF */
	struct text subject;		/* whole, or the prefregex's content */
	bool refused;			/* PCRE2 gave up somewhere */
	bool ignored;			/* an ignoreregex, or no failure by itself */
	bool matched;
	bool waiting;	/* its session has no address yet */
};

/* judge_when.c: find the date, or what serves without one; sets when_ms and the cut. */
void	judge_when(struct view *);
/* Following a log, a date more than a minute off means a wrong clock or zone, not an
 * old line: it happened now. In a backlog, what is older than findtime is over (true,
 * and counted). */
bool	judge_too_old(struct view *);

/* judge_id.c: whom a failure is about. False: nobody (yet), or refused (counted). */
bool	judge_subject(struct rules *, const struct captures *, struct failure *);

#endif
