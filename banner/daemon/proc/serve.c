/* SPDX-License-Identifier: GPL-2.0-or-later
 * serve.c - the loop of a process that serves the engine: store and actors.
 */
#include "banner/daemon/proc/serve.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/daemon/proc/log.h"

/* An engine that does not read its answers is not read either beyond this. */
enum { SERVE_OUT_MAX = 8 << 20 };
/* Matching some lines takes 30 to 150 us, waking up as much. */
enum { SOON_NS = 250000 };

static void	engine_event(evutil_socket_t, short, void *);

static bool
engine_open(struct serve *s, int fd)
{
	s->engine = fd;
	s->engine_in = event_new(s->base, fd, EV_READ | EV_PERSIST, engine_event, s);
	s->engine_out = event_new(s->base, fd, EV_WRITE, engine_event, s);
	return s->engine_in && s->engine_out && event_add(s->engine_in, NULL) == 0;
}

static void
engine_close(struct serve *s)
{
	if (s->engine < 0)
		return;
	event_free(s->engine_in);
	event_free(s->engine_out);
	close(s->engine);
	s->engine = -1;
	buf_clear(&s->out);
}

static void
hello(struct serve *s)
{
	size_t at = wire_start(&s->out, WIRE_HELLO);

	wire_u32(&s->out, WIRE_VERSION);
	wire_text(&s->out, s->child->role);
	wire_finish(&s->out, at);
}

/* The old engine is read to its end; now the one that waits, if there is one. */
static void
engine_next(struct serve *s)
{
	int fd = s->next;

	engine_close(s);
	if (s->ops->end)
		s->ops->end(s->arg);
	s->next = -1;
	if (fd < 0)
		return;
	if (!engine_open(s, fd)) {
		log_error(s->child->role, "cannot watch the engine's socket");
		engine_close(s);
		return;
	}
	hello(s);
	s->ops->start(s->arg);
	serve_flush(s);
}

static void
engine_lost(struct serve *s, const char *why)
{
	s->bad++;
	log_error(s->child->role, "connection to the engine given up: %s", why);
	engine_next(s);
}

