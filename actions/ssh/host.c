/* SPDX-License-Identifier: GPL-2.0-or-later
 * host.c - one proxy's life: login, set, operations, watchdog, back-off.
 *
 * A host is given up when login takes too long, when bytes are outstanding and nothing
 * moves for ack_timeout, when it says nothing for three pings, or when it floods us.
 * The next try comes after a random time up to 1, 2, 4 .. 60 s ("full jitter"), so that
 * a fleet does not come back in one moment.
 */
#include "actions/ssh/proxy.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>

#include "actions/ssh/carrier.h"
#include "actions/ssh/remote.h"

enum {
	BACK_OFF_MS = 1000,
	BACK_OFF_MAX_MS = 60000,
	BACK_OFF_LEAST_MS = 50,
	RESYNC_MS = 3600 * 1000,
	SET_BANS_PER_MS = 5,
	READ_BYTES = 32768,
	LINE_BYTES = 1024,
	TURN_BYTES = 1 << 20,
	FLOOD_BYTES = 32 << 20,
	FLOOD_MS = 10000,
};

static int64_t
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

int
carrier_error(struct host *h, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(h->error, sizeof(h->error), fmt, ap);
	va_end(ap);
	return err;
}

static int64_t
jitter(unsigned tries)
{
	int64_t most = tries > 6 ? BACK_OFF_MAX_MS : (int64_t)BACK_OFF_MS << tries;
	uint32_t dice = 0;

	most = most > BACK_OFF_MAX_MS ? BACK_OFF_MAX_MS : most;
	if (getrandom(&dice, sizeof(dice), GRND_NONBLOCK) < 0)
		dice = (uint32_t)now_us();
	return BACK_OFF_LEAST_MS + dice % (uint32_t)most;
}

/* Connection and what was on its way; cursors and errors stay. */
void
host_close(struct host *h)
{
	if (h->carrier)
		h->ssh->carrier->stop(h);
	h->carrier = NULL;
	h->fd = -1;
	h->watched = 0;
	image_put(h->image);
	h->image = NULL;
	text_fini(&h->in);
	text_fini(&h->out);
	h->ssh->remote->close(h);
}

/* Give the connection up: err < 0, and why. */
static void __attribute__((format(printf, 3, 4)))
host_lost(struct host *h, int err, const char *fmt, ...)
{
	bool was_up = h->state >= HOST_SYNC, first = !h->err || was_up;
	va_list ap;

	if (fmt) {
		va_start(ap, fmt);
		vsnprintf(h->error, sizeof(h->error), fmt, ap);
		va_end(ap);
	}
	if (!h->error[0])
		snprintf(h->error, sizeof(h->error), "%s", strerror(-err));
	host_close(h);
	if (was_up)
		h->tries = 0;
	/* it will not change by itself: ask rarely */
	if (err == -EKEYREJECTED && h->tries < 5)
		h->tries = 5;
	h->retry_at = now_ms() + jitter(h->tries++);
	h->state = HOST_WAIT;
	h->err = err;
	if (was_up || !h->since_ms)
		h->since_ms = wall_ms();
	if (first && !h->ssh->closing)
		ssh_log(
		    h->ssh, BN_ERROR, "%s: %s; it is tried again", h->name, h->error);
}

static void
connect_now(struct host *h, int64_t now)
{
	int rc;

	h->state = HOST_LOGIN;
	h->deadline = now + h->ssh->o.connect_ms;
	h->error[0] = '\0';
	rc = h->ssh->carrier->start(h);
	if (rc < 0)
		host_lost(h, rc, NULL);
	else
		loop_watch(h);
}

/* The pipe is open: everything this end knows of the other is void. */
static void
pipe_open(struct host *h)
{
	h->state = HOST_HELLO;
	h->nfails = 0;
	h->more_fails = 0;
	h->trouble[0] = '\0';
	h->received = 0;
	h->heard_at = h->progress_at = h->received_at = now_ms();
	h->ping_at = now_ms() + h->ssh->o.ping_ms;
	h->ssh->remote->hello(h);
}

