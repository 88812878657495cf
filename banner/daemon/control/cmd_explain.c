/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_explain.c - explain, history: what happened and why.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/core/engine_state.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

enum { HISTORY_ROWS = 200, EVIDENCE_CUT = 400 };

struct where {
	struct request *r;
	const struct subject *subject;
	uint64_t ban; /* the newest one found */
};

static bool
subject_eq(const struct subject *a, const struct subject *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == SUBJECT_ADDR ? addr_contains(&a->addr, &b->addr)
				       : str_eq(a->text, b->text);
}

/* Hosts behind the action that do not have it. */
static void
where_missing(struct request *r, const struct ban *ban, size_t i)
{
	const struct missing *m = relay_missing(r->d->relay, ban->id, i);

	if (!m || !m->n)
		return;
	buf_puts(&r->out, "    on ");
	missing_text(m, &relay_action(r->d->relay, i)->targets, &r->out);
	buf_putc(&r->out, '\n');
}

static void
where_action(struct request *r, const struct ban *ban, size_t i)
{
	const struct relay_action *a = relay_action(r->d->relay, i);
	struct relay_status st;
	char when[UNITS_TEXT];

	relay_status(r->d->relay, ban->id, i, &st);
	switch (st.state) {
	case RELAY_NONE: return;
	case RELAY_WAITING:
		buf_printf(&r->out, "  action %s (%s): wanted, no answer yet\n",
		    a->conf->name, ban->jail);
		return;
	case RELAY_APPLIED:
		buf_printf(&r->out, "  action %s (%s): in force since %s\n",
		    a->conf->name, ban->jail, units_time(st.when_ms, when));
		break;
	case RELAY_FAILED:
		buf_printf(&r->out, "  action %s (%s): FAILED: %s\n", a->conf->name,
		    ban->jail, err_change(st.err));
		break;
	}
	where_missing(r, ban, i);
}

static bool
where_ban(void *arg, const struct ban *ban)
{
	struct where *w = arg;

	if (!subject_eq(&ban->subject, w->subject))
		return true;
	for (size_t i = 0; i < relay_actions(w->r->d->relay); i++)
		where_action(w->r, ban, i);
	if (ban->id > w->ban)
		w->ban = ban->id;
	return true;
}

int
cmd_explain(struct request *r)
{
	struct subject s;
	struct where w = { .r = r, .subject = &s };
	struct stream_query q = { .what = QUERY_BAN, .jail = "", .limit = 1 };
	struct buf text = { 0 };
	bool evidence;

	if (parse_subject(r->argv[1], &s, &r->err) < 0)
		return refuse(r, "usage", "\"%.60s\" is neither an address nor a name",
		    r->argv[1]);
	engine_explain(r->d->engine, &s, engined_now(), &text);
	if (r->form == FORM_JSON) {
		/* the same lines, one per element */
		struct str rest = buf_view(&text), line;

		json_open(&r->out, NULL, '[');
		while (text.len && str_cut(&rest, '\n', &line))
			if (line.len) {
				struct buf one = { 0 };

				buf_str(&one, line);
				json_text(&r->out, NULL, one.p);
				buf_fini(&one);
			}
		json_close(&r->out, ']');
		buf_fini(&text);
		return 0;
	}
	buf_str(&r->out, buf_view(&text));
	evidence = text.len && strstr(text.p, ": line: ");
	buf_fini(&text);
	engine_bans_each(r->d->engine, NULL, where_ban, &w);
	/* after a restart only the store has the lines */
	if (!w.ban || evidence)
		return 0;
	q.id = r->query = client_ticket(r->client);
	q.ban = w.ban;
	q.subject = s;
	r->rows = 1; /* silence when the store has no evidence */
	if (stream_query(r->d->stream, &q) < 0)
		r->query = 0;
	return 0;
}

int
cmd_history(struct request *r)
{
	struct stream_query q = {
		.what = QUERY_RECENT, .jail = "", .limit = HISTORY_ROWS
	};

	for (size_t i = 1; i < r->argc; i++) {
		if (engine_jail(r->d->engine, r->argv[i])) {
			q.jail = r->argv[i];
			continue;
		}
		if (parse_subject(r->argv[i], &q.subject, &r->err) < 0)
			return refuse(r, "usage", "%s", r->err.text);
		q.what = QUERY_SUBJECT;
	}
	if (q.what == QUERY_RECENT)
		q.subject.kind = SUBJECT_NONE;
	q.id = r->query = client_ticket(r->client);
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	if (stream_query(r->d->stream, &q) < 0)
		return refuse(r, "refused", "the store does not run");
	return 0;
}

static void
row_lines(struct request *r, struct wire_ban *b)
{
	for (uint32_t i = 0; i < b->nlines; i++) {
		struct str line = wire_get_str(&b->lines);

		if (b->lines.bad)
			return;
		buf_puts(&r->out, "    ");
		buf_safe(&r->out, str_trim(line), EVIDENCE_CUT);
		buf_putc(&r->out, '\n');
	}
}

static void
row_json(
    struct request *r, const struct wire_ban *b, const char *subject, int64_t ended)
{
	json_open(&r->out, NULL, '{');
	json_number(&r->out, "id", (int64_t)b->ban.id);
	json_text(&r->out, "jail", b->ban.jail);
	json_text(&r->out, "subject", subject);
	json_number(&r->out, "since_ms", b->ban.since_ms);
	json_number(&r->out, "until_ms", b->ban.until_ms);
	json_number(&r->out, "ended_ms", ended);
	json_number(&r->out, "failures", b->ban.failures);
	json_number(&r->out, "count", b->ban.count);
	json_close(&r->out, '}');
}

void
command_row(struct request *r, struct wire_in *in)
{
	int64_t ended = wire_get_i64(in);
	char since[UNITS_TEXT], until[UNITS_TEXT] = "for ever";
	struct buf subject = { 0 };
	struct wire_ban b;

	wire_get_u8(in);
	if (wire_get_ban(in, &b) < 0)
		return;
	subject_text(&b.ban.subject, &subject);
	if (r->form == FORM_JSON) {
		row_json(r, &b, subject.p, ended);
	} else if (!strcmp(r->argv[0], "explain")) {
		if (b.nlines)
			buf_puts(&r->out, "  lines that led to it:\n");
		row_lines(r, &b);
	} else {
		units_time(b.ban.since_ms, since);
		if (ended || b.ban.until_ms)
			units_time(ended ? ended : b.ban.until_ms, until);
		buf_printf(&r->out, "%s  %-40s %-20s %s %s  %u failures, ban %u\n",
		    since, subject.p, b.ban.jail, ended ? "ended" : "until", until,
		    b.ban.failures, b.ban.count);
	}
	r->rows++;
	buf_fini(&subject);
}
