/* SPDX-License-Identifier: GPL-2.0-or-later
 * files.h - followed file names, and all of a set; private to the file source.
 */
#ifndef BANNER_SOURCE_FILES_H
#define BANNER_SOURCE_FILES_H

#include "banner/base/table.h"
#include "banner/source/inner.h"
#include "banner/source/listing.h"
#include "banner/source/reader.h"
#include "banner/source/watch.h"

enum {
	FOLLOW_OLD = PLACE_FILES - 1,	/* rotated files read to their end at once */
	FOLLOW_DONE = 8,		/* inodes remembered as read */
	GONE_LINGERS = 12,	/* a deleted file without a successor is kept so long */
};

struct inode_key { uint64_t dev, ino; };
struct done_file { struct place at; int64_t born_ns; };

/* One file name that is followed, whatever file bears it. */
struct follow {
	struct source src;
	struct files *files;
	struct job job;
	struct event timer;		/* leaves old files */
	struct reader *cur;		/* bears the name, or bore it last */
	struct reader *old[FOLLOW_OLD];	/* oldest first; read before cur */
	size_t nold;
	struct follow *owner; /* reads our inode under another name: we sleep */
	size_t sleepers;		/* whose owner it is */
	void **own; /* groups by our own name; src.groups has those of
		     * sleepers too */
	size_t nown;
	struct place wanted[PLACE_FILES];	/* stored places not gone to yet */
	size_t nwanted;
	struct done_file done[FOLLOW_DONE];
	unsigned ndone;
	struct watcher watcher;		/* of the name */
	int said;			/* errno of the path that was reported */
	bool tail, polling;
	bool named;			/* waited for, also when no glob finds it */
	bool due;			/* to be looked at */
	bool peeked;			/* seen holds what bears the name */
	struct inode_key seen;
	int seen_rc;			/* or why nothing does: -errno */
	bool looked;			/* for the first time */
	bool opened;			/* has read some file */
	bool recheck;			/* look again when the old files are read */
	bool unwatched;		/* nobody tells of changes of the name: polled */
	struct follow *next;
};

struct glob {
	char *text;
	bool tail, polling, found;
	bool denied, denied_said;	/* a folder of it may not be listed */
	bool missing_said;
	void *group;
	struct source *waiting;	/* stands for the glob while it has no file; or NULL */
	struct glob *next;
};

struct files {
	struct sources *set;
	struct watch *watch;		/* NULL: everything is polled */
	struct glob *globs, **globs_end, *walking;
	struct follow *first, **last;
	size_t n;
	size_t forgotten;		/* of these; the first are used again */
	size_t refused;			/* in the last scan */
	struct table *by_path;		/* -> struct follow */
	struct table *by_inode;		/* dev, ino -> struct reader */
	struct table *left;		/* dev, ino -> struct follow with it in done */
	struct table *stored;		/* ino -> struct place in some follow->wanted */
	struct event *rescan, *poll;
	int64_t scanned_ms;
	struct listing listing;		/* newer than every seen, in a batch */
	bool batch;			/* many are looked at: keep the listing */
	bool due;			/* some follow is */
	bool tree_due;			/* look at everything */
	bool full_said, watch_said, open_said;
	bool after_start;
};

struct reader	*files_reader(struct files *, const struct stat *);	/* or NULL */
void		 files_poll(struct files *);	/* something must be polled */
void		 files_room(struct files *);	/* for those refused, if any */
/* watch_entry(): 0, or -errno when nobody will tell. */
int		 files_watch_entry(struct files *, const char *folder, const char *name,
    struct watcher *);
/* No watch for it: polled from now on; said once, unless no fault of the system. */
void		 files_unwatched(struct files *, struct source *, int rc);
/* It could not be opened for a reason that may pass: said once, tried again. */
void		 files_unopened(struct files *, struct source *, int rc);

/* ---- follow.c ---- */

struct follow	*follow_new(struct files *, const char *path);
void		 follow_add_group(struct follow *, void *group);
void		 follow_wake(struct follow *, struct reader *);	/* may have new bytes */
/* Its file is gone and read: unless a path names it, nobody waits for another. */
void		 follow_forget(struct follow *);
/* Some file bears its name again. */
void		 follow_remember(struct follow *);
/* One that was forgotten, for another name. */
void		 follow_rename(struct follow *, const char *path);

/* Room for another rotated file. False: the oldest is not read yet; recheck is set. */
bool		 follow_make_room(struct follow *);
/* Read it to its end, now. The place is where that is. */
const struct place *follow_drain(struct follow *, struct reader *);
/* Read the oldest to its end, now, and leave it: there must be room. */
void		 follow_finish_oldest(struct follow *);

/* stored.c: go back to where the stored places are. fd, st: the file that bears the
 * name, or -1 and NULL; *copied is set when it is a copy of the one that bore it then.
 * False: there are more files before it than there is room for. */
bool		 follow_resume(struct follow *, int fd, const struct stat *st,
    struct place *copied);
/* Files that bore the name after `before` and before the present inode. False: there
 * are more of them than there is room for; ask again from the last one. */
bool follow_between(struct follow *, const struct reader *before, uint64_t ino);
/* A file was truncated: find the copy that was made before and read its rest. Returns
 * the bytes that are lost all the same. */
uint64_t	 follow_copy(struct follow *, const struct reader *, uint64_t unread);

void		 follow_set_owner(struct follow *, struct follow *owner);
void		 follow_set_timer(struct follow *);	/* to leave old files */

/* bearer.c: see what bears the name now, in two steps: many names are peeked at before
 * the first of them is judged. */
void		 follow_peek(struct follow *);
void		 follow_judge(struct follow *);
/* Take a new descriptor of the present file if the name still bears its inode. */
void		 follow_renew(struct follow *);

/* Take over a descriptor; NULL when the inode is being read already. */
struct reader	*follow_open(struct follow *, int fd, const struct stat *);
void		 follow_add_old(struct follow *, struct reader *);
/* Where a file was left that this name bore and that was read; NULL: none such. */
const struct place *follow_done(const struct follow *, const struct stat *,
    int64_t born_ns);

#endif
