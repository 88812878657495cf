/* SPDX-License-Identifier: GPL-2.0-or-later
 * trial.c - beside a running fail2ban: not by accident, and without touching it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/daemon/parent/parent.h"

static bool
answers(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes;

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	yes = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
	if (fd >= 0)
		close(fd);
	return yes;
}

static bool
ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), t = strlen(tail);

	return n >= t && !strcmp(text + n - t, tail);
}

/* "python3\0/usr/bin/fail2ban-server\0..." */
static bool
is_server(const char *pid)
{
	char path[64], words[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, words, sizeof(words) - 1);
	close(fd);
	if (n <= 0)
		return false;
	words[n] = '\0';
	if (ends_with(words, "fail2ban-server"))
		return true;
	return (size_t)n > strlen(words) + 1 &&
	    ends_with(words + strlen(words) + 1, "fail2ban-server");
}

/* One in a container bans in its own network. */
static bool
same_network(const char *pid)
{
	char path[64], theirs[64], ours[64];
	ssize_t n, m;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
	n = readlink(path, theirs, sizeof(theirs));
	m = readlink("/proc/self/ns/net", ours, sizeof(ours));
	return n < 0 || m < 0 || (n == m && !memcmp(theirs, ours, (size_t)n));
}

static long
find_server(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	long found = 0;

	while (dir && !found && (d = readdir(dir)))
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' &&
		    is_server(d->d_name) && same_network(d->d_name))
			found = strtol(d->d_name, NULL, 10);
	if (dir)
		closedir(dir);
	return found;
}

int
trial_check(const struct options *opt, struct err *e)
{
	long pid = find_server();

	if (opt->force || opt->dry_run || opt->expire)
		return 0;
	if (pid)
		return err_set(e, -EBUSY, "fail2ban runs (process %ld): two of them "
		    "would ban everybody twice; stop it first, or use --dry-run to "
		    "watch beside it, or --force", pid);
	if (answers("/run/fail2ban/fail2ban.sock"))
		return err_set(e, -EBUSY, "fail2ban answers on "
		    "/run/fail2ban/fail2ban.sock; stop it first, or use --dry-run "
		    "or --force");
	return 0;
}

void
trial_configure(struct conf *c)
{
	c->daemon.state = arena_printf(c->arena, "%s/dry-run", c->daemon.state);
	c->daemon.log = arena_printf(c->arena, "%s/bans.log", c->daemon.state);
}
