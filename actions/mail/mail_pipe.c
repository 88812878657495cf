/* SPDX-License-Identifier: GPL-2.0-or-later
 * mail_pipe.c - hands a message to a sendmail program: no shell, fixed words.
 */
#include "mail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int
start(const struct mail_setup *s, int in, pid_t *pid)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[MAIL_TO + 7], *env[] = { path, NULL };
	posix_spawn_file_actions_t fa;
	size_t n = 0;
	int rc;

	argv[n++] = (char *)(uintptr_t)s->sendmail;
	argv[n++] = (char *)(uintptr_t) "-oi";
	if (*s->from) {
		argv[n++] = (char *)(uintptr_t) "-f";
		argv[n++] = (char *)(uintptr_t)s->from;
	}
	argv[n++] = (char *)(uintptr_t) "--";
	for (size_t i = 0; i < s->nto; i++)
		argv[n++] = s->to[i];
	argv[n] = NULL;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in, 0);
	rc = posix_spawn(pid, s->sendmail, &fa, NULL, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	return -rc;
}

/* Programs on this side of a pipe expect LF alone. */
static int
feed(int fd, const char *text)
{
	FILE *f = fdopen(fd, "w");
	int rc;

	if (!f) {
		rc = -errno;
		close(fd);
		return rc;
	}
	for (; *text; text++)
		if (*text != '\r')
			fputc(*text, f);
	return fclose(f) == 0 ? 0 : -errno;
}

int
mail_pipe(const struct mail_setup *s, const char *text, char why[256])
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	int fd[2], rc, status = 0;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	rc = start(s, fd[0], &pid);
	close(fd[0]);
	if (rc < 0) {
		close(fd[1]);
	} else {
		rc = feed(fd[1], text);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (rc == 0 && status != 0)
			rc = -EIO;
	}
	signal(SIGPIPE, old);
	if (rc < 0)
		snprintf(why, 256, "%s: %s (status %d)", s->sendmail, strerror(-rc),
		    status);
	return rc;
}
