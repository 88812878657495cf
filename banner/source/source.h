/* SPDX-License-Identifier: GPL-2.0-or-later
 * source.h - where lines come from.
 *
 * A struct sources belongs to one event loop and holds every source of the process:
 * files (by glob), journals, sockets, standard input. It pushes blocks of whole lines
 * into the host, says what happens to each source, and knows each one's place so that
 * a restart goes on at exactly the next line.
 *
 * Order of calls: sources_new, sources_add_*, sources_start. A source lives until
 * sources_free. Nothing here may be called from inside host->block or host->event but
 * the questions (source_*, sources_stats).
 */
#ifndef BANNER_SOURCE_H
#define BANNER_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/base/err.h"
#include "banner/core/block.h"

struct event_base;
struct source;		/* one open file, journal, socket */
struct sources;

enum {
	SOURCE_PLACE_MAX = 512, /* bytes of a place, NUL included */
	SOURCE_LINE_DEFAULT = 16 << 10,
	SOURCE_LINE_MAX = 8 << 20, /* CONF_LINE_MAX */
	SOURCE_FILES_MAX = 16384, /* files followed at once; more are refused, said */
};

/* missing: a glob or path has no file yet; opened/rotated/...: what happened. */
enum source_event { SOURCE_OPENED, SOURCE_ROTATED, SOURCE_TRUNCATED, SOURCE_GONE,
	SOURCE_MISSING, SOURCE_CAUGHT_UP, SOURCE_DENIED, SOURCE_LONG_LINE, SOURCE_LOST,
	SOURCE_ERROR };

/* opened is said again when the groups of a source changed (another name of the same
 * file came or went). The detail is a text for the log, never NULL. */
struct source_host {
	void *arg;
	/* The place after the block is source_place() once this returned. */
	void (*block)(void *arg, struct source *, const struct block *);
	void (*event)(
	    void *arg, struct source *, enum source_event, const char *detail);
	/* Time of a line (match_line_time), for the first start position; -1 unknown.
	 * NULL: a first read begins at the first byte. */
	int64_t (*line_time)(void *arg, struct source *, struct str line);
	/* Place stored for this source name, or NULL. Asked once per source, at the
	 * start or when its name comes up. The text is not kept. */
	const char *(*place)(void *arg, const char *name);
	int64_t (*now_ms)(void *arg);
	/* What will match the blocks of this source, so that threads can look through a
	 * backlog ahead of their turn. NULL, or returning NULL: nobody does. */
	struct match *(*match)(void *arg, struct source *);
};

struct sources_options {
	uint64_t max_line_bytes; /* longer lines are skipped whole and counted;
				  * 0: SOURCE_LINE_DEFAULT, at most SOURCE_LINE_MAX */
	int64_t backlog_ms; /* how far back a first read goes (largest findtime) */
};

int	sources_new(struct event_base *, const struct source_host *,
	    const struct sources_options *, struct sources **, struct err *);
void	sources_free(struct sources *);

/* Follow all files that match glob now or later. group is handed back by
 * source_groups: one concrete file that several globs name is one source with
 * several groups. polling: never inotify. */
struct glob_request { const char *glob; bool tail, polling; };
int	sources_add_glob(struct sources *, const struct glob_request *, void *group,
	    struct err *);
/* Follow the journal: match as fail2ban's journalmatch lines, options as its
 * backend options (journalpath, journalfiles, journalflags, namespace). -ENOTSUP in a
 * build without libsystemd. */
struct journal_request {
	const char *const *match;
	size_t nmatch;
	const char *path, *files, *flags, *name_space;	/* NULL: default */
};
int sources_add_journal(
    struct sources *, const struct journal_request *, void *group, struct err *);
/* Lines of a descriptor, which stays the caller's. One that has the name already is
 * that one, with one more group; the same for a socket's path. */
int
sources_add_fd(struct sources *, int fd, const char *name, void *group, struct err *);
/* A unix datagram socket that syslog daemons write to. */
int sources_add_socket(struct sources *, const char *path, void *group, struct err *);

/* Start reading (backlogs first). */
void	sources_start(struct sources *);
/* While held, sources that have not read what was there at the start read no further;
 * the others, and with them every new line but those behind such a backlog, go on. */
void	sources_hold(struct sources *, bool held);
/* True once every source has read what was there at the start; a missing one has.
 * Ask after sources_start and at each SOURCE_CAUGHT_UP. */
bool	sources_caught_up(const struct sources *);

size_t		 source_groups(const struct source *, void *const **groups);
const char *source_name(const struct source *); /* path, "journal:...", "stdin" */
/* Opaque text that finds the next unread line again; valid until the next block. */
const char	*source_place(const struct source *);

struct source_stats {
	uint64_t bytes, lines, long_lines, lost_bytes, rotations;
	int64_t last_line_ms;		/* when the last line was read; 0: none yet */
	uint64_t behind_bytes;		/* of what was there at the start, unread */
	bool waiting;			/* the file is not there (yet) */
};
void	source_stats(const struct source *, struct source_stats *);
/* Files that were found and are not followed, as too many are. */
size_t	sources_refused(const struct sources *);
typedef void (source_fn)(void *arg, struct source *);
void	sources_each(struct sources *, source_fn *, void *arg);

#endif
