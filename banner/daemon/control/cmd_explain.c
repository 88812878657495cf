/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_explain.c - explain: why is it banned, or why not, in words.
 *
 * The engine knows the bans in force and what is counted; the store follows with the
 * bans that ended, and with the lines of those that are older than this engine.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/explain.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/uncounted.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"
#include "banner/daemon/proc/wire.h"

enum { PAST_ROWS = 10, EVIDENCE_CUT = 300 };

/* What else may be why a failure counted nothing: nobody knows whose it was. */
static void
say_uncounted(struct request *r, const char *jail)
{
	struct buf text = { 0 };

	if (uncounted_text(r->d, jail, &text))
		buf_printf(&r->out, "%s: not counted since the start, of anybody: %s\n",
		    jail, text.p);
	buf_fini(&text);
}

/* Hosts behind the action that do not have it. */
static void
say_missing(struct request *r, const struct ban *ban, size_t action)
{
	const struct missing *m = relay_missing(r->d->relay, ban->id, action);

	if (!m || !m->n)
		return;
	buf_puts(&r->out, "    on ");
	missing_text(m, &relay_action(r->d->relay, action)->targets, &r->out);
	buf_putc(&r->out, '\n');
}

static void
say_action(struct request *r, const struct ban *ban, size_t i)
{
	const char *name = relay_action(r->d->relay, i)->conf->name;
	struct relay_status st;
	char when[UNITS_TEXT];

	relay_status(r->d->relay, ban->id, i, &st);
	switch (st.state) {
	case RELAY_NONE: return;
	case RELAY_WAITING:
		buf_printf(&r->out, "  action %s (%s): wanted, no answer yet\n", name,
		    ban->jail);
		return;
	case RELAY_APPLIED:
		buf_printf(&r->out, "  action %s (%s): in force since %s\n", name,
		    ban->jail, units_time(st.when_ms, when));
		break;
	case RELAY_FAILED:
		buf_printf(&r->out, "  action %s (%s): FAILED: %s\n", name, ban->jail,
		    err_change(st.err));
		break;
	}
	say_missing(r, ban, i);
}

static void
say_guard(void *arg, const char *why)
{
	struct request *r = arg;

	buf_printf(&r->out, "never banned: %s\n", why);
}

static void
say_ban(void *arg, const struct explain_ban *e)
{
	struct request *r = arg;

	explain_ban_text(e, engined_now(), &r->out);
	if (!e->lines.n)
		buf_add(&r->silent, &e->ban->id, sizeof(e->ban->id));
	for (size_t i = 0; i < relay_actions(r->d->relay); i++)
		say_action(r, e->ban, i);
}

static void
say_jail(void *arg, const struct explain_jail *e)
{
	struct request *r = arg;

	explain_jail_text(e, &r->out);
}

/* A slip of the pen is a name, too. */
static bool
looks_like_addr(const char *text)
{
	return strpbrk(text, ".:") && strspn(text, "0123456789abcdefABCDEF.:/[]") ==
	    strlen(text);
}

static void
explain_words(struct request *r, const struct subject *s)
{
	static const struct explain_to to = { .guard = say_guard, .ban = say_ban,
		.jail = say_jail };
	struct explain_to with = to;
	struct explain_found found;

	with.arg = r;
	if (s->kind == SUBJECT_ID && looks_like_addr(r->argv[1]))
		buf_printf(&r->out, "\"%s\" is no address; taken for a name\n",
		    r->argv[1]);
	if (r->d->paused)
		buf_puts(&r->out, "panic: nothing is in force until banctl resume\n");
	if (r->d->mode == MODE_DRY)
		buf_puts(&r->out, "dry run: nothing is carried out\n");
	explain(r->d->engine, s, engined_now(), &with, &found);
	if (found.unsaid)
		buf_printf(&r->out, "%zu more bans lie in it: see banctl list\n",
		    found.unsaid);
	if (found.nothing)
		buf_puts(&r->out, "not banned: no failures known in any jail\n");
	else if (!found.bans)
		buf_puts(&r->out, "not banned now\n");
	for (size_t i = 0; !found.bans && i < feed_watches(r->d->feed); i++)
		say_uncounted(r, feed_watch(r->d->feed, i)->conf->name);
}

int
cmd_explain(struct request *r)
{
	struct stream_query q = { .what = QUERY_EXPLAIN, .jail = "",
		.limit = PAST_ROWS };

	if (parse_subject(r->argv[1], &q.subject, &r->err) < 0)
		return refuse(r, "usage", "\"%.60s\" is neither an address nor a name",
		    r->argv[1]);
	if (r->form == FORM_JSON)
		explain_json(r, &q.subject);
	else
		explain_words(r, &q.subject);
	q.id = r->query = client_ticket(r->client);
	if (stream_query(r->d->stream, &q) == 0)
		return 0;
	r->query = 0;
	if (r->form == FORM_JSON)
		command_close(r);
	else
		buf_puts(&r->out, "the store does not run: past bans are not known\n");
	return 0;
}

/* Was the ban told without its lines? */
static bool
is_silent(const struct request *r, uint64_t id)
{
	for (size_t at = 0; at < r->silent.len; at += sizeof(id))
		if (!memcmp(r->silent.p + at, &id, sizeof(id)))
			return true;
	return false;
}

static void
say_lines(struct request *r, const struct wire_ban *b)
{
	struct wire_in lines = b->lines;

	for (uint32_t i = 0; i < b->nlines; i++) {
		struct str line = wire_get_str(&lines);

		if (lines.bad)
			return;
		buf_printf(&r->out, "%s: line: ", b->ban.jail);
		buf_safe(&r->out, str_trim(line), EVIDENCE_CUT);
		buf_putc(&r->out, '\n');
	}
}

static const char *
end_text(enum cause cause)
{
	switch (cause) {
	case CAUSE_EXPIRED: return "its time was over";
	case CAUSE_ADMIN: return "lifted by an administrator";
	case CAUSE_EVICTED: return "released for others: max_bans";
	case CAUSE_BLOCKLIST: return "taken off the blocklist";
	case CAUSE_GUARD: return "may not be banned any more";
	case CAUSE_CONFIG: return "by the configuration or an allow list";
	case CAUSE_FAILURES:
	case CAUSE_RESTORE: break;
	}
	return "ended";
}

void
explain_row(struct request *r, const struct history_row *row)
{
	const struct ban *ban = &row->ban->ban;
	char since[UNITS_TEXT], ended[UNITS_TEXT];

	if (r->form == FORM_JSON) {
		history_json(r, row, true);
	} else if (row->ended_ms) {
		buf_printf(&r->out, "%s: was banned: %s from %s to %s (%s)", ban->jail,
		    row->subject, units_time(ban->since_ms, since),
		    units_time(row->ended_ms, ended),
		    end_text((enum cause)row->cause));
		if (ban->failures)
			buf_printf(&r->out, ", after %u failure%s", ban->failures,
			    ban->failures == 1 ? "" : "s");
		buf_putc(&r->out, '\n');
	} else if (is_silent(r, ban->id)) {
		say_lines(r, row->ban);
	}
}
