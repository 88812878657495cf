/* SPDX-License-Identifier: GPL-2.0-or-later
 * uncounted.c - what came to nothing in a jail.
 */
#include "banner/daemon/control/uncounted.h"

#include <string.h>

#include "banner/daemon/control/request.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"

struct counter {
	const char *name, *text;
	uint64_t n;
};
enum { COUNTERS = 17 };

static void
add_source(void *arg, struct source *s)
{
	struct source_stats *sum = arg, st;

	source_stats(s, &st);
	sum->long_lines += st.long_lines;
	sum->lost_bytes += st.lost_bytes;
}

static void
get(const struct engined *d, const char *jail, struct counter v[COUNTERS])
{
	const struct watch *w = feed_watch_find(d->feed, jail);
	static const struct rules_stats none;
	const struct rules_stats *rs = w ? rules_stats(w->rules) : &none;
	struct source_stats ss = { 0 };
	struct engine_stats st;

	if (w)
		feed_sources(d->feed, w, add_source, &ss);
	engine_stats(d->engine, jail, &st);
	const struct counter all[COUNTERS] = {
		{ "too_long", "lines too long", ss.long_lines },
		{ "lost_bytes", "bytes lost", ss.lost_bytes },
		{ "gave_up", "on which a regex gave up", rs->errors },
		{ "too_old", "older than findtime", rs->too_old },
		{ "no_date", "without a date", rs->no_date },
		{ "no_address", "without an address", rs->bad_host },
		{ "no_subject", "without what is counted", st.no_subject },
		{ "repeats", "lines of attempts counted already", st.repeats },
		{ "sessions", "sessions forgotten", rs->sessions_dropped },
		{ "parts", "lines or names of sessions left out", rs->losses },
		{ "guarded", "of those who are never banned", st.guarded },
		{ "outdated", "bans over before they began", st.outdated },
		{ "held", "bans held by ban_rate", st.held },
		{ "no_room", "bans beyond max_bans", st.cap_refused },
		{ "evicted", "bans released for others", st.evicted_bans },
		{ "undecided", "bans of which nobody could be asked", st.park_dropped },
		{ "forgotten", "counters beyond max_tracked", st.evicted_keys },
	};

	memcpy(v, all, sizeof(all));
}

bool
uncounted_text(const struct engined *d, const char *jail, struct buf *b)
{
	struct counter v[COUNTERS];
	const char *sep = "";

	get(d, jail, v);
	for (size_t i = 0; i < COUNTERS; i++) {
		if (!v[i].n)
			continue;
		buf_printf(b, "%s%llu %s", sep, (unsigned long long)v[i].n, v[i].text);
		sep = ", ";
	}
	return *sep;
}

void
uncounted_json(const struct engined *d, const char *jail, struct buf *b)
{
	struct counter v[COUNTERS];

	get(d, jail, v);
	json_open(b, "uncounted", '{');
	for (size_t i = 0; i < COUNTERS; i++)
		json_number(b, v[i].name, (int64_t)v[i].n);
	json_close(b, '}');
}
