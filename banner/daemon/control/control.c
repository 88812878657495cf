/* SPDX-License-Identifier: GPL-2.0-or-later
 * control.c - accepting clients, running their requests, replies that wait.
 *
 * A reply that waits (for the commit, an actor, the store, the parent) is kept with its
 * client; the client sends its next request meanwhile in vain, it is read after the
 * reply. Waiting ends by the news, or after WAIT_MS with what is known then.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/daemon/control/client.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/control.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

#define NAME "banner.control"

static bool
bans_wait(const struct relay *relay, struct request *r)
{
	const struct awaited *v = (const void *)r->bans.p;

	for (; r->answered < r->bans.len / sizeof(*v); r->answered++)
		if (relay_waits(relay, v[r->answered].ban) ||
		    relay_late(relay, v[r->answered].ban))
			return true;
	return false;
}

static void
say_not_stored(struct request *r, const char *why)
{
	if (r->form == FORM_TEXT)
		buf_printf(&r->out, "not on disk yet: %s\n", why);
}

/* A disk that fails may do so for hours. */
static bool
waits_for_disk(const struct control *ctl, struct request *r)
{
	struct stream *s = ctl->d->stream;

	if (!r->seq || stream_committed(s) >= r->seq)
		return false;
	if (!stream_is_open(s) || !stream_trouble(s)[0])
		return true;
	say_not_stored(r, stream_trouble(s));
	r->seq = 0;
	return false;
}

static bool
waits(const struct control *ctl, struct request *r)
{
	if (r->check)
		return command_check_waits(r);
	if (r->some)
		return true;
	if (waits_for_disk(ctl, r))
		return true;
	if (bans_wait(ctl->d->relay, r))
		return true;
	return r->query || r->parent;
}

static void
finish(struct client *c, int rc)
{
	struct request *r = c->pending;

	c->pending = NULL;
	if (r->check)
		rc = command_check(r);
	else if (r->bans.len && rc == 0)
		rc = command_waited(r);
	client_reply(c, r, rc);
	request_fini(r);
	free(r);
	client_send(c);
}

static void
patience_arm(struct control *ctl)
{
	struct timeval wait = { 1, 0 };

	for (struct client *c = ctl->clients; c; c = c->next)
		if (c->pending) {
			evtimer_add(ctl->patience, &wait);
			return;
		}
}

/* What a reply says that could not wait any longer. */
static int
give_up(struct request *r)
{
	if (r->query && r->form == FORM_JSON)
		command_close(r);
	if (r->query || r->parent)
		return refuse(r, "timeout", "no answer in time");
	if (r->seq && stream_committed(r->d->stream) < r->seq)
		say_not_stored(r, "the store does not answer");
	if (r->bans.len)
		buf_puts(&r->out, "not in force everywhere yet: see banctl status\n");
	return 0;
}

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct control *ctl = arg;
	struct client *c, *next;
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	for (c = ctl->clients; c; c = next) {
		next = c->next;
		if (c->pending && !c->pending->some && now > c->pending->until_ms)
			finish(c, give_up(c->pending));
	}
	patience_arm(ctl);
}

static void
look(struct control *ctl)
{
	struct client *c, *next;

	for (c = ctl->clients; c; c = next) {
		next = c->next;
		if (c->pending && !waits(ctl, c->pending))
			finish(c, 0);
	}
}

/* A slice of the request. 1: it wants another, else what comes of it. */
static int
request_some(struct request *r)
{
	if (r->some(r))
		return 1;
	r->some = NULL;
	r->until_ms = clock_ms(CLOCK_MONOTONIC) + WAIT_MS;
	return r->done(r);
}

static void
work_some(struct client *c)
{
	int rc = request_some(c->pending);

	if (rc < 0 || (rc == 0 && !waits(c->control, c->pending)))
		finish(c, rc);
}

void
control_work(struct control *ctl)
{
	struct timeval now = { 0, 0 };

	evtimer_add(ctl->work, &now);
}

