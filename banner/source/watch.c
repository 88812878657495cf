/* SPDX-License-Identifier: GPL-2.0-or-later
 * watch.c - inotify: which entries of folders and which open files changed.
 */
#include "banner/source/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/base/table.h"
#include "banner/base/uncleared.h"
#include "banner/source/inner.h"
#include "banner/source/paths.h"
#include "banner/source/reader.h"

#define FOLDER_MASK (IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | \
	IN_DELETE_SELF | IN_ONLYDIR)

/* Who wants to know of one name. A watcher counts while its round is the present one.
 */
struct interest {
	bool tree;
	size_t n;
	struct { struct watcher *who; uint64_t round; } *v;
};

struct folder {
	int wd;
	bool any, remote;
	struct table *names;	/* -> struct interest */
};

struct watch {
	int fd;
	struct watch_host host;
	struct event *readable, *pause;
	int mounts;		/* -1: not told of any */
	struct event *mounted, *look;
	struct table *folders;	/* wd -> struct folder */
	struct table *readers;	/* wd -> struct reader */
	int64_t second;		/* when the present second of counting began */
	unsigned wakes;		/* in it */
};

static void
interest_free(void *value)
{
	struct interest *it = value;

	free(it->v);
	free(it);
}

static void
folder_free(void *value)
{
	struct folder *f = value;

	table_free_with(f->names, interest_free);
	free(f);
}

static void
interest_tell(struct watch *w, struct interest *it)
{
	size_t kept = 0;

	if (it->tree)
		w->host.tree(w->host.arg);
	for (size_t i = 0; i < it->n; i++) {
		if (it->v[i].round != it->v[i].who->round)
			continue;
		w->host.entry(w->host.arg, it->v[i].who);
		it->v[kept++] = it->v[i];
	}
	it->n = kept;
}

static void
folder_event(struct watch *w, struct folder *f, const struct inotify_event *ev)
{
	struct interest *it = NULL;

	if (ev->mask & IN_IGNORED) {
		table_del(w->folders, &ev->wd, sizeof(ev->wd));
		folder_free(f);
		w->host.tree(w->host.arg);
		return;
	}
	if (ev->len > 0)
		it = table_find(f->names, ev->name, strlen(ev->name));
	if (it)
		interest_tell(w, it);
	else if (f->any && ev->len > 0 && (ev->mask & (IN_CREATE | IN_MOVED_TO)))
		w->host.unknown(w->host.arg);
	else if (ev->len == 0)
		w->host.tree(w->host.arg);
}

static int
tell_bytes(void *arg, const void *key, size_t len, void *reader)
{
	struct watch *w = arg;

	w->host.bytes(w->host.arg, reader);
	return true;
}

static void
one_event(struct watch *w, const struct inotify_event *ev)
{
	struct folder *f;
	struct reader *r;

	/* Anything may have happened since. */
	if (ev->mask & IN_Q_OVERFLOW) {
		table_each(w->readers, tell_bytes, w);
		w->host.tree(w->host.arg);
		return;
	}
	r = table_find(w->readers, &ev->wd, sizeof(ev->wd));
	f = table_find(w->folders, &ev->wd, sizeof(ev->wd));
	if (r && (ev->mask & IN_IGNORED)) {
		table_del(w->readers, &ev->wd, sizeof(ev->wd));
		r->wd = -1;
	} else if (r) {
		w->host.bytes(w->host.arg, r);
	} else if (f) {
		folder_event(w, f, ev);
	}
}

static void
drain(struct watch *w)
{
	_Alignas(struct inotify_event) char buf[16 << 10] UNCLEARED;
	ssize_t n;

	while ((n = read(w->fd, buf, sizeof(buf))) > 0) {
		const struct inotify_event *ev;

		for (char *p = buf; p < buf + n; p += sizeof(*ev) + ev->len) {
			ev = (const struct inotify_event *)(void *)p;
			one_event(w, ev);
		}
		if ((size_t)n < sizeof(buf) / 2)
			break;
	}
	w->host.done(w->host.arg);
}

static void
on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	drain(w);
	event_add(w->readable, NULL);
}

