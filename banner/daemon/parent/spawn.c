/* SPDX-License-Identifier: GPL-2.0-or-later
 * spawn.c - fork, descriptors 3 and 4, user, capabilities, exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "banner/daemon/parent/caps.h"
#include "banner/daemon/parent/spawn.h"
#include "banner/daemon/proc/child.h"

enum { PAIR_BUFFER = 1 << 20, EXIT_START = 70 };

int
spawn_find(const char *program, char *path, size_t size, struct err *e)
{
	char self[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash) {
			snprintf(
			    path, size, "%.*s/%s", (int)(slash - self), self, program);
			if (access(path, X_OK) == 0)
				return 0;
		}
	}
	snprintf(path, size, "%s/%s", BANNER_LIBEXECDIR, program);
	if (access(path, X_OK) == 0)
		return 0;
	return err_set(e, -ENOENT, "%s is neither beside bannerd nor in %s", program,
	    BANNER_LIBEXECDIR);
}

/* user_namespaces(7): lines "inside outside count". */
static bool
uid_is_mapped(uid_t uid)
{
	unsigned long in, outside, count;
	bool mapped = false;
	FILE *f = fopen("/proc/self/uid_map", "re");

	if (!f)
		return true;
	while (!mapped && fscanf(f, "%lu %lu %lu", &in, &outside, &count) == 3)
		mapped = uid >= in && uid - in < count;
	fclose(f);
	return mapped;
}

void
spawn_identity(const char *user, struct identity *id, char *why, size_t size)
{
	struct passwd *pw;

	*id = (struct identity){ .name = user };
	why[0] = '\0';
	if (!user[0])
		return;
	if (geteuid() != 0) {
		snprintf(why, size, "not started as root");
		return;
	}
	pw = getpwnam(user);
	if (!pw) {
		snprintf(why, size, "there is no user %s", user);
		return;
	}
	if (!uid_is_mapped(pw->pw_uid)) {
		snprintf(why, size, "user %s does not exist in this namespace", user);
		return;
	}
	id->uid = pw->pw_uid;
	id->gid = pw->pw_gid;
	id->change = pw->pw_uid != geteuid();
}

static void
fail(const char *program, const char *what)
{
	dprintf(STDERR_FILENO, "bannerd: %s: %s\n", program, what);
	_exit(EXIT_START);
}

/* Both are moved out of the way first: one may sit where the other belongs. */
static void
place_descriptors(const struct spawn_spec *spec, int sock)
{
	int s = fcntl(sock, F_DUPFD, 10), c = fcntl(spec->conf_fd, F_DUPFD, 10);
	int null = open("/dev/null", O_RDWR);

	if (!spec->input)
		dup2(null, STDIN_FILENO);
	dup2(s, CHILD_PARENT_FD);
	dup2(c, CHILD_CONF_FD);
	syscall(SYS_close_range, CHILD_CONF_FD + 1, ~0U, 0);
}

static void
run_child(
    const struct spawn_spec *spec, const char *path, const struct identity *id,
    int sock)
{
	char *argv[] = { (char *)(uintptr_t)spec->program,
		(char *)(uintptr_t)spec->detail, NULL };
	sigset_t none;
	struct err e;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	place_descriptors(spec, sock);
	if (spec->caps && caps_become(id, spec->caps, &e) < 0)
		fail(spec->program, e.text);
	prctl(PR_SET_PDEATHSIG, 0);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	execv(path, argv);
	fail(path, errno == EACCES ? "its user may not run it, or not enter its folder"
	    : strerror(errno));
}

int
spawn_start(const struct spawn_spec *spec, pid_t *pid, int *sock, struct err *e)
{
	char path[4200], why[128];
	struct identity id;
	int sv[2], rc;

	rc = spawn_find(spec->program, path, sizeof(path), e);
	if (rc < 0)
		return rc;
	spawn_identity(spec->user, &id, why, sizeof(why));
	rc = spawn_pair(sv);
	if (rc < 0)
		return err_set(e, rc, "socket pair: %s", strerror(-rc));
	*pid = fork();
	if (*pid < 0) {
		rc = err_set(e, -errno, "fork: %s", strerror(errno));
		close(sv[0]);
		close(sv[1]);
		return rc;
	}
	if (*pid == 0)
		run_child(spec, path, &id, sv[1]);
	close(sv[1]);
	*sock = sv[0];
	return 0;
}

int
spawn_memory(const struct buf *b, const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING), rc;

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < b->len;) {
		ssize_t n = write(fd, b->p + done, b->len - done);

		if (n < 0) {
			rc = -errno;
			close(fd);
			return rc;
		}
		done += (size_t)n;
	}
	fcntl(
	    fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	return fd;
}

int
spawn_pair(int sv[2])
{
	int size = PAIR_BUFFER;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) <
	    0)
		return -errno;
	for (int i = 0; i < 2; i++)
		if (setsockopt(sv[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) <
		    0)
			setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}
