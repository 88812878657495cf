/* SPDX-License-Identifier: GPL-2.0-or-later
 * listing.c - the regular files of a folder, read once for many that ask.
 */
#include "banner/source/listing.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

void
listing_read(struct listing *l, const char *folder)
{
	struct dirent *d;
	DIR *dir;

	if (l->folder && strcmp(l->folder, folder) == 0)
		return;
	listing_drop(l);
	l->folder = xstrdup(folder);
	dir = opendir(folder);
	while (dir && (d = readdir(dir)) != NULL) {
		uint64_t ino = d->d_ino;

		if (d->d_type != DT_REG && d->d_type != DT_UNKNOWN)
			continue;
		buf_add(&l->entries, &ino, sizeof(ino));
		buf_add(&l->entries, d->d_name, strlen(d->d_name) + 1);
	}
	if (dir)
		closedir(dir);
}

bool
listing_next(const struct listing *l, size_t *at, struct listing_entry *out)
{
	if (*at >= l->entries.len)
		return false;
	memcpy(&out->ino, l->entries.p + *at, sizeof(out->ino));
	out->name = l->entries.p + *at + sizeof(out->ino);
	*at += sizeof(out->ino) + strlen(out->name) + 1;
	return true;
}

void
listing_drop(struct listing *l)
{
	free(l->folder);
	l->folder = NULL;
	buf_fini(&l->entries);
}