static int
engine_frame(struct serve *s, struct wire_in *frame)
{
	enum wire_type type;
	struct wire_in body;
	int rc;

	while ((rc = wire_next(frame, &type, &body)) > 0) {
		if (type == WIRE_HELLO && wire_get_u32(&body) != WIRE_VERSION)
			return -EPROTO;
		if (type == WIRE_SOON) {
			s->soon = true;
			rc = wire_done(&body);
		} else if (type != WIRE_HELLO)
			rc = s->ops->record(s->arg, type, &body);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* What is announced is awaited awake, which saves the order a wake-up. Everybody else
 * may use the processor meanwhile, the engine first of all. */
static int
receive(struct serve *s, uint8_t *buf, struct wire_in *frame, int *fd)
{
	int rc = wire_recv(s->engine, buf, frame, fd);
	int64_t until = s->soon ? clock_ns(CLOCK_MONOTONIC) + SOON_NS : 0;

	s->soon = false;
	while (rc == -EAGAIN && until && clock_ns(CLOCK_MONOTONIC) < until) {
		sched_yield();
		rc = wire_recv(s->engine, buf, frame, fd);
	}
	return rc;
}

/* Read what is there. A turn is bounded, so that the parent is heard as well: true
 * when there may be more. */
static bool
engine_read(struct serve *s)
{
	static const unsigned turn = 64;
	WIRE_ROOM(buf);
	struct wire_in frame;
	int fd, rc = 1;

	for (unsigned i = 0; rc > 0 && i < turn; i++) {
		rc = receive(s, buf, &frame, &fd);
		if (fd >= 0)
			close(fd);
		if (rc > 0 && engine_frame(s, &frame) < 0) {
			s->ops->turn(s->arg);
			engine_lost(s, "a record that makes no sense");
			return false;
		}
	}
	/* All of them together: a batch of its own for each would be slow with actions
	 * whose batches are transactions. */
	s->ops->turn(s->arg);
	if (rc == 0 || (rc < 0 && rc != -EAGAIN))
		engine_next(s);
	return rc > 0;
}

static void
engine_event(evutil_socket_t fd, short what, void *arg)
{
	struct serve *s = arg;

	if (what & EV_READ)
		engine_read(s);
	serve_flush(s);
}

static void
parent_record(struct serve *s, enum wire_type type, struct wire_in *body, int *fd)
{
	if (child_handles(s->child, type, body))
		return;
	if (type == WIRE_STOP) {
		event_base_loopbreak(s->base);
	} else if (type == WIRE_SOCKET && *fd >= 0) {
		if (s->next >= 0)
			close(s->next);
		s->next = *fd;
		*fd = -1;
		if (s->engine < 0)
			engine_next(s);
	} else if (s->ops->parent) {
		s->ops->parent(s->arg, type, body);
	}
}

static void
parent_event(evutil_socket_t sock, short what, void *arg)
{
	struct serve *s = arg;
	WIRE_ROOM(buf);
	struct wire_in frame, body;
	enum wire_type type;
	int fd, rc = 1;

	while (what & EV_READ && rc > 0) {
		rc = wire_recv((int)sock, buf, &frame, &fd);
		while (rc > 0 && wire_next(&frame, &type, &body) > 0)
			parent_record(s, type, &body, &fd);
		if (fd >= 0)
			close(fd);
	}
	if (rc == 0 || (rc < 0 && rc != -EAGAIN))
		event_base_loopbreak(s->base);
	s->ops->turn(s->arg);
	serve_flush(s);
}

void
serve_flush(struct serve *s)
{
	int rc = 0;

	if (child_flush(s->child) == -EAGAIN)
		event_add(s->parent_out, NULL);
	if (s->engine < 0) {
		buf_clear(&s->out);
		return;
	}
	if (s->out.len > 0)
		rc = wire_send(s->engine, &s->out, -1);
	if (rc == -EAGAIN)
		event_add(s->engine_out, NULL);
	else if (rc < 0)
		buf_clear(&s->out); /* its end is read, and handled, in engine_read */
	if (s->out.len > SERVE_OUT_MAX)
		event_del(s->engine_in);
	else
		event_add(s->engine_in, NULL);
}

void
serve_push(struct serve *s)
{
	struct pollfd room = { .fd = s->engine, .events = POLLOUT };
	int rc = -EPIPE;

	while (s->engine >= 0 && (rc = wire_send(s->engine, &s->out, -1)) == -EAGAIN)
		poll(&room, 1, -1);
	if (rc < 0)
		buf_clear(&s->out);
}

int
serve_init(struct serve *s, struct child *c, const struct serve_ops *ops, void *arg)
{
	*s = (struct serve){
		.child = c, .ops = ops, .arg = arg, .engine = -1, .next = -1
	};
	/* an event that could not be made would be a process that never wakes up */
	event_set_mem_functions(xmalloc, xrealloc, free);
	s->base = event_base_new();
	if (!s->base)
		return -ENOMEM;
	s->parent_in = event_new(s->base, c->fd, EV_READ | EV_PERSIST, parent_event, s);
	s->parent_out = event_new(s->base, c->fd, EV_WRITE, parent_event, s);
	if (!s->parent_in || !s->parent_out || event_add(s->parent_in, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void
serve_run(struct serve *s)
{
	serve_flush(s);
	event_base_dispatch(s->base);
	/* What the engine had sent before the end still counts. */
	if (s->next >= 0)
		close(s->next);
	s->next = -1;
	while (s->engine >= 0 && engine_read(s))
		child_works(s->child);
	if (s->engine >= 0 && s->ops->end)
		s->ops->end(s->arg);
	child_works(s->child);
	serve_flush(s);
}

void
serve_fini(struct serve *s)
{
	engine_close(s);
	buf_fini(&s->out);
	if (s->parent_in)
		event_free(s->parent_in);
	if (s->parent_out)
		event_free(s->parent_out);
	if (s->base)
		event_base_free(s->base);
}
