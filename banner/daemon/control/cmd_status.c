/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_status.c - status and stats: fail2ban's tree first, then what is ours.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/core/runtime.h"
#include "banner/daemon/control/caps_table.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/control.h"
#include "banner/daemon/control/uncounted.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/names.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

/* Above it the tree gives the number and names `list`; f2b always prints all. */
enum { STATUS_LIST_MAX = 1000 };
/* A lead over the store that is worth a word. */
enum { LEAD_SHOWN = 1 << 20 };

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the jails that run, sorted; manual only when it bans someone. */
static const char **
jail_names(const struct engined *d, size_t *n)
{
	size_t all = engine_jails(d->engine);
	const char **v = xcalloc(all + 1, sizeof(*v));
	struct engine_stats st;

	*n = 0;
	for (size_t i = 0; i < all; i++) {
		struct jail *j = engine_jail_at(d->engine, i);
		const char *name = jail_name(j);

		if (jail_is_stopped(j))
			continue;
		if (!strcmp(name, "manual")) {
			engine_stats(d->engine, name, &st);
			if (!st.banned_now)
				continue;
		}
		v[(*n)++] = name;
	}
	qsort(v, *n, sizeof(*v), by_name);
	return v;
}

static void
tree_jails(struct request *r, const char **names, size_t n)
{
	buf_printf(&r->out, "Status\n|- Number of jail:\t%zu\n`- Jail list:\t", n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&r->out, "%s%s", i ? ", " : "", names[i]);
	buf_putc(&r->out, '\n');
}

static void
ours_backlog(struct request *r)
{
	struct backlog b;

	if (feed_backlog(r->d->feed, &b))
		buf_printf(&r->out, "backlog:\t%llu MB read, %llu MB left, about "
		    "%lld s\n", (unsigned long long)b.read / 1000000,
		    (unsigned long long)b.left / 1000000,
		    (long long)(b.left_ms + 999) / 1000);
}

static void
ours_stopped(struct request *r)
{
	const char *sep = "stopped:\t";

	for (size_t i = 0; i < engine_jails(r->d->engine); i++) {
		struct jail *j = engine_jail_at(r->d->engine, i);

		if (!jail_is_stopped(j))
			continue;
		buf_printf(&r->out, "%s%s", sep, jail_name(j));
		sep = ", ";
	}
	if (*sep == ',')
		buf_puts(&r->out, ", until the next reload or banctl start\n");
}

static void
ours_store(struct request *r)
{
	const struct engined *d = r->d;
	const char *trouble = stream_trouble(d->stream);
	size_t lead = stream_lead(d->stream);
	int64_t waited_ms = pace_waited_ms(d->pace);

	buf_printf(&r->out, "store:\t%s%s", trouble[0] ? "NOT WRITING: " : "ok",
	    trouble);
	if (lead >= LEAD_SHOWN)
		buf_printf(&r->out, ", %zu MB still to be told", lead >> 20);
	if (waited_ms)
		buf_printf(&r->out, ", the backlog %s for it %lld.%lld s",
		    pace_waits(d->pace) ? "waits" : "waited",
		    (long long)waited_ms / 1000, (long long)waited_ms % 1000 / 100);
	if (stream_resyncs(d->stream))
		buf_printf(&r->out, ", told everything anew %llu times",
		    (unsigned long long)stream_resyncs(d->stream));
	buf_putc(&r->out, '\n');
}

static void
ours_daemon(struct request *r)
{
	struct engined *d = r->d;
	struct names_stats names;
	struct control_stats ctl;
	char up[UNITS_TEXT];

	control_stats(d->control, &ctl);
	buf_printf(&r->out, "\nrunning for:\t%s%s%s\n",
	    units_duration(engined_now() - d->started_ms, up),
	    d->mode == MODE_DRY ? ", dry run: nothing is carried out" : "",
	    d->paused ? ", PANIC: nothing is in force until resume" : "");
	ours_backlog(r);
	ours_stopped(r);
	names_stats(d->names, &names);
	ours_store(r);
	buf_printf(&r->out, "sandbox:\t%s\n", d->level.text);
	buf_printf(&r->out,
	    "control:\t%llu requests, %llu changes, %llu given up unread\n",
	    (unsigned long long)ctl.requests, (unsigned long long)ctl.changes,
	    (unsigned long long)ctl.dropped);
	if (names.failures)
		buf_printf(&r->out,
		    "names:\t%llu failures named a host, %llu had no address, "
		    "%llu not counted, %zu wait, %llu addresses left out\n",
		    (unsigned long long)names.failures,
		    (unsigned long long)names.unknown,
		    (unsigned long long)names.dropped, names.waiting,
		    (unsigned long long)names.cut);
	caps_text(d, &r->out);
}

