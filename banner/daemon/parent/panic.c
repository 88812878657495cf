/* SPDX-License-Identifier: GPL-2.0-or-later
 * panic.c - banctl panic, which outlives the engine and this bannerd.
 *
 * A file beside the control socket says that it goes on: the state folder is not ours
 * to write. Whoever makes the file begins it: banctl does that itself when no engine
 * answers it, so an engine that hangs keeps nobody locked out.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/daemon/parent/parent.h"

#define NAME "banner.parent"

static void
file_of(const struct parent *p, struct buf *path)
{
	buf_printf(path, "%s.panic", p->conf->daemon.socket);
}

/* Ours: the folder of a socket may be one that all can write to. */
static bool
is_there(const struct parent *p)
{
	struct buf path = { 0 };
	struct stat st;
	bool there;

	file_of(p, &path);
	there = lstat(path.p, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_uid == 0 || st.st_uid == geteuid());
	buf_fini(&path);
	return there;
}

/* The actors need no engine for it. One that did not ask for it itself does not know of
 * it, and may hang: the next one is told. */
static void
begin_without(struct parent *p)
{
	struct kid *engine = kid_find(p, ROLE_ENGINE, 0);

	p->panic = true;
	log_warn(NAME, "PANIC by its file: nothing is in force until resume");
	plan_flush(p);
	if (!engine || !kid_runs(engine))
		return;
	engine->failures = 0;
	kid_kill(engine, "panic began without it");
}

static void
on_folder(evutil_socket_t fd, short what, void *arg)
{
	_Alignas(struct inotify_event) char room[4096];
	struct parent *p = arg;

	while (read(fd, room, sizeof(room)) > 0)
		continue;
	if (!p->panic && !p->stopping && is_there(p))
		begin_without(p);
}

void
parent_panic_watch(struct parent *p)
{
	struct buf path = { 0 };

	p->panic = is_there(p);
	if (p->panic)
		log_warn(NAME, "PANIC: nothing is in force until resume");
	file_of(p, &path);
	p->panic_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (p->panic_fd < 0 ||
	    inotify_add_watch(
		p->panic_fd, dirname(path.p), IN_CREATE | IN_MOVED_TO) < 0)
		log_warn(NAME, "panic needs an engine that answers: inotify: %s",
		    strerror(errno));
	else {
		p->on_panic = event_new(
		    p->base, p->panic_fd, EV_READ | EV_PERSIST, on_folder, p);
		event_add(p->on_panic, NULL);
	}
	buf_fini(&path);
}

void
parent_panic_unwatch(struct parent *p)
{
	if (p->on_panic)
		event_free(p->on_panic);
	if (p->panic_fd >= 0)
		close(p->panic_fd);
}

int
parent_panic(struct parent *p, bool on, struct err *e)
{
	static const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	struct buf path = { 0 };
	int fd = -1, rc = 0;

	p->panic = on;
	file_of(p, &path);
	if (on)
		fd = open(path.p, flags, 0600);
	else if (unlink(path.p) < 0 && errno != ENOENT)
		rc = err_set(e, -errno, "%s: %s", path.p, strerror(errno));
	if (on && fd < 0)
		rc = err_set(e, -errno, "it is so until bannerd ends: %s: %s", path.p,
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	buf_fini(&path);
	return rc;
}
