/* SPDX-License-Identifier: GPL-2.0-or-later
 * ssh_rig.c - the ssh action over socket pairs.
 */
#include "test/unit/ssh_rig.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "actions/ssh/carrier.h"

static int
init(struct ssh *s)
{
	return s->nhosts > RIG_HOSTS ? -E2BIG : 0;
}

static void
fini(struct ssh *s)
{
}

static int *
far_end(const struct host *h)
{
	struct ssh_rig *r = h->ssh->bn->ctx;

	return &r->far[h - h->ssh->hosts];
}

static int
start(struct host *h)
{
	const struct ssh_rig *r = h->ssh->bn->ctx;
	int sv[2];

	if (r->refuses[h - h->ssh->hosts])
		return -ECONNREFUSED;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	h->fd = sv[0];
	h->carrier = far_end(h);
	*far_end(h) = sv[1];
	return 0;
}

static int
step(struct host *h)
{
	return 1;
}

static ssize_t
read_pipe(struct host *h, char *buf, size_t size)
{
	ssize_t n = recv(h->fd, buf, size, 0);

	return n < 0 ? -errno : n;
}

static ssize_t
write_pipe(struct host *h, const char *p, size_t size)
{
	ssize_t n = send(h->fd, p, size, MSG_NOSIGNAL);

	return n < 0 ? -errno : n;
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
	close(h->fd);
	close(*far_end(h));
	*far_end(h) = -1;
}

#define RIG_CARRIER(called) \
	{ \
		.name = called, .init = init, .fini = fini, .start = start, \
		.step = step, .read = read_pipe, .write = write_pipe, \
		.events = events, .stop = stop, \
	}
const struct carrier_ops carrier_libssh2 = RIG_CARRIER("libssh2");
const struct carrier_ops carrier_openssh = RIG_CARRIER("openssh");

static const char *
get(void *ctx, const char *key)
{
	const struct ssh_rig *r = ctx;

	if (strcmp(key, "hosts") == 0)
		return r->hosts;
	if (strcmp(key, "remote") == 0)
		return r->remote;
	for (const struct bn_key *k = bn_action.keys; k->name; k++)
		if (strcmp(key, k->name) == 0)
			return k->fallback;
	return NULL;
}

static void
log_line(void *ctx, enum bn_level level, const char *text)
{
	struct ssh_rig *r = ctx;

	snprintf(r->log, sizeof(r->log), "%s", text);
}

static void
done(void *ctx, uint64_t id, const char *target, int err)
{
	struct ssh_rig *r = ctx;
	struct told *t = &r->told[r->ntold++ % RIG_TOLD];

	t->id = id;
	t->err = err;
	snprintf(t->target, sizeof(t->target), "%s", target);
}

int
rig_open(struct ssh_rig *r, const char *hosts, const char *remote)
{
	*r = (struct ssh_rig){ .hosts = hosts,
		.remote = remote,
		.bn = { .ctx = r, .get = get, .log = log_line, .done = done },
		.far = { -1, -1, -1, -1 } };
	return bn_action.open(&r->bn, &r->self);
}

void
rig_wait(struct ssh_rig *r)
{
	struct pollfd p = { .fd = bn_action.poll_fd(r->self), .events = POLLIN };

	poll(&p, 1, 100);
	rig_run(r);
}

void
rig_close(struct ssh_rig *r)
{
	if (!r->self)
		return;
	/* it waits for a proxy that answers, but not for one that is gone */
	for (size_t i = 0; i < RIG_HOSTS; i++)
		if (r->far[i] >= 0)
			shutdown(r->far[i], SHUT_RDWR);
	rig_run(r);
	bn_action.close(r->self);
	r->self = NULL;
}

void
rig_run(struct ssh_rig *r)
{
	struct pollfd p = { .fd = bn_action.poll_fd(r->self), .events = POLLIN };

	for (int i = 0; i < 1000 && poll(&p, 1, 0) > 0; i++)
		bn_action.run(r->self);
}

struct bn_addr
rig_addr(unsigned n)
{
	return (struct bn_addr){ 4, 32, { 192, 0, (uint8_t)(n >> 8), (uint8_t)n } };
}

void
rig_change(struct ssh_rig *r, enum bn_verb verb, unsigned n)
{
	struct bn_change c = { .verb = verb,
		.id = n,
		.subject = { .kind = BN_ADDR, .addr = rig_addr(n) } };

	bn_action.apply(r->self, &c, 1);
}

size_t
rig_read(struct ssh_rig *r, size_t i, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len + 1 < size && r->far[i] >= 0) {
		rig_run(r);
		n = recv(r->far[i], out + len, size - len - 1, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	out[len] = '\0';
	return len;
}

void
rig_say(struct ssh_rig *r, size_t i, const char *fmt, ...)
{
	char text[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0 && r->far[i] >= 0 &&
	    send(r->far[i], text, (size_t)n, MSG_NOSIGNAL) != n)
		abort();
	rig_run(r);
}

int
rig_told(const struct ssh_rig *r, uint64_t id, const char *target)
{
	for (size_t i = r->ntold; i-- > 0 && r->ntold - i <= RIG_TOLD;)
		if (r->told[i % RIG_TOLD].id == id &&
		    strcmp(r->told[i % RIG_TOLD].target, target) == 0)
			return r->told[i % RIG_TOLD].err;
	return 1;
}
