/* SPDX-License-Identifier: GPL-2.0-or-later
 * store_write.c - the queue of the store: records in, transactions out.
 *
 * The queue holds records as they came, with the time of arrival behind each type; so
 * a transaction that failed is simply written again later.
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "banner/daemon/store/store.h"

enum { WORKS_ROWS = 10000 };
/* Memory of the queue that the next burst finds there; see store_rest. */
enum { KEEP_BYTES = 4 << 20 };

static bool
is_id(uint64_t id)
{
	return id > 0 && id <= INT64_MAX;
}

/* Does the record make sense? Then it may stay in the queue and be trusted later. */
static int
check(enum wire_type type, struct wire_in in)
{
	struct wire_ban b;

	if (type == WIRE_BAN) {
		if (wire_get_ban(&in, &b) < 0 || !is_id(b.ban.id))
			return -EBADMSG;
	} else if (type == WIRE_UNBAN) {
		if (!is_id(wire_get_u64(&in)) || wire_get_u8(&in) > CAUSE_CONFIG)
			return -EBADMSG;
	} else if (type == WIRE_COUNT || type == WIRE_SESSION) {
		wire_get_text(&in);
		wire_get_str(&in);
		wire_get_str(&in);
	} else if (type == WIRE_PLACE) {
		wire_get_str(&in);
		wire_get_str(&in);
	} else if (type == WIRE_MARK) {
		wire_get_i64(&in);
	} else if (type != WIRE_ANEW) {
		return -EBADMSG;
	}
	return wire_done(&in);
}

static void
queue(struct store *s, enum wire_type type, const struct wire_in *in, int64_t now_ms)
{
	size_t len = (size_t)(in->end - in->p);

	if (s->queue.len + len > STORE_QUEUE_BYTES) {
		s->overflow = true;
		return;
	}
	wire_u32(&s->queue, (uint32_t)type);
	wire_u32(&s->queue, (uint32_t)len);
	wire_i64(&s->queue, now_ms);
	buf_add(&s->queue, in->p, len);
	s->pending_rows++;
}

/* The records since the last MARK become part of the next transaction, all of them or,
 * when there was no room for all, none. */
static int
mark(struct store *s, uint64_t seq)
{
	bool overflow = s->overflow;

	if (overflow) {
		s->dropped += s->pending_rows;
	} else {
		s->ready = s->queue.len;
		s->ready_rows += s->pending_rows;
		s->mark = seq;
	}
	store_cut(s);
	return overflow ? -ENOBUFS : 0;
}

int
store_take(struct store *s, enum wire_type type, struct wire_in *in, int64_t now_ms,
    bool *marked)
{
	*marked = type == WIRE_MARK;
	if (check(type, *in) < 0)
		return -EBADMSG;
	if (type == WIRE_MARK)
		return mark(s, wire_get_u64(in));
	queue(s, type, in, now_ms);
	return 0;
}

void
store_cut(struct store *s)
{
	if (s->queue.len > s->ready)
		s->queue.len = s->ready;
	s->pending_rows = 0;
	s->overflow = false;
}

/* NULL is SQL's NULL. */
static void
bind_text(sqlite3_stmt *st, int i, const char *text)
{
	sqlite3_bind_text(st, i, text, -1, SQLITE_STATIC);
}

static void
bind_blob(sqlite3_stmt *st, int i, const void *p, size_t n)
{
	/* A NULL pointer would be SQL's NULL, which the key columns refuse. */
	sqlite3_bind_blob64(st, i, n ? p : "", n, SQLITE_STATIC);
}

static void
bind_subject(sqlite3_stmt *st, int i, const struct subject *s)
{
	sqlite3_bind_int(st, i, (int)s->kind);
	if (s->kind == SUBJECT_ADDR)
		bind_blob(st, i + 1, &s->addr, sizeof(s->addr));
	else
		bind_blob(st, i + 1, s->text.s, s->text.len);
}

