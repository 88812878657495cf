/* SPDX-License-Identifier: GPL-2.0-or-later
 * client.c - bytes of a control client: requests in, replies out, its rights.
 */
#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/daemon/control/client.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"

static void
late_arm(struct client *c)
{
	struct timeval wait = { REQUEST_S, 0 };

	if (c->inbuf.len && !c->pending && !c->outbuf.len)
		evtimer_add(c->late, &wait);
	else
		evtimer_del(c->late);
}

static char *
line_end(const struct client *c)
{
	size_t n = c->inbuf.len < REQUEST_BYTES ? c->inbuf.len : REQUEST_BYTES;

	return n ? memchr(c->inbuf.p, '\n', n) : NULL;
}

static void
take_lines(struct client *c)
{
	char *end;

	/* One reply at a time: who asks on and does not read waits. */
	while (!c->pending && !c->closing && !c->outbuf.len && (end = line_end(c))) {
		size_t len = (size_t)(end - c->inbuf.p);
		char *line = xstrndup(c->inbuf.p, len);

		buf_drop(&c->inbuf, len + 1);
		control_request(c, (struct str){ line, len });
		free(line);
	}
}

/* It asks no more, and has all replies. */
static bool
is_done(const struct client *c)
{
	return c->ended && (c->closing || c->watching ||
	    (!c->pending && !c->outbuf.len && !line_end(c)));
}

