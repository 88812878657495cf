/* SPDX-License-Identifier: GPL-2.0-or-later
 * import.c - fail2ban's database into ours, while neither of the two daemons runs.
 *
 * Taken over: every ban that runs (jail, address, begin, end), what is known of
 * offenders, the history with the lines and captures that led to each ban, and how far
 * each log was read. fail2ban's file is opened read-only. What our database knows stays
 * as it is: a ban of this jail, subject and begin, a place in this log; so importing
 * twice changes nothing, and bannerd may have run before.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/daemon/store/store.h"
#include "banner/source/place.h"

enum { EXIT_USAGE = 2, BATCH = 5000, LINES_MAX = 256 };
#define SECONDS_MAX INT64_C(1000000000000)	/* of a time or a ban; else a mistake */

/* In ours; the numbers of new bans follow the highest. */
static const char last_sql[] = "SELECT max(ifnull((SELECT max(id) FROM bans), 0),"
	" ifnull((SELECT max(id) FROM history), 0))";
static const char ban_sql[] = "SELECT 1 FROM history WHERE kind = ?1 AND subject = ?2"
	" AND since = ?3 AND jail = ?4";
static const char place_sql[] = "SELECT 1 FROM places WHERE key = CAST(?1 AS BLOB)";

/* fail2ban keeps what it knows of a ban as JSON; a line may be in pieces. */
static const char lines_sql[] =
	"SELECT CASE type WHEN 'array' THEN (SELECT group_concat(value, '')"
	" FROM json_each(m.value)) ELSE value END FROM json_each(?1, '$.matches') m";
static const char fields_sql[] =
	"SELECT key, CASE type WHEN 'array' THEN (SELECT group_concat(value, ', ')"
	" FROM json_each(f.value)) ELSE value END FROM json_each(?1) f"
	" WHERE key NOT IN ('matches', 'failures') AND type <> 'null'";

/* Of one ban; the texts are in an arena of its own. */
struct evidence {
	struct arena *arena;
	struct str lines[LINES_MAX];
	struct field fields[FAILURE_FIELDS];
	size_t nlines, nfields;
};

struct import {
	sqlite3 *from;
	struct store to;
	uint64_t id, seq;
	int64_t now_ms;
	size_t running, past, places, known, skipped;
	size_t waiting;			/* records since the last commit */
	sqlite3_stmt *lines, *fields;	/* of the JSON of one ban */
	sqlite3_stmt *ban, *place;	/* of ours: is it there? */
};

static int
take(struct import *m, enum wire_type type, const struct buf *record, int64_t when_ms)
{
	const uint8_t *p = (const uint8_t *)record->p;
	struct wire_in in = { .p = p, .end = p + record->len };
	bool marked;

	return store_take(&m->to, type, &in, when_ms, &marked);
}

static int
commit(struct import *m, struct err *e)
{
	struct buf b = { 0 };
	int rc;

	wire_u64(&b, ++m->seq);
	rc = take(m, WIRE_MARK, &b, m->now_ms);
	buf_fini(&b);
	m->waiting = 0;
	return rc < 0 ? err_set(e, rc, "%s", strerror(-rc)) : store_commit(&m->to, e);
}

static int
put_order(struct import *m, const struct order *o, int64_t when_ms)
{
	struct buf b = { 0 };
	int rc;

	if (o->verb == VERB_BAN)
		wire_put_ban(&b, o);
	else
		wire_put_unban(&b, o);
	rc = take(m, o->verb == VERB_BAN ? WIRE_BAN : WIRE_UNBAN, &b, when_ms);
	buf_fini(&b);
	m->waiting++;
	return rc;
}

static void
read_subject(const char *text, struct subject *s)
{
	*s = (struct subject){ .kind = SUBJECT_ADDR };
	if (addr_parse_prefix(str_of(text), &s->addr) == 0)
		return;
	s->kind = SUBJECT_ID;
	s->text = str_of(text);
}

static struct str
copy(struct evidence *e, sqlite3_stmt *st, int column)
{
	const char *text = (const char *)sqlite3_column_text(st, column);

	return str_of(arena_strdup(e->arena, text ? text : ""));
}

/* Both statements name one text, which is valid JSON. */
static void
read_evidence(struct import *m, const char *data, struct evidence *e)
{
	sqlite3_bind_text(m->lines, 1, data, -1, SQLITE_STATIC);
	while (e->nlines < LINES_MAX && sqlite3_step(m->lines) == SQLITE_ROW)
		e->lines[e->nlines++] = copy(e, m->lines, 0);
	sqlite3_reset(m->lines);
	sqlite3_bind_text(m->fields, 1, data, -1, SQLITE_STATIC);
	while (e->nfields < FAILURE_FIELDS && sqlite3_step(m->fields) == SQLITE_ROW)
		e->fields[e->nfields++] = (struct field){ copy(e, m->fields, 0),
			copy(e, m->fields, 1) };
	sqlite3_reset(m->fields);
}

