/* SPDX-License-Identifier: GPL-2.0-or-later
 * store_sql.c - the statements of the store.
 */
#include <sqlite3.h>

#include "banner/daemon/store/store.h"

#define ROW_COLUMNS "id, jail, kind, subject, since, until, failures, count, manual," \
	" comment, ended, end_cause, nlines, lines, nfields, fields, cause"

static const char *const sql[SQL_N] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_BAN] =
	    "INSERT OR REPLACE INTO bans VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
	/* A longer ban keeps the evidence that it began with. */
	[SQL_HISTORY] =
	    "INSERT INTO history(id, jail, kind, subject, since, until,"
	    " failures, count, manual, comment, cause, nlines, lines, nfields, fields)"
	    " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15) ON "
	    "CONFLICT(id)"
	    " DO UPDATE SET until=?6, failures=?7, count=?8, manual=?9, comment=?10",
	[SQL_OFFENDER] =
	    "INSERT INTO offenders VALUES(?2,?3,?4,?8,?5,?16)"
	    " ON CONFLICT DO UPDATE SET count=max(count,?8), last=max(last,?5),"
	    " forget=max(forget,?16)",
	[SQL_UNBAN] = "DELETE FROM bans WHERE id=?1",
	[SQL_ENDED] =
	    "UPDATE history SET ended=?2, end_cause=?3 WHERE id=?1 AND ended=0",
	[SQL_COUNT] = "INSERT OR REPLACE INTO counters VALUES(?1,?2,?3)",
	[SQL_COUNT_DEL] = "DELETE FROM counters WHERE jail=?1 AND key=?2",
	[SQL_SESSION] = "INSERT OR REPLACE INTO sessions VALUES(?1,?2,?3)",
	[SQL_SESSION_DEL] = "DELETE FROM sessions WHERE jail=?1 AND key=?2",
	[SQL_PLACE] = "INSERT OR REPLACE INTO places VALUES(?1,?2)",
	[SQL_PLACE_DEL] = "DELETE FROM places WHERE key=?1",
	[SQL_ANEW_BANS] = "DELETE FROM bans",
	[SQL_ANEW_COUNTS] = "DELETE FROM counters",
	[SQL_ANEW_SESSIONS] = "DELETE FROM sessions",
	[SQL_ANEW_ENDED] = "UPDATE history SET ended=?2, end_cause=?3 WHERE ended=0"
			   " AND id NOT IN (SELECT id FROM bans)",
	[SQL_PURGE_HISTORY] = "DELETE FROM history WHERE ended<>0 AND ended<?1",
	[SQL_PURGE_OFFENDERS] = "DELETE FROM offenders WHERE last<?1 AND forget<?1",
	[SQL_BANS] = "SELECT id, jail, kind, subject, since, until, failures, count,"
		     " manual, comment FROM bans ORDER BY id",
	[SQL_OFFENDERS] = "SELECT jail, kind, subject, count, last FROM offenders",
	[SQL_COUNTS] = "SELECT jail, key, record FROM counters",
	[SQL_SESSIONS] = "SELECT jail, key, record FROM sessions",
	[SQL_PLACES] = "SELECT key, record FROM places",
	[SQL_ROWS_SUBJECT] = "SELECT " ROW_COLUMNS " FROM history WHERE kind IN (?1,?5)"
			     " AND subject=?2 AND (?3='' OR jail=?3) ORDER BY since "
			     "DESC, id DESC LIMIT ?4",
	/* Ids grow with time, so those that were recorded last need no index. */
	[SQL_ROWS_RECENT] = "SELECT * FROM (SELECT " ROW_COLUMNS " FROM history WHERE"
			    " (?3='' OR jail=?3) ORDER BY id DESC LIMIT ?4)"
			    " ORDER BY since DESC, id DESC",
};

struct sqlite3_stmt *
store_stmt(struct store *s, enum store_sql which)
{
	sqlite3_stmt *st = s->stmt[which];

	if (!st && s->db)
		sqlite3_prepare_v3(
		    s->db, sql[which], -1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
	s->stmt[which] = st;
	if (st)
		sqlite3_reset(st);
	return st;
}

int
store_step(struct store *s, struct sqlite3_stmt *st)
{
	int rc = st ? sqlite3_step(st) : SQLITE_ERROR;

	if (rc == SQLITE_ROW)
		return 1;
	if (st)
		sqlite3_reset(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

int
store_run(struct store *s, enum store_sql which)
{
	return store_step(s, store_stmt(s, which)) < 0 ? -1 : 0;
}
