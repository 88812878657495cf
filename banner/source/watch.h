/* SPDX-License-Identifier: GPL-2.0-or-later
 * watch.h - inotify: which entries of folders and which open files changed.
 *
 * One inotify descriptor per set. Folders are watched for their entries, never for
 * writes below them; each open file has its own watch, so other files in /var/log wake
 * nobody. When something was mounted or unmounted, all is looked at WATCH_MOUNT_MS
 * later. Above WATCH_RATE wake-ups a second it waits WATCH_PAUSE_MS before it looks.
 */
#ifndef BANNER_SOURCE_WATCH_H
#define BANNER_SOURCE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum { WATCH_RATE = 1000, WATCH_PAUSE_MS = 1, WATCH_MOUNT_MS = 1000 };

struct event_base;
struct reader;
struct watch;

/* Who wants to know of a name; embedded. A new round forgets the names of the last. */
struct watcher { uint64_t round; };

struct watch_host {
	void *arg;
	void (*entry)(void *arg, struct watcher *);	/* its name changed */
	void (*bytes)(void *arg, struct reader *);	/* it was written to */
	void (*tree)(void *arg); /* folders or links changed: look at everything */
	void (*unknown)(void *arg);	/* a new name where globs look */
	void (*done)(void *arg);	/* end of a batch of the above */
};

/* 0 or -errno (no inotify: poll). */
int	watch_new(struct event_base *, const struct watch_host *, struct watch **);
void	watch_free(struct watch *);
/* Tell the watcher of changes of this entry; watcher NULL: tree; name NULL: unknown.
 * 0, -EREMOTE when the folder lies on a network file system, or -errno. */
int	watch_entry(struct watch *, const char *folder, const char *name,
	    struct watcher *);
int	watch_file(struct watch *, struct reader *);	/* sets wd; 0 or -errno */
void	watch_drop(struct watch *, struct reader *);

#endif