static int
put_ban(struct import *m, struct order *o, const char *data)
{
	struct evidence e = { .arena = arena_new() };
	int rc;

	if (data)
		read_evidence(m, data, &e);
	o->lines = e.lines;
	o->nlines = e.nlines;
	o->fields = e.fields;
	o->nfields = e.nfields;
	rc = put_order(m, o, o->ban->since_ms);
	o->lines = NULL;
	o->fields = NULL;
	o->nlines = o->nfields = 0;
	arena_free(e.arena);
	return rc;
}

/* Its parameters are bound. */
static bool
has_row(sqlite3_stmt *st)
{
	bool yes = sqlite3_step(st) == SQLITE_ROW;

	sqlite3_reset(st);
	return yes;
}

static bool
knows_ban(struct import *m, const struct ban *n)
{
	bool addr = n->subject.kind == SUBJECT_ADDR;

	sqlite3_bind_int(m->ban, 1, (int)n->subject.kind);
	sqlite3_bind_blob64(m->ban, 2, addr ? (const void *)&n->subject.addr :
	    n->subject.text.s, addr ? sizeof(n->subject.addr) : n->subject.text.len,
	    SQLITE_STATIC);
	sqlite3_bind_int64(m->ban, 3, n->since_ms);
	sqlite3_bind_text(m->ban, 4, n->jail, -1, SQLITE_STATIC);
	return has_row(m->ban);
}

/* One row: ip, jail, timeofban, bantime, bancount, failures, JSON or NULL. */
static int
take_ban(struct import *m, sqlite3_stmt *st)
{
	const char *ip = (const char *)sqlite3_column_text(st, 0);
	const char *jail = (const char *)sqlite3_column_text(st, 1);
	int64_t since = sqlite3_column_int64(st, 2), span = sqlite3_column_int64(st, 3);
	struct ban ban = { .jail = jail, .count = (unsigned)sqlite3_column_int(st, 4),
		.failures = (unsigned)sqlite3_column_int(st, 5) };
	struct order o = { .verb = VERB_BAN, .cause = CAUSE_FAILURES, .ban = &ban };
	int rc;

	if (!ip || !jail || !*ip || !*jail || strlen(ip) > SUBJECT_TEXT || since <= 0 ||
	    since > SECONDS_MAX || span > SECONDS_MAX) {
		m->skipped++;
		return 0;
	}
	ban.since_ms = since * MS_PER_S;
	ban.until_ms = span < 0 ? 0 : (since + span) * MS_PER_S;
	read_subject(ip, &ban.subject);
	if (knows_ban(m, &ban)) {
		m->known++;
		return 0;
	}
	ban.id = ++m->id;
	rc = put_ban(m, &o, (const char *)sqlite3_column_text(st, 6));
	if (rc < 0 || !ban.until_ms || ban.until_ms > m->now_ms) {
		m->running++;
		return rc;
	}
	o.verb = VERB_UNBAN;
	o.cause = CAUSE_EXPIRED;
	m->past++;
	return put_order(m, &o, ban.until_ms);
}

static bool
knows_place(struct import *m, const char *path)
{
	sqlite3_bind_text(m->place, 1, path, -1, SQLITE_STATIC);
	return has_row(m->place);
}

