/* SPDX-License-Identifier: GPL-2.0-or-later
 * helper_main.c - banner-helper: answers the engine's questions to name servers and
 * ignorecommands, each in a process of its own, HELPER_JOBS at a time.
 *
 * Exit status 0 of a command means "ignore", as in fail2ban; whatever goes wrong means
 * "do not ignore", so a broken helper never opens the door for good.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/daemon/helper/helper.h"
#include "banner/daemon/proc/child.h"
#include "banner/daemon/proc/log.h"
#include "banner/daemon/proc/serve.h"

#define NAME "banner.helper"
enum { WAITING_MAX = 1024, ADDRS_MAX = 64 };

struct job {
	pid_t pid;
	uint64_t ticket;
	struct event *late;
	int addrs; /* where a looked up name's addresses come from, or -1 */
};

struct helper {
	struct child child;
	struct serve serve;
	struct event *on_child;
	struct job jobs[HELPER_JOBS];
	size_t njobs;
	/* questions that wait for a free place: type and record */
	struct buf waiting[WAITING_MAX];
	size_t first, nwaiting;
};

static int
take_question(struct wire_in *in, uint64_t *ticket, struct helper_question *q)
{
	uint32_t n;

	*ticket = wire_get_u64(in);
	q->names = wire_get_text(in);
	q->command = wire_get_text(in);
	n = wire_get_u32(in);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		struct helper_tag t = { wire_get_text(in), wire_get_str(in) };

		if (q->ntags < HELPER_TAGS)
			q->tags[q->ntags++] = t;
	}
	return in->bad ? -EBADMSG : 0;
}

/* In the job's own process: 0 ignore, 1 do not. */
static int
work(const struct helper_question *q)
{
	struct buf line = { 0 };

	if (q->names[0] && helper_names(q))
		return 0;
	if (!q->command[0])
		return 1;
	setenv(
	    "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	helper_command(q, &line, true);
	execl("/bin/sh", "sh", "-c", line.p, (char *)NULL);
	return 1;
}

static void
answer(struct helper *h, uint64_t ticket, bool ignore)
{
	size_t at = wire_start(&h->serve.out, WIRE_ANSWER);

	wire_u64(&h->serve.out, ticket);
	wire_u8(&h->serve.out, ignore);
	wire_finish(&h->serve.out, at);
	serve_flush(&h->serve);
}

/* What the job wrote before it ended; a pipe holds far more than ADDRS_MAX. */
static void
answer_name(struct helper *h, const struct job *j)
{
	struct buf *out = &h->serve.out;
	struct addr v[ADDRS_MAX];
	ssize_t got = read(j->addrs, v, sizeof(v));
	uint32_t n = got > 0 ? (uint32_t)((size_t)got / sizeof(v[0])) : 0;
	size_t at = wire_start(out, WIRE_ADDRS);

	wire_u64(out, j->ticket);
	wire_u32(out, n);
	for (uint32_t i = 0; i < n; i++)
		wire_addr(out, &v[i]);
	wire_finish(out, at);
	serve_flush(&h->serve);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct job *j = arg;

	log_warn(
	    NAME, "a question took longer than %d s: no answer", HELPER_MS / 1000);
	kill(-j->pid, SIGKILL);
}

static void
begin_job(int keep)
{
	setpgid(0, 0);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	/* the sockets must not outlive us in a command */
	for (int fd = CHILD_PARENT_FD; fd < 64; fd++)
		if (fd != keep)
			close(fd);
}

static void
run_job(const struct helper_question *q)
{
	begin_job(-1);
	_exit(work(q));
}

static void
run_name(const char *name, int out)
{
	struct addr v[ADDRS_MAX];
	size_t n;

	begin_job(out);
	n = helper_lookup(name, v, ADDRS_MAX);
	_exit(write(out, v, n * sizeof(v[0])) < 0);
}

static struct job *
free_job(struct helper *h)
{
	struct job *j = h->jobs;

	while (j->pid)
		j++;
	*j = (struct job){ .addrs = -1 };
	return j;
}

static void
started(struct helper *h, struct job *j)
{
	struct timeval wait = { HELPER_MS / 1000, 0 };

	setpgid(j->pid, j->pid);
	h->njobs++;
	j->late = evtimer_new(h->serve.base, on_late, j);
	evtimer_add(j->late, &wait);
}

static void
start(struct helper *h, struct wire_in *in)
{
	struct helper_question q = { 0 };
	struct job *j = free_job(h);

	if (take_question(in, &j->ticket, &q) < 0)
		return;
	j->pid = fork();
	if (j->pid == 0)
		run_job(&q);
	if (j->pid < 0) {
		log_error(NAME, "fork: %s", strerror(errno));
		j->pid = 0;
		answer(h, j->ticket, false);
		return;
	}
	started(h, j);
}

static void
start_name(struct helper *h, struct wire_in *in)
{
	struct job *j = free_job(h);
	const char *name;
	int pipes[2];

	j->ticket = wire_get_u64(in);
	name = wire_get_text(in);
	if (in->bad)
		return;
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) < 0) {
		log_error(NAME, "pipe: %s", strerror(errno));
		answer_name(h, j);
		return;
	}
	j->pid = fork();
	if (j->pid == 0)
		run_name(name, pipes[1]);
	close(pipes[1]);
	j->addrs = pipes[0];
	if (j->pid < 0) {
		log_error(NAME, "fork: %s", strerror(errno));
		j->pid = 0;
		answer_name(h, j);
		close(j->addrs);
		return;
	}
	started(h, j);
}

