/* SPDX-License-Identifier: GPL-2.0-or-later
 * outbox.c - what the engine decided: log lines, records, orders to the actors.
 *
 * The first line of a decision has exactly fail2ban's shape, because its recidive
 * filter and monitors parse it; what else is known follows in a second line.
 */
#include <string.h>

#include "banner/base/units.h"
#include "banner/core/subject.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

#define ACTIONS "fail2ban.actions"
#define FILTER "fail2ban.filter"

static const char *const cause_names[] = {
	[CAUSE_FAILURES] = "failures",
	[CAUSE_ADMIN] = "admin",
	[CAUSE_RESTORE] = "restore",
	[CAUSE_EXPIRED] = "expired",
	[CAUSE_EVICTED] = "evicted",
	[CAUSE_BLOCKLIST] = "blocklist",
	[CAUSE_GUARD] = "guard",
	[CAUSE_CONFIG] = "config",
};

const char *
outbox_cause(enum cause cause)
{
	return cause_names[cause];
}

static const char *
verb_text(const struct order *o)
{
	switch (o->verb) {
	case VERB_BAN: return o->cause == CAUSE_RESTORE ? "Restore Ban" : "Ban";
	case VERB_UNBAN: return "Unban";
	case VERB_PROLONG: return "Increase Ban";
	}
	return "";
}

/* "[JAIL] WORD SUBJECT"; put together by hand, as there is one for each failure. */
static void
put_head(struct buf *b, const char *jail, const char *word, const char *subject)
{
	buf_putc(b, '[');
	buf_puts(b, jail);
	buf_puts(b, "] ");
	buf_puts(b, word);
	buf_puts(b, subject);
}

static void
put_number(struct buf *b, const char *name, uint64_t v)
{
	buf_puts(b, name);
	buf_i64(b, (int64_t)v);
}

static void
put_details(struct buf *b, const struct order *o, const char *subject)
{
	const struct ban *ban = o->ban;
	char until[UNITS_TEXT] = "forever";

	if (ban->until_ms)
		units_time(ban->until_ms, until);
	buf_puts(b, o->verb == VERB_UNBAN ? "end subject=" : "start subject=");
	buf_puts(b, subject);
	buf_puts(b, " jail=");
	buf_puts(b, ban->jail);
	put_number(b, " id=", ban->id);
	buf_puts(b, " cause=");
	buf_puts(b, outbox_cause(o->cause));
	put_number(b, " failures=", ban->failures);
	put_number(b, " count=", ban->count);
	buf_puts(b, " until=\"");
	buf_puts(b, until);
	buf_putc(b, '"');
}

static void
log_order(struct outbox *out, const struct order *o)
{
	if (log_wants(LEVEL_NOTICE)) {
		buf_clear(&out->text);
		put_head(&out->text, o->ban->jail, verb_text(o), " ");
		buf_puts(&out->text, out->subject.p);
		log_text(LEVEL_NOTICE, ACTIONS, out->text.p);
	}
	if (log_wants(LEVEL_INFO) && o->cause != CAUSE_RESTORE) {
		buf_clear(&out->text);
		put_details(&out->text, o, out->subject.p);
		log_text(LEVEL_INFO, "banner.ban", out->text.p);
	}
}

/* The actors come first: what else there is to do can be done while they work. */
void
outbox_emit(void *arg, const struct order *o)
{
	struct engined *d = arg;

	relay_order(d->relay, o);
	stream_order(d->stream, o);
	subject_text(&o->ban->subject, &d->outbox.subject);
	log_order(&d->outbox, o);
	control_order(d->control, o, d->outbox.subject.p);
	engined_turn(d);
}

/* Most failures are of the same second as the one before. */
static const char *
time_text(struct outbox *out, int64_t when_ms)
{
	int64_t s = when_ms / MS_PER_S;

	if (!out->when[0] || s != out->when_s)
		units_time(when_ms, out->when);
	out->when_s = s;
	return out->when;
}

static void
notice_text(struct outbox *out, const struct notice *n, const char *who)
{
	struct buf *b = &out->text;

	buf_clear(b);
	switch (n->event) {
	case EVENT_FOUND:
		put_head(b, n->jail, "Found ", who);
		buf_puts(b, " - ");
		if (n->failure)
			buf_puts(b, time_text(out, n->failure->when_ms));
		break;
	case EVENT_ALREADY:
		put_head(b, n->jail, who, " already banned");
		break;
	case EVENT_IGNORED:
		put_head(b, n->jail, "Ignore ", who);
		buf_putc(b, ' ');
		buf_puts(b, n->text);
		break;
	case EVENT_GUARDED:
		put_head(b, n->jail, who, " is never banned: ");
		buf_puts(b, n->text);
		break;
	case EVENT_CAP:
	case EVENT_RATE:
		put_head(b, n->jail ? n->jail : "all", n->text, "");
		break;
	case EVENT_LEAK:
		put_head(b, n->jail, who, " is banned but still fails: ");
		buf_puts(b, n->text);
		break;
	}
}

static const char *
notice_word(enum notice_event event)
{
	switch (event) {
	case EVENT_FOUND: return "found";
	case EVENT_IGNORED: return "ignored";
	case EVENT_ALREADY: return "already";
	case EVENT_GUARDED: return "guarded";
	case EVENT_CAP: return "cap";
	case EVENT_LEAK: return "leak";
	case EVENT_RATE: return "rate";
	}
	return "";
}

static enum log_level
notice_level(enum notice_event event)
{
	switch (event) {
	case EVENT_FOUND:
	case EVENT_IGNORED: return LEVEL_INFO;
	case EVENT_ALREADY: return LEVEL_NOTICE;
	case EVENT_GUARDED:
	case EVENT_CAP:
	case EVENT_LEAK: return LEVEL_WARNING;
	case EVENT_RATE: return LEVEL_ERROR;
	}
	return LEVEL_INFO;
}

void
outbox_notice(void *arg, const struct notice *n)
{
	struct engined *d = arg;
	enum log_level level = notice_level(n->event);
	bool ours = n->event != EVENT_FOUND && n->event != EVENT_IGNORED &&
	    n->event != EVENT_ALREADY;
	const char *who = "";

	if (!log_wants(level) && !control_watched(d->control))
		return;
	if (n->failure)
		who = subject_text(&n->failure->subject, &d->outbox.subject);
	notice_text(&d->outbox, n, who);
	log_text(level,
	    ours                            ? "banner.engine"
		: n->event == EVENT_ALREADY ? ACTIONS
					    : FILTER,
	    d->outbox.text.p);
	control_event(d->control, &(struct news_event){ notice_word(n->event),
	    n->jail ? n->jail : "", who, d->outbox.text.p });
}

void
outbox_fini(struct outbox *out)
{
	buf_fini(&out->subject);
	buf_fini(&out->text);
}
