/* SPDX-License-Identifier: GPL-2.0-or-later
 * store_db.c - opening, checking and, if it must be, replacing the database file.
 *
 * The file is ours alone (exclusive locking), so a hostile or damaged one is the only
 * danger: the schema is not trusted, defensive mode and cell checks are on, lengths
 * are limited, and the whole file is checked at the start.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "banner/daemon/proc/log.h"
#include "banner/daemon/store/store.h"

static const char schema[] =
	"BEGIN;CREATE TABLE bans(id INTEGER PRIMARY KEY, jail TEXT NOT NULL,"
	" kind INTEGER NOT NULL, subject BLOB NOT NULL, since INTEGER NOT NULL,"
	" until INTEGER NOT NULL, failures INTEGER NOT NULL, count INTEGER NOT NULL,"
	" manual INTEGER NOT NULL, comment TEXT);"
	"CREATE TABLE history(id INTEGER PRIMARY KEY, jail TEXT NOT NULL,"
	" kind INTEGER NOT NULL, subject BLOB NOT NULL, since INTEGER NOT NULL,"
	" until INTEGER NOT NULL, failures INTEGER NOT NULL, count INTEGER NOT NULL,"
	" manual INTEGER NOT NULL, comment TEXT, cause INTEGER NOT NULL,"
	" ended INTEGER NOT NULL DEFAULT 0, end_cause INTEGER NOT NULL DEFAULT 0,"
	" nlines INTEGER NOT NULL, lines BLOB, nfields INTEGER NOT NULL, fields BLOB);"
	"CREATE INDEX history_subject ON history(kind, subject, since);"
	"CREATE TABLE offenders(jail TEXT NOT NULL, kind INTEGER NOT NULL,"
	" subject BLOB NOT NULL, count INTEGER NOT NULL, last INTEGER NOT NULL,"
	" forget INTEGER NOT NULL, PRIMARY KEY(jail, kind, subject)) WITHOUT ROWID;"
	"CREATE TABLE counters(jail TEXT NOT NULL, key BLOB NOT NULL,"
	" record BLOB NOT NULL, PRIMARY KEY(jail, key)) WITHOUT ROWID;"
	"CREATE TABLE sessions(jail TEXT NOT NULL, key BLOB NOT NULL,"
	" record BLOB NOT NULL, PRIMARY KEY(jail, key)) WITHOUT ROWID;"
	"CREATE TABLE places(key BLOB NOT NULL PRIMARY KEY,"
	" record BLOB NOT NULL) WITHOUT ROWID;"
	"PRAGMA application_id = 1650552430;"
	"PRAGMA user_version = 1;COMMIT;";

/* WAL with full synchronisation: what is committed survives a power cut. */
static const char settings[] =
	"PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
	"PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL;"
	"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
	"PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4000;";

/* Older versions had it. Nobody asks for it, and each ban would have to write it. */
static const char needless[] = "DROP INDEX IF EXISTS history_since;";

void
store_init(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int
store_error(struct store *s, struct err *e, const char *what)
{
	int code = s->db ? sqlite3_errcode(s->db) : SQLITE_CANTOPEN, rc = -EIO;

	switch (code & 0xff) {
	case SQLITE_FULL:
		rc = -ENOSPC;
		break;
	case SQLITE_READONLY:
		rc = -EROFS;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		rc = -EUCLEAN;
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		rc = -EBUSY;
		break;
	}
	return err_set(e, rc, "%s: %s", what, s->db ? sqlite3_errmsg(s->db) :
	    "cannot open the database");
}

static int
pragma_number(struct store *s, const char *sql, int64_t *out)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
		*out = sqlite3_column_int64(st, 0);
		return sqlite3_finalize(st) == SQLITE_OK ? 0 : -1;
	}
	sqlite3_finalize(st);
	return -1;
}

