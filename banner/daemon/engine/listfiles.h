/* SPDX-License-Identifier: GPL-2.0-or-later
 * listfiles.h - the files that ignoreip and blocklist name (file:PATH).
 *
 * Read at the start and whenever one of them changes: inotify on the folders of their
 * paths, so a file that is written in place, renamed over or reached by another link is
 * seen, and nothing wakes while nothing happens; where inotify cannot tell they are
 * looked at each second. A file of more than 64 MiB or 1,000,000 entries is refused,
 * and so is what is no regular file. A file that cannot be read any more leaves what
 * it held in force, and that is said.
 */
#ifndef BANNER_LISTFILES_H
#define BANNER_LISTFILES_H

struct engined;
struct listfiles;

struct listfiles *listfiles_new(struct engined *);
void listfiles_free(struct listfiles *);
/* Read all, and watch them from now on. */
void listfiles_start(struct listfiles *);

#endif