/* Where fail2ban stopped reading: believed when a line ends there. */
static int
put_place(struct import *m, const char *path, int64_t at)
{
	int fd = path && path[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct place p = { .off = (uint64_t)at };
	struct buf record = { 0 }, place = { 0 };
	struct stat file;
	char end = 0;
	int rc = 0;

	if (fd < 0 || at <= 0 || fstat(fd, &file) < 0 || file.st_size < at ||
	    pread(fd, &end, 1, at - 1) != 1 || end != '\n' ||
	    place_hash_at(fd, p.off, &p.hash) < 0) {
		m->skipped++;
	} else {
		p.dev = file.st_dev;
		p.ino = file.st_ino;
		place_add(&place, &p);
		wire_str(&record, str_of(path));
		wire_str(&record, buf_view(&place));
		rc = take(m, WIRE_PLACE, &record, m->now_ms);
		m->places++;
		m->waiting++;
	}
	if (fd >= 0)
		close(fd);
	buf_fini(&record);
	buf_fini(&place);
	return rc;
}

static int
take_place(struct import *m, sqlite3_stmt *st)
{
	const char *path = (const char *)sqlite3_column_text(st, 0);

	if (path && knows_place(m, path)) {
		m->known++;
		return 0;
	}
	return put_place(m, path, sqlite3_column_int64(st, 1));
}

static int
each_row(struct import *m, const char *sql, int (*fn)(struct import *, sqlite3_stmt *),
    struct err *e)
{
	sqlite3_stmt *st;
	int rc = 0, step = SQLITE_DONE;

	if (sqlite3_prepare_v2(m->from, sql, -1, &st, NULL) != SQLITE_OK)
		return err_set(e, -EINVAL, "not a database of fail2ban 0.11 or later: "
		    "%s", sqlite3_errmsg(m->from));
	while (rc == 0 && (step = sqlite3_step(st)) == SQLITE_ROW) {
		rc = fn(m, st);
		if (rc < 0)
			err_set(e, rc, "a row: %s", strerror(-rc));
		else if (m->waiting >= BATCH)
			rc = commit(m, e);
	}
	if (rc == 0 && step != SQLITE_DONE)
		rc = err_set(e, -EIO, "%s", sqlite3_errmsg(m->from));
	sqlite3_finalize(st);
	return rc;
}

#define DATA "CASE WHEN json_valid(data) THEN json_extract(data, '$.failures') END, " \
	"CASE WHEN json_valid(data) THEN data END"

/* Several jails may have read one file: the one that is behind decides. */
static int
import_rows(struct import *m, struct err *e)
{
	int rc = each_row(m, "SELECT ip, jail, timeofban, bantime, bancount, " DATA
	    " FROM bans b WHERE NOT EXISTS (SELECT 1 FROM bips p WHERE p.ip = b.ip AND"
	    " p.jail = b.jail AND p.timeofban = b.timeofban) ORDER BY timeofban, jail,"
	    " ip", take_ban, e);

	if (rc == 0)
		rc = each_row(m, "SELECT ip, jail, timeofban, bantime, bancount, "
		    DATA " FROM bips ORDER BY timeofban, jail, ip", take_ban, e);
	if (rc == 0)
		rc = each_row(m, "SELECT path, min(lastfilepos) FROM logs"
		    " WHERE path <> 'systemd-journal' GROUP BY path", take_place, e);
	return rc == 0 ? commit(m, e) : rc;
}

static int
prepare(sqlite3 *db, const char *sql, sqlite3_stmt **st, struct err *e)
{
	if (sqlite3_prepare_v2(db, sql, -1, st, NULL) == SQLITE_OK)
		return 0;
	return err_set(e, -EIO, "%s", sqlite3_errmsg(db));
}

static int
find_last_id(struct import *m, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = prepare(m->to.db, last_sql, &st, e);

	if (rc == 0 && sqlite3_step(st) == SQLITE_ROW)
		m->id = (uint64_t)sqlite3_column_int64(st, 0);
	else if (rc == 0)
		rc = err_set(e, -EIO, "%s", sqlite3_errmsg(m->to.db));
	sqlite3_finalize(st);
	return rc;
}

static int
import_all(struct import *m, struct err *e)
{
	int rc = find_last_id(m, e);

	if (rc == 0)
		rc = prepare(m->from, lines_sql, &m->lines, e);
	if (rc == 0)
		rc = prepare(m->from, fields_sql, &m->fields, e);
	if (rc == 0)
		rc = prepare(m->to.db, ban_sql, &m->ban, e);
	if (rc == 0)
		rc = prepare(m->to.db, place_sql, &m->place, e);
	if (rc == 0)
		rc = import_rows(m, e);
	sqlite3_finalize(m->lines);
	sqlite3_finalize(m->fields);
	sqlite3_finalize(m->ban);
	sqlite3_finalize(m->place);
	return rc;
}

/* The same lock that bannerd holds while it runs. */
static int
lock_state(const char *state, struct err *e)
{
	int fd;

	if (mkdir(state, 0700) < 0 && errno != EEXIST)
		return err_set(e, -errno, "%s: %s", state, strerror(errno));
	fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", state, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(e, -EBUSY, "bannerd runs with %s: stop it first", state);
	return fd;
}

static int
import(const char *from, const char *state, struct err *e)
{
	struct import m = { .now_ms = (int64_t)time(NULL) * MS_PER_S };
	char path[PATH_MAX];
	struct stat st;
	int rc;

	if (access(from, R_OK) < 0 || stat(from, &st) < 0)
		return err_set(e, -errno, "%s: %s", from, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: not a file", from);
	rc = lock_state(state, e);
	if (rc < 0)
		return rc;
	if (sqlite3_open_v2(from, &m.from, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		rc = err_set(e, -EIO, "%s: %s", from, sqlite3_errmsg(m.from));
	snprintf(path, sizeof(path), "%s/banner.sqlite3", state);
	if (rc >= 0)
		rc = store_open(&m.to, path, e);
	if (rc >= 0)
		rc = import_all(&m, e);
	if (rc >= 0)
		printf("imported: %zu running bans, %zu past ones, the places in %zu "
		       "logs; %zu were there already, %zu rows made no sense or lie "
		       "elsewhere now\n",
		    m.running, m.past, m.places, m.known, m.skipped);
	store_close(&m.to);
	sqlite3_close(m.from);
	return rc;
}

int
main(int argc, char **argv)
{
	const char *state = argc == 3 ? argv[2] : "/var/lib/banner";
	struct err e = { "" };

	if (argc < 2 || argc > 3 || argv[1][0] == '-') {
		fputs("usage: banctl import FAIL2BAN.sqlite3 [STATE-FOLDER]\n", stderr);
		return EXIT_USAGE;
	}
	if (import(argv[1], state, &e) < 0) {
		fprintf(stderr, "banctl: import: %s\n", e.text);
		return 1;
	}
	return 0;
}