/* Who has said all may still read (shutdown(2)): socat, nc -N. */
static int
read_some(struct client *c)
{
	char room[16384];
	ssize_t n;

	if (c->ended)
		return 0;
	n = recv(c->fd, room, sizeof(room), MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	c->ended = n == 0;
	if (c->ended)
		event_del(c->in);
	buf_add(&c->inbuf, room, (size_t)n);
	return 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	if (read_some(c) < 0) {
		client_free(c);
		return;
	}
	take_lines(c);
	if (is_done(c)) {
		client_free(c);
		return;
	}
	if (c->inbuf.len > REQUEST_BYTES) {
		control_broken(c, "the request is too long");
		return;
	}
	late_arm(c);
	client_send(c);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	control_broken(arg, "the request takes too long");
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	client_send(arg);
}

void
client_send(struct client *c)
{
	while (c->outbuf.len) {
		ssize_t n = send(
		    c->fd, c->outbuf.p, c->outbuf.len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(c->out_ready, NULL);
			return;
		}
		if (n <= 0) {
			client_free(c);
			return;
		}
		buf_drop(&c->outbuf, (size_t)n);
	}
	if (c->closing)
		client_free(c);
	else if (client_works(c))
		control_work(c->control);
	else if (!c->pending && c->inbuf.len && memchr(c->inbuf.p, '\n', c->inbuf.len))
		event_active(c->in, EV_READ, 0);
	else if (is_done(c))
		client_free(c);
}

static bool
in_group(const char *user, gid_t gid, const char *group)
{
	struct group *g = group && group[0] ? getgrnam(group) : NULL;

	if (!g)
		return false;
	if (g->gr_gid == gid)
		return true;
	for (char **m = g->gr_mem; m && *m; m++)
		if (!strcmp(*m, user))
			return true;
	return false;
}

/* Root, the user that bannerd itself runs as, and the admin group may change. */
static void
client_rights(struct client *c, const struct ucred *u)
{
	const struct conf_daemon *conf = &c->control->d->conf->daemon;
	struct passwd *pw = getpwuid(u->uid);
	char number[24];
	const char *name = number;

	snprintf(number, sizeof(number), "uid %u", u->uid);
	if (pw)
		name = pw->pw_name;
	snprintf(c->who, sizeof(c->who), "%.32s (pid %d)", name, u->pid);
	c->uid = u->uid;
	c->may_change = u->uid == 0 || u->uid == c->control->d->starter ||
	    in_group(name, u->gid, conf->admin_group);
}

/* Others than root cannot keep root out. */
static bool
is_full(const struct control *ctl, uid_t uid)
{
	size_t others = 0, same = 0;

	for (const struct client *c = ctl->clients; c; c = c->next) {
		others += c->uid != 0;
		same += c->uid == uid;
	}
	return ctl->nclients >= CLIENTS_MAX ||
	    (uid != 0 && (others >= CLIENTS_OTHERS || same >= CLIENTS_OF_USER));
}

struct client *
client_new(struct control *ctl, int fd)
{
	struct ucred u;
	socklen_t len = sizeof(u);
	struct client *c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len) < 0 ||
	    is_full(ctl, u.uid)) {
		static const char text[] = "error busy too many clients\n";

		send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
		ctl->stats.refused++;
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->control = ctl;
	c->fd = fd;
	client_rights(c, &u);
	c->in = event_new(ctl->d->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->out_ready = event_new(ctl->d->base, fd, EV_WRITE, on_writable, c);
	c->late = evtimer_new(ctl->d->base, on_late, c);
	event_add(c->in, NULL);
	c->next = ctl->clients;
	ctl->clients = c;
	ctl->nclients++;
	return c;
}

/* A change that was begun is made, whether somebody waits for the reply or not. */
static void
work_off(struct request *r)
{
	while (r->some && r->walk.cause == CAUSE_ADMIN && !r->d->stopping)
		if (!r->some(r))
			return;
}

void
client_free(struct client *c)
{
	struct client **at = &c->control->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->control->nclients--;
	c->control->nwatch -= c->watching;
	event_free(c->in);
	event_free(c->out_ready);
	event_free(c->late);
	close(c->fd);
	if (c->pending) {
		work_off(c->pending);
		request_fini(c->pending);
		free(c->pending);
	}
	buf_fini(&c->inbuf);
	buf_fini(&c->outbuf);
	free(c);
}

bool
client_works(const struct client *c)
{
	return c->pending && c->pending->some && !c->outbuf.len && !c->closing;
}

/* The first n bytes of what is to be told; each line begins with a blank. */
static void
put_lines(struct client *c, struct request *r, size_t n)
{
	struct str rest = { r->out.p, n };

	while (rest.len) {
		const char *lf = memchr(rest.s, '\n', rest.len);
		size_t len = lf ? (size_t)(lf + 1 - rest.s) : rest.len;

		if (!r->begun)
			buf_putc(&c->outbuf, ' ');
		buf_add(&c->outbuf, rest.s, len);
		r->begun = !lf;
		rest.s += len;
		rest.len -= len;
	}
	buf_drop(&r->out, n);
}

/* Of JSON the last byte stays, by which the writer sees whether a comma is due. */
void
client_part(struct client *c, struct request *r)
{
	size_t keep = r->form == FORM_JSON;

	if (r->out.len > keep)
		put_lines(c, r, r->out.len - keep);
	event_add(c->out_ready, NULL);
}

/* Replies that nobody reads may take so much memory; then the oldest goes. Its client
 * is freed when its turn comes, by its end: it may be the next in somebody's loop. */
static void
keep_room(struct control *ctl)
{
	for (;;) {
		struct client *oldest = NULL;
		size_t total = 0;

		for (struct client *c = ctl->clients; c; c = c->next) {
			total += c->outbuf.len;
			if (c->outbuf.len > WATCH_BYTES &&
			    (!oldest || c->turn < oldest->turn))
				oldest = c;
		}
		if (total <= REPLIES_BYTES || !oldest)
			return;
		buf_fini(&oldest->outbuf);
		oldest->closing = true;
		shutdown(oldest->fd, SHUT_RDWR);
		ctl->stats.dropped++;
	}
}

void
client_reply(struct client *c, struct request *r, int rc)
{
	/* what was done, and what led to it, is in the log before anybody is told */
	engined_tell(c->control->d);
	put_lines(c, r, r->out.len);
	if (r->begun)
		buf_putc(&c->outbuf, '\n');
	if (rc < 0)
		buf_printf(&c->outbuf, "error %s %s\n", r->code ? r->code : "internal",
		    r->err.text);
	else
		buf_puts(&c->outbuf, "ok\n");
	c->turn = ++c->control->turns;
	keep_room(c->control);
}