/* They take turns. */
static struct client *
next_worker(struct control *ctl)
{
	struct client *first = NULL;

	for (struct client *c = ctl->clients; c; c = c->next)
		if (client_works(c) && (!first || c->turn < first->turn))
			first = c;
	return first;
}

/* Between two slices the loop serves whoever else wants something. */
static void
on_work(evutil_socket_t fd, short what, void *arg)
{
	struct control *ctl = arg;
	struct timeval pace = { 0, PACE_MS * 1000 };
	struct client *c = next_worker(ctl);

	if (!c)
		return;
	if (engined_busy(ctl->d)) {
		evtimer_add(ctl->work, &pace);
		return;
	}
	c->turn = ++ctl->turns;
	work_some(c);
	control_work(ctl);
}

static struct client *
client_waiting(struct control *ctl, uint64_t ticket)
{
	for (struct client *c = ctl->clients; c; c = c->next)
		if (c->pending &&
		    (c->pending->query == ticket || c->pending->parent == ticket))
			return c;
	return NULL;
}

void
control_broken(struct client *c, const char *why)
{
	c->control->stats.refused++;
	buf_printf(&c->outbuf, "error usage %s\n", why);
	c->closing = true;
	client_send(c);
}

static void
log_change(const struct request *r)
{
	struct buf text = { 0 };

	for (size_t i = 0; i < r->argc; i++) {
		if (i)
			buf_putc(&text, ' ');
		buf_safe(&text, str_of(r->argv[i]), 200);
		if (text.len > 1000) {
			buf_puts(&text, " ...");
			break;
		}
	}
	log_notice(NAME, "%s: %s", r->who, text.p);
	buf_fini(&text);
}

static int
run(struct request *r)
{
	const struct command *cmd;

	if (!r->argc)
		return refuse(r, "usage", "no command; try help");
	if (r->form == FORM_F2B && dialect_check(r) < 0)
		return -EINVAL;
	cmd = command_find(r->argv[0]);
	if (!cmd)
		return no_command(r);
	if (r->argc - 1 < cmd->min || r->argc - 1 > cmd->max)
		return refuse(r, "usage", "use: %s %s", cmd->name, cmd->args);
	if (cmd->right == RIGHT_CHANGE) {
		if (!r->may_change)
			return refuse(
			    r, "denied", "%s may not change anything", r->who);
		r->client->control->stats.changes++;
		log_change(r);
	}
	return cmd->run(r);
}

void
control_request(struct client *c, struct str line)
{
	struct request *r = xcalloc(1, sizeof(*r));
	struct control *ctl = c->control;
	int rc;

	ctl->stats.requests++;
	r->d = ctl->d;
	r->client = c;
	r->may_change = c->may_change;
	r->until_ms = clock_ms(CLOCK_MONOTONIC) + WAIT_MS;
	snprintf(r->who, sizeof(r->who), "%s", c->who);
	rc = request_parse(r, line, &r->err);
	if (rc < 0)
		r->code = "usage";
	else
		rc = run(r);
	if (rc == 0 && r->some)
		rc = request_some(r);
	if (rc > 0)
		control_work(ctl);
	if (rc >= 0 && waits(ctl, r)) {
		c->pending = r;
		patience_arm(ctl);
		return;
	}
	client_reply(c, r, rc);
	request_fini(r);
	free(r);
}

