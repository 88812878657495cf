/* SPDX-License-Identifier: GPL-2.0-or-later
 * reader.h - one open file: its whole lines in blocks, from an offset on.
 *
 * A reader keeps no text: an incomplete last line is read again when more comes, into
 * the buffer of the set, so thousands of followed files cost a few hundred bytes each.
 */
#ifndef BANNER_SOURCE_READER_H
#define BANNER_SOURCE_READER_H

#include "banner/source/place.h"

struct ahead;
struct follow;
struct match;
struct source;
struct sources;

enum { READER_HEAD = 64 };

/* How a text began, to tell one that was edited or restored from a new one. */
struct reader_head {
	char text[READER_HEAD];	/* of its first line */
	size_t len;
	uint64_t upto;	/* of the text before: so far it was read; 0: no text before */
	int64_t born_ns;
};

struct reader {
	int fd;
	struct follow *owner;
	struct place at;	/* the next line that was not handed on */
	uint64_t scan; /* where a line longer than the cap is searched for its end */
	uint64_t seen;		/* size the file had when we last looked */
	uint64_t live_from;	/* what lies before was there at the start */
	int64_t born_ns;	/* birth of the inode; 0 unknown */
	struct reader_head head; /* of the text before, until bytes of this one came */
	int64_t quiet_since;	/* CLOCK_MONOTONIC of the last bytes */
	bool skipping;		/* inside a line longer than the cap */
	bool more;		/* there may be unread bytes */
	bool copy;		/* made by copytruncate: nobody writes to it */
	bool rewound;		/* was truncated */
	bool failed;		/* the last read */
	bool remote;		/* the network is between: renewed at each poll */
	int wd;			/* inotify watch, -1 none: it is polled */
	/* A long backlog: threads read it ahead (NULL: they do not), but not what lies
	 * before alone_to. set: whose one reader this is, with threads. */
	struct ahead *ahead;
	struct match *match;
	struct sources *set;
	uint64_t alone_to;
};

enum reader_end { READER_MORE, READER_EOF, READER_TRUNCATED, READER_FAILED };

/* Takes over fd, whose status is st, and starts at 0. */
struct reader	*reader_new(int fd, const struct stat *st);
void		 reader_free(struct reader *);
bool		 reader_is(const struct reader *, const struct stat *);
/* Go on with a new descriptor, which is taken over. */
void		 reader_renew(struct reader *, int fd);
/* r bears the name of a file that began like head and was read as far as it says. */
void		 reader_succeeds(struct reader *, const struct reader_head *);
/* Go on at off. 0, or -errno when what lies before cannot be read. */
int		 reader_seek(struct reader *, uint64_t off);
/* Read once and hand on the lines. FAILED leaves errno. */
enum reader_end	 reader_step(struct reader *, struct source *);
/* After TRUNCATED: bytes known to have been there and not handed on; starts at 0. */
uint64_t	 reader_rewind(struct reader *);
/* The file is left for ever: hand on the last line that has no LF. */
void		 reader_last_line(struct reader *, struct source *);
int64_t		 reader_birth_ns(int fd);	/* 0: the file system does not say */

#endif
