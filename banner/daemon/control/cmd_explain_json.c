/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_explain_json.c - explain as data; the members are those of banner-control(7).
 */
#include <stdio.h>

#include "banner/conf/conf.h"
#include "banner/core/explain.h"
#include "banner/core/subject.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/uncounted.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/relay.h"

/* Found before they are written: jails come after all bans. */
struct parts {
	struct request *r;
	struct buf jails;
	const char *guard;
	char why[200];
	bool banned;
};

static void
put_lines(const struct parts *p, struct buf *b, const struct explain_lines *l)
{
	json_open(b, "lines", '[');
	for (size_t i = 0; i < l->n; i++) {
		struct evidence_from from = evidence_from(l->v[i]);

		json_open(b, NULL, '{');
		json_str(b, "text", str_trim(l->v[i]));
		json_text(b, "log", feed_log(p->r->d->feed, from.log));
		if (from.log)
			json_number(b, "rule", from.rule + 1);
		else
			json_text(b, "rule", NULL);
		json_close(b, '}');
	}
	json_close(b, ']');
}

static const char *
state_word(enum relay_state state)
{
	switch (state) {
	case RELAY_NONE: break;
	case RELAY_WAITING: return "waiting";
	case RELAY_APPLIED: return "in force";
	case RELAY_FAILED: return "failed";
	}
	return "none";
}

static void
put_missing(struct buf *b, const struct relay_action *a, const struct missing *m)
{
	json_number(b, "hosts", a->targets.all);
	json_open(b, "missing", '[');
	for (unsigned i = 0; m && i < m->n; i++) {
		json_open(b, NULL, '{');
		json_text(b, "host", a->targets.name[m->v[i].target]);
		json_text(b, "error", err_change(m->v[i].err));
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
put_actions(struct request *r, const struct ban *ban)
{
	struct buf *b = &r->out;

	json_open(b, "actions", '[');
	for (size_t i = 0; i < relay_actions(r->d->relay); i++) {
		const struct relay_action *a = relay_action(r->d->relay, i);
		struct relay_status st;

		relay_status(r->d->relay, ban->id, i, &st);
		if (st.state == RELAY_NONE)
			continue;
		json_open(b, NULL, '{');
		json_text(b, "action", a->conf->name);
		json_text(b, "state", state_word(st.state));
		json_number(b, "since_ms",
		    st.state == RELAY_APPLIED ? st.when_ms : 0);
		json_text(b, "error",
		    st.state == RELAY_FAILED ? err_change(st.err) : NULL);
		put_missing(b, a, relay_missing(r->d->relay, ban->id, i));
		json_close(b, '}');
	}
	json_close(b, ']');
}

static void
on_guard(void *arg, const char *why)
{
	struct parts *p = arg;

	snprintf(p->why, sizeof(p->why), "%s", why);
	p->guard = p->why;
}

static void
on_ban(void *arg, const struct explain_ban *e)
{
	struct parts *p = arg;
	struct buf *b = &p->r->out, text = { 0 };
	const struct ban *ban = e->ban;

	p->banned = true;
	json_open(b, NULL, '{');
	json_number(b, "id", (int64_t)ban->id);
	json_text(b, "jail", ban->jail);
	json_text(b, "subject", subject_text(&ban->subject, &text));
	json_number(b, "since_ms", ban->since_ms);
	json_number(b, "until_ms", ban->until_ms);
	json_number(b, "failures", ban->failures);
	json_number(b, "count", ban->count);
	json_bool(b, "manual", ban->manual);
	json_bool(b, "blocklist", e->listed);
	json_bool(b, "restored", ban->restored);
	json_text(b, "comment", ban->comment);
	json_number(b, "failures_while_banned", e->hits);
	json_number(b, "leaks", e->leaks);
	put_lines(p, b, &e->lines);
	put_actions(p->r, ban);
	json_close(b, '}');
	buf_fini(&text);
}

static const char *
spared_word(enum explain_spared spared)
{
	switch (spared) {
	case SPARED_NOT: break;
	case SPARED_LIST: return "ignoreip";
	case SPARED_SELF: return "ignoreself";
	case SPARED_KNOWN_HOST: return "knownhost";
	case SPARED_STOPPED: return "stopped";
	}
	return NULL;
}

static void
on_jail(void *arg, const struct explain_jail *e)
{
	struct parts *p = arg;
	struct buf *b = &p->jails;
	const struct conf_jail *c = e->jail;

	json_open(b, NULL, '{');
	json_text(b, "jail", c->name);
	json_text(b, "file", c->file);
	json_number(b, "line", c->line);
	json_text(b, "spared", spared_word(e->spared));
	json_text(b, "entry", e->entry);
	json_bool(b, "known", e->knows);
	json_bool(b, "waiting", e->waiting);
	json_number(b, "bans_before", e->before);
	json_text(b, "counts", explain_counted(c));
	json_number(b, "counted", e->counts ? e->sum.count : 0);
	json_number(b, "maxretry", c->maxretry);
	json_number(b, "findtime_ms", c->findtime_ms);
	json_number(b, "first_ms", e->counts ? e->sum.first_ms : 0);
	json_number(b, "last_ms", e->counts ? e->sum.newest_ms : 0);
	put_lines(p, b, &e->lines);
	uncounted_json(p->r->d, c->name, b);
	json_close(b, '}');
}

static const char *
kind_word(enum subject_kind kind)
{
	switch (kind) {
	case SUBJECT_ADDR: return "address";
	case SUBJECT_USER: return "user";
	case SUBJECT_ID: return "name";
	case SUBJECT_NONE: break;
	}
	return "total";
}

void
explain_json(struct request *r, const struct subject *s)
{
	struct parts p = { .r = r };
	struct explain_to to = { &p, on_guard, on_ban, on_jail };
	struct explain_found found;
	struct buf text = { 0 };

	json_open(&r->out, NULL, '{');
	json_text(&r->out, "subject", subject_text(s, &text));
	json_text(&r->out, "kind", kind_word(s->kind));
	json_open(&r->out, "bans", '[');
	explain(r->d->engine, s, engined_now(), &to, &found);
	json_close(&r->out, ']');
	json_bool(&r->out, "banned", p.banned);
	json_number(&r->out, "bans_not_shown", (int64_t)found.unsaid);
	json_text(&r->out, "never_banned", p.guard);
	json_bool(&r->out, "panic", r->d->paused);
	json_bool(&r->out, "dry_run", r->d->mode == MODE_DRY);
	json_open(&r->out, "jails", '[');
	buf_str(&r->out, buf_view(&p.jails));
	json_close(&r->out, ']');
	json_open(&r->out, "history", '[');
	r->closing = "]}";
	buf_fini(&p.jails);
	buf_fini(&text);
}
