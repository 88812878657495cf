/* SPDX-License-Identifier: GPL-2.0-or-later
 * store_read.c - what the store gives back: the state for a new engine, and history.
 *
 * Nothing from the file is believed: a row whose parts make no sense is left out.
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "banner/daemon/store/store.h"

enum { ROWS_MAX = 1000, LINES_MAX = 256, MUCH_BYTES = 256 * 1024 };

static struct str
column_blob(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_blob(st, i);

	return p ? (struct str){ p, (size_t)sqlite3_column_bytes(st, i) } : STR("");
}

static const char *
column_text(sqlite3_stmt *st, int i)
{
	const void *p = sqlite3_column_text(st, i);

	return p ? p : "";
}

static struct wire_in
view(struct str s)
{
	const uint8_t *p = (const uint8_t *)s.s;

	return (struct wire_in){ p, p + s.len, false };
}

/* Columns i (kind) and i + 1. The same checks as for a subject from the wire. */
static bool
column_subject(sqlite3_stmt *st, int i, struct subject *s)
{
	int kind = sqlite3_column_int(st, i);
	struct str blob = column_blob(st, i + 1);
	struct wire_in in = view(blob);

	*s = (struct subject){ .kind = SUBJECT_NONE, .text = STR("") };
	if (kind < SUBJECT_ADDR || kind > SUBJECT_NONE)
		return false;
	s->kind = (enum subject_kind)kind;
	if (s->kind != SUBJECT_ADDR) {
		s->text = blob;
		return blob.len <= SUBJECT_TEXT;
	}
	s->addr = wire_get_addr(&in);
	return wire_done(&in) == 0 && s->addr.family != 0;
}

/* Columns 0..9: those of the table bans. */
static bool
column_ban(sqlite3_stmt *st, struct ban *n)
{
	*n = (struct ban){ .id = (uint64_t)sqlite3_column_int64(st, 0),
	    .jail = column_text(st, 1), .since_ms = sqlite3_column_int64(st, 4),
	    .until_ms = sqlite3_column_int64(st, 5),
	    .failures = (unsigned)sqlite3_column_int64(st, 6),
	    .count = (unsigned)sqlite3_column_int64(st, 7),
	    .manual = sqlite3_column_int(st, 8), .restored = true,
	    .comment = (const char *)sqlite3_column_text(st, 9) };
	return column_subject(st, 2, &n->subject) && n->id > 0 && n->id <= INT64_MAX &&
	    *n->jail;
}

/* A record begun at that place is whole. */
static void
finish(const struct store_sink *to, size_t at)
{
	wire_finish(to->out, at);
	if (to->much && to->out->len > MUCH_BYTES)
		to->much(to->arg);
}

static int
stream_bans(struct store *s, const struct store_sink *to)
{
	struct buf *out = to->out;
	sqlite3_stmt *st = store_stmt(s, SQL_BANS);
	struct ban n;
	int rc;

	while ((rc = store_step(s, st)) > 0) {
		size_t at = wire_start(out, WIRE_BAN);

		if (!column_ban(st, &n)) {
			out->len = at;
			continue;
		}
		wire_put_ban(out, &(struct order){ .verb = VERB_BAN,
		    .cause = CAUSE_RESTORE, .ban = &n });
		finish(to, at);
	}
	return rc;
}

static int
stream_offenders(struct store *s, const struct store_sink *to)
{
	struct buf *out = to->out;
	sqlite3_stmt *st = store_stmt(s, SQL_OFFENDERS);
	struct subject who;
	int rc;

	while ((rc = store_step(s, st)) > 0) {
		size_t at;

		if (!column_subject(st, 1, &who))
			continue;
		at = wire_start(out, WIRE_HISTORY);
		wire_text(out, column_text(st, 0));
		wire_subject(out, &who);
		wire_u32(out, (uint32_t)sqlite3_column_int64(st, 3));
		wire_i64(out, sqlite3_column_int64(st, 4));
		finish(to, at);
	}
	return rc;
}

static int
stream_records(struct store *s, enum store_sql which, enum wire_type type,
    const struct store_sink *to)
{
	struct buf *out = to->out;
	sqlite3_stmt *st = store_stmt(s, which);
	int rc, i;

	while ((rc = store_step(s, st)) > 0) {
		size_t at = wire_start(out, type);

		i = 0;
		if (type != WIRE_PLACE)
			wire_text(out, column_text(st, i++));
		wire_str(out, column_blob(st, i));
		wire_str(out, column_blob(st, i + 1));
		finish(to, at);
	}
	return rc;
}

static int
stream_all(struct store *s, const struct store_sink *to)
{
	int rc = stream_bans(s, to);

	if (rc == 0)
		rc = stream_offenders(s, to);
	if (rc == 0)
		rc = stream_records(s, SQL_COUNTS, WIRE_COUNT, to);
	if (rc == 0)
		rc = stream_records(s, SQL_SESSIONS, WIRE_SESSION, to);
	if (rc == 0)
		rc = stream_records(s, SQL_PLACES, WIRE_PLACE, to);
	return rc;
}

static void
put_end(struct buf *out, uint64_t id)
{
	size_t at = wire_start(out, WIRE_END);

	wire_u64(out, id);
	wire_finish(out, at);
}

