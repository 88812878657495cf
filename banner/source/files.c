/* SPDX-License-Identifier: GPL-2.0-or-later
 * files.c - all followed files: globs, what they match now and later, and events.
 *
 * Three layers. files.c knows names: it expands the globs and makes one struct follow
 * for each name. follow.c knows what file bears a name: at each change of the name it
 * looks again. reader.c knows one open file.
 *
 * A rotation must lose no line and give none twice, so these rules hold:
 *
 * 1. A file that lost its name is read to its end before its successor is begun, and is
 *    kept open for a while for writers that did not notice (follow.c).
 * 2. An inode is read by one follow at most (by_inode). A glob like audit.log* matches
 *    the rotated file too; that name then sleeps until the reader leaves the inode, and
 *    takes the open reader over with its offset. Two names of one file (a link) are one
 *    source with the groups of both for the same reason.
 * 3. We are slower than a script: when a name changed, several files may have borne it
 *    since. Those between, found by their time of birth, are read too (stored.c).
 * 4. Places are stored with a hash of the text before them. Anything that fits neither
 *    inode nor hash is not the file we read: it is looked for beside, and if it is not
 *    there the loss is said (stored.c). All names' places are known before the first
 *    file is opened, so that a rotated file is begun where its former name had stopped.
 * 5. An inotify batch is taken in whole before anything is looked at, readers before
 *    sleepers. A name that comes too late all the same, when the inode was read and
 *    left already, goes on where the other name stopped (left).
 *
 * Nothing is polled but files the kernel does not tell us about: network file systems,
 * `polling`, or when no more watches are to be had. Idle means no wake-up at all.
 */
#include "banner/source/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/base/heap.h"
#include "banner/source/paths.h"

enum { RESCAN_MS = 100 };

static void	scan(struct files *);

static void
waiting_free(struct source *s)
{
	free(s);
}

static const struct source_kind waiting_kind = { .free = waiting_free };

struct reader *
files_reader(struct files *fs, const struct stat *st)
{
	struct inode_key key = { st->st_dev, st->st_ino };

	return table_find(fs->by_inode, &key, sizeof(key));
}

/* Look at what is due, those who read before those who sleep: a sleeper must not snatch
 * the new file of a name whose own turn comes next. A folder is listed after all of
 * them were peeked at, so that one listing tells each what bore its name before. */
static void
check_due(struct files *fs)
{
	fs->due = false;
	for (int sleepers = 0; sleepers < 2; sleepers++) {
		for (struct follow *f = fs->first; f; f = f->next)
			if ((f->due || fs->tree_due) && (f->owner != NULL) == sleepers)
				follow_peek(f);
		fs->batch = true;
		for (struct follow *f = fs->first; f; f = f->next)
			if (f->peeked)
				follow_judge(f);
		fs->batch = false;
		listing_drop(&fs->listing);
	}
}

/* It is to be looked at. */
static void
set_due(struct follow *f)
{
	f->due = f->files->due = true;
}

static void
on_entry(void *arg, struct watcher *who)
{
	set_due(heap_entry(who, struct follow, watcher));
}

static void
on_bytes(void *arg, struct reader *r)
{
	follow_wake(r->owner, r);
}

static void
on_tree(void *arg)
{
	struct files *fs = arg;

	fs->tree_due = true;
}

static void
on_unknown(void *arg)
{
	struct files *fs = arg;
	int64_t wait = fs->scanned_ms + RESCAN_MS - clock_ms(CLOCK_MONOTONIC);

	if (!evtimer_pending(fs->rescan, NULL))
		timer_after(fs->rescan, wait > 0 ? wait : 0);
}

void
files_room(struct files *fs)
{
	if (fs->refused > 0)
		on_unknown(fs);
}

size_t
files_refused(const struct files *fs)
{
	return fs ? fs->refused : 0;
}

static void
on_done(void *arg)
{
	struct files *fs = arg;

	if (fs->tree_due)
		scan(fs);
	if (fs->due || fs->tree_due)
		check_due(fs);
	fs->tree_due = false;
	jobs_now(fs->set);
}

