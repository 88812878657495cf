/* SPDX-License-Identifier: GPL-2.0-or-later
 * outbox.c - what the engine decided: log lines, records, orders to the actors.
 *
 * The first line of a decision has exactly fail2ban's shape, because its recidive
 * filter and monitors parse it; what else is known follows in a second line.
 */
#include <string.h>

#include "banner/base/units.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/context.h"
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
subject_text(const struct subject *s, struct buf *b)
{
	char text[ADDR_TEXT];

	buf_clear(b);
	switch (s->kind) {
	case SUBJECT_ADDR: buf_puts(b, addr_print(&s->addr, text)); break;
	case SUBJECT_USER:
	case SUBJECT_ID: buf_safe(b, s->text, SUBJECT_TEXT); break;
	case SUBJECT_NONE: buf_puts(b, "total"); break;
	}
	return b->p;
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

static void
log_details(const struct order *o, const char *subject)
{
	char until[UNITS_TEXT] = "forever";
	const struct ban *b = o->ban;

	if (b->until_ms)
		units_time(b->until_ms, until);
	log_info("banner.ban",
	    "%s subject=%s jail=%s id=%llu cause=%s failures=%u count=%u "
	    "until=\"%s\"",
	    o->verb == VERB_UNBAN ? "end" : "start", subject, b->jail,
	    (unsigned long long)b->id, cause_names[o->cause], b->failures, b->count,
	    until);
}

void
outbox_emit(void *arg, const struct order *o)
{
	struct engined *d = arg;
	struct buf subject = { 0 };

	subject_text(&o->ban->subject, &subject);
	log_notice(ACTIONS, "[%s] %s %s", o->ban->jail, verb_text(o), subject.p);
	if (o->cause != CAUSE_RESTORE)
		log_details(o, subject.p);
	stream_order(d->stream, o);
	relay_order(d->relay, o);
	control_order(d->control, o, subject.p);
	buf_fini(&subject);
	engined_turn(d);
}

static void
notice_text(const struct notice *n, struct buf *b)
{
	const struct failure *f = n->failure;
	struct buf subject = { 0 };
	char when[UNITS_TEXT] = "";
	const char *who = f ? subject_text(&f->subject, &subject) : "";

	if (f)
		units_time(f->when_ms, when);
	switch (n->event) {
	case EVENT_FOUND:
		buf_printf(b, "[%s] Found %s - %s", n->jail, who, when);
		break;
	case EVENT_ALREADY:
		buf_printf(b, "[%s] %s already banned", n->jail, who);
		break;
	case EVENT_IGNORED:
		buf_printf(b, "[%s] Ignore %s %s", n->jail, who, n->text);
		break;
	case EVENT_GUARDED:
		buf_printf(b, "[%s] %s is never banned: %s", n->jail, who, n->text);
		break;
	case EVENT_CAP:
	case EVENT_RATE:
		buf_printf(b, "[%s] %s", n->jail ? n->jail : "all", n->text);
		break;
	case EVENT_LEAK:
		buf_printf(
		    b, "[%s] %s is banned but still fails: %s", n->jail, who, n->text);
		break;
	}
	buf_fini(&subject);
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
	struct buf b = { 0 };

	if (!log_wants(level) && !control_watched(d->control))
		return;
	notice_text(n, &b);
	log_line(level,
	    ours                            ? "banner.engine"
		: n->event == EVENT_ALREADY ? ACTIONS
					    : FILTER,
	    "%s", b.p);
	control_event(d->control, b.p);
	buf_fini(&b);
}
