/* SPDX-License-Identifier: GPL-2.0-or-later
 * watched.c - what must be said of a jail's rules or of a long backlog, and when.
 */
#include "banner/daemon/engine/watched.h"

#include <stdlib.h>

#include "banner/base/buf.h"
#include "banner/base/units.h"
#include "banner/conf/jail.h"
#include "banner/core/rules.h"
#include "banner/daemon/proc/log.h"
#include "banner/source/source.h"

#define NAME "banner.source"

enum { BACKLOG_SAY_MS = 10 * 1000 };

/* Once for each jail: nothing else will ever show why nobody is banned. */
static void
warn_of_peers(struct watch *w)
{
	if (w->peers_said || !rules_peers_only(w->rules))
		return;
	w->peers_said = true;
	log_warn(NAME, "[%s] most failures name only a trusted address: the "
	    "originating address is not configured, see banctl doctor", w->conf->name);
}

/* At most once a minute for each jail. */
static void
warn_of_slow(struct watch *w, int64_t now_ms)
{
	uint64_t n = rules_stats(w->rules)->limit_hits;
	struct buf b = { 0 };

	if (n == w->slow_said || llabs(now_ms - w->slow_said_ms) < MS_PER_MIN)
		return;
	rules_slow(w->rules, &b);
	log_warn(NAME, "[%s] a line took too long and was not matched to its end: %s",
	    w->conf->name, b.p ? b.p : "");
	buf_fini(&b);
	w->slow_said = n;
	w->slow_said_ms = now_ms;
}

void
watch_warn(struct watch *w, int64_t now_ms)
{
	warn_of_peers(w);
	warn_of_slow(w, now_ms);
}

static void
add_source(void *arg, struct source *s)
{
	struct backlog *b = arg;
	struct source_stats st;

	source_stats(s, &st);
	b->left += st.behind_bytes;
	b->read += st.bytes;
}

/* The time it took so far says how long the rest will take. */
void
backlog_measure(struct backlog *b, struct sources *sources, int64_t now_ms)
{
	int64_t took = now_ms - b->since_ms;

	b->read = b->left = 0;
	sources_each(sources, add_source, b);
	b->left_ms = b->read > 0 && took > 0 ?
	    (int64_t)((double)took * (double)b->left / (double)b->read) : 0;
}

void
backlog_say(struct backlog *b, struct sources *sources, int64_t now_ms)
{
	if (b->since_ms == 0)
		b->since_ms = b->said_ms = now_ms;
	if (now_ms - b->said_ms < BACKLOG_SAY_MS && now_ms >= b->said_ms)
		return;
	b->said_ms = now_ms;
	backlog_measure(b, sources, now_ms);
	if (b->left > 0)
		log_info(NAME, "backlog: %llu MB read, %llu MB left, about %lld s",
		    (unsigned long long)b->read / 1000000,
		    (unsigned long long)b->left / 1000000,
		    (long long)(b->left_ms + 999) / 1000);
}
