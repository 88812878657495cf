/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_history.c - history: what the store knows, and its rows for explain.
 */
#include <errno.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/core/subject.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/stream.h"
#include "banner/daemon/proc/wire.h"

enum { HISTORY_ROWS = 200 };

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
json_lines(struct request *r, const struct wire_ban *b)
{
	struct wire_in lines = b->lines;

	json_open(&r->out, "lines", '[');
	for (uint32_t i = 0; i < b->nlines && !lines.bad; i++)
		json_str(&r->out, NULL, str_trim(wire_get_str(&lines)));
	json_close(&r->out, ']');
}

void
history_json(struct request *r, const struct history_row *row, bool lines)
{
	const struct wire_ban *b = row->ban;

	json_open(&r->out, NULL, '{');
	json_number(&r->out, "id", (int64_t)b->ban.id);
	json_text(&r->out, "jail", b->ban.jail);
	json_text(&r->out, "subject", row->subject);
	json_number(&r->out, "since_ms", b->ban.since_ms);
	json_number(&r->out, "until_ms", b->ban.until_ms);
	json_number(&r->out, "ended_ms", row->ended_ms);
	json_text(&r->out, "cause", outbox_cause(b->cause));
	json_text(&r->out, "end_cause",
	    row->ended_ms ? outbox_cause((enum cause)row->cause) : NULL);
	json_number(&r->out, "failures", b->ban.failures);
	json_number(&r->out, "count", b->ban.count);
	json_text(&r->out, "comment", b->ban.comment);
	if (lines)
		json_lines(r, b);
	json_close(&r->out, '}');
}

void
command_rows_end(struct request *r)
{
	bool history = !strcmp(r->argv[0], "history");

	if (!r->rows && !strcmp(r->argv[0], "fleet"))
		buf_puts(&r->out, "no action here has hosts behind it\n");
	else if (!r->rows && history)
		buf_puts(&r->out, "no bans\n");
	else if (history && r->rows == HISTORY_ROWS)
		buf_printf(&r->out, "the newest %d; name a jail or an address for "
		    "others\n", HISTORY_ROWS);
}

static void
history_text(struct request *r, const struct history_row *row)
{
	const struct ban *ban = &row->ban->ban;
	char since[UNITS_TEXT], until[UNITS_TEXT] = "for ever";
	int64_t end = row->ended_ms ? row->ended_ms : ban->until_ms;

	units_time(ban->since_ms, since);
	if (end)
		units_time(end, until);
	buf_printf(&r->out, "%s  %-18s %-10s %s%s  %u failures, ban %u\n", since,
	    row->subject, ban->jail,
	    row->ended_ms       ? "ended "
		: ban->until_ms ? "until "
				: "", until, ban->failures, ban->count);
}

void
command_row(struct request *r, struct wire_in *in)
{
	struct history_row row = { .ended_ms = wire_get_i64(in) };
	struct buf subject = { 0 };
	struct wire_ban b;

	row.cause = wire_get_u8(in);
	if (wire_get_ban(in, &b) < 0 || row.cause > CAUSE_CONFIG)
		return;
	row.ban = &b;
	row.subject = subject_text(&b.ban.subject, &subject);
	if (!strcmp(r->argv[0], "explain"))
		explain_row(r, &row);
	else if (r->form == FORM_JSON)
		history_json(r, &row, false);
	else
		history_text(r, &row);
	r->rows++;
	buf_fini(&subject);
}