static int
check_version(struct store *s, struct err *e)
{
	int64_t version, tables;

	if (pragma_number(s, "PRAGMA user_version", &version) < 0 ||
	    pragma_number(s, "SELECT count(*) FROM sqlite_master", &tables) < 0)
		return store_error(s, e, s->path);
	if (version > STORE_VERSION)
		return err_set(e, -EPROTO,
		    "%s was written by a newer banner (format %lld, "
		    "this one knows %d); it is left as it is",
		    s->path, (long long)version, STORE_VERSION);
	if (version == STORE_VERSION)
		return 0;
	if (tables > 0)
		return err_set(e, -EPROTO,
		    "%s is not a database of banner; it is left as "
		    "it is",
		    s->path);
	return 1;
}

static int
check_contents(struct store *s, struct err *e)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &st, NULL);
	bool ok = false;

	if (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
		ok = strcmp((const char *)sqlite3_column_text(st, 0), "ok") == 0;
	sqlite3_finalize(st);
	if (ok)
		return 0;
	rc = store_error(s, e, s->path);
	/* The check found something without itself failing. */
	return sqlite3_errcode(s->db) == SQLITE_OK ?
	    err_set(e, -EUCLEAN, "%s: the check found damage", s->path) : rc;
}

static int
open_file(struct store *s, struct err *e)
{
	static const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	mode_t mask = umask(077);
	int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_extended_result_codes(s->db, 1);
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
		sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
		sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, 1 << 20);
		sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
		rc = check_version(s, e);
		if (rc >= 0 && sqlite3_exec(s->db, settings, NULL, NULL, NULL))
			rc = store_error(s, e, s->path);
		if (rc == 0)
			rc = check_contents(s, e);
		else if (rc == 1)
			rc = sqlite3_exec(s->db, schema, NULL, NULL, NULL) ?
			    store_error(s, e, s->path) : 0;
		/* a full disk may keep it */
		if (rc == 0)
			sqlite3_exec(s->db, needless, NULL, NULL, NULL);
	} else {
		rc = store_error(s, e, s->path);
	}
	umask(mask);
	return rc;
}

static void
note_file(struct store *s)
{
	struct stat st = { 0 };

	(void)stat(s->path, &st);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
}

bool
store_is_gone(const struct store *s)
{
	struct stat st;

	if (!s->db)
		return false;
	if (stat(s->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return st.st_ino != s->ino || st.st_dev != s->dev;
}

static void
close_file(struct store *s)
{
	for (int i = 0; i < SQL_N; i++) {
		sqlite3_finalize(s->stmt[i]);
		s->stmt[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

/* Keep the damaged file for whoever wants to look into it. */
static int
move_aside(struct store *s, struct buf *name, struct err *e)
{
	static const char *const parts[] = { "", "-wal", "-shm", "-journal" };
	long long when = (long long)time(NULL);

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		struct buf from = { 0 }, to = { 0 };
		int rc;

		buf_printf(&from, "%s%s", s->path, parts[i]);
		buf_printf(&to, "%s.corrupt-%lld%s", s->path, when, parts[i]);
		rc = rename(from.p, to.p) < 0 && errno != ENOENT ? -errno : 0;
		if (rc < 0)
			err_set(
			    e, rc, "cannot move %s aside: %s", from.p, strerror(-rc));
		else if (i == 0)
			log_error("banner.store",
			    "database %s is damaged: moved to %s, a "
			    "new one is begun",
			    from.p, to.p);
		if (i == 0)
			buf_puts(name, to.p);
		buf_fini(&from);
		buf_fini(&to);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
store_open(struct store *s, const char *path, struct err *e)
{
	struct buf damaged = { 0 };
	int rc;

	s->path = path;
	close_file(s);
	rc = open_file(s, e);
	if (rc == -EUCLEAN) {
		close_file(s);
		rc = move_aside(s, &damaged, e);
		if (rc == 0)
			rc = open_file(s, e);
		s->anew = rc == 0;
		if (rc == 0)
			store_salvage(s, damaged.p);
		buf_fini(&damaged);
	}
	if (rc < 0)
		close_file(s);
	else
		note_file(s);
	return rc;
}

void
store_rest(struct store *s)
{
	if (s->db)
		sqlite3_db_release_memory(s->db);
	if (!s->queue.len)
		buf_fini(&s->queue);
}

void
store_close(struct store *s)
{
	close_file(s);
	buf_fini(&s->queue);
}