uint64_t
status_latency(const struct relay_action *a, unsigned percent)
{
	uint64_t all = 0, sum = 0;

	for (int i = 0; i < RELAY_BUCKETS; i++)
		all += a->latency[i];
	for (int i = 0; i < RELAY_BUCKETS && all; i++) {
		sum += a->latency[i];
		if (sum * 100 >= all * percent)
			return UINT64_C(1) << i;
	}
	return 0;
}

static void
ours_action(struct request *r, const struct relay_action *a)
{
	char when[UNITS_TEXT];

	buf_printf(&r->out, "action %s:\t%s, applied %llu, failed %llu, waiting %llu",
	    a->conf->name, a->connected ? "connected" : "NOT RUNNING",
	    (unsigned long long)a->applied, (unsigned long long)a->failed,
	    (unsigned long long)a->waiting);
	if (a->in_force || a->repaired || a->conflicts || a->refused)
		buf_printf(&r->out,
		    "\n  now:\tin force %llu, repaired %llu, conflicts %llu, "
		    "refused %llu",
		    (unsigned long long)a->in_force, (unsigned long long)a->repaired,
		    (unsigned long long)a->conflicts, (unsigned long long)a->refused);
	if (status_latency(a, 100))
		buf_printf(&r->out,
		    "\n  line to effect:\tmedian < %llu ms, 99 %% < %llu ms",
		    (unsigned long long)status_latency(a, 50),
		    (unsigned long long)status_latency(a, 99));
	buf_putc(&r->out, '\n');
	if (a->last_error[0])
		buf_printf(&r->out, "  last error:\t%s (%s)\n", a->last_error,
		    units_time(a->failed_ms, when));
}

/* The hosts behind actions follow when their actors have told. */
static void
status_hosts(struct request *r)
{
	uint64_t targets = 0;

	for (size_t i = 0; i < relay_actions(r->d->relay); i++)
		targets += relay_action(r->d->relay, i)->targets.all;
	if (targets) {
		r->query = client_ticket(r->client);
		r->rows = 1;
		r->parts = relay_targets(r->d->relay, r->query, 0);
	}
	if (r->parts)
		return;
	r->query = 0;
	if (r->form == FORM_JSON)
		command_close(r);
}

static int
status_all(struct request *r)
{
	size_t n;
	const char **names = jail_names(r->d, &n);

	if (r->form == FORM_JSON)
		status_json(r, names, n);
	else
		tree_jails(r, names, n);
	free(names);
	if (r->form == FORM_F2B)
		return 0;
	if (r->form == FORM_TEXT)
		ours_daemon(r);
	for (size_t i = 0; r->form == FORM_TEXT && i < relay_actions(r->d->relay); i++)
		ours_action(r, relay_action(r->d->relay, i));
	status_hosts(r);
	return 0;
}

static void
add_file(void *arg, struct source *s)
{
	struct buf *b = arg;

	if (strncmp(source_name(s), "journal:", 8) != 0)
		buf_printf(b, "%s%s", b->len ? " " : "", source_name(s));
}

static void
tree_sources(struct request *r, const struct conf_jail *c, const struct watch *w)
{
	struct buf files = { 0 };

	if (c && (c->backend == BACKEND_JOURNAL || feed_by_journal(w))) {
		buf_puts(&r->out, "|  `- Journal matches:\t");
		for (size_t i = 0; i < c->filter.journalmatch.n; i++)
			buf_printf(&r->out, "%s%s", i ? " + " : "",
			    c->filter.journalmatch.v[i]);
	} else {
		if (w)
			feed_sources(r->d->feed, w, add_file, &files);
		buf_printf(&r->out, "|  `- File list:\t%s", files.len ? files.p : "");
	}
	buf_putc(&r->out, '\n');
	buf_fini(&files);
}

static void
tree_jail(struct request *r, const char *jail, bool brief)
{
	struct jail *j = engine_jail(r->d->engine, jail);
	struct engine_stats st;

	engine_stats(r->d->engine, jail, &st);
	buf_printf(&r->out,
	    "Status for the jail: %s\n|- Filter\n"
	    "|  |- Currently failed:\t%zu\n|  |- Total failed:\t%llu\n",
	    jail, st.tracked_now,
	    (unsigned long long)(st.failures - st.ignored - st.guarded));
	tree_sources(r, jail_conf(j), feed_watch_find(r->d->feed, jail));
	buf_printf(&r->out,
	    "`- Actions\n   |- Currently banned:\t%zu\n"
	    "   %c- Total banned:\t%llu\n",
	    st.banned_now, brief ? '`' : '|', (unsigned long long)st.bans);
	if (!brief)
		buf_puts(&r->out, "   `- Banned IP list:\t");
	if (!brief && r->form == FORM_TEXT && st.banned_now > STATUS_LIST_MAX)
		buf_printf(&r->out, "%zu, see: banctl list %s", st.banned_now, jail);
	else if (!brief)
		bans_begin(r, jail);
}

