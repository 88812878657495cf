/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_doctor.c - what each jail reads and finds, and what looks wrong.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "banner/base/clock.h"
#include "banner/base/units.h"
#include "banner/core/engine_state.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/logsample.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

enum { FINDING = 900, SPEAK_LEAST = 3 };

struct doctor {
	struct request *r;
	const struct watch *watch;
	const char *about; /* jail or action, or NULL */
	struct buf data; /* members of the next finding, for JSON */
	size_t sources, wrong;
	struct logsample *sample;
	struct logsample_sum sum; /* of the watch */
};

/* A number of the next finding. */
static void
put_number(struct doctor *doc, const char *name, uint64_t n)
{
	json_number(&doc->data, name, (int64_t)n);
}

/* What was found, by a name that stays; the numbers before it are its. */
static void __attribute__((format(printf, 4, 5)))
say(struct doctor *doc, const char *what, bool wrong, const char *fmt, ...)
{
	struct buf *out = &doc->r->out;
	char text[FINDING];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	doc->wrong += wrong;
	if (doc->r->form == FORM_JSON) {
		json_open(out, NULL, '{');
		json_text(out, "about", doc->about);
		json_text(out, "finding", what);
		json_bool(out, "wrong", wrong);
		json_text(out, "text", text);
		if (doc->data.len)
			buf_putc(out, ',');
		buf_str(out, buf_view(&doc->data));
		json_close(out, '}');
	} else
		buf_printf(out, "%s%s%s%s\n", doc->about ? doc->about : "",
		    doc->about ? ": " : "", wrong ? "WRONG: " : "", text);
	buf_clear(&doc->data);
}

static void
look_end(struct doctor *doc, const char *name, uint64_t judged)
{
	struct buf twice = { 0 };

	doc->sum.judged = judged;
	logsample_file(doc->sample, doc->watch->conf, name, &doc->sum, &twice);
	if (twice.len)
		say(doc, "counted_twice", true, "%s", twice.p);
	buf_fini(&twice);
}

static void
look_source(void *arg, struct source *s)
{
	struct doctor *doc = arg;
	struct source_stats st;
	char when[UNITS_TEXT];

	doc->sources++;
	source_stats(s, &st);
	look_end(doc, source_name(s), st.lines);
	json_text(&doc->data, "log", source_name(s));
	if (st.waiting) {
		say(doc, "no_log", true, "%s is not there; the jail waits for it",
		    source_name(s));
		return;
	}
	put_number(doc, "lines", st.lines);
	put_number(doc, "last_ms", (uint64_t)st.last_line_ms);
	if (!st.last_line_ms)
		say(doc, "log", false, "reads %s: no line so far", source_name(s));
	else
		say(doc, "log", engined_now() - st.last_line_ms > MS_PER_DAY,
		    "reads %s: %llu lines, the last at %s", source_name(s),
		    (unsigned long long)st.lines, units_time(st.last_line_ms, when));
	if (!st.long_lines && !st.lost_bytes)
		return;
	json_text(&doc->data, "log", source_name(s));
	put_number(doc, "too_long", st.long_lines);
	put_number(doc, "lost_bytes", st.lost_bytes);
	say(doc, "lost", true, "%s: %llu lines too long, %llu bytes lost",
	    source_name(s), (unsigned long long)st.long_lines,
	    (unsigned long long)st.lost_bytes);
}

/* Dates and addresses that cannot be right. */
static void
look_lines(struct doctor *doc, const struct rules_stats *st)
{
	if (st->no_date && st->no_date * 2 > st->candidates)
		say(doc, "no_date", true,
		    "most lines have no date that is understood: see datepattern");
	if (st->too_old && st->too_old * 2 > st->candidates && st->candidates > 20)
		say(doc, "too_old", true,
		    "most lines are older than findtime: is the time zone of "
		    "the log another one?");
	if (rules_peers_only(doc->watch->rules))
		say(doc, "trusted_peers", true,
		    "%llu failures name only a trusted address: the proxy does not "
		    "tell whom it serves, or is not believed (Zimbra: "
		    "zimbraMailTrustedIP); nobody can be banned for them",
		    (unsigned long long)st->own_peer);
}

static void
look_matches(struct doctor *doc, const struct rules_stats *st)
{
	const char *filter = doc->watch->conf->filter.name;

	if (st->own_peer)
		say(doc, "trusted_share", false,
		    "%llu %% of the failures name a trusted peer alone",
		    (unsigned long long)(100 * st->own_peer /
		    (st->own_peer + st->matched)));
	if (st->matched || st->ignored || st->own_peer)
		return;
	if (doc->sum.speaking >= SPEAK_LEAST)
		say(doc, "no_match", true,
		    "filter %s matches nothing although %zu of the last "
		    "%zu lines speak of failed logins", filter, doc->sum.speaking,
		    doc->sum.lines);
	else if (st->lines > 100)
		say(doc, "no_match", true,
		    "%llu lines read, %llu candidates, and none "
		    "matched: is this the right log for filter %s?",
		    (unsigned long long)st->lines, (unsigned long long)st->candidates,
		    filter);
}