/* While the disk takes nothing, the queue is written into a transaction that is never
 * committed, and the state read from there: the engine gets what it would have got. */
int
store_stream(struct store *s, const struct store_sink *to, struct err *e)
{
	int rc = store_commit(s, e);
	bool open = false;

	if (!s->db)
		return rc < 0 ? rc : -EIO;
	rc = 0;
	if (s->ready > 0)
		open = store_run(s, SQL_BEGIN) == 0 && store_write(s) == 0;
	if (stream_all(s, to) < 0)
		rc = store_error(s, e, "cannot read");
	if (open || !sqlite3_get_autocommit(s->db))
		store_run(s, SQL_ROLLBACK);
	return rc;
}

struct evidence {
	struct str lines[LINES_MAX];
	struct field fields[FAILURE_FIELDS];
};

static void
column_evidence(sqlite3_stmt *st, struct evidence *ev, struct order *o)
{
	struct wire_in lines = view(column_blob(st, 13)),
		       fields = view(column_blob(st, 15));
	size_t nlines = (size_t)sqlite3_column_int64(st, 12);
	size_t nfields = (size_t)sqlite3_column_int64(st, 14);

	/* cppcheck-suppress ctuuninitvar; it is filled below */
	o->lines = ev->lines;
	o->fields = ev->fields;
	while (o->nlines < nlines && o->nlines < LINES_MAX) {
		ev->lines[o->nlines] = wire_get_str(&lines);
		if (lines.bad)
			break;
		o->nlines++;
	}
	while (o->nfields < nfields && o->nfields < FAILURE_FIELDS) {
		ev->fields[o->nfields].name = wire_get_str(&fields);
		ev->fields[o->nfields].value = wire_get_str(&fields);
		if (fields.bad)
			break;
		o->nfields++;
	}
}

static void
put_row(struct buf *out, uint64_t id, sqlite3_stmt *st, bool evidence)
{
	struct evidence ev;
	struct ban n;
	struct order o = { .verb = VERB_BAN, .ban = &n };
	int cause = sqlite3_column_int(st, 16);
	size_t at;

	if (!column_ban(st, &n))
		return;
	n.restored = false;
	if (cause >= CAUSE_FAILURES && cause <= CAUSE_CONFIG)
		o.cause = (enum cause)cause;
	if (evidence)
		column_evidence(st, &ev, &o);
	at = wire_start(out, WIRE_ROW);
	wire_u64(out, id);
	wire_i64(out, sqlite3_column_int64(st, 10));
	wire_u8(out, (uint8_t)sqlite3_column_int(st, 11));
	wire_put_ban(out, &o);
	wire_finish(out, at);
}

struct query {
	uint64_t id;
	uint8_t what;
	const char *jail;
	struct subject who;
	uint32_t limit;
};

static int
get_query(struct wire_in *in, struct query *q)
{
	q->id = wire_get_u64(in);
	q->what = wire_get_u8(in);
	q->jail = wire_get_text(in);
	q->who = wire_get_subject(in);
	q->limit = wire_get_u32(in);
	if (q->limit > ROWS_MAX)
		q->limit = ROWS_MAX;
	return wire_done(in) < 0 || q->what > QUERY_EXPLAIN ? -EBADMSG : 0;
}

static uint32_t
put_rows(struct store *s, const struct query *q, struct buf *out)
{
	static const enum store_sql which[] = { [QUERY_SUBJECT] = SQL_ROWS_SUBJECT,
	    [QUERY_RECENT] = SQL_ROWS_RECENT, [QUERY_EXPLAIN] = SQL_ROWS_SUBJECT };
	const struct subject *who = &q->who;
	struct str key = who->kind == SUBJECT_ADDR ?
	    (struct str){ (const char *)&who->addr, sizeof(who->addr) } : who->text;
	sqlite3_stmt *st = store_stmt(s, which[q->what]);
	uint32_t n = 0;

	if (st) {
		sqlite3_bind_int(st, 1, (int)who->kind);
		sqlite3_bind_blob64(
		    st, 2, key.len ? key.s : "", key.len, SQLITE_STATIC);
		sqlite3_bind_text(st, 3, q->jail, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 4, q->limit);
		/* a name may be that of a user */
		sqlite3_bind_int(st, 5, who->kind == SUBJECT_ID ? (int)SUBJECT_USER
		    : (int)who->kind);
	}
	for (; store_step(s, st) > 0; n++)
		put_row(out, q->id, st, q->what == QUERY_EXPLAIN);
	return n;
}

/* An address may have been banned with a network around it. */
static bool
widen(struct query *q)
{
	struct addr *a = &q->who.addr;

	if (q->what == QUERY_RECENT || q->who.kind != SUBJECT_ADDR || !a->plen)
		return false;
	*a = addr_mask(a, a->plen - 1u);
	return true;
}

int
store_query(struct store *s, struct wire_in *in, struct buf *out)
{
	struct query q;

	if (get_query(in, &q) < 0)
		return -EBADMSG;
	/* What is queued is part of the answer; if the disk refuses, the rest is. */
	store_commit(s, NULL);
	do
		q.limit -= put_rows(s, &q, out);
	while (q.limit && widen(&q));
	put_end(out, q.id);
	return 0;
}