static void
on_accept(evutil_socket_t sock, short what, void *arg)
{
	struct control *ctl = arg;
	int fd;

	while ((fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		client_new(ctl, fd);
}

void
control_listen(struct control *ctl, int sock)
{
	if (ctl->accept)
		event_free(ctl->accept);
	if (ctl->fd >= 0)
		close(ctl->fd);
	ctl->fd = sock;
	ctl->accept =
	    event_new(ctl->d->base, sock, EV_READ | EV_PERSIST, on_accept, ctl);
	control_begin(ctl);
}

void
control_begin(struct control *ctl)
{
	if (ctl->accept && ctl->d->restored)
		event_add(ctl->accept, NULL);
}

void
control_end(struct control *ctl)
{
	if (ctl->accept)
		event_del(ctl->accept);
}

bool
control_waits(const struct control *ctl)
{
	for (const struct client *c = ctl ? ctl->clients : NULL; c; c = c->next)
		if (c->pending && c->pending->parent)
			return true;
	return false;
}

struct control *
control_new(struct engined *d)
{
	struct control *ctl = xcalloc(1, sizeof(*ctl));

	ctl->d = d;
	ctl->fd = -1;
	ctl->patience = evtimer_new(d->base, on_patience, ctl);
	ctl->work = evtimer_new(d->base, on_work, ctl);
	return ctl;
}

void
control_flush(struct control *ctl)
{
	struct client *c, *next;

	look(ctl);
	for (c = ctl->clients; c; c = next) {
		next = c->next;
		client_send(c);
	}
}

void
control_free(struct control *ctl)
{
	if (!ctl)
		return;
	while (ctl->clients)
		client_free(ctl->clients);
	if (ctl->accept)
		event_free(ctl->accept);
	event_free(ctl->patience);
	event_free(ctl->work);
	if (ctl->fd >= 0)
		close(ctl->fd);
	free(ctl);
}

void
control_committed(struct control *ctl)
{
	look(ctl);
}

void
control_applied(struct control *ctl, uint64_t ban)
{
	look(ctl);
}

void
control_row_end(struct control *ctl, uint64_t id)
{
	struct client *c = client_waiting(ctl, id);

	if (!c)
		return;
	if (c->pending->form == FORM_JSON)
		command_close(c->pending);
	else
		command_rows_end(c->pending);
	c->pending->query = 0;
	finish(c, 0);
}

void
control_row(struct control *ctl, struct wire_in *in)
{
	uint64_t id = wire_get_u64(in);
	struct client *c = client_waiting(ctl, id);

	if (c && !in->bad)
		command_row(c->pending, in);
}

void
control_target(struct control *ctl, uint64_t id, const struct news_target *t)
{
	struct client *c = client_waiting(ctl, id);

	if (c)
		command_target(c->pending, t);
}

void
control_target_end(struct control *ctl, uint64_t id)
{
	struct client *c = client_waiting(ctl, id);

	if (c && c->pending->parts && --c->pending->parts == 0)
		control_row_end(ctl, id);
}

static struct client *
waits_for_hosts(struct control *ctl)
{
	struct client *c = ctl->clients;

	while (c && !(c->pending && c->pending->parts))
		c = c->next;
	return c;
}

void
control_targets_lost(struct control *ctl)
{
	struct client *c;

	while (ctl && (c = waits_for_hosts(ctl))) {
		c->pending->parts = 0;
		c->pending->rows++;
		if (c->pending->form != FORM_JSON)
			buf_puts(&c->pending->out, "the process of an action ended "
			    "while it was asked; ask again\n");
		control_row_end(ctl, c->pending->query);
	}
}

void
control_looked(struct control *ctl, struct relay_looked l)
{
	struct client *c;

	for (c = ctl->clients; c; c = c->next)
		if (c->pending &&
		    command_looked(c->pending, l.id, l.action, l.there, l.err))
			break;
	look(ctl);
}

void
control_parent_reply(struct control *ctl, uint64_t ticket, int err, const char *text)
{
	struct client *c = client_waiting(ctl, ticket);

	if (!c)
		return;
	c->pending->parent = 0;
	if (!err && c->pending->granted) {
		c->pending->granted(c->pending);
		control_work(ctl);
		return;
	}
	if (err)	/* not the "OK" that was to be said */
		buf_clear(&c->pending->out);
	finish(c, err ? refuse(c->pending, "refused", "%s", text) : 0);
}

uint64_t
client_ticket(struct client *c)
{
	return ++c->control->tickets;
}

void
control_stats(const struct control *ctl, struct control_stats *out)
{
	*out = ctl->stats;
	out->clients = ctl->nclients;
}
