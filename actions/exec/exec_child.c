/* SPDX-License-Identifier: GPL-2.0-or-later
 * exec_child.c - one process of the exec action, in a session of its own.
 *
 * Everything that can happen to it (output, its end, the time limit) is readable on
 * one epoll descriptor, which the actor's loop watches. At the time limit its whole
 * process group is ended, by SIGTERM and a second later by SIGKILL.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/exec/exec.h"

static char *const environment[] = {
	(char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	(char *)"HOME=/", (char *)"LANG=C.UTF-8", NULL
};

int
exec_child_open(struct child *c)
{
	int rc = 0;

	*c = (struct child){ .pidfd = -1, .pipe = -1 };
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (c->epoll < 0 || c->timer < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->timer,
	    &(struct epoll_event){ .events = EPOLLIN, .data.fd = c->timer }) < 0)
		rc = -errno;
	if (rc < 0)
		exec_child_close(c);
	return rc;
}

static void
close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void
exec_child_close(struct child *c)
{
	close_one(&c->pidfd);
	close_one(&c->pipe);
	close_one(&c->timer);
	close_one(&c->epoll);
}

static void
set_timer(struct child *c, int ms)
{
	timerfd_settime(c->timer, 0, &(struct itimerspec){ .it_value = { ms / 1000,
	    ms % 1000 * 1000000L } }, NULL);
}

/* Streams, session, signals and folder of the new process; no other descriptor. */
static int
describe(posix_spawn_file_actions_t *fa, posix_spawnattr_t *at, int out)
{
	sigset_t none, broken;
	int rc;

	sigemptyset(&none);
	sigemptyset(&broken);
	sigaddset(&broken, SIGPIPE);
	sigaddset(&broken, SIGXFSZ);
	posix_spawnattr_setflags(at, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
	    POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(at, &none);
	posix_spawnattr_setsigdefault(at, &broken);
	rc = posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, out, 1);
	if (rc == 0)
		rc = posix_spawn_file_actions_adddup2(fa, out, 2);
	if (rc == 0)
		rc = posix_spawn_file_actions_addclosefrom_np(fa, 3);
	if (rc == 0)
		rc = posix_spawn_file_actions_addchdir_np(fa, "/");
	return -rc;
}

/* Not fork: that copies the tables of all our memory, which with 100,000 bans takes
 * longer than the command. */
static int
spawn(const struct argv *a, int out, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t at;
	int rc;

	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&at);
	rc = describe(&fa, &at, out);
	if (rc == 0)
		rc = -posix_spawn(pid, a->v[0], &fa, &at, a->v, environment);
	if (rc < 0)
		*pid = 0;
	posix_spawnattr_destroy(&at);
	posix_spawn_file_actions_destroy(&fa);
	return rc;
}

static int
watch(struct child *c, int fd)
{
	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd,
	    &(struct epoll_event){ .events = EPOLLIN, .data.fd = fd });
}

int
exec_child_start(struct child *c, const struct argv *a, int timeout_ms)
{
	int p[2], rc;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -errno;
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	rc = spawn(a, p[1], &c->pid);
	close(p[1]);
	if (rc == 0) {
		c->pidfd = pidfd_open(c->pid, 0);
		rc = c->pidfd < 0 || watch(c, c->pidfd) < 0 || watch(c, p[0]) < 0 ?
		    -errno : 0;
	}
	c->pipe = p[0];
	c->nout = 0;
	c->out[0] = '\0';
	c->timed_out = false;
	if (rc == 0) {
		set_timer(c, timeout_ms);
		return 0;
	}
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	c->pid = 0;
	close_one(&c->pipe);
	close_one(&c->pidfd);
	return rc;
}

/* Keep the first part for the log; read on, so that nobody blocks writing. Not to the
 * end: who writes for ever must not keep the timer waiting. */
static void
read_output(struct child *c)
{
	char part[16384];
	ssize_t n;

	for (int i = 0; i < 4 && c->pipe >= 0; i++) {
		size_t room = OUTPUT_MAX - c->nout;

		n = read(c->pipe, part, sizeof(part));
		if (n < 0)
			return;
		if (n == 0) {
			close_one(&c->pipe);
			return;
		}
		room = (size_t)n < room ? (size_t)n : room;
		memcpy(c->out + c->nout, part, room);
		c->nout += room;
		c->out[c->nout] = '\0';
	}
}

/* 126 and 127 are how a shell says so of a program. */
static int
result_of(const struct child *c, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	if (c->timed_out)
		return -ETIMEDOUT;
	return code == 0 ? 0 : code == 127 ? -ENOENT : code == 126 ? -EACCES : -EIO;
}

static bool
reap(struct child *c, int *result)
{
	int status;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
		return false;
	if (c->timed_out)
		kill(-c->pid, SIGKILL);		/* what is left of its group */
	read_output(c);
	*result = result_of(c, status);
	c->pid = 0;
	close_one(&c->pipe);
	close_one(&c->pidfd);
	set_timer(c, 0);
	return true;
}

static void
on_timer(struct child *c)
{
	uint64_t n;

	if (read(c->timer, &n, sizeof(n)) != sizeof(n) || c->pid == 0)
		return;
	kill(-c->pid, c->timed_out ? SIGKILL : SIGTERM);
	c->timed_out = true;
	set_timer(c, 1000);
}

int
exec_child_poll(struct child *c, int wait_ms, int *result)
{
	struct epoll_event ev[4];
	int n = epoll_wait(c->epoll, ev, 4, wait_ms);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.fd == c->timer)
			on_timer(c);
		else if (ev[i].data.fd == c->pipe)
			read_output(c);
	}
	return c->pid > 0 && reap(c, result);
}
