/* SPDX-License-Identifier: GPL-2.0-or-later
 * paths.h - log paths: opened safely, expanded, and watched by their steps.
 *
 * Every function calls step(arg, folder, name) for each directory entry whose change
 * may change its answer: folders on the way, symbolic links, the missing part of a
 * path.
 */
#ifndef BANNER_SOURCE_PATHS_H
#define BANNER_SOURCE_PATHS_H

#include <stdbool.h>
#include <sys/stat.h>

/* name NULL: any entry. file: the last part of a log's path, or of a link to it. */
typedef void (path_step_fn)(void *arg, const char *folder, const char *name, bool file);

/* Open a regular file for reading. Never blocks and never opens anything else: not a
 * device, FIFO or folder (-ENXIO), not kernel text as in /proc (-ENXIO), not through a
 * last-part symbolic link whose owner is neither root, us nor the target's (-EPERM).
 * peek: a descriptor for fstat alone. The descriptor, or -errno. */
int path_open(const char *path, bool peek, struct stat *, path_step_fn *, void *arg);

/* Call found for every existing path that matches (no folders); a glob without magic is
 * not looked for and always found. */
typedef void (path_found_fn)(void *arg, const char *path);
struct path_walk {
	path_step_fn *step;
	path_found_fn *found;
	void *arg;
	/* A folder that may not be listed, or NULL. */
	void (*denied)(void *arg, const char *folder);
};
bool	path_has_magic(const char *glob);
void	path_glob(const char *glob, const struct path_walk *);
/* Network and FUSE file systems tell us of our own changes only. */
bool	path_is_remote(int fd);
bool	path_is_remote_folder(const char *path);

#endif
