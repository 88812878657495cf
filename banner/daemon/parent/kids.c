/* SPDX-License-Identifier: GPL-2.0-or-later
 * kids.c - one child of bannerd: its start, its records, its end, its restart.
 *
 * A child that ends unasked is started again, at once the first time, then after 1, 2,
 * 4 .. 60 s; a minute of good service forgives. A child that leaves MISSED beats
 * unanswered is killed and so restarted.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/daemon/parent/parent.h"
#include "banner/daemon/parent/spawn.h"

enum { MISSED = 3, FORGIVEN_MS = 60000, WAIT_MAX_S = 60 };

static const char *const role_names[] = {
	[ROLE_STORE] = "store",
	[ROLE_ACTOR] = "actor",
	[ROLE_HELPER] = "helper",
	[ROLE_ENGINE] = "engine",
};

static void
kid_name(struct kid *k)
{
	if (k->role == ROLE_ACTOR)
		snprintf(k->name, sizeof(k->name), "banner.actor %u", k->number);
	else
		snprintf(k->name, sizeof(k->name), "banner.%s", role_names[k->role]);
}

struct kid *
kid_new(struct parent *p, enum role role, unsigned number)
{
	struct kid *k = xcalloc(1, sizeof(*k)), **at = &p->kids;

	k->parent = p;
	k->role = role;
	k->number = number;
	k->sock = -1;
	k->user = "";
	k->caps = "";
	kid_name(k);
	while (*at)
		at = &(*at)->next;
	*at = k;
	return k;
}

struct kid *
kid_find(struct parent *p, enum role role, unsigned number)
{
	for (struct kid *k = p->kids; k; k = k->next)
		if (k->role == role && k->number == number && !k->unwanted)
			return k;
	return NULL;
}

bool
kid_runs(const struct kid *k)
{
	return k->pid > 0;
}

static void
kid_disconnect(struct kid *k)
{
	if (k->reader)
		event_free(k->reader);
	k->reader = NULL;
	if (k->sock >= 0)
		close(k->sock);
	k->sock = -1;
	buf_clear(&k->out);
}

void
kid_remove(struct kid *k)
{
	struct kid **at = &k->parent->kids;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	kid_disconnect(k);
	if (k->again)
		event_free(k->again);
	buf_fini(&k->out);
	free(k->signature);
	free(k);
}

void
kid_kill(struct kid *k, const char *why)
{
	log_error(k->name, "%s: killed", why);
	kill(k->pid, SIGKILL);
}

void
kid_send(struct kid *k)
{
	int rc;

	if (k->sock < 0 || !k->out.len)
		return;
	rc = wire_send(k->sock, &k->out, -1);
	/* a full socket is tried again at the next beat; the child answers none then */
	if (rc < 0 && rc != -EAGAIN)
		buf_clear(&k->out);
}

int
kid_send_socket(struct kid *k, const char *peer, uint32_t n, int fd)
{
	struct buf b = { 0 };
	size_t at;
	int rc;

	if (k->sock < 0)
		return -ENOTCONN;
	kid_send(k);
	at = wire_start(&b, WIRE_SOCKET);
	wire_text(&b, peer);
	wire_u32(&b, n);
	wire_finish(&b, at);
	rc = k->out.len ? -EAGAIN : wire_send(k->sock, &b, fd);
	buf_fini(&b);
	if (rc == -EAGAIN)
		kid_kill(k, "does not read");
	return rc;
}

void
kid_beat(struct kid *k)
{
	if (!kid_runs(k) || k->stopping)
		return;
	if (clock_ms(CLOCK_BOOTTIME) - k->started_ms > FORGIVEN_MS)
		k->failures = 0;
	if (k->unanswered++ >= MISSED) {
		kid_kill(k, "does not answer");
		return;
	}
	wire_empty(&k->out, WIRE_BEAT);
	kid_send(k);
}

static void
take_log(struct kid *k, struct wire_in *body)
{
	unsigned level = wire_get_u8(body);
	const char *text = wire_get_text(body);
	const char *name = body->p < body->end ? wire_get_text(body) : k->name;

	if (body->bad || level > LEVEL_DEBUG)
		return;
	log_text((enum log_level)level, name, text);
}

static void
take_request(struct kid *k, struct wire_in *body)
{
	uint64_t ticket = wire_get_u64(body);
	const char *what = wire_get_text(body), *who = wire_get_text(body);
	struct err e = { "" };
	int rc;

	if (body->bad)
		return;
	/* asked again and again while a process is waited for */
	if (strncmp(what, "connect ", 8) != 0)
		log_info("banner.parent", "%s, asked by %s", what, who);
	parent_request(k->parent, what, &e);
	rc = e.text[0] ? EINVAL : 0;
	size_t at = wire_start(&k->out, WIRE_REPLY);
	wire_u64(&k->out, ticket);
	wire_u32(&k->out, (uint32_t)rc);
	wire_text(&k->out, e.text);
	wire_finish(&k->out, at);
	kid_send(k);
}

static void
take_hello(struct kid *k, struct wire_in *body)
{
	if (wire_get_u32(body) != WIRE_VERSION)
		kid_kill(k, "is of another version");
}

