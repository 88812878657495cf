/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_status_json.c - status and stats as JSON.
 */
#include "banner/daemon/control/caps_table.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/uncounted.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

static void
json_action(struct buf *b, const struct relay_action *a)
{
	json_open(b, NULL, '{');
	json_text(b, "name", a->conf->name);
	json_bool(b, "connected", a->connected);
	json_number(b, "applied", (int64_t)a->applied);
	json_number(b, "failed", (int64_t)a->failed);
	json_number(b, "waiting", (int64_t)a->waiting);
	json_number(b, "in_force", (int64_t)a->in_force);
	json_number(b, "repaired", (int64_t)a->repaired);
	json_number(b, "conflicts", (int64_t)a->conflicts);
	json_number(b, "refused", (int64_t)a->refused);
	json_number(b, "median_ms", (int64_t)status_latency(a, 50));
	json_number(b, "p99_ms", (int64_t)status_latency(a, 99));
	json_text(b, "last_error", a->last_error);
	json_number(b, "last_error_ms", a->failed_ms);
	json_close(b, '}');
}

static void
json_actions(struct request *r, const char *jail)
{
	json_open(&r->out, "actions", '[');
	for (size_t i = 0; i < relay_actions(r->d->relay); i++)
		if (!jail || relay_serves(r->d->relay, jail, i))
			json_action(&r->out, relay_action(r->d->relay, i));
	json_close(&r->out, ']');
}

void
status_json(struct request *r, const char **names, size_t n)
{
	struct engine_stats st;
	struct backlog backlog;

	engine_stats(r->d->engine, NULL, &st);
	json_open(&r->out, NULL, '{');
	json_open(&r->out, "jails", '[');
	for (size_t i = 0; i < n; i++)
		json_text(&r->out, NULL, names[i]);
	json_close(&r->out, ']');
	json_number(&r->out, "banned", (int64_t)st.banned_now);
	json_number(&r->out, "max_bans", (int64_t)st.max_bans);
	json_number(&r->out, "tracked", (int64_t)st.tracked_now);
	json_number(&r->out, "evicted_bans", (int64_t)st.evicted_bans);
	json_number(&r->out, "evicted_keys", (int64_t)st.evicted_keys);
	json_number(&r->out, "known_logins", (int64_t)st.logins_now);
	json_number(&r->out, "forgotten_logins", (int64_t)st.logins_forgotten);
	json_bool(&r->out, "caught_up", r->d->caught_up);
	json_number(&r->out, "backlog_bytes",
	    feed_backlog(r->d->feed, &backlog) ? (int64_t)backlog.left : 0);
	json_bool(&r->out, "panic", r->d->paused);
	json_bool(&r->out, "dry_run", r->d->mode == MODE_DRY);
	json_text(&r->out, "store", stream_trouble(r->d->stream));
	json_number(&r->out, "store_lead_bytes", (int64_t)stream_lead(r->d->stream));
	json_bool(&r->out, "backlog_waits", pace_waits(r->d->pace));
	json_number(&r->out, "backlog_waited_ms", pace_waited_ms(r->d->pace));
	json_number(&r->out, "told_anew", (int64_t)stream_resyncs(r->d->stream));
	json_text(&r->out, "sandbox", r->d->level.text);
	json_number(&r->out, "running_ms", engined_now() - r->d->started_ms);
	caps_json(r->d, &r->out);
	json_actions(r, NULL);
	json_open(&r->out, "hosts", '[');
	r->closing = "]}";
}

static void
add_source(void *arg, struct source *s)
{
	struct buf *b = arg;
	struct source_stats st;

	source_stats(s, &st);
	json_open(b, NULL, '{');
	json_text(b, "name", source_name(s));
	json_bool(b, "there", !st.waiting);
	json_number(b, "lines", (int64_t)st.lines);
	json_number(b, "last_ms", st.last_line_ms);
	json_number(b, "too_long", (int64_t)st.long_lines);
	json_number(b, "lost_bytes", (int64_t)st.lost_bytes);
	json_number(b, "rotations", (int64_t)st.rotations);
	json_close(b, '}');
}

/* What its rules saw, and where. */
static void
json_lines(struct request *r, const struct watch *w)
{
	static const struct rules_stats none;
	const struct rules_stats *st = w ? rules_stats(w->rules) : &none;

	json_number(&r->out, "lines", (int64_t)st->lines);
	json_number(&r->out, "candidates", (int64_t)st->candidates);
	json_number(&r->out, "matched", (int64_t)st->matched);
	json_number(&r->out, "own_peer", (int64_t)st->own_peer);
	json_open(&r->out, "sources", '[');
	if (w)
		feed_sources(r->d->feed, w, add_source, &r->out);
	json_close(&r->out, ']');
}

void
status_json_jail(struct request *r, const char *jail)
{
	const struct watch *w = feed_watch_find(r->d->feed, jail);
	struct engine_stats st;

	engine_stats(r->d->engine, jail, &st);
	json_open(&r->out, NULL, '{');
	json_text(&r->out, "jail", jail);
	json_number(&r->out, "currently_failed", (int64_t)st.tracked_now);
	json_number(&r->out, "total_failed", (int64_t)st.failures);
	json_number(&r->out, "currently_banned", (int64_t)st.banned_now);
	json_number(&r->out, "total_banned", (int64_t)st.bans);
	json_number(&r->out, "ignored", (int64_t)st.ignored);
	json_number(&r->out, "never_banned", (int64_t)st.guarded);
	json_number(&r->out, "leaks", (int64_t)st.leaks);
	json_number(&r->out, "given_up",
	    w ? (int64_t)rules_stats(w->rules)->limit_hits : 0);
	json_number(&r->out, "max_tracked", (int64_t)st.max_tracked);
	uncounted_json(r->d, jail, &r->out);
	json_lines(r, w);
	json_open(&r->out, "banned", '[');
}

void
status_json_end(struct request *r, const char *jail)
{
	json_close(&r->out, ']');
	json_actions(r, jail);
	json_close(&r->out, '}');
}

void
status_json_line(struct request *r, const char *jail, const struct engine_stats *st)
{
	json_open(&r->out, NULL, '{');
	json_text(&r->out, "jail", jail);
	json_number(&r->out, "tracked", (int64_t)st->tracked_now);
	json_number(&r->out, "failures", (int64_t)st->failures);
	json_number(&r->out, "banned", (int64_t)st->banned_now);
	json_number(&r->out, "bans", (int64_t)st->bans);
	json_close(&r->out, '}');
}