static void
on_rescan(evutil_socket_t fd, short what, void *arg)
{
	struct files *fs = arg;

	scan(fs);
	check_due(fs);
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	struct files *fs = arg;
	bool again = false;

	/* A name or glob that nobody tells of asks for the next time itself. */
	scan(fs);
	for (struct follow *f = fs->first; f; f = f->next) {
		if (f->unwatched || (f->cur && f->cur->wd < 0))
			set_due(f);
		again |= f->cur && f->cur->wd < 0;
		for (size_t i = 0; i < f->nold; i++)
			if (f->old[i]->wd < 0) {
				follow_wake(f, f->old[i]);
				again = true;
			}
		if (f->cur && f->cur->wd < 0 && !f->cur->remote)
			follow_wake(f, f->cur);
	}
	check_due(fs);
	if (again)
		files_poll(fs);
}

void
files_poll(struct files *fs)
{
	if (!evtimer_pending(fs->poll, NULL))
		timer_after(fs->poll, POLL_MS);
}

void
files_unwatched(struct files *fs, struct source *s, int rc)
{
	files_poll(fs);
	if (fs->watch_said || rc == -EREMOTE || rc == -EACCES)
		return;
	fs->watch_said = true;
	source_event(s, SOURCE_ERROR, "no inotify watch (%s): polled each second; see "
	    "fs.inotify.max_user_%s", strerror(-rc),
	    fs->watch ? "watches" : "instances");
}

void
files_unopened(struct files *fs, struct source *s, int rc)
{
	files_poll(fs);
	if (!fs->open_said)
		source_event(s, SOURCE_ERROR, "%s; it and others are tried again each "
		    "second", strerror(-rc));
	fs->open_said = true;
}

int
files_watch_entry(struct files *fs, const char *folder, const char *name,
    struct watcher *who)
{
	int rc = fs->watch ? watch_entry(fs->watch, folder, name, who) : -EREMOTE;

	/* What is not there has no watch, and the folder above tells of it. One that
	 * may not be listed may be entered all the same. */
	return rc == -ENOSPC || rc == -ENOMEM || rc == -EREMOTE || rc == -EACCES ? rc
	    : 0;
}

/* Stored places are known to all before any file is opened (rule 4). */
static void
read_places(struct files *fs, struct follow *f)
{
	const struct source_host *host = &fs->set->host;
	const char *text = host->place ? host->place(host->arg, f->src.name) : NULL;
	int n;

	if (!text || !*text)
		return;
	n = places_parse(str_of(text), f->wanted);
	if (n < 0) {
		source_event(&f->src, SOURCE_ERROR,
		    "the stored place is not understood; "
		    "reading as if for the first time");
		return;
	}
	f->nwanted = (size_t)n;
	source_set_place(&f->src, text);
	for (int i = 0; i < n; i++)
		table_set(fs->stored, &f->wanted[i].ino, sizeof(f->wanted[i].ino),
		    &f->wanted[i]);
}

static void
refuse(struct files *fs, const char *path)
{
	fs->refused++;
	if (!fs->full_said && fs->first)
		source_event(&fs->first->src, SOURCE_ERROR,
		    "more than %zu files: %s and others are not followed",
		    fs->set->files_max, path);
	fs->full_said = true;
}

/* One that was forgotten, under its new name; or NULL. */
static struct follow *
use_again(struct files *fs, const char *path)
{
	struct follow *f = fs->forgotten > 0 ? fs->first : NULL;

	while (f && !f->src.hidden)
		f = f->next;
	if (!f)
		return NULL;
	table_del(fs->by_path, f->src.name, strlen(f->src.name));
	follow_rename(f, path);
	return f;
}

static struct follow *
follow_add(struct files *fs, const char *path)
{
	struct follow *f = follow_new(fs, path);

	*fs->last = f;
	fs->last = &f->next;
	fs->n++;
	return f;
}

static struct follow *
follow_get(struct files *fs, const char *path)
{
	struct follow *f = table_find(fs->by_path, path, strlen(path));

	if (f)
		return f;
	f = use_again(fs, path);
	if (!f && fs->n >= fs->set->files_max) {
		refuse(fs, path);
		return NULL;
	}
	if (!f)
		f = follow_add(fs, path);
	set_due(f);
	f->tail = !fs->after_start;
	table_set(fs->by_path, path, strlen(path), f);
	read_places(fs, f);
	return f;
}

static void
glob_found(void *arg, const char *path)
{
	struct files *fs = arg;
	struct glob *g = fs->walking;
	struct follow *f = follow_get(fs, path);

	g->found = true;
	if (!f)
		return;
	f->named |= !path_has_magic(g->text);
	follow_add_group(f, g->group);
	/* Who wants the whole file gets it. */
	f->tail = f->tail && g->tail;
	f->polling |= g->polling;
}

