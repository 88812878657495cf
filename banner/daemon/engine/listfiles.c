/* SPDX-License-Identifier: GPL-2.0-or-later
 * listfiles.c - the files that ignoreip and blocklist name (file:PATH).
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
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
#include "banner/source/paths.h"

#define NAME "banner.engine"
/* After news of a folder: time for whoever writes to finish. */
enum { LIST_MAX = 1000000, LIST_BYTES = 64 << 20, LIST_WORD = 1024, SETTLE_MS = 100 };
#define ENTRIES \
	(IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | IN_ATTRIB | \
	    IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD)
#define CONTENT IN_CLOSE_WRITE

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
	bool unwatched; /* nobody tells of one of them: looked at each second */
	struct event *changed, *settle;
};

struct lines {
	char **v;
	size_t n, cap;
	size_t bad, first_bad; /* what was meant as an address; the line of the first */
	char bad_text[ADDR_TEXT];
};

static void
lines_fini(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

static int
lines_add(struct lines *l, struct str word)
{
	if (l->n == LIST_MAX)
		return -E2BIG;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = xstrndup(word.s, word.len);
	return 0;
}

static bool
is_bad(const struct listfile *file, const char *entry)
{
	struct addr a;

	return file->block ? addr_parse_prefix(str_of(entry), &a) < 0
	    : addr_is_mistaken(entry);
}

static void
note_bad(struct lines *l, size_t line, const char *text)
{
	if (!l->bad++) {
		l->first_bad = line;
		snprintf(l->bad_text, sizeof(l->bad_text), "%s", text);
	}
}

/* First word of each line; '#' and ';' begin comments. What follows it may be long. */
static int
read_words(const struct listfile *file, FILE *f, struct lines *l)
{
	char part[LIST_WORD];
	bool whole = true; /* the part begins a line */
	size_t line = 0;
	int rc = 0;

	while (rc == 0 && fgets(part, sizeof(part), f)) {
		struct str rest = str_of(part), word;
		bool begins = whole;

		whole = rest.len > 0 && rest.s[rest.len - 1] == '\n';
		line += begins;
		if (!begins || !str_word(&rest, &word) || word.s[0] == '#' ||
		    word.s[0] == ';')
			continue;
		rc = lines_add(l, word);
		if (rc == 0 && is_bad(file, l->v[l->n - 1]))
			note_bad(l, line, l->v[l->n - 1]);
	}
	return rc == 0 && ferror(f) ? -EIO : rc;
}

/* Whatever lies at the path, this neither waits nor takes more memory than a list. */
static int
read_lines(const struct listfile *file, struct lines *l, struct stat *st)
{
	int fd = path_open(file->path, false, st, NULL, NULL), rc;
	FILE *f;

	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	rc = f ? 0 : -errno;
	if (rc == 0 && st->st_size > LIST_BYTES)
		rc = -EFBIG;
	if (rc == 0)
		rc = read_words(file, f, l);
	if (f)
		fclose(f);
	else
		close(fd);
	return rc;
}

static void
say_bad(const struct listfile *file, const struct lines *l)
{
	struct buf text = { 0 };

	if (!l->bad)
		return;
	buf_safe(&text, str_of(l->bad_text), sizeof(l->bad_text));
	log_warn(NAME, "%s:%zu: found \"%s\", expected an address or prefix%s",
	    file->path, l->first_bad, text.p ? text.p : "",
	    l->bad > 1 ? "; other lines are wrong, too" : "");
	buf_fini(&text);
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
	int rc = read_lines(file, &l, &file->st);

	if (rc < 0 && rc != file->err)
		log_error(NAME, "[%s] %s %s: %s%s", jail_name(file->jail), what,
		    file->path, rc == -ENXIO ? "not a regular file" : strerror(-rc),
		    file->read ? "; what it held stays in force" : "");
	file->err = rc;
	if (rc < 0) {
		file->st = (struct stat){ 0 };
		lines_fini(&l);
		if (rc == -EACCES)
			engined_denied(f->d);
		return;
	}
	file->read = true;
	say_bad(file, &l);
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

/* Each folder on the way: one of them may be a link, or exchanged. */
static void
watch_step(void *arg, const char *folder, const char *name, bool file)
{
	struct listfiles *f = arg;
	int rc = f->fd < 0 ? -1
	    : inotify_add_watch(f->fd, folder, file ? ENTRIES | CONTENT : ENTRIES);

	/* what is not there has no watch, and the folder above tells of it */
	if (rc < 0 ? errno != ENOENT && errno != ENOTDIR
	    : path_is_remote_folder(folder))
		f->unwatched = true;
}

/* Adding a folder again is nothing; folders that were replaced are new ones. */
static void
watch_all(struct listfiles *f)
{
	struct timeval second = { 1, 0 };
	struct stat st;
	int fd;

	f->unwatched = f->fd < 0;
	for (size_t i = 0; i < f->n; i++) {
		fd = path_open(f->v[i].path, true, &st, watch_step, f);
		if (fd >= 0)
			close(fd);
	}
	if (f->unwatched)
		evtimer_add(f->settle, &second);
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
	if (f->unwatched || !evtimer_pending(f->settle, NULL))
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
	f->settle = evtimer_new(f->d->base, on_settled, f);
	f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (f->fd >= 0) {
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
