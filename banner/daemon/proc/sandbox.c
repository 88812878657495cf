/* SPDX-License-Identifier: GPL-2.0-or-later
 * sandbox.c - no new privileges, Landlock, and the order of the steps.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "banner/daemon/proc/sandbox.h"

/* Rights of later ABIs than the build's header may know (landlock(7)). */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_RUN (FS_READ | LANDLOCK_ACCESS_FS_EXECUTE)
#define FS_CHANGE \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define FS_FILE \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define FS_ALL_V1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static int
landlock_abi(void)
{
	long n = syscall(
	    SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return n < 0 ? -errno : (int)n;
}

static __u64
landlock_rights(int abi)
{
	__u64 all = FS_ALL_V1;

	if (abi >= 2)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

static int
landlock_path(int set, const char *path, __u64 rights, struct err *e)
{
	struct landlock_path_beneath_attr at = { .allowed_access = rights };
	struct stat st;
	int rc = 0;

	at.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (at.parent_fd < 0)
		return 0;
	if (fstat(at.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		at.allowed_access &= FS_FILE;
	if (syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &at, 0) < 0)
		rc = err_set(e, -errno, "landlock: %s: %s", path, strerror(errno));
	close(at.parent_fd);
	return rc;
}

static int
landlock_paths(int set, const char *const *paths, __u64 rights, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; paths && paths[i] && rc == 0; i++)
		rc = landlock_path(set, paths[i], rights, e);
	return rc;
}

/* ABI in use, 0: the kernel has none, or -errno. */
static int
landlock_enter(const struct sandbox *s, struct err *e)
{
	struct landlock_ruleset_attr attr;
	int abi = landlock_abi(), set, rc;
	__u64 all;

	if (abi == -ENOSYS || abi == -EOPNOTSUPP)
		return 0;
	if (abi < 0)
		return err_set(e, abi, "landlock: %s", strerror(-abi));
	all = landlock_rights(abi);
	memset(&attr, 0, sizeof(attr));
	attr.handled_access_fs = all;
	set = (int)syscall(
	    SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (set < 0)
		return err_set(e, -errno, "landlock: %s", strerror(errno));
	rc = landlock_paths(set, s->read, FS_READ & all, e);
	if (rc == 0)
		rc = landlock_paths(set, s->write,
		    (FS_READ | FS_CHANGE | LANDLOCK_ACCESS_FS_TRUNCATE) & all, e);
	if (rc == 0)
		rc = landlock_paths(set, s->exec, FS_RUN & all, e);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, set, 0) < 0)
		rc = err_set(e, -errno, "landlock: %s", strerror(errno));
	close(set);
	return rc < 0 ? rc : abi;
}

static int
harden(struct err *e)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(e, -errno, "no_new_privs: %s", strerror(errno));
	return 0;
}

static int
sandbox_missing(const struct sandbox *s, const struct sandbox_level *l, struct err *e)
{
	if (strcmp(s->want, "required") != 0 || (l->landlock && l->seccomp))
		return 0;
	return err_set(
	    e, -ENOTSUP, "sandbox = required, but there is only: %s", l->text);
}

static void
sandbox_describe(struct sandbox_level *l)
{
	char landlock[32];

	snprintf(landlock, sizeof(landlock), "landlock %d", l->landlock);
	snprintf(l->text, sizeof(l->text), "%s, %s",
	    l->landlock ? landlock : "no landlock",
	    l->seccomp ? "seccomp" : "no seccomp");
}

int
sandbox_possible(const char *want, struct err *e)
{
	struct sandbox s = { .want = want };
	struct sandbox_level l = { .seccomp = sandbox_has_filter() };
	int abi = landlock_abi();

	l.landlock = abi > 0 ? abi : 0;
	sandbox_describe(&l);
	return sandbox_missing(&s, &l, e);
}

int
sandbox_enter(const struct sandbox *s, struct sandbox_level *l, struct err *e)
{
	int rc;

	memset(l, 0, sizeof(*l));
	if (!strcmp(s->want, "off")) {
		snprintf(l->text, sizeof(l->text), "off (by configuration)");
		return 0;
	}
	if (s->profile == PROFILE_EXEC) {
		snprintf(l->text, sizeof(l->text), "none: runs commands");
		return 0;
	}
	rc = harden(e);
	if (rc < 0)
		return rc;
	rc = landlock_enter(s, e);
	if (rc < 0)
		return rc;
	l->landlock = rc;
	rc = sandbox_filter(s->profile, e);
	if (rc < 0 && rc != -ENOSYS)
		return rc;
	l->seccomp = rc == 0;
	sandbox_describe(l);
	return sandbox_missing(s, l, e);
}
