/* SPDX-License-Identifier: GPL-2.0-or-later
 * paths.c - log paths: opened safely, expanded, and watched by their steps.
 */
#include "banner/source/paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/source/inner.h"

enum { LINKS_MAX = 16 };

static void
no_step(void *arg, const char *folder, const char *name, bool file)
{
}

/* Say every entry above the last part of an absolute path. */
static void
steps_above(const char *path, path_step_fn *step, void *arg)
{
	char *copy = xstrdup(path), *last = strrchr(copy, '/');

	for (char *p = copy, *end; last && p < last; p = end) {
		char part[NAME_MAX + 1];

		end = strchr(p + 1, '/');
		snprintf(part, sizeof(part), "%.*s", (int)(end - p - 1), p + 1);
		*p = '\0';
		if (part[0])
			step(arg, p == copy ? "/" : copy, part, false);
		*p = '/';
	}
	free(copy);
}

/* The folder and the last part, with everything above it. */
static void
steps_of(const char *path, path_step_fn *step, void *arg)
{
	char folder[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (!slash || n >= sizeof(folder))
		return;
	memcpy(folder, path, n);
	folder[n] = '\0';
	steps_above(path, step, arg);
	/* A folder of the path may be a link: then the real way counts too. */
	if (n > 0 && realpath(folder, real) && strcmp(real, folder) != 0 &&
	    strlen(real) + 2 < sizeof(real)) {
		strcat(real, "/-");
		steps_above(real, step, arg);
	}
	step(arg, n > 0 ? folder : "/", slash + 1, true);
}

/* The folder of path with the text of the link in place of its last part. */
static int
link_target(int link, const char *path, char out[PATH_MAX])
{
	char text[PATH_MAX];
	const char *slash = strrchr(path, '/');
	ssize_t n = readlinkat(link, "", text, sizeof(text) - 1);
	int len;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	if (text[0] == '/')
		len = snprintf(out, PATH_MAX, "%s", text);
	else
		len =
		    snprintf(out, PATH_MAX, "%.*s/%s", (int)(slash - path), path, text);
	return len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

bool
path_is_remote(int fd)
{
	static const uint32_t remote[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC,
	    0xff534d42 /* cifs */, 0xfe534d42 /* smb2 */, 0x65735546 /* fuse */,
	    V9FS_MAGIC, CODA_SUPER_MAGIC, AFS_SUPER_MAGIC, 0x00c36400 /* ceph */,
	    0x01161970 /* gfs2 */, 0x7461636f /* ocfs2 */, 0x0bd00bd0 /* lustre */,
	    0x47504653 /* gpfs */, 0x786f4256 /* vboxsf */ };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	for (size_t i = 0; i < sizeof(remote) / sizeof(*remote); i++)
		if ((uint32_t)fs.f_type == remote[i])
			return true;
	return false;
}

bool
path_is_remote_folder(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool remote = fd >= 0 && path_is_remote(fd);

	if (fd >= 0)
		close(fd);
	return remote;
}

/* "Regular" files there are made up by the kernel, some with side effects. */
static bool
is_kernel_text(int fd)
{
	static const uint32_t kernel[] = { PROC_SUPER_MAGIC, SYSFS_MAGIC, DEBUGFS_MAGIC,
	    TRACEFS_MAGIC, SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return true;
	for (size_t i = 0; i < sizeof(kernel) / sizeof(*kernel); i++)
		if ((uint32_t)fs.f_type == kernel[i])
			return true;
	return false;
}

/* O_PATH opens nothing yet, so what the entry is can be seen first and cannot be
 * exchanged afterwards. Links are followed by hand: each one's own text is used, not
 * that of whatever lies at the path a moment later. owner: of the links, all safe ones
 * counted as root. */
static int
open_entry(
    const char *path, uid_t *owner, struct stat *st, path_step_fn *step, void *arg)
{
	char at[PATH_MAX], next[PATH_MAX];

	if (strlen(path) >= sizeof(at))
		return -ENAMETOOLONG;
	strcpy(at, path);
	*owner = 0;
	for (int links = 0; links < LINKS_MAX; links++) {
		int fd, rc;

		steps_of(at, step, arg);
		fd = open(at, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (fstat(fd, st) < 0 || !S_ISLNK(st->st_mode))
			return fd;
		if (st->st_uid != 0 && st->st_uid != geteuid())
			*owner = st->st_uid;
		rc = link_target(fd, at, next);
		close(fd);
		if (rc < 0)
			return rc;
		strcpy(at, next);
	}
	return -ELOOP;
}

/* The same inode for reading. Without /proc the path is opened anew; O_NONBLOCK and
 * the second look make an exchange meanwhile harmless. */
static int
reopen(int fd, const char *path, struct stat *st)
{
	char self[40];
	struct stat now;
	int got;

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	got = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (got < 0 && errno == ENOENT && access("/proc/self/fd", F_OK) < 0)
		got = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (got < 0)
		return -errno;
	if (fstat(got, &now) < 0 || now.st_ino != st->st_ino ||
	    now.st_dev != st->st_dev) {
		close(got);
		return -EAGAIN;
	}
	*st = now;
	return got;
}

int
path_open(const char *path, bool peek, struct stat *st, path_step_fn *step, void *arg)
{
	uid_t owner;
	int rc, fd;

	fd = open_entry(path, &owner, st, step ? step : no_step, arg);
	if (fd < 0)
		return fd;
	rc = fd;
	if (!S_ISREG(st->st_mode) || is_kernel_text(fd))
		rc = -ENXIO;
	else if (owner != 0 && owner != st->st_uid)
		rc = -EPERM;
	else if (!peek)
		rc = reopen(fd, path, st);
	if (rc != fd)
		close(fd);
	return rc;
}

bool
path_has_magic(const char *glob)
{
	return strpbrk(glob, "*?[") != NULL;
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void	walk(const char *folder, const char *rest, const struct path_walk *);

/* One entry that fits the part; rest is what follows it. */
static void
walk_entry(const char *folder, const char *name, const char *rest,
    const struct path_walk *w)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >= (int)sizeof(path))
		return;
	if (*rest)
		walk(path, rest, w);
	else if (!is_folder(path))
		w->found(w->arg, path);
}

static void
walk_magic(const char *folder, const char *part, const char *rest,
    const struct path_walk *w)
{
	struct dirent **all;
	int n;

	w->step(w->arg, folder[0] ? folder : "/", NULL, false);
	n = scandir(folder[0] ? folder : "/", &all, NULL, alphasort);
	if (n < 0 && errno == EACCES && w->denied)
		w->denied(w->arg, folder);
	for (int i = 0; i < n; i++) {
		if (fnmatch(part, all[i]->d_name, FNM_PERIOD | FNM_NOESCAPE) == 0)
			walk_entry(folder, all[i]->d_name, rest, w);
		free(all[i]);
	}
	if (n >= 0)
		free(all);
}

/* folder without the slash at its end: "" is the root. rest begins with no slash. */
static void
walk(const char *folder, const char *rest, const struct path_walk *w)
{
	char part[NAME_MAX + 1], path[PATH_MAX];
	size_t n = strcspn(rest, "/");
	struct stat st;

	if (n == 0 || n >= sizeof(part))
		return;
	memcpy(part, rest, n);
	part[n] = '\0';
	rest += n;
	rest += strspn(rest, "/");
	if (path_has_magic(part)) {
		walk_magic(folder, part, rest, w);
		return;
	}
	w->step(w->arg, folder[0] ? folder : "/", part, false);
	if (snprintf(path, sizeof(path), "%s/%s", folder, part) < (int)sizeof(path) &&
	    lstat(path, &st) == 0)
		walk_entry(folder, part, rest, w);
}

void
path_glob(const char *glob, const struct path_walk *w)
{
	if (!path_has_magic(glob))
		w->found(w->arg, glob);
	else
		walk("", glob + strspn(glob, "/"), w);
}
