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
	struct buf *out;
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

static void
json_line(struct request *r, struct str line)
{
	struct buf one = { 0 };

	buf_str(&one, line);
	if (line.len)
		json_text(&r->out, NULL, one.p);
	buf_fini(&one);
}

/* Hosts behind the action that do not have it. */
static void
where_missing(struct where *w, const struct ban *ban, size_t i)
{
	const struct missing *m = relay_missing(w->r->d->relay, ban->id, i);

	if (!m || !m->n)
		return;
	buf_puts(w->out, "    on ");
	missing_text(m, &relay_action(w->r->d->relay, i)->targets, w->out);
	buf_putc(w->out, '\n');
}

static void
where_action(struct where *w, const struct ban *ban, size_t i)
{
	const struct relay_action *a = relay_action(w->r->d->relay, i);
	struct relay_status st;
	char when[UNITS_TEXT];

	relay_status(w->r->d->relay, ban->id, i, &st);
	switch (st.state) {
	case RELAY_NONE: return;
	case RELAY_WAITING:
		buf_printf(w->out, "  action %s (%s): wanted, no answer yet\n",
		    a->conf->name, ban->jail);
		return;
	case RELAY_APPLIED:
		buf_printf(w->out, "  action %s (%s): in force since %s\n",
		    a->conf->name, ban->jail, units_time(st.when_ms, when));
		break;
	case RELAY_FAILED:
		buf_printf(w->out, "  action %s (%s): FAILED: %s\n", a->conf->name,
		    ban->jail, err_change(st.err));
		break;
	}
	where_missing(w, ban, i);
}

static bool
where_ban(void *arg, const struct ban *ban)
{
	struct where *w = arg;

	if (!subject_eq(&ban->subject, w->subject))
		return true;
	for (size_t i = 0; i < relay_actions(w->r->d->relay); i++)
		where_action(w, ban, i);
	if (ban->id > w->ban)
		w->ban = ban->id;
	return true;
}

/* The text, or in JSON its lines as a list that the store may make longer. */
static void
put_lines(struct request *r, const struct buf *text)
{
	struct str rest = buf_view(text), line;

	if (r->form != FORM_JSON) {
		buf_str(&r->out, rest);
		return;
	}
	json_open(&r->out, NULL, '[');
	while (text->len && str_cut(&rest, '\n', &line))
		json_line(r, str_trim(line));
}

/* After a restart only the store has the lines. */
static void
ask_evidence(struct request *r, const struct where *w)
{
	struct stream_query q = { .what = QUERY_BAN, .jail = "", .limit = 1,
		.ban = w->ban, .subject = *w->subject };

	q.id = r->query = client_ticket(r->client);
	r->rows = 1; /* silence when the store has no evidence */
	if (stream_query(r->d->stream, &q) < 0)
		r->query = 0;
}

/* A name may be a user or an id: that of which there is a ban is meant. */
static void
user_or_id(struct engine *en, struct subject *s)
{
	struct subject user = { .kind = SUBJECT_USER, .text = s->text };

	for (size_t i = 0; s->kind == SUBJECT_ID && i < engine_jails(en); i++)
		if (engine_ban_find(en, jail_name(engine_jail_at(en, i)), &user))
			s->kind = SUBJECT_USER;
}

int
cmd_explain(struct request *r)
{
	struct subject s;
	struct buf text = { 0 };
	struct where w = { .r = r, .out = &text, .subject = &s };
	bool evidence;

	if (parse_subject(r->argv[1], &s, &r->err) < 0)
		return refuse(r, "usage", "\"%.60s\" is neither an address nor a name",
		    r->argv[1]);
	user_or_id(r->d->engine, &s);
	engine_explain(r->d->engine, &s, engined_now(), &text);
	evidence = text.len && strstr(text.p, ": line: ");
	engine_bans_each(r->d->engine, NULL, where_ban, &w);
	put_lines(r, &text);
	buf_fini(&text);
	if (w.ban && !evidence)
		ask_evidence(r, &w);
	if (r->form == FORM_JSON && !r->query)
		json_close(&r->out, ']');
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
	bool json = r->form == FORM_JSON;

	if (b->nlines && !json)
		buf_puts(&r->out, "  lines that led to it:\n");
	for (uint32_t i = 0; i < b->nlines; i++) {
		struct str line = wire_get_str(&b->lines);
		struct buf text = { 0 };

		if (b->lines.bad)
			return;
		buf_puts(&text, json ? "line: " : "    ");
		buf_safe(&text, str_trim(line), EVIDENCE_CUT);
		if (json)
			json_line(r, buf_view(&text));
		else
			buf_printf(&r->out, "%s\n", text.p);
		buf_fini(&text);
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
command_rows_end(struct request *r)
{
	if (!r->rows)
		buf_puts(&r->out, !strcmp(r->argv[0], "fleet")
			? "no action here has hosts behind it\n"
			: "nothing\n");
	else if (r->rows == HISTORY_ROWS && !strcmp(r->argv[0], "history"))
		buf_printf(&r->out, "the newest %d; name a jail or an address for "
		    "others\n", HISTORY_ROWS);
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
	if (!strcmp(r->argv[0], "explain")) {
		row_lines(r, &b);
	} else if (r->form == FORM_JSON) {
		row_json(r, &b, subject.p, ended);
	} else {
		units_time(b.ban.since_ms, since);
		if (ended || b.ban.until_ms)
			units_time(ended ? ended : b.ban.until_ms, until);
		buf_printf(&r->out, "%s  %-40s %-20s %s%s  %u failures, ban %u\n",
		    since, subject.p, b.ban.jail,
		    ended                ? "ended "
			: b.ban.until_ms ? "until "
					 : "",
		    until, b.ban.failures, b.ban.count);
	}
	r->rows++;
	buf_fini(&subject);
}
