/* SPDX-License-Identifier: GPL-2.0-or-later
 * inner.h - what the kinds of sources share; private to this folder.
 *
 * Every kind embeds struct source as its first member. Work that may take long is a
 * job: the queue runs jobs in turn, one block each, and gives the event loop a turn
 * every JOBS_SLICE_MS, so a backlog of gigabytes never makes the process deaf.
 */
#ifndef BANNER_SOURCE_INNER_H
#define BANNER_SOURCE_INNER_H

#include <event2/event.h>
#include <event2/event_struct.h>

#include "banner/base/buf.h"
#include "banner/source/source.h"

enum {
	READ_BYTES = 256 << 10,	/* one read */
	JOBS_SLICE_MS = 10,
	POLL_MS = 1000,		/* where the kernel does not tell of changes */
	LINGER_MS = 5000,	/* how long a rotated file is kept for late writers */
};

struct job {
	struct source *of;
	/* One piece of work; true: there is more. */
	bool (*run)(struct job *);
	struct job *next;
	bool queued;
};

struct source_kind {
	void (*start)(struct source *);		/* NULL: nothing to start */
	void (*place)(struct source *); /* write src->place; NULL: it is up to date */
	/* Was what its job would read next there at the start? NULL: while behind. */
	bool (*old)(struct source *);
	void (*free)(struct source *); /* what the kind owns, then the struct */
};

struct source {
	struct sources *set;
	const struct source_kind *kind;
	char *name;
	void **groups;
	size_t ngroups;
	struct source_stats stats;
	char place[SOURCE_PLACE_MAX];
	bool behind;		/* has not read all that was there at the start */
	bool hidden;		/* speaks for nothing now: a glob that has files, or
				 * a file that one found and that is gone */
	int64_t long_said_ms;	/* when SOURCE_LONG_LINE was last said */
	struct source *next;
};

struct files;
struct reader;

struct sources {
	struct event_base *base;
	struct source_host host;
	struct sources_options opt;
	struct source *first, **last;
	size_t n;
	struct files *files;
	struct job *jobs, **jobs_end;
	struct job *parked;	/* would read what is old, while held */
	struct event *jobs_event;
	struct reader *ahead;	/* the one that threads read ahead for, or NULL */
	char *buf;		/* one read of any file; cap bytes */
	size_t cap;
	int64_t linger_ms;
	size_t files_max;
	bool started, held;
};

/* Put a source into the set under a copy of name. */
void	source_init(struct source *, struct sources *, const struct source_kind *,
	    const char *name);
void	source_add_group(struct source *, void *group);		/* once each */
/* The one of that kind and name, or NULL. */
struct source	*source_find(const struct sources *, const struct source_kind *,
		    const char *name);
void	source_event(struct source *, enum source_event, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* Hand lines to the host and count them. */
void	source_push(struct source *, struct block *);
/* A line longer than the cap was skipped: counted, said at most once a minute. */
void	source_long_line(struct source *, uint64_t offset);
/* It has read what was there at the start: said once. */
void	source_caught_up(struct source *);
bool source_set_place(struct source *, const char *); /* false: too long, said */

void	job_queue(struct sources *, struct job *);
void	jobs_now(struct sources *);	/* not only in the next turn of the loop */
void	job_cancel(struct sources *, struct job *);

void	timer_after(struct event *, int64_t ms);

/* files.c */
void	files_free(struct files *);
void	files_start(struct files *);
size_t	files_refused(const struct files *);	/* NULL: 0 */

#endif