static struct source *
waiting_get(struct files *fs, struct glob *g)
{
	if (g->waiting)
		return g->waiting;
	g->waiting = xcalloc(1, sizeof(*g->waiting));
	source_init(g->waiting, fs->set, &waiting_kind, g->text);
	source_add_group(g->waiting, g->group);
	g->waiting->stats.waiting = true;
	g->waiting->hidden = g->found;
	return g->waiting;
}

static void
glob_step(void *arg, const char *folder, const char *name, bool file)
{
	struct files *fs = arg;
	struct glob *g = fs->walking;
	int rc = g->polling ? -EREMOTE : files_watch_entry(fs, folder, name, NULL);

	if (rc < 0)
		files_unwatched(fs, waiting_get(fs, g), rc);
}

static void
glob_waiting(struct files *fs, struct glob *g)
{
	if (g->found && g->waiting)
		g->waiting->hidden = true;
	if (g->found || g->denied || g->missing_said)
		return;
	g->missing_said = true;
	waiting_get(fs, g);
	source_event(g->waiting, SOURCE_MISSING, "no file matches yet");
}

static void
glob_denied(void *arg, const char *folder)
{
	struct files *fs = arg;
	struct glob *g = fs->walking;

	g->denied = true;
	if (g->denied_said)
		return;
	g->denied_said = true;
	source_event(waiting_get(fs, g), SOURCE_DENIED, "%s: %s", folder,
	    strerror(EACCES));
}

/* Expand all globs again; new names become follows that are due. */
static void
scan(struct files *fs)
{
	struct path_walk walk = { glob_step, glob_found, fs, glob_denied };

	fs->scanned_ms = clock_ms(CLOCK_MONOTONIC);
	fs->refused = 0;
	for (struct glob *g = fs->globs; g; g = g->next) {
		fs->walking = g;
		g->denied = false;
		path_glob(g->text, &walk);
		g->denied_said = g->denied;
		glob_waiting(fs, g);
	}
	fs->walking = NULL;
}

static void
watch_start(struct files *fs)
{
	struct watch_host host = { fs, on_entry, on_bytes, on_tree, on_unknown,
		on_done };
	int rc = watch_new(fs->set->base, &host, &fs->watch);

	if (rc < 0)
		files_unwatched(fs, waiting_get(fs, fs->globs), rc);
}

void
files_start(struct files *fs)
{
	watch_start(fs);
	scan(fs);
	check_due(fs);
	fs->after_start = true;
}

static struct files *
files_new(struct sources *set)
{
	struct files *fs = xcalloc(1, sizeof(*fs));

	fs->set = set;
	fs->globs_end = &fs->globs;
	fs->last = &fs->first;
	fs->by_path = table_new();
	fs->by_inode = table_new();
	fs->left = table_new();
	fs->stored = table_new();
	fs->rescan = evtimer_new(set->base, on_rescan, fs);
	fs->poll = evtimer_new(set->base, on_poll, fs);
	return fs;
}

/* The follows themselves are sources and freed as such, before. */
void
files_free(struct files *fs)
{
	if (!fs)
		return;
	for (struct glob *g = fs->globs, *next; g; g = next) {
		next = g->next;
		free(g->text);
		free(g);
	}
	listing_drop(&fs->listing);
	watch_free(fs->watch);
	event_free(fs->rescan);
	event_free(fs->poll);
	table_free(fs->by_path);
	table_free(fs->by_inode);
	table_free(fs->left);
	table_free(fs->stored);
	free(fs);
}

int
sources_add_glob(struct sources *set, const struct glob_request *want, void *group,
    struct err *e)
{
	struct files *fs;
	struct glob *g;

	if (want->glob[0] != '/')
		return err_set(e, -EINVAL, "the path of a log must begin with /: %s",
		    want->glob);
	if (!set->files)
		set->files = files_new(set);
	fs = set->files;
	g = xcalloc(1, sizeof(*g));
	g->text = xstrdup(want->glob);
	g->tail = want->tail;
	g->polling = want->polling;
	g->group = group;
	*fs->globs_end = g;
	fs->globs_end = &g->next;
	if (fs->after_start) {
		scan(fs);
		check_due(fs);
	}
	return 0;
}
