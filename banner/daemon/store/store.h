/* SPDX-License-Identifier: GPL-2.0-or-later
 * store.h - the state on disk: running bans, history, counters, sessions, places.
 *
 * One SQLite file, one writer. What the engine sends is kept in memory until its next
 * MARK and then written in one transaction with the MARKs around it, so the file is
 * always one consistent cut. While the disk does not take it (full, read-only, I/O
 * error) the queue is kept, up to STORE_QUEUE_BYTES, and written later.
 */
#ifndef BANNER_STORE_H
#define BANNER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/daemon/proc/wire.h"

struct sqlite3;
struct sqlite3_stmt;

enum { STORE_VERSION = 1, STORE_QUEUE_BYTES = 256 << 20 };

enum store_sql {
	SQL_BEGIN,
	SQL_COMMIT,
	SQL_ROLLBACK,
	SQL_BAN,
	SQL_HISTORY,
	SQL_OFFENDER,
	SQL_UNBAN,
	SQL_ENDED,
	SQL_COUNT,
	SQL_COUNT_DEL,
	SQL_SESSION,
	SQL_SESSION_DEL,
	SQL_PLACE,
	SQL_PLACE_DEL,
	SQL_ANEW_BANS,
	SQL_ANEW_COUNTS,
	SQL_ANEW_SESSIONS,
	SQL_ANEW_ENDED,
	SQL_PURGE_HISTORY,
	SQL_PURGE_OFFENDERS,
	SQL_BANS,
	SQL_OFFENDERS,
	SQL_COUNTS,
	SQL_SESSIONS,
	SQL_PLACES,
	SQL_ROWS_SUBJECT,
	SQL_ROWS_RECENT,
	SQL_N
};

struct store {
	const char *path;		/* of the database; the caller's */
	struct sqlite3 *db;		/* NULL: not open (yet), see store_commit */
	uint64_t dev, ino;		/* of its file */
	struct sqlite3_stmt *stmt[SQL_N];
	struct buf queue;		/* records that are not on disk */
	size_t ready;			/* bytes of it up to the last MARK */
	size_t ready_rows, pending_rows;	/* pending: since the last MARK */
	uint64_t mark;			/* the last MARK in ready */
	bool overflow;			/* queue met its cap: the cut is not taken */
	uint64_t dropped;		/* rows that were not taken, since the start */
	uint64_t refused; /* rows that SQLite would not take for themselves */
	bool anew;			/* the file was corrupt and a new one begun */
	void (*works)(void *arg);	/* called in long writes, or NULL */
	void *works_arg;
};

/* Once, before anything else: SQLite is used by one thread, and nobody asks it how much
 * memory it has. */
void	store_init(void);
/* Open or create the file. 0 or -errno with text, and store_commit tries again.
 * -EPROTO: it was written by a newer version, or is not ours; it is not touched. */
int	store_open(struct store *, const char *path, struct err *);
void	store_close(struct store *);
/* Another file bears the name by now, or none: what is written is lost. */
bool	store_is_gone(const struct store *);
/* Give back the memory that only makes the next write faster. */
void	store_rest(struct store *);

/* One record of the engine. 0; -EBADMSG: it makes no sense. *marked is set by a MARK;
 * -ENOBUFS with it: the cut was dropped because the queue is full. */
int	store_take(struct store *, enum wire_type, struct wire_in *, int64_t now_ms,
	    bool *marked);
/* The engine is gone: forget what came after its last MARK. */
void	store_cut(struct store *);
/* Write all that is ready. 0 or -errno with text; the queue is then kept. */
int	store_commit(struct store *, struct err *);
/* Everything a new engine must know, from the file and the queue, as records in out.
 * Whenever there is a lot in it, much is called (NULL: it grows), which may send it.
 * -errno: it could not be read, or not to its end, and what is in out is of no use;
 * -EBUSY: somebody else has the file open. */
struct store_sink {
	struct buf *out;
	void (*much)(void *arg);
	void *arg;
};
int	store_stream(struct store *, const struct store_sink *, struct err *);
/* Answer a QUERY: rows, END. 0 or -EBADMSG. */
int	store_query(struct store *, struct wire_in *, struct buf *out);
/* Drop history and offenders of before then, and offenders no longer of interest. */
int	store_purge(struct store *, int64_t before_ms, struct err *);

/* Between the files of the store. */
void	store_salvage(struct store *, const char *damaged);
int	store_error(struct store *, struct err *, const char *what);	/* -errno */
/* Or NULL. Each parameter that it has is the caller's to bind, each time. */
struct sqlite3_stmt	*store_stmt(struct store *, enum store_sql);
int store_step(struct store *, struct sqlite3_stmt *); /* done: 0, row: 1, -1 */
int	store_run(struct store *, enum store_sql);	/* no parameters; 0 or -1 */
int	store_write(struct store *);	/* the queue, inside a transaction; 0 or -1 */

#endif