static void
take_ready(struct kid *k, struct wire_in *body)
{
	const char *level = body->p < body->end ? wire_get_text(body) : "";

	snprintf(k->level, sizeof(k->level), "%s", body->bad ? "" : level);
	k->ready = true;
	log_info(k->name, "ready, process %ld, sandbox: %s", (long)k->pid,
	    k->level[0] ? k->level : "not told");
	parent_kid_ready(k->parent, k);
}

static void
take_record(struct kid *k, enum wire_type type, struct wire_in *body)
{
	if (type == WIRE_HELLO)
		take_hello(k, body);
	else if (type == WIRE_LOG)
		take_log(k, body);
	else if (type == WIRE_READY)
		take_ready(k, body);
	else if (type == WIRE_BEAT) {
		k->unanswered = 0;
		k->works = true;
	}
	else if (type == WIRE_RELOAD && k->role == ROLE_ENGINE)
		take_request(k, body);
	else
		kid_kill(k, "sent a record that is not its business");
}

static void
on_frame(evutil_socket_t sock, short what, void *arg)
{
	struct kid *k = arg;
	WIRE_ROOM(frame);
	struct wire_in in, body;
	enum wire_type type;
	int fd, rc;

	rc = wire_recv(sock, frame, &in, &fd);
	if (rc == -EAGAIN)
		return;
	if (fd >= 0)
		close(fd);
	if (rc <= 0) {
		/* its end follows (SIGCHLD) */
		kid_disconnect(k);
		return;
	}
	logtarget_gather(k->parent->log, true);
	while ((rc = wire_next(&in, &type, &body)) > 0)
		take_record(k, type, &body);
	logtarget_gather(k->parent->log, false);
	if (rc < 0)
		kid_kill(k, "sent a broken frame");
}

int
kid_start(struct kid *k, struct err *e)
{
	struct parent *p = k->parent;
	char program[40], detail[16];
	struct spawn_spec spec = { .program = program,
		.user = k->user,
		.caps = k->caps,
		.conf_fd = p->conf_fd };
	int rc;

	kid_name(k);
	snprintf(program, sizeof(program), "banner-%s", role_names[k->role]);
	if (k->role == ROLE_ACTOR || k->role == ROLE_ENGINE)
		spec.detail = detail;
	snprintf(detail, sizeof(detail), "%u", k->number);
	if (k->role == ROLE_ENGINE) {
		snprintf(detail, sizeof(detail), "%s",
		    p->opt->expire        ? "expire"
			: p->opt->dry_run ? "dry-run"
					  : "run");
		spec.input = p->input;
	}
	rc = spawn_start(&spec, &k->pid, &k->sock, e);
	if (rc < 0) {
		k->pid = 0;
		return rc;
	}
	k->ready = k->stopping = false;
	k->unanswered = 0;
	k->started_ms = clock_ms(CLOCK_BOOTTIME);
	k->reader = event_new(p->base, k->sock, EV_READ | EV_PERSIST, on_frame, k);
	event_add(k->reader, NULL);
	log_debug(k->name, "started, process %ld", (long)k->pid);
	return 0;
}

void
kid_stop(struct kid *k)
{
	if (!kid_runs(k) || k->stopping)
		return;
	k->stopping = true;
	k->works = false;
	wire_empty(&k->out, WIRE_STOP);
	kid_send(k);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct kid *k = arg;
	struct err e;
	int rc = 0;

	if (kid_runs(k) || k->parent->stopping || k->parent->reloading || k->unwanted)
		return;
	k->restarts++;
	/* it ends when its folder is not there any more */
	if (k->role == ROLE_STORE)
		rc = folders_make(k->parent->conf, &e);
	if (rc == 0)
		rc = kid_start(k, &e);
	if (rc < 0) {
		log_error(k->name, "%s", e.text);
		kid_again(k);
		return;
	}
	if (k->role == ROLE_ENGINE)
		plan_connect_engine(k->parent);
	else
		plan_connect(k->parent, k);
}

void
kid_again(struct kid *k)
{
	struct timeval wait = { 0, 0 };

	if (k->failures > 0)
		wait.tv_sec = 1L << (k->failures > 6 ? 6 : k->failures - 1);
	if (wait.tv_sec > WAIT_MAX_S)
		wait.tv_sec = WAIT_MAX_S;
	k->failures++;
	log_error(k->name, "is started again in %ld s (%lu times so far)",
	    (long)wait.tv_sec, k->restarts);
	if (!k->again)
		k->again = evtimer_new(k->parent->base, on_again, k);
	evtimer_add(k->again, &wait);
}

/* What it had sent is still in the socket: its last words are often the reason. */
static void
kid_drain(struct kid *k)
{
	for (int i = 0; i < 64 && k->sock >= 0; i++)
		on_frame(k->sock, 0, k);
}

void
kid_reaped(struct kid *k, int status)
{
	bool done = k->parent->opt->expire && k->role == ROLE_ENGINE && !status;
	bool asked = k->stopping || done;

	kid_drain(k);
	k->pid = 0;
	k->ready = false;
	kid_disconnect(k);
	if (!asked && WIFSIGNALED(status))
		log_error(k->name, "was ended by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (!asked || WEXITSTATUS(status))
		log_error(k->name, "ended with status %d", WEXITSTATUS(status));
	if (!asked && !k->parent->stopping && !k->parent->opt->expire)
		kid_again(k);
	parent_kid_gone(k->parent, k);
}
