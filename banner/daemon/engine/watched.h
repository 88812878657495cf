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

#endif
