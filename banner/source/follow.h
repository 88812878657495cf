/* SPDX-License-Identifier: GPL-2.0-or-later
 * follow.h - one file name that is followed, whatever file bears it.
 */
#ifndef BANNER_SOURCE_FOLLOW_H
#define BANNER_SOURCE_FOLLOW_H

#include "banner/source/inner.h"
#include "banner/source/reader.h"

enum {
	FOLLOW_OLD = PLACE_FILES - 1,	/* rotated files read to their end at once */
	FOLLOW_DONE = 8,		/* inodes remembered as read */
	GONE_MS = 60000,	/* a deleted file without a successor is kept so long */
};

struct done_file { uint64_t dev, ino; int64_t born_ns; };

struct follow {
	struct source src;
	struct files *files;
	struct job job;
	struct event timer;		/* leaves old files */
	struct reader *cur;		/* bears the name, or bore it last */
	struct reader *old[FOLLOW_OLD];	/* oldest first; read before cur */
	size_t nold;
	struct follow *owner;		/* reads our inode under another name: we sleep */
	void **own;			/* groups by our own name; src.groups has those of
					 * sleepers too */
	size_t nown;
	struct place wanted[PLACE_FILES];	/* stored places not gone to yet */
	size_t nwanted;
	struct done_file done[FOLLOW_DONE];
	unsigned ndone;
	uint64_t round;			/* of looking at the name; see watch_entry */
	int said;			/* errno of the path that was reported */
	bool tail, polling;
	bool due;			/* to be looked at */
	bool looked;			/* for the first time */
	bool opened;			/* has read some file */
	bool recheck;			/* look again when the old files are read */
	struct follow *next;
};

struct follow	*follow_new(struct files *, const char *path);
void		 follow_add_group(struct follow *, void *group);
/* See what bears the name now. */
void		 follow_check(struct follow *);
void		 follow_wake(struct follow *, struct reader *);	/* may have new bytes */
/* Whoever sleeps on it belongs to its readers: gather the groups anew. */
void		 follow_regroup(struct follow *);

/* Room for another rotated file. False: the oldest is not read yet; recheck is set. */
bool		 follow_make_room(struct follow *);

/* stored.c: go back to where the stored places are. st: the file that bears the name,
 * or NULL. False: there are more files before it than there is room for. */
bool		 follow_resume(struct follow *, const struct stat *st);
/* Files that bore the name after `before` and before the present inode. False: there
 * are more of them than there is room for; ask again from the last one. */
bool		 follow_between(struct follow *, const struct reader *before, uint64_t ino);
/* A file was truncated: find the copy that was made before and read its rest. Returns
 * the bytes that are lost all the same. */
uint64_t	 follow_copy(struct follow *, const struct reader *, uint64_t unread);

/* Take over a descriptor; NULL when the inode is being read already. */
struct reader	*follow_open(struct follow *, int fd, const struct stat *);
void		 follow_add_old(struct follow *, struct reader *);
bool		 follow_knows(const struct follow *, const struct stat *, int64_t born_ns);

#endif
