/* SPDX-License-Identifier: GPL-2.0-or-later
 * files.h - all followed files of a set; private to the file source.
 */
#ifndef BANNER_SOURCE_FILES_H
#define BANNER_SOURCE_FILES_H

#include "banner/base/table.h"
#include "banner/source/follow.h"
#include "banner/source/watch.h"

struct glob {
	char *text;
	bool tail, polling, found;
	void *group;
	struct source *waiting;		/* stands for the glob while it has no file */
	struct glob *next;
};

struct files {
	struct sources *set;
	struct watch *watch;		/* NULL: everything is polled */
	struct glob *globs, **globs_end, *walking;
	struct follow *first, **last;
	size_t n;
	struct table *by_path;		/* -> struct follow */
	struct table *by_inode;		/* dev, ino -> struct reader */
	struct table *stored;		/* ino -> struct place in some follow->wanted */
	struct event *rescan, *poll;
	int64_t scanned_ms;
	bool tree_due;			/* look at everything */
	bool poll_all;			/* a folder on a network file system */
	bool full_said, watch_said;
	bool after_start;
};

struct inode_key { uint64_t dev, ino; };

struct reader	*files_reader(struct files *, const struct stat *);	/* or NULL */
void		 files_poll(struct files *);	/* something must be polled */
/* No watch for it: said once, polled from now on. */
void		 files_unwatched(struct files *, struct source *, int rc);

#endif
