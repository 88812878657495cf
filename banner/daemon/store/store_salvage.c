/* SPDX-License-Identifier: GPL-2.0-or-later
 * store_salvage.c - what can still be read of a damaged database.
 *
 * Bans and offenders are read from both ends until the damage is met. Places and
 * counters are not: they would have to fit each other.
 */
#include <sqlite3.h>

#include "banner/daemon/proc/log.h"
#include "banner/daemon/store/store.h"

struct salvage { const char *from, *into; };

static const struct salvage salvages[] = {
	{ "SELECT * FROM bans ORDER BY id",
	    "INSERT OR IGNORE INTO bans VALUES(?,?,?,?,?,?,?,?,?,?)" },
	{ "SELECT * FROM bans ORDER BY id DESC",
	    "INSERT OR IGNORE INTO bans VALUES(?,?,?,?,?,?,?,?,?,?)" },
	{ "SELECT * FROM offenders",
	    "INSERT OR IGNORE INTO offenders VALUES(?,?,?,?,?,?)" },
};

static int
copy(sqlite3 *from, sqlite3 *into, const struct salvage *s)
{
	sqlite3_stmt *in = NULL, *out = NULL;
	int n = 0;

	if (sqlite3_prepare_v2(from, s->from, -1, &in, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(into, s->into, -1, &out, NULL) == SQLITE_OK &&
	    sqlite3_column_count(in) == sqlite3_bind_parameter_count(out))
		while (sqlite3_step(in) == SQLITE_ROW) {
			for (int i = 0; i < sqlite3_column_count(in); i++)
				sqlite3_bind_value(
				    out, i + 1, sqlite3_column_value(in, i));
			if (sqlite3_step(out) == SQLITE_DONE)
				n += sqlite3_changes(into);
			sqlite3_reset(out);
		}
	sqlite3_finalize(in);
	sqlite3_finalize(out);
	return n;
}

void
store_salvage(struct store *s, const char *damaged)
{
	static const size_t n = sizeof(salvages) / sizeof(*salvages);
	sqlite3 *from = NULL;
	int rows = 0;

	if (sqlite3_open_v2(damaged, &from, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_exec(from,
		"PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = "
		"OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;",
		NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK) {
		for (size_t i = 0; i < n; i++)
			rows += copy(from, s->db, &salvages[i]);
		sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	}
	sqlite3_close(from);
	log_notice(
	    "banner.store", "%d rows of the damaged database could be read", rows);
}
