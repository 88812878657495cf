/* SPDX-License-Identifier: GPL-2.0-or-later
 * folder_list.h - the folders that the engine must be able to read.
 */
#ifndef BANNER_FOLDER_LIST_H
#define BANNER_FOLDER_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conf;

/* Folders and files that the sources may need, for the sandbox; NULL-terminated, the
 * caller frees the array and each text. */
char **feed_folders(const struct conf *);
/* The same folders by device and inode: a sandbox knows those of its start. */
struct folder_ids {
	struct folder_id { uint64_t dev, ino; } *v;
	size_t n;
};
void folder_ids_get(struct folder_ids *, const struct conf *);
void folder_ids_fini(struct folder_ids *);
/* Is there one now that is not among these? */
bool folder_ids_changed(const struct folder_ids *, const struct conf *);

#endif