static void
ours_source(void *arg, struct source *s)
{
	struct buf *b = arg;
	struct source_stats st;
	char when[UNITS_TEXT] = "never";

	source_stats(s, &st);
	if (st.last_line_ms)
		units_time(st.last_line_ms, when);
	buf_printf(b,
	    "source %s:\n\t%s%llu lines, last line %s\n\t%llu too long, %llu bytes "
	    "lost, %llu rotations\n",
	    source_name(s), st.waiting ? "NOT THERE, " : "",
	    (unsigned long long)st.lines, when, (unsigned long long)st.long_lines,
	    (unsigned long long)st.lost_bytes, (unsigned long long)st.rotations);
}

static void
ours_rules(struct request *r, const struct watch *w)
{
	const struct rules_stats *st = rules_stats(w->rules);
	struct buf slow = { 0 };

	buf_printf(&r->out,
	    "lines:\t%llu seen, %llu candidates, %llu matched, %llu ignored\n",
	    (unsigned long long)st->lines, (unsigned long long)st->candidates,
	    (unsigned long long)st->matched, (unsigned long long)st->ignored);
	if (st->own_peer)
		buf_printf(&r->out, "trusted:\t%llu failures name only a trusted "
		    "address%s\n", (unsigned long long)st->own_peer,
		    rules_peers_only(w->rules) ?
		    ": the originating address is not configured" : "");
	rules_slow(w->rules, &slow);
	if (slow.len > 0)
		buf_printf(&r->out, "too slow:\t%llu searches given up: %s\n",
		    (unsigned long long)st->limit_hits, slow.p);
	buf_fini(&slow);
}

static void
ours_jail(struct request *r, const char *jail)
{
	const struct watch *w = feed_watch_find(r->d->feed, jail);
	struct engine_stats st;
	struct buf text = { 0 };

	engine_stats(r->d->engine, jail, &st);
	buf_putc(&r->out, '\n');
	if (w) {
		ours_rules(r, w);
		feed_sources(r->d->feed, w, ours_source, &r->out);
	}
	buf_printf(&r->out,
	    "ignored:\t%llu, leaks: %llu, counters: %zu of at most %zu\n",
	    (unsigned long long)st.ignored, (unsigned long long)st.leaks,
	    st.tracked_now, st.max_tracked);
	if (uncounted_text(r->d, jail, &text))
		buf_printf(&r->out, "not counted:\t%s\n", text.p);
	buf_fini(&text);
	for (size_t i = 0; i < relay_actions(r->d->relay); i++)
		if (relay_serves(r->d->relay, jail, i))
			ours_action(r, relay_action(r->d->relay, i));
}

static bool
status_some(struct request *r)
{
	return bans_some(r, " ", "");
}

static int
status_done(struct request *r)
{
	const char *jail = r->argv[1];
	bool brief = r->argc > 2 && !strcmp(r->argv[2], "short");

	if (r->form == FORM_JSON) {
		status_json_end(r, jail);
		return 0;
	}
	if (!brief)
		buf_putc(&r->out, '\n');
	if (r->form == FORM_TEXT)
		ours_jail(r, jail);
	return 0;
}

int
cmd_status(struct request *r)
{
	const char *jail = r->argc > 1 ? r->argv[1] : NULL;
	bool brief = r->argc > 2 && !strcmp(r->argv[2], "short");

	if (!jail)
		return status_all(r);
	if (!jail_wanted(r, jail))
		return -EINVAL;
	if (r->form == FORM_JSON) {
		status_json_jail(r, jail);
		bans_begin(r, jail);
	} else {
		tree_jail(r, jail, brief);
	}
	r->some = status_some;
	r->done = status_done;
	return 0;
}

int
cmd_stats(struct request *r)
{
	size_t n;
	const char **names = jail_names(r->d, &n);
	struct engine_stats st;

	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		engine_stats(r->d->engine, names[i], &st);
		if (r->form == FORM_JSON) {
			status_json_line(r, names[i], &st);
			continue;
		}
		buf_printf(&r->out, "%s\tfailed %zu of %llu\tbanned %zu of %llu\n",
		    names[i], st.tracked_now, (unsigned long long)st.failures,
		    st.banned_now, (unsigned long long)st.bans);
	}
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	free(names);
	return 0;
}
