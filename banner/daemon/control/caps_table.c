/* SPDX-License-Identifier: GPL-2.0-or-later
 * caps_table.c - what others can make grow in the engine, and how far.
 */
#include "banner/daemon/control/caps_table.h"

#include <string.h>

#include "banner/daemon/control/client.h"
#include "banner/daemon/control/control.h"
#include "banner/daemon/engine/ask.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/names.h"

struct cap {
	const char *name;
	uint64_t now, most;
	uint64_t gone;		/* released, forgotten or refused at the cap */
};
enum { CAPS = 9 };

static void
count_source(void *arg, struct source *s)
{
	++*(uint64_t *)arg;
}

static void
get(const struct engined *d, struct cap v[CAPS])
{
	struct control_stats ctl;
	struct names_stats names;
	struct engine_stats st;
	uint64_t logs = 0;

	engine_stats(d->engine, NULL, &st);
	control_stats(d->control, &ctl);
	names_stats(d->names, &names);
	feed_sources(d->feed, NULL, count_source, &logs);
	const struct cap all[CAPS] = {
		{ "bans", st.banned_now, st.max_bans,
		    st.evicted_bans + st.cap_refused },
		{ "counters", st.tracked_now, st.max_tracked,
		    st.evicted_keys },
		{ "offenders", st.known_now, st.max_known, st.evicted_known },
		{ "logins", st.logins_now, st.max_logins, st.logins_forgotten },
		{ "undecided", st.parked_now, st.max_parked, st.park_dropped },
		{ "questions", ask_waiting(d->ask), ASK_MAX, ask_refused(d->ask) },
		{ "names", names.waiting, NAMES_WAITING, names.dropped },
		{ "logs", logs, SOURCE_FILES_MAX, feed_refused(d->feed) },
		{ "clients", ctl.clients, CLIENTS_MAX, ctl.refused },
	};

	memcpy(v, all, sizeof(all));
}

void
caps_text(const struct engined *d, struct buf *b)
{
	struct cap v[CAPS];

	get(d, v);
	buf_printf(b, "%-20s %10s %10s %10s\n", "caps:", "now", "at most", "gone");
	for (size_t i = 0; i < CAPS; i++)
		buf_printf(b, "  %-18s %10llu %10llu %10llu\n", v[i].name,
		    (unsigned long long)v[i].now, (unsigned long long)v[i].most,
		    (unsigned long long)v[i].gone);
}

void
caps_json(const struct engined *d, struct buf *b)
{
	struct cap v[CAPS];

	get(d, v);
	json_open(b, "caps", '[');
	for (size_t i = 0; i < CAPS; i++) {
		json_open(b, NULL, '{');
		json_text(b, "name", v[i].name);
		json_number(b, "now", (int64_t)v[i].now);
		json_number(b, "most", (int64_t)v[i].most);
		json_number(b, "gone", (int64_t)v[i].gone);
		json_close(b, '}');
	}
	json_close(b, ']');
}