static void
latency_add(struct host *h, int64_t us)
{
	unsigned bucket = 0;
	uint64_t v = us < 1 ? 1 : (uint64_t)us;

	while (v >= 8) {
		v >>= 1;
		bucket += 4;
	}
	bucket += (unsigned)(v >= 4 ? v - 4 + 8 : v * 2);
	h->latency[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
}

static uint64_t
host_latency_us(const struct host *h, unsigned percent)
{
	uint64_t all = 0, sum = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		all += h->latency[i];
	for (unsigned i = 0; i < LATENCY_BUCKETS && all; i++) {
		sum += h->latency[i];
		if (sum * 100 < all * percent)
			continue;
		/* the upper end of the bucket */
		return i < 8 ? i / 2 + 1 : (uint64_t)(5 + i % 4) << (i / 4 - 2);
	}
	return 0;
}

void
host_acked(struct host *h, uint64_t seq)
{
	struct ssh *s = h->ssh;
	int64_t now = now_us();

	for (uint64_t i = h->acked + 1; i <= seq; i++) {
		const struct op *op = oplog_at(&s->log, i);

		if (!op)
			continue;
		latency_add(h, now - op->when_us);
		/* it was named as missing when the others had it */
		if (i < s->log.told && op->add && !host_fail(h, &op->addr))
			s->bn->done(s->bn->ctx, op->id, h->name, 0);
	}
	if (seq > h->acked)
		h->acked = seq;
	h->progress_at = now_ms();
}

/* The set is there: what was told as missing here is not missing any more. */
static void
tell_synced(struct host *h, uint64_t from)
{
	struct ssh *s = h->ssh;

	for (size_t i = 0; i < s->set.cap; i++) {
		const struct entry *e = &s->set.v[i];

		if (e->addr.family && e->seq > from && e->seq <= h->acked &&
		    e->seq < s->log.told && !host_fail(h, &e->addr))
			s->bn->done(s->bn->ctx, e->id, h->name, 0);
	}
}

/* The proxy has taken the set, or would not remove so much: then it gets what it lacks,
 * and keeps what it has until an administrator says otherwise. */
void
host_synced(struct host *h, bool took)
{
	uint64_t from = h->acked;

	if (h->err)
		ssh_log(h->ssh, BN_INFO, "%s is there again", h->name);
	if (h->err || !h->since_ms)
		h->since_ms = wall_ms();
	h->err = 0;
	h->tries = 0;
	h->sync_at = h->progress_at = now_ms();
	if (!took) {
		h->refused = true;
		h->ssh->remote->set(h);
		return;
	}
	h->state = HOST_UP;
	if (!h->refused)
		h->error[0] = '\0';
	h->exacted |= h->exact;
	h->force = false;
	if (h->sync_seq > h->acked)
		h->acked = h->sync_seq;
	tell_synced(h, from);
	h->ssh->remote->ping(h);
	if (h->ssh->complete && !h->exact && !h->refused)
		h->ssh->remote->set(h);
}

/* What is awaited is the same set, and removes as much. */
static bool
under_way(const struct host *h, bool force)
{
	return h->state == HOST_SYNC && h->exact && (!force || h->force) &&
	    h->sync_seq == oplog_last(&h->ssh->log);
}

void
host_resync(struct host *h, bool force)
{
	if (under_way(h, force))
		return;
	h->force |= force;
	if (force)
		h->refused = false;
	if (h->state == HOST_WAIT) { /* an administrator asks: not later */
		h->retry_at = now_ms();
		h->tries = 0;
	}
	if (h->state == HOST_UP || h->state == HOST_SYNC) {
		if (h->image)
			h->again = true;
		else
			h->ssh->remote->set(h);
		host_feed(h);
	}
}

void
host_feed(struct host *h)
{
	ssize_t n = 0;
	size_t sum = 0;

	while (h->state >= HOST_HELLO && sum < TURN_BYTES) {
		if (h->ssh->remote->fill(h) < 0) {
			host_lost(h, -ENOMEM, NULL);
			return;
		}
		if (h->out.at == h->out.len)
			break;
		n = h->ssh->carrier->write(
		    h, h->out.p + h->out.at, h->out.len - h->out.at);
		if (n < 0)
			break;
		text_drop(&h->out, (size_t)n);
		h->progress_at = now_ms();
		sum += (size_t)n;
	}
	if (n < 0 && n != -EAGAIN)
		host_lost(h, (int)n, NULL);
	else if (h->fd >= 0)
		loop_watch(h);
}

static int
take_lines(struct host *h)
{
	char *line, *end;
	int rc = 0;

	while (rc == 0 && h->in.at < h->in.len &&
	    (end = memchr(h->in.p + h->in.at, '\n', h->in.len - h->in.at))) {
		line = h->in.p + h->in.at;
		*end = '\0';
		h->in.at += (size_t)(end - line) + 1;
		if (end - line > LINE_BYTES || strlen(line) != (size_t)(end - line))
			return -EPROTO;
		rc = h->ssh->remote->line(h, line);
	}
	if (h->in.at == h->in.len)
		text_drop(&h->in, 0);
	return rc == 0 && h->in.len - h->in.at > LINE_BYTES ? -EPROTO : rc;
}

/* More than any honest answer to what was sent would be. */
static bool
floods(struct host *h, size_t n)
{
	int64_t now = now_ms();

	if (now - h->received_at > FLOOD_MS) {
		h->received_at = now;
		h->received = 0;
	}
	h->received += n;
	return h->received > FLOOD_BYTES;
}

static int
take(struct host *h)
{
	char buf[READ_BYTES];
	ssize_t n = 1;
	int rc = 0;

	for (size_t sum = 0; sum < TURN_BYTES / 4 && rc == 0; sum += (size_t)n) {
		n = h->ssh->carrier->read(h, buf, sizeof(buf));
		if (n == -EAGAIN)
			return 0;
		if (n <= 0) {
			if (!h->error[0])
				carrier_error(h, 0, "the connection was closed");
			return n < 0 ? (int)n : -ECONNRESET;
		}
		h->heard_at = now_ms();
		if (floods(h, (size_t)n))
			return carrier_error(h, -EMSGSIZE, "sends more than it should");
		rc = text_add(&h->in, buf, (size_t)n);
		if (rc == 0)
			rc = take_lines(h);
	}
	if (rc == -EPROTO)
		carrier_error(
		    h, rc, "does not speak the language of %s", h->ssh->remote->name);
	return rc;
}

void
host_event(struct host *h)
{
	int rc;

	if (h->fd < 0)
		return;
	if (h->state == HOST_LOGIN) {
		rc = h->ssh->carrier->step(h);
		if (rc < 0) {
			host_lost(h, rc, NULL);
			return;
		}
		if (rc > 0)
			pipe_open(h);
	}
	host_feed(h);
	if (h->state < HOST_HELLO) {
		if (h->fd >= 0)
			loop_watch(h);
		return;
	}
	rc = take(h);
	if (rc < 0)
		host_lost(h, rc, NULL);
	else
		host_feed(h);
}

/* Without progress; a large set takes a proxy a while, in which it says nothing. */
static int64_t
patience(const struct host *h)
{
	int64_t bans = h->state == HOST_SYNC ? (int64_t)h->sync_count : 0;

	return h->ssh->o.ack_ms + bans / SET_BANS_PER_MS;
}

static bool
outstanding(const struct host *h)
{
	return h->sent > h->acked || h->out.at < h->out.len || h->state == HOST_SYNC;
}

static void
tick_up(struct host *h, int64_t now)
{
	const struct options *o = &h->ssh->o;

	if (outstanding(h) && now - h->progress_at >= patience(h)) {
		host_lost(h, -ETIMEDOUT, "does not acknowledge");
		return;
	}
	if (now - h->heard_at >= 3 * o->ping_ms + patience(h)) {
		host_lost(h, -ETIMEDOUT, "is silent");
		return;
	}
	if (h->image)
		return;
	if (now - h->sync_at >= RESYNC_MS && h->state == HOST_UP)
		h->ssh->remote->set(h);
	else if (now >= h->ping_at)
		h->ssh->remote->ping(h);
	else
		return;
	h->ping_at = now + o->ping_ms;
	host_feed(h);
}

/* It has no descriptor yet that could tell of anything. */
static void
tick_login(struct host *h)
{
	int rc = h->ssh->carrier->step(h);

	if (rc < 0)
		host_lost(h, rc, NULL);
	else if (h->fd >= 0)
		loop_watch(h);
}

void
host_tick(struct host *h, int64_t now)
{
	switch (h->state) {
	case HOST_WAIT:
		if (now >= h->retry_at)
			connect_now(h, now);
		return;
	case HOST_LOGIN:
	case HOST_HELLO:
		if (now >= h->deadline)
			host_lost(
			    h, -ETIMEDOUT, h->error[0] ? NULL : "no answer in time");
		else if (h->fd < 0)
			tick_login(h);
		return;
	case HOST_SYNC:
	case HOST_UP: tick_up(h, now); return;
	}
}

int64_t
host_due(const struct host *h)
{
	const struct options *o = &h->ssh->o;
	int64_t due = h->heard_at + 3 * o->ping_ms + patience(h);

	if (h->state == HOST_WAIT)
		return h->retry_at;
	if (h->state == HOST_LOGIN && h->fd < 0)
		return now_ms() + NAME_MS;
	if (h->state < HOST_SYNC)
		return h->deadline;
	if (outstanding(h) && h->progress_at + patience(h) < due)
		due = h->progress_at + patience(h);
	if (!h->image && h->ping_at < due)
		due = h->ping_at;
	return due;
}

bool
host_has(const struct host *h, uint64_t seq)
{
	return h->acked >= seq;
}

int
host_err(const struct host *h, uint64_t seq)
{
	if (host_has(h, seq))
		return 0;
	return h->err ? h->err : h->state < HOST_SYNC ? -ENOTCONN : -ETIMEDOUT;
}

const struct fail *
host_fail(const struct host *h, const struct bn_addr *a)
{
	for (size_t i = 0; i < h->nfails; i++)
		if (memcmp(&h->fails[i].addr, a, sizeof(*a)) == 0)
			return &h->fails[i];
	return NULL;
}

/* key=value, the last one to the end of the line. */
void
host_describe(const struct host *h, char *out, size_t size)
{
	static const char *const states[] = { [HOST_WAIT] = "down",
		[HOST_LOGIN] = "connecting",
		[HOST_HELLO] = "connecting",
		[HOST_SYNC] = "syncing",
		[HOST_UP] = "up" };
	const struct ssh *s = h->ssh;

	snprintf(out, size,
	    "%s since_ms=%lld in_force=%llu wanted=%zu behind=%llu "
	    "refused=%llu repaired=%llu p50_us=%llu p99_us=%llu error=%s",
	    h->err && h->state < HOST_SYNC ? "down" : states[h->state],
	    (long long)h->since_ms, (unsigned long long)h->in_force, s->set.n,
	    (unsigned long long)(oplog_last(&s->log) - h->acked),
	    (unsigned long long)(h->nfails + h->more_fails),
	    (unsigned long long)h->repaired, (unsigned long long)host_latency_us(h, 50),
	    (unsigned long long)host_latency_us(h, 99),
	    h->error[0] ? h->error : h->trouble);
}