/* A wake-up per written line costs more than reading it: when they come thick, let
 * them gather. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	int64_t second = clock_ms(CLOCK_MONOTONIC) / 100;

	if (second != w->second) {
		w->second = second;
		w->wakes = 0;
	}
	if (++w->wakes <= WATCH_RATE / 10) {
		drain(w);
		return;
	}
	event_del(w->readable);
	timer_after(w->pause, WATCH_PAUSE_MS);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	w->host.tree(w->host.arg);
	w->host.done(w->host.arg);
}

/* A machine with containers may mount without end. */
static void
on_mounted(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;

	if (!evtimer_pending(w->look, NULL))
		timer_after(w->look, WATCH_MOUNT_MS);
}

/* inotify does not tell when a folder is hidden by a file system that is mounted there,
 * or comes back. The file is always readable, and an edge is a change (proc(5)). */
static void
watch_mounts(struct watch *w, struct event_base *base)
{
	w->look = evtimer_new(base, on_look, w);
	w->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (w->mounts < 0)
		return;
	w->mounted =
	    event_new(base, w->mounts, EV_READ | EV_ET | EV_PERSIST, on_mounted, w);
	event_add(w->mounted, NULL);
}

int
watch_new(struct event_base *base, const struct watch_host *host, struct watch **out)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	struct watch *w;

	if (fd < 0)
		return -errno;
	w = xcalloc(1, sizeof(*w));
	w->fd = fd;
	w->host = *host;
	w->folders = table_new();
	w->readers = table_new();
	w->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, w);
	w->pause = evtimer_new(base, on_pause, w);
	event_add(w->readable, NULL);
	watch_mounts(w, base);
	*out = w;
	return 0;
}

void
watch_free(struct watch *w)
{
	if (!w)
		return;
	event_free(w->readable);
	event_free(w->pause);
	event_free(w->look);
	if (w->mounts >= 0) {
		event_free(w->mounted);
		close(w->mounts);
	}
	table_free_with(w->folders, folder_free);
	table_free(w->readers);
	close(w->fd);
	free(w);
}

static struct folder *
folder_get(struct watch *w, const char *path)
{
	int wd = inotify_add_watch(w->fd, path, FOLDER_MASK);
	struct folder *f;

	if (wd < 0)
		return NULL;
	f = table_find(w->folders, &wd, sizeof(wd));
	if (f)
		return f;
	f = xcalloc(1, sizeof(*f));
	f->wd = wd;
	f->names = table_new();
	f->remote = path_is_remote_folder(path);
	table_set(w->folders, &wd, sizeof(wd), f);
	return f;
}

static void
interest_add(struct interest *it, struct watcher *who)
{
	size_t i = 0;

	while (i < it->n && it->v[i].who != who)
		i++;
	if (i == it->n) {
		it->v = xrealloc(it->v, (i + 1) * sizeof(*it->v));
		it->v[i].who = who;
		it->n++;
	}
	it->v[i].round = who->round;
}

int
watch_entry(struct watch *w, const char *path, const char *name, struct watcher *who)
{
	struct folder *f = folder_get(w, path);
	struct interest *it;

	if (!f)
		return -errno;
	if (!name) {
		f->any = true;
		return f->remote ? -EREMOTE : 0;
	}
	it = table_find(f->names, name, strlen(name));
	if (!it) {
		it = xcalloc(1, sizeof(*it));
		table_set(f->names, name, strlen(name), it);
	}
	if (who)
		interest_add(it, who);
	else
		it->tree = true;
	return f->remote ? -EREMOTE : 0;
}

int
watch_file(struct watch *w, struct reader *r)
{
	char self[40];

	/* By descriptor: the path may name another file by now. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", r->fd);
	r->wd = inotify_add_watch(w->fd, self, IN_MODIFY);
	if (r->wd < 0)
		return -errno;
	table_set(w->readers, &r->wd, sizeof(r->wd), r);
	return 0;
}

void
watch_drop(struct watch *w, struct reader *r)
{
	if (r->wd < 0)
		return;
	table_del(w->readers, &r->wd, sizeof(r->wd));
	inotify_rm_watch(w->fd, r->wd);
	r->wd = -1;
}
