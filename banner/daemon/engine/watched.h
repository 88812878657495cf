/* SPDX-License-Identifier: GPL-2.0-or-later
 * watched.h - one jail as the feed sees it.
 */
#ifndef BANNER_WATCHED_H
#define BANNER_WATCHED_H

#include <stdbool.h>
#include <stdint.h>

struct conf_jail;
struct feed;
struct jail;
struct rules;

/* The group of its sources. */
struct watch {
	struct feed *feed;
	struct jail *jail;
	const struct conf_jail *conf;
	struct rules *rules;
	int64_t matched_ms; /* when the last failure was found; 0 never */
	bool peers_said; /* that nobody but proxies is named */
	uint64_t slow_said; /* searches given up when it was last said, and when */
	int64_t slow_said_ms;
	/* backend = auto without a log at the start: the journal is read until a log
	 * comes (has_file), which is then read from what the journal last told */
	bool fallback, has_file;
	int64_t journal_ms; /* time of the newest failure of the journal */
};

/* The journal is read for want of a log. w may be NULL. */
static inline bool
feed_by_journal(const struct watch *w)
{
	return w && w->fallback && !w->has_file;
}

/* Say in the log what must be said of its rules, at times. */
void	watch_warn(struct watch *, int64_t now_ms);

/* What was there at the start, of all sources together. */
struct sources;
struct backlog {
	int64_t since_ms, said_ms;	/* 0: none yet */
	uint64_t read, left;		/* bytes, when last measured */
	int64_t left_ms;		/* of time, so far as can be told */
};
void	backlog_measure(struct backlog *, struct sources *, int64_t now_ms);
/* A block of it was read: every ten seconds the log says how far it is. */
void	backlog_say(struct backlog *, struct sources *, int64_t now_ms);

#endif
