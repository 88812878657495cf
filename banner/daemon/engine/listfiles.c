/* SPDX-License-Identifier: GPL-2.0-or-later
 * listfiles.c - the files that ignoreip and blocklist name (file:PATH).
 */
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/core/engine_state.h"
#include "banner/daemon/engine/ask.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/listfiles.h"

#define NAME "banner.engine"
/* After news of a folder: time for whoever writes to finish. */
enum { LIST_MAX = 1000000, SETTLE_MS = 100 };
#define WATCHED \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
	    IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct listfile {
	struct jail *jail;
	const char *entry, *path; /* of the configuration */
	bool block; /* blocklist, else ignoreip */
	bool read; /* at least once */
	int err; /* of the last try, -errno, said once */
	struct stat st; /* of what was read */
};

struct listfiles {
	struct engined *d;
	struct listfile *v;
	size_t n;
	int fd; /* inotify, or -1 */
	struct event *changed, *settle;
};

struct lines {
	char **v;
	size_t n, cap;
};

static void
lines_fini(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

/* First word of each line; '#' and ';' begin comments. */
static int
read_lines(const char *path, struct lines *l, struct stat *st)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	if (!f)
		return -errno;
	if (fstat(fileno(f), st) < 0)
		rc = -errno;
	while (rc == 0 && getline(&line, &size, f) > 0) {
		struct str rest = str_of(line), word;

		if (!str_word(&rest, &word) || word.s[0] == '#' || word.s[0] == ';')
			continue;
		if (l->n == LIST_MAX) {
			rc = -E2BIG;
			break;
		}
		if (l->n == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 64;
			l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
		}
		l->v[l->n++] = xstrndup(word.s, word.len);
	}
	if (rc == 0 && ferror(f))
		rc = -EIO;
	free(line);
	fclose(f);
	return rc;
}

static void
set_block(struct listfiles *f, const struct listfile *file, const struct lines *l)
{
	struct addr *v = xcalloc(l->n + 1, sizeof(*v));
	size_t n = 0, refused;

	for (size_t i = 0; i < l->n; i++)
		n += addr_parse_prefix(str_of(l->v[i]), &v[n]) == 0;
	refused = engine_blocklist_set(f->d->engine, file->jail, v, n, engined_now());
	log_info(NAME,
	    "[%s] blocklist %s: %zu entries, %zu not understood, %zu refused",
	    jail_name(file->jail), file->path, n, l->n - n, refused);
	free(v);
}

static void
load(struct listfiles *f, struct listfile *file)
{
	const char *what = file->block ? "blocklist" : "ignoreip";
	struct lines l = { 0 };
	int rc = read_lines(file->path, &l, &file->st);

	if (rc < 0 && rc != file->err)
		log_error(NAME, "[%s] %s %s: %s%s", jail_name(file->jail), what,
		    file->path, strerror(-rc),
		    file->read ? "; what it held stays in force" : "");
	file->err = rc;
	if (rc < 0) {
		file->st = (struct stat){ 0 };
		lines_fini(&l);
		return;
	}
	file->read = true;
	if (file->block) {
		set_block(f, file, &l);
	} else {
		jail_allow_set(
		    file->jail, file->entry, (const char *const *)l.v, l.n);
		for (size_t i = 0; i < l.n; i++)
			ask_entry(f->d->ask, l.v[i]);
		log_info(NAME, "[%s] ignoreip %s: %zu entries", jail_name(file->jail),
		    file->path, l.n);
	}
	lines_fini(&l);
}

static bool
has_changed(const struct listfile *file)
{
	const struct stat *old = &file->st;
	struct stat st;

	if (stat(file->path, &st) < 0)
		return -errno != file->err;
	return st.st_dev != old->st_dev || st.st_ino != old->st_ino ||
	    st.st_size != old->st_size || st.st_mtim.tv_sec != old->st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != old->st_mtim.tv_nsec || file->err != 0;
}

/* The folder of this path, or the nearest one above it that exists. */
static void
watch_folder(struct listfiles *f, const char *path)
{
	char folder[PATH_MAX], *slash;

	if (strlen(path) >= sizeof(folder))
		return;
	strcpy(folder, path);
	while ((slash = strrchr(folder, '/')) && folder[1]) {
		slash[slash == folder] = '\0';
		if (inotify_add_watch(f->fd, folder, WATCHED) >= 0 || errno != ENOENT)
			return;
	}
}

/* Adding a folder again is nothing; folders that were replaced are new ones. */
static void
watch_all(struct listfiles *f)
{
	char real[PATH_MAX];

	for (size_t i = 0; f->fd >= 0 && i < f->n; i++) {
		watch_folder(f, f->v[i].path);
		if (realpath(f->v[i].path, real) && strcmp(real, f->v[i].path) != 0)
			watch_folder(f, real);
	}
}

static void
on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct listfiles *f = arg;

	watch_all(f);
	for (size_t i = 0; i < f->n; i++)
		if (has_changed(&f->v[i]))
			load(f, &f->v[i]);
	engined_touch(f->d);
	engined_turn(f->d);
}

/* Which name it was does not matter: links may lead anywhere. */
static void
on_changed(evutil_socket_t fd, short what, void *arg)
{
	struct listfiles *f = arg;
	struct timeval wait = { 0, SETTLE_MS * 1000 };
	char room[4096];

	while (read(fd, room, sizeof(room)) > 0)
		continue;
	if (!evtimer_pending(f->settle, NULL))
		evtimer_add(f->settle, &wait);
}

static void
add(struct listfiles *f, struct jail *j, const char *entry, bool block)
{
	const char *path = strncmp(entry, "file:", 5) ? entry : entry + 5;

	f->v = xrealloc(f->v, (f->n + 1) * sizeof(*f->v));
	f->v[f->n++] = (struct listfile){
		.jail = j, .entry = entry, .path = path, .block = block
	};
}

struct listfiles *
listfiles_new(struct engined *d)
{
	struct listfiles *f = xcalloc(1, sizeof(*f));

	f->d = d;
	f->fd = -1;
	for (size_t i = 0; i < engine_jails(d->engine); i++) {
		struct jail *j = engine_jail_at(d->engine, i);
		const struct conf_jail *c = jail_conf(j);

		for (size_t n = 0; c && n < c->ignoreip.n; n++)
			if (!strncmp(c->ignoreip.v[n], "file:", 5))
				add(f, j, c->ignoreip.v[n], false);
		if (c && c->blocklist && c->blocklist[0])
			add(f, j, c->blocklist, true);
	}
	return f;
}

void
listfiles_start(struct listfiles *f)
{
	if (!f->n)
		return;
	f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->fd < 0) {
		log_warn(NAME,
		    "lists in files are read again at reload only: inotify: %s",
		    strerror(errno));
	} else {
		f->settle = evtimer_new(f->d->base, on_settled, f);
		f->changed = event_new(
		    f->d->base, f->fd, EV_READ | EV_PERSIST, on_changed, f);
		event_add(f->changed, NULL);
	}
	/* first watch, then read: what changes in between is seen */
	watch_all(f);
	for (size_t i = 0; i < f->n; i++)
		load(f, &f->v[i]);
}

void
listfiles_free(struct listfiles *f)
{
	if (!f)
		return;
	if (f->changed)
		event_free(f->changed);
	if (f->settle)
		event_free(f->settle);
	if (f->fd >= 0)
		close(f->fd);
	free(f->v);
	free(f);
}