/* What came of the lines; of the causes of refusal those that there were. */
static void
say_lines(struct doctor *doc, const struct rules_stats *st)
{
	const struct { const char *name, *text; uint64_t n; } refused[] = {
		{ "ignored", "ignored", st->ignored },
		{ "too_old", "too old", st->too_old },
		{ "no_date", "without date", st->no_date },
		{ "no_address", "without address", st->bad_host },
		{ "gave_up", "given up", st->errors },
	};
	struct buf text = { 0 };

	put_number(doc, "lines", st->lines);
	put_number(doc, "candidates", st->candidates);
	put_number(doc, "failures", st->matched);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		put_number(doc, refused[i].name, refused[i].n);
		if (refused[i].n)
			buf_printf(&text, "%s%llu %s", text.len ? ", " : "; refused: ",
			    (unsigned long long)refused[i].n, refused[i].text);
	}
	say(doc, "lines", false, "%llu lines, %llu candidates, %llu failures%s",
	    (unsigned long long)st->lines, (unsigned long long)st->candidates,
	    (unsigned long long)st->matched, text.len ? text.p : "");
	buf_fini(&text);
}

static void
look_rules(struct doctor *doc)
{
	const struct rules_stats *st = rules_stats(doc->watch->rules);

	say_lines(doc, st);
	look_matches(doc, st);
	look_lines(doc, st);
	if (st->errors)
		say(doc, "gave_up", true,
		    "a regex gave up on some lines: see banctl status %s", doc->about);
	if (rules_every_line(doc->watch->rules))
		say(doc, "every_line", false,
		    "a rule without fixed text sees every line");
}

static void
look_action(struct doctor *doc, const struct relay_action *a)
{
	int64_t owes_ms = clock_ms(CLOCK_MONOTONIC) - a->owes_ms;

	if (a->waiting && owes_ms > ANSWER_MS)
		say(doc, "no_answer", true, "bans wait, and it answers nothing for "
		    "%lld s", (long long)(owes_ms / MS_PER_S));
	if (a->lacking)
		say(doc, "action", true, "bans not in force: %llu; %s",
		    (unsigned long long)a->lacking, a->last_error);
	else if (a->last_error[0])
		say(doc, "action", engined_now() - a->failed_ms < MS_PER_HOUR, "%s",
		    a->last_error);
}

static void
look_actions(struct doctor *doc)
{
	struct relay *relay = doc->r->d->relay;

	for (size_t i = 0; i < relay_actions(relay); i++) {
		const struct relay_action *a = relay_action(relay, i);

		doc->about = a->conf->name;
		if (!a->connected)
			say(doc, "no_actor", true,
			    "its actor does not run: see the log");
		else
			look_action(doc, a);
	}
	doc->about = NULL;
}

static void
look_daemon(struct doctor *doc)
{
	struct engined *d = doc->r->d;
	struct engine_stats st;

	if (stream_trouble(d->stream)[0])
		say(doc, "store", true, "store: %s", stream_trouble(d->stream));
	if (d->paused)
		say(doc, "panic", true,
		    "panic: nothing is in force until banctl resume");
	engine_stats(d->engine, NULL, &st);
	if (st.leaks)
		say(doc, "leaks", true,
		    "banned clients still get through: is this host behind a "
		    "proxy? see trusted in banner.conf(5)");
	if (feed_refused(d->feed))
		say(doc, "caps", true, "%zu logs are not followed: more than %d",
		    feed_refused(d->feed), SOURCE_FILES_MAX);
	if (st.evicted_bans || st.evicted_keys)
		say(doc, "caps", true,
		    "caps were reached: see max_bans and max_tracked");
}

int
cmd_doctor(struct request *r)
{
	struct doctor doc = { .r = r, .sample = logsample_new() };

	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	for (size_t i = 0; i < feed_watches(r->d->feed); i++) {
		doc.watch = feed_watch(r->d->feed, i);
		doc.about = doc.watch->conf->name;
		doc.sources = 0;
		doc.sum = (struct logsample_sum){ 0 };
		feed_sources(r->d->feed, doc.watch, look_source, &doc);
		if (!doc.sources)
			say(&doc, "no_log", true, "reads nothing: no log file exists");
		look_rules(&doc);
	}
	doc.about = NULL;
	look_actions(&doc);
	look_daemon(&doc);
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	else if (!doc.wrong)
		buf_puts(&r->out, "nothing wrong found\n");
	logsample_free(doc.sample);
	buf_fini(&doc.data);
	return doc.wrong ? refuse(r, "wrong", "%zu thing%s", doc.wrong,
	    doc.wrong == 1 ? " looks wrong" : "s look wrong") : 0;
}
