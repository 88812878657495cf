/* SPDX-License-Identifier: GPL-2.0-or-later
 * listing.h - the regular files of a folder, read once for many that ask.
 *
 * When thousands of logs are rotated at once, each of them is looked for beside the
 * others; one reading of their folder serves them all. It is true of the moment it was
 * made: whoever must know what came later drops it first.
 */
#ifndef BANNER_SOURCE_LISTING_H
#define BANNER_SOURCE_LISTING_H

#include <stdbool.h>

#include "banner/base/buf.h"

struct listing {
	char *folder;		/* NULL: none */
	struct buf entries;	/* inode, name, NUL, one after the other */
};

struct listing_entry {
	uint64_t ino;
	const char *name;	/* as long as the listing */
};

/* Read the folder unless it is the one that was read last. One that cannot be read has
 * no entries. */
void	listing_read(struct listing *, const char *folder);
/* The entry at *at, which begins as 0 and moves on. False: there are no more. */
bool	listing_next(const struct listing *, size_t *at, struct listing_entry *);
void	listing_drop(struct listing *);

#endif
