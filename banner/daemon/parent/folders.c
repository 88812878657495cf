/* SPDX-License-Identifier: GPL-2.0-or-later
 * folders.c - the state folder, its lock, and the control socket.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "banner/daemon/parent/caps.h"
#include "banner/daemon/parent/parent.h"
#include "banner/daemon/parent/spawn.h"

enum { LOCK_TRIES = 50 }; /* a second */

enum { BACKLOG = 64 };

/* Like mkdir -p; only what is missing is made. */
static int
make_path(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];

	if (strlen(path) >= sizeof(part))
		return err_set(
		    e, -ENAMETOOLONG, "%s: %s", path, strerror(ENAMETOOLONG));
	strcpy(part, path);
	for (char *s = part + 1;; s++) {
		if (*s != '/' && *s != '\0')
			continue;
		char end = *s;

		*s = '\0';
		if (mkdir(part, end ? 0755 : mode) < 0 && errno != EEXIST)
			return err_set(e, -errno, "cannot make folder %s: %s", part,
			    strerror(errno));
		*s = end;
		if (!end)
			return 0;
	}
}

static int
make_parent(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	return make_path(dir, 0755, e);
}

/* The store's database files belong to its user, also after a start without it. */
static void
give_state(const char *dir, const struct identity *id)
{
	static const char *const names[] = { "", "/banner.sqlite3",
		"/banner.sqlite3-wal", "/banner.sqlite3-shm" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, names[i]);
		if (lchown(path, id->uid, id->gid) < 0 && errno != ENOENT)
			log_warn(
			    "banner.parent", "%s: owner: %s", path, strerror(errno));
	}
}

int
folders_make(const struct conf *c, struct err *e)
{
	struct identity id;
	char why[128];
	int rc = make_path(c->daemon.state, 0700, e);

	if (rc < 0)
		return rc;
	spawn_identity("_banner", &id, why, sizeof(why));
	if (id.change)
		give_state(c->daemon.state, &id);
	return make_parent(c->daemon.socket, e);
}

/* A child that was being started when its bannerd was killed holds the lock until it
 * is a program of its own. */
static int
lock_patiently(int fd)
{
	int rc;

	for (int i = 0; i < LOCK_TRIES; i++) {
		rc = flock(fd, LOCK_EX | LOCK_NB);
		if (rc == 0 || errno != EWOULDBLOCK)
			return rc;
		if (i < LOCK_TRIES - 1)
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return rc;
}

int
folders_lock(const struct conf *c, struct err *e)
{
	const char *path = c->daemon.state;
	int fd, rc;

	/* The folder itself, not a file in it: that is the store's, and our rights may
	 * be few. */
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (lock_patiently(fd) == 0)
		return fd;
	rc = errno == EWOULDBLOCK
	    ? err_set(e, -EBUSY, "another bannerd uses the state folder %s", path)
	    : err_set(e, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

/* Group banner may connect; whoever may change things is looked at per request. */
static void
give_socket(const char *path)
{
	struct group *g = geteuid() == 0 ? getgrnam("banner") : NULL;

	if (g && chown(path, (uid_t)-1, g->gr_gid) < 0)
		log_warn("banner.parent", "%s: group: %s", path, strerror(errno));
}

static int
stream_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Does a bannerd with another state folder listen there? An engine whose parent was
 * killed does so for a moment. */
static bool
in_use(const struct sockaddr_un *at)
{
	bool used = true;

	for (int i = 0; used && i < LOCK_TRIES; i++) {
		int fd = stream_socket();

		/* EAGAIN: it listens, but its backlog is full */
		used = fd >= 0 &&
		    (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ||
			errno == EAGAIN);
		if (fd >= 0)
			close(fd);
		if (used)
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return used;
}

int
folders_listen(const struct conf *c, struct err *e)
{
	const char *path = c->daemon.socket;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, rc = 0;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(
		    e, -ENAMETOOLONG, "socket %s: the name is too long", path);
	strcpy(at.sun_path, path);
	if (in_use(&at))
		return err_set(e, -EBUSY, "another bannerd answers on %s", path);
	fd = stream_socket();
	if (fd < 0)
		return err_set(e, -errno, "socket: %s", strerror(errno));
	unlink(path);
	mask = umask(0117);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0)
		rc = err_set(e, -errno, "socket %s: %s", path, strerror(errno));
	umask(mask);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	give_socket(path);
	return fd;
}

void
folders_listen_again(const struct conf *c, int *control)
{
	struct sockaddr_un at = { 0 };
	socklen_t len = sizeof(at);
	struct err e;
	int fd;

	/* another path acts at the next start */
	if (*control < 0 ||
	    getsockname(*control, (struct sockaddr *)&at, &len) < 0 ||
	    strcmp(at.sun_path, c->daemon.socket) != 0 ||
	    access(at.sun_path, F_OK) == 0)
		return;
	fd = folders_make(c, &e);
	if (fd == 0)
		fd = folders_listen(c, &e);
	if (fd < 0) {
		log_error("banner.parent", "%s", e.text);
		return;
	}
	log_notice("banner.parent", "%s was gone and is made anew", at.sun_path);
	close(*control);
	*control = fd;
}
