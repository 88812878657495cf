/* SPDX-License-Identifier: GPL-2.0-or-later
 * ahead.h - a part of a big file, read and looked through by several threads.
 *
 * The part is cut in pieces of equal size; a piece has the lines that begin in it. A
 * thread takes the next piece, reads it and finds the places where something may match.
 * Judging them, which has a memory, is left to the caller's thread, which gets the
 * pieces in order: so the result is that of reading line by line. While the next one is
 * not found the caller's thread looks through pieces, too: nobody waits while there is
 * work. Two pieces for each processor are on their way, whatever the size of the file.
 */
#ifndef BANNER_SOURCE_AHEAD_H
#define BANNER_SOURCE_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/base/str.h"

struct ahead;
struct match;
struct scan_run;

/* Less is not worth threads. */
enum { AHEAD_LEAST = 16 * 1024 * 1024 };

struct ahead_want {
	int fd;			/* stays the caller's */
	uint64_t from, to;	/* a line begins at from; nothing is read beyond to */
	size_t max_line;	/* bytes; of a longer one only the beginning is kept */
	struct match *match;	/* is given a sample; not used otherwise */
	/* Can the match have these lines as they are? Asked by the threads. */
	bool (*plain)(struct str lines, size_t max_line);
};

/* The last line of all may have no LF. run: of this text; NULL: it is not plain. */
struct ahead_piece {
	struct str text;
	uint64_t offset;	/* in the file */
	struct scan_run *run;
};

/* NULL: one processor, a small part, or no thread could be had. */
struct ahead	*ahead_new(const struct ahead_want *);
/* The next piece that is not empty, valid until the next call: 1; 0 at the end; -errno
 * when it cannot be read. */
int		 ahead_next(struct ahead *, struct ahead_piece *);
void		 ahead_free(struct ahead *);

#endif