static void
next(struct helper *h)
{
	while (h->nwaiting && h->njobs < HELPER_JOBS) {
		struct buf *b = &h->waiting[h->first];
		struct wire_in in = { (const uint8_t *)b->p,
			(const uint8_t *)b->p + b->len, false };

		h->first = (h->first + 1) % WAITING_MAX;
		h->nwaiting--;
		if (wire_get_u8(&in) == WIRE_NAME)
			start_name(h, &in);
		else
			start(h, &in);
		buf_fini(b);
		*b = (struct buf){ 0 };
	}
}

static void
end_job(struct helper *h, struct job *j, bool success)
{
	event_free(j->late);
	if (j->addrs < 0) {
		answer(h, j->ticket, success);
		return;
	}
	answer_name(h, j);
	close(j->addrs);
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	struct helper *h = arg;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < HELPER_JOBS; i++) {
			struct job *j = &h->jobs[i];

			if (j->pid != pid)
				continue;
			end_job(h, j, WIFEXITED(status) && WEXITSTATUS(status) == 0);
			*j = (struct job){ 0 };
			h->njobs--;
			break;
		}
	next(h);
}

static int
on_record(void *arg, enum wire_type type, struct wire_in *in)
{
	struct helper *h = arg;
	struct buf *b;

	if (type != WIRE_ASK && type != WIRE_NAME)
		return type == WIRE_GUARD ? 0 : -EBADMSG;
	if (h->nwaiting == WAITING_MAX)
		return 0; /* the engine gives up on it by itself */
	b = &h->waiting[(h->first + h->nwaiting++) % WAITING_MAX];
	wire_u8(b, (uint8_t)type);
	buf_add(b, in->p, (size_t)(in->end - in->p));
	in->p = in->end;
	return 0;
}

static void
on_start(void *arg)
{
}

static void
on_turn(void *arg)
{
	next(arg);
}

static const struct serve_ops helper_ops = {
	.start = on_start,
	.record = on_record,
	.turn = on_turn,
};

static bool
has_commands(const struct conf *c)
{
	for (size_t i = 0; i < c->njails; i++)
		if (c->jails[i].enabled && !c->jails[i].refused &&
		    c->jails[i].ignorecommand && c->jails[i].ignorecommand[0])
			return true;
	return false;
}

static int
confine(struct helper *h, struct sandbox_level *level, struct err *e)
{
	static const char *const read[] = { "/etc", "/usr/lib", "/usr/share",
		"/run/systemd/resolve", "/run/nscd", "/run/resolvconf", NULL };
	struct sandbox s = { .want = h->child.conf->daemon.sandbox,
		.profile = PROFILE_HELPER,
		.read = read };

	/* commands are the administrator's programs and need what they need */
	if (has_commands(h->child.conf))
		s.profile = PROFILE_EXEC;
	return sandbox_enter(&s, level, e);
}

int
main(int argc, char **argv)
{
	struct helper *h = xcalloc(1, sizeof(*h));
	struct sandbox_level level;
	struct err e = { "" };
	int rc = child_open(&h->child, NAME, CONF_WHOLE, &e);

	if (rc < 0)
		return 1;
	rc = serve_init(&h->serve, &h->child, &helper_ops, h);
	if (rc == 0)
		rc = confine(h, &level, &e);
	if (rc < 0) {
		log_line(
		    LEVEL_CRITICAL, NAME, "%s", e.text[0] ? e.text : strerror(-rc));
		child_close(&h->child);
		return 1;
	}
	h->on_child = evsignal_new(h->serve.base, SIGCHLD, on_child, h);
	event_add(h->on_child, NULL);
	child_ready(&h->child, &level);
	serve_run(&h->serve);
	event_free(h->on_child);
	serve_fini(&h->serve);
	child_close(&h->child);
	for (size_t i = 0; i < WAITING_MAX; i++)
		buf_fini(&h->waiting[i]);
	free(h);
	return 0;
}
