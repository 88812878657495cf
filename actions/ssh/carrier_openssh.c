/* SPDX-License-Identifier: GPL-2.0-or-later
 * carrier_openssh.c - a child ssh(1) per host, for what libssh2 cannot do.
 *
 * Its standard input and output are one end of a socket pair, its standard error is a
 * pipe whose last line is the reason when it ends. ssh checks the host's key itself,
 * strictly, against the same file.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actions/ssh/carrier.h"

#define PROGRAM "/usr/bin/ssh"
enum { ARGS = 64, OPTION = 512 };

struct child {
	pid_t pid;
	int err; /* its standard error */
};

static int
init(struct ssh *s)
{
	if (access(PROGRAM, X_OK) == 0)
		return 0;
	ssh_log(s, BN_ERROR, PROGRAM ": %s", strerror(errno));
	return -errno;
}

static void
fini(struct ssh *s)
{
}

struct command {
	char text[ARGS][OPTION];
	char *argv[ARGS + 1];
	int n;
};

static void
arg(struct command *c, const char *fmt, const char *value)
{
	if (c->n >= ARGS)
		return;
	/* fmt is one of the literals below */
	snprintf(c->text[c->n], OPTION, "%s%s", fmt, value);
	c->argv[c->n] = c->text[c->n];
	c->argv[++c->n] = NULL;
}

static void
make_command(const struct host *h, struct command *c)
{
	const struct options *o = &h->ssh->o;
	char port[8], words[2000], *rest = words, *word;

	snprintf(port, sizeof(port), "%d", h->port);
	snprintf(words, sizeof(words), "%s", o->ssh_options);
	arg(c, "ssh", "");
	arg(c, "-T", "");
	arg(c, "-p", port);
	arg(c, "-oBatchMode=yes", "");
	arg(c, "-oStrictHostKeyChecking=yes", "");
	arg(c, "-oUpdateHostKeys=no", "");
	arg(c, "-oUserKnownHostsFile=", o->known_hosts);
	arg(c, "-oPasswordAuthentication=no", "");
	arg(c, "-oKbdInteractiveAuthentication=no", "");
	arg(c, "-oForwardAgent=no", "");
	arg(c, "-oClearAllForwardings=yes", "");
	arg(c, "-oControlPath=none", "");
	arg(c, "-oServerAliveInterval=15", "");
	arg(c, "-oLogLevel=ERROR", "");
	if (strcmp(o->key, "agent") != 0) {
		arg(c, "-oIdentitiesOnly=yes", "");
		arg(c, "-i", o->key);
	}
	while ((word = strsep(&rest, " \t\n")))
		if (*word)
			arg(c, word, "");
	arg(c, "-l", o->user);
	arg(c, "--", "");
	arg(c, h->where, "");
	arg(c, o->command, "");
}

static void
become(struct host *h, const int pipe_fd, const int err_fd)
{
	struct command c = { .n = 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	if (dup2(pipe_fd, STDIN_FILENO) < 0 || dup2(pipe_fd, STDOUT_FILENO) < 0 ||
	    dup2(err_fd, STDERR_FILENO) < 0)
		_exit(126);
	syscall(SYS_close_range, 3, ~0U, 0);
	if (h->ssh->o.agent[0])
		setenv("SSH_AUTH_SOCK", h->ssh->o.agent, 1);
	make_command(h, &c);
	execv(PROGRAM, c.argv);
	_exit(127);
}

static int
start(struct host *h)
{
	struct child *c = calloc(1, sizeof(*c));
	int sv[2], err[2];

	h->carrier = c;
	if (!c)
		return -ENOMEM;
	c->err = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		return -errno;
	if (pipe2(err, O_CLOEXEC | O_NONBLOCK) < 0) {
		close(sv[0]);
		close(sv[1]);
		return -errno;
	}
	/* ssh shares its end between input and output, and wants it blocking */
	fcntl(sv[1], F_SETFL, 0);
	h->fd = sv[0];
	c->err = err[0];
	c->pid = fork();
	if (c->pid == 0)
		become(h, sv[1], err[1]);
	close(sv[1]);
	close(err[1]);
	return c->pid < 0 ? -errno : 0;
}

/* There is nothing to wait for: what is written waits for ssh. */
static int
step(struct host *h)
{
	return 1;
}

/* The last line is the reason. */
static void
last_words(struct host *h)
{
	struct child *c = h->carrier;
	char text[1024], *line;
	ssize_t n = read(c->err, text, sizeof(text) - 1);

	if (n <= 0)
		return;
	while (n > 0 && strchr("\r\n ", text[n - 1]))
		n--;
	text[n] = '\0';
	line = strrchr(text, '\n');
	carrier_error(h, 0, "%s", line ? line + 1 : text);
}

static ssize_t
read_pipe(struct host *h, char *buf, size_t size)
{
	ssize_t n = recv(h->fd, buf, size, 0);

	if (n > 0)
		return n;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	last_words(h);
	return n < 0 ? -errno : 0;
}

static ssize_t
write_pipe(struct host *h, const char *p, size_t size)
{
	ssize_t n = send(h->fd, p, size, MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return -EAGAIN;
	last_words(h);
	return -ECONNRESET;
}

static uint32_t
events(struct host *h)
{
	return EPOLLIN |
	    (h->out.at < h->out.len || h->state == HOST_LOGIN ? EPOLLOUT : 0);
}

static void
stop(struct host *h)
{
	struct child *c = h->carrier;

	if (h->fd >= 0)
		close(h->fd);
	if (c->err >= 0)
		close(c->err);
	if (c->pid > 0) {
		kill(c->pid, SIGKILL);
		waitpid(c->pid, NULL, 0);
	}
	free(c);
}

const struct carrier_ops carrier_openssh = {
	.name = "openssh",
	.init = init,
	.fini = fini,
	.start = start,
	.step = step,
	.read = read_pipe,
	.write = write_pipe,
	.events = events,
	.stop = stop,
};