/* Parameters 1..16 in the order of store_sql.c; a statement ignores none of those it
 * does not have, so it is told how many that are. */
static void
bind_ban(sqlite3_stmt *st, const struct wire_ban *b)
{
	const struct ban *n = &b->ban;
	int max = st ? sqlite3_bind_parameter_count(st) : 0;
	int64_t length = n->until_ms - n->since_ms;

	if (!st)
		return;
	sqlite3_bind_int64(st, 1, (sqlite3_int64)n->id);
	bind_text(st, 2, n->jail);
	bind_subject(st, 3, &n->subject);
	sqlite3_bind_int64(st, 5, n->since_ms);
	sqlite3_bind_int64(st, 6, n->until_ms);
	sqlite3_bind_int64(st, 7, n->failures);
	sqlite3_bind_int64(st, 8, n->count);
	if (max < 9)
		return;
	sqlite3_bind_int(st, 9, n->manual);
	bind_text(st, 10, n->comment);
	if (max < 11)
		return;
	sqlite3_bind_int(st, 11, (int)b->cause);
	sqlite3_bind_int64(st, 12, b->nlines);
	bind_blob(st, 13, b->lines.p, (size_t)(b->lines.end - b->lines.p));
	sqlite3_bind_int64(st, 14, b->nfields);
	bind_blob(st, 15, b->fields.p, (size_t)(b->fields.end - b->fields.p));
	/* An offender is remembered for three times the length of the last ban. */
	sqlite3_bind_int64(st, 16,
	    n->until_ms == 0                           ? INT64_MAX
		: length > INT64_MAX / 4 || length < 0 ? n->since_ms
						       : n->since_ms + 3 * length);
}

static int
write_ban(struct store *s, struct wire_in *in)
{
	static const enum store_sql all[] = { SQL_BAN, SQL_HISTORY, SQL_OFFENDER };
	struct wire_ban b;
	int rc = 0;

	wire_get_ban(in, &b);
	for (size_t i = 0; i < 3 && rc == 0; i++) {
		sqlite3_stmt *st = store_stmt(s, all[i]);

		bind_ban(st, &b);
		rc = store_step(s, st);
	}
	return rc;
}

static int
write_unban(struct store *s, struct wire_in *in, int64_t when_ms)
{
	sqlite3_stmt *st = store_stmt(s, SQL_UNBAN);
	sqlite3_int64 id = (sqlite3_int64)wire_get_u64(in);

	if (st)
		sqlite3_bind_int64(st, 1, id);
	if (store_step(s, st) < 0)
		return -1;
	st = store_stmt(s, SQL_ENDED);
	if (!st)
		return -1;
	sqlite3_bind_int64(st, 1, id);
	sqlite3_bind_int64(st, 2, when_ms);
	sqlite3_bind_int(st, 3, wire_get_u8(in));
	return store_step(s, st);
}

/* COUNT, SESSION, PLACE: keys, then the record, or nothing to delete it. */
static int
write_record(
    struct store *s, struct wire_in *in, enum store_sql put, enum store_sql del)
{
	bool jail = put != SQL_PLACE;
	const char *name = jail ? wire_get_text(in) : "";
	struct str key = wire_get_str(in), record = wire_get_str(in);
	sqlite3_stmt *st = store_stmt(s, record.len ? put : del);
	int i = 1;

	if (!st)
		return -1;
	if (jail)
		bind_text(st, i++, name);
	bind_blob(st, i++, key.s, key.len);
	if (record.len)
		bind_blob(st, i, record.s, record.len);
	return store_step(s, st);
}

/* All that is stored goes; the rows that follow are everything. */
static int
write_anew(struct store *s)
{
	for (int i = SQL_ANEW_BANS; i <= SQL_ANEW_SESSIONS; i++)
		if (store_run(s, (enum store_sql)i) < 0)
			return -1;
	return 0;
}

