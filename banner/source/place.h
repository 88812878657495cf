/* SPDX-License-Identifier: GPL-2.0-or-later
 * place.h - the text that finds the next unread line of a file again.
 *
 * "dev:inode:offset:hash" in hexadecimal, one per open file, oldest first, with a blank
 * between: while a rotated file is being read to its end there are two or more. The
 * hash covers the last PLACE_TAIL bytes before the offset, so a truncated and refilled
 * file, a reused inode number and a copy are all told from the file that was read.
 */
#ifndef BANNER_SOURCE_PLACE_H
#define BANNER_SOURCE_PLACE_H

#include <sys/stat.h>

#include "banner/base/buf.h"

enum {
	PLACE_TAIL = 256,
	PLACE_FILES = 7,	/* so many of the longest form fit SOURCE_PLACE_MAX */
};

struct place {
	uint64_t dev, ino, off, hash;
};

/* Read up to PLACE_FILES places; how many, or -EINVAL. */
int	places_parse(struct str, struct place out[PLACE_FILES]);
void	place_add(struct buf *, const struct place *);	/* after a blank if not first */
uint64_t place_hash(const void *, size_t); /* the same for ever: it is stored */
/* Hash of what lies before off in fd; 0 or -errno, -ENODATA when the file is shorter.
 */
int	place_hash_at(int fd, uint64_t off, uint64_t *hash);
/* Is off in fd the place? False on read errors. */
bool	place_fits(int fd, const struct place *);

#endif
