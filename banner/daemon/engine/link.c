/* SPDX-License-Identifier: GPL-2.0-or-later
 * link.c - reading and writing of one socket.
 */
#include <errno.h>
#include <event2/event.h>
#include <unistd.h>

#include "banner/base/clock.h"
#include "banner/base/units.h"
#include "banner/daemon/engine/link.h"

/* Frames taken in one go, some milliseconds of work, so that one busy peer does not
 * starve the others. */
enum { LINK_FRAMES = 8, STUCK_MS = 1000 };

int64_t
link_still_ms(const struct link *l)
{
	return clock_ms(CLOCK_MONOTONIC) - l->moved_ms;
}

void
link_init(
    struct link *l, struct event_base *base, const struct link_ops *ops, void *arg)
{
	*l = (struct link){ .base = base, .ops = ops, .arg = arg, .sock = -1 };
}

bool
link_is_open(const struct link *l)
{
	return l->sock >= 0;
}

void
link_close(struct link *l)
{
	if (l->in)
		event_free(l->in);
	if (l->writable)
		event_free(l->writable);
	l->in = l->writable = NULL;
	if (l->sock >= 0)
		close(l->sock);
	l->sock = -1;
	l->waits = false;
	buf_fini(&l->out);
}

static void
link_broken(struct link *l)
{
	link_close(l);
	if (l->ops->closed)
		l->ops->closed(l->arg);
}

/* 1: more may follow, 0: nothing now, -1: the link is closed. */
static int
read_frame(struct link *l)
{
	WIRE_ROOM(frame);
	struct wire_in in, body;
	enum wire_type type;
	int fd, rc;

	rc = wire_recv(l->sock, frame, &in, &fd);
	if (rc == -EAGAIN)
		return 0;
	if (fd >= 0)
		close(fd);
	if (rc <= 0) {
		link_broken(l);
		return -1;
	}
	do {
		rc = wire_next(&in, &type, &body);
		if (rc > 0 && l->ops->record(l->arg, type, &body) != 0)
			rc = -EBADMSG;
	} while (rc > 0);
	if (rc < 0) {
		link_broken(l);
		return -1;
	}
	return link_is_open(l) ? 1 : -1;
}

void
link_read(struct link *l)
{
	for (int i = 0; i < LINK_FRAMES && link_is_open(l); i++)
		if (read_frame(l) <= 0)
			return;
}

bool
link_busy(const struct link *l, size_t bytes)
{
	return l->out.len > bytes && link_still_ms(l) < STUCK_MS;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	link_read(arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	link_flush(arg);
}

void
link_open(struct link *l, int sock)
{
	link_close(l);
	l->sock = sock;
	l->in = event_new(l->base, sock, EV_READ | EV_PERSIST, on_readable, l);
	l->writable = event_new(l->base, sock, EV_WRITE, on_writable, l);
	event_add(l->in, NULL);
}

void
link_flush(struct link *l)
{
	size_t before = l->out.len;
	int rc;

	if (!link_is_open(l)) {
		buf_clear(&l->out);
		return;
	}
	rc = before ? wire_send(l->sock, &l->out, -1) : 0;
	if (l->out.len < before)
		l->moved_ms = clock_ms(CLOCK_MONOTONIC);
	if (rc == -EAGAIN) {
		l->waits = true;
		event_add(l->writable, NULL);
	} else if (rc < 0)
		link_broken(l);
	else if (l->waits) {
		l->waits = false;
		if (l->ops->drained)
			l->ops->drained(l->arg);
	}
}