/* Bans that ended while nobody told us: when and why is not known. */
static int
write_ended(struct store *s, int64_t when_ms)
{
	sqlite3_stmt *st = store_stmt(s, SQL_ANEW_ENDED);

	if (!st)
		return -1;
	sqlite3_bind_int64(st, 2, when_ms);
	sqlite3_bind_int(st, 3, CAUSE_EXPIRED);
	return store_step(s, st);
}

static int
write_row(struct store *s, enum wire_type type, struct wire_in *in, int64_t when_ms)
{
	if (type == WIRE_BAN)
		return write_ban(s, in);
	if (type == WIRE_UNBAN)
		return write_unban(s, in, when_ms);
	if (type == WIRE_COUNT)
		return write_record(s, in, SQL_COUNT, SQL_COUNT_DEL);
	if (type == WIRE_SESSION)
		return write_record(s, in, SQL_SESSION, SQL_SESSION_DEL);
	if (type == WIRE_PLACE)
		return write_record(s, in, SQL_PLACE, SQL_PLACE_DEL);
	return write_anew(s);
}

/* A row that SQLite refuses for itself must not keep all others from the disk. */
static bool
is_row_error(struct store *s)
{
	int code = sqlite3_errcode(s->db) & 0xff;

	return code == SQLITE_CONSTRAINT || code == SQLITE_TOOBIG ||
	    code == SQLITE_MISMATCH || code == SQLITE_RANGE;
}

int
store_write(struct store *s)
{
	const uint8_t *p = (const uint8_t *)s->queue.p;
	struct wire_in q = { p, p + s->ready, false };
	int64_t anew_ms = 0;

	for (uint64_t n = 1; q.p < q.end; n++) {
		enum wire_type type = (enum wire_type)wire_get_u32(&q);
		uint32_t len = wire_get_u32(&q);
		int64_t when_ms = wire_get_i64(&q);
		struct wire_in in = { q.p, q.p + len, false };

		q.p += len;
		if (s->works && n % WORKS_ROWS == 0)
			s->works(s->works_arg);
		if (type == WIRE_ANEW)
			anew_ms = when_ms;
		if (write_row(s, type, &in, when_ms) == 0)
			continue;
		if (!is_row_error(s))
			return -1;
		s->refused++;
	}
	return anew_ms ? write_ended(s, anew_ms) : 0;
}

static void
written(struct store *s)
{
	buf_drop(&s->queue, s->ready);
	s->ready = s->ready_rows = 0;
	/* A long outage leaves a big buffer behind. */
	if (!s->queue.len && s->queue.cap > KEEP_BYTES)
		buf_fini(&s->queue);
}

int
store_commit(struct store *s, struct err *e)
{
	int rc = 0;

	if (!s->db)
		rc = store_open(s, s->path, e);
	if (rc < 0 || s->ready == 0)
		return rc;
	if (store_run(s, SQL_BEGIN) == 0 && store_write(s) == 0 &&
	    store_run(s, SQL_COMMIT) == 0) {
		written(s);
		return 0;
	}
	rc = store_error(s, e, "cannot write");
	if (!sqlite3_get_autocommit(s->db))
		store_run(s, SQL_ROLLBACK);
	if (rc != -EUCLEAN)
		return rc;
	/* Found damaged while running: begin anew, the queue goes there. */
	if (store_open(s, s->path, e) < 0)
		return rc;
	return err_set(e, rc, "the database is damaged");
}

int
store_purge(struct store *s, int64_t before_ms, struct err *e)
{
	int rc = 0;

	for (int i = SQL_PURGE_HISTORY; i <= SQL_PURGE_OFFENDERS && rc == 0; i++) {
		sqlite3_stmt *st = store_stmt(s, (enum store_sql)i);

		if (st)
			sqlite3_bind_int64(st, 1, before_ms);
		rc = store_step(s, st);
	}
	if (rc == 0)
		rc = sqlite3_exec(s->db, "PRAGMA incremental_vacuum(1000)", NULL, NULL,
		    NULL) ? -1 : 0;
	return rc < 0 ? store_error(s, e, "cannot purge") : 0;
}
