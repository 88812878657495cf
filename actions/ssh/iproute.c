/* SPDX-License-Identifier: GPL-2.0-or-later
 * iproute.c - a proxy with nothing of ours: ip -batch at the far end of the pipe.
 *
 * ip reads one command per line and says nothing when it succeeds. When a command
 * fails it says why, and then "Command failed -:N", N counting lines. So a command that
 * does not exist is a barrier: its failure tells that all lines before it were carried
 * out, or have already told that they failed. Both outputs come through one pipe, in
 * order. What was written and is not yet confirmed stands in a ring, by line number.
 *
 * A set is brought by asking for our routes, comparing, and writing the difference.
 * Foreign routes are neither listed nor deleted, because all is asked for under our
 * protocol number, nor replaced, because "add" fails where there is a route already.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/ssh/carrier.h"
#include "actions/ssh/remote.h"

#define OURS "proto 98"
#define LIST "route show table all " OURS " type blackhole\n"
#define BARRIER "banner\n" /* ip knows no such object */

enum {
	RING = 2048,
	SPARE = 4, /* places kept for a listing and barriers */
	LISTED_MAX = 1 << 20, /* routes that a proxy may claim to have */
	LINES_MAX = 1 << 30, /* ip counts in an int */
};

enum kind { LINE_ADD, LINE_DEL, LINE_LIST, LINE_BARRIER, LINE_LISTED, LINE_SYNCED };

struct line {
	struct bn_addr addr;
	enum kind kind;
	uint64_t seq; /* of a barrier: operations up to here are carried out */
};

struct change {
	struct bn_addr addr;
	bool add;
};

enum phase { IDLE, ASK, LISTING, CHANGING, ENDING };

struct batch {
	struct line ring[RING];
	uint64_t next, done; /* number of the next line; of the last that is over */
	uint64_t barrier; /* of the last barrier */
	enum phase phase; /* of bringing the whole set */
	bool again, ping;
	struct set held; /* our routes there, as far as we know */
	struct change *todo;
	size_t ntodo, at;
	char reason[100]; /* the last line that was no answer to a barrier */
};

static int
put_line(struct host *h, struct line line, const char *text, size_t len)
{
	struct batch *b = h->batch;

	b->ring[b->next % RING] = line;
	if (line.kind >= LINE_BARRIER)
		b->barrier = b->next;
	b->next++;
	return text_add(&h->out, text, len);
}

static int
put_barrier(struct host *h, enum kind kind, uint64_t seq)
{
	return put_line(
	    h, (struct line){ .kind = kind, .seq = seq }, BARRIER, sizeof(BARRIER) - 1);
}

static int
put_change(struct host *h, const struct bn_addr *a, bool add)
{
	struct batch *b = h->batch;
	char addr[64], text[128];
	int n;

	if (add && set_find(&b->held, a))
		return 0;
	if (add && !set_put(&b->held, a))
		return -ENOMEM;
	if (!add) {
		set_del(&b->held, a);
		host_fail_drop(h, a);
	}
	addr_text(a, addr);
	n = snprintf(text, sizeof(text), "route %s blackhole %s table main " OURS "\n",
	    add ? "add" : "del", addr);
	return put_line(h,
	    (struct line){ .addr = *a, .kind = add ? LINE_ADD : LINE_DEL }, text,
	    (size_t)n);
}

static void
batch_close(struct host *h)
{
	struct batch *b = h->batch;

	if (!b)
		return;
	set_fini(&b->held);
	free(b->todo);
	free(b);
	h->batch = NULL;
}

/* The answer to the first barrier is the greeting. */
static void
batch_hello(struct host *h)
{
	struct batch *b = calloc(1, sizeof(*b));

	h->batch = b;
	if (!b)
		return;
	b->next = 1;
	b->ping = true;
}

static void
batch_ping(struct host *h)
{
	((struct batch *)h->batch)->ping = true;
}

static void
batch_set(struct host *h)
{
	struct batch *b = h->batch;

	if (b->phase != IDLE) {
		b->again = true;
		return;
	}
	b->phase = ASK;
	h->state = HOST_SYNC;
	h->sync_count = h->ssh->set.n;
	h->sync_at = h->progress_at = now_ms();
}

static int
ask(struct host *h)
{
	struct batch *b = h->batch;
	int rc;

	set_fini(&b->held);
	rc = set_init(&b->held);
	if (rc == 0)
		rc = put_line(
		    h, (struct line){ .kind = LINE_LIST }, LIST, sizeof(LIST) - 1);
	b->phase = LISTING;
	return rc < 0 ? rc : put_barrier(h, LINE_LISTED, h->sent);
}

/* The next line of a set or of the log. 1: there is none. */
static int
put_next(struct host *h)
{
	struct batch *b = h->batch;
	const struct op *op;

	if (b->phase == ASK)
		return ask(h);
	if (b->phase == LISTING)
		return 1;
	if (b->phase == CHANGING && b->at < b->ntodo) {
		b->at++;
		return put_change(h, &b->todo[b->at - 1].addr, b->todo[b->at - 1].add);
	}
	if (b->phase == CHANGING) {
		b->phase = ENDING;
		return put_barrier(h, LINE_SYNCED, 0);
	}
	if (h->state < HOST_SYNC || h->sent + 1 >= h->ssh->log.next)
		return 1;
	op = oplog_at(&h->ssh->log, h->sent + 1);
	if (!op) { /* too far behind: the whole set again */
		batch_set(h);
		return b->phase == ASK ? 0 : 1;
	}
	if (h->sent == h->acked && h->out.at == h->out.len)
		h->progress_at = now_ms();
	h->sent++;
	b->ping = true;
	return put_change(h, &op->addr, op->add);
}

static int
batch_fill(struct host *h)
{
	struct batch *b = h->batch;
	int rc = 0;

	if (!b)
		return -ENOMEM;
	while (rc == 0 && h->out.len - h->out.at < OUT_BYTES &&
	    b->next - b->done + SPARE < RING)
		rc = put_next(h);
	if (rc < 0)
		return rc;
	if ((!b->ping && b->barrier + 1 == b->next) || b->next - b->done >= RING)
		return 0;
	b->ping = false;
	/* inside a set, nothing is confirmed but the set as a whole */
	return put_barrier(
	    h, LINE_BARRIER, b->phase == IDLE || b->phase == ENDING ? h->sent : 0);
}

/* Removing more than half needs a word from somebody, unless we brought it ourselves.
 */
static bool
may_remove(struct host *h, size_t gone)
{
	const struct batch *b = h->batch;

	h->exact = h->ssh->complete && !h->refused;
	if (!h->exact)
		return false;
	if (h->force || h->exacted || gone * 2 <= b->held.n)
		return true;
	h->refused = true;
	h->exact = false;
	snprintf(h->error, sizeof(h->error),
	    "set not taken: half of its %zu routes would go (banctl sync --force)",
	    b->held.n);
	ssh_log(h->ssh, BN_ERROR, "%s: %s", h->name, h->error);
	return false;
}

static void
collect(struct batch *b, const struct set *from, const struct set *known, bool add)
{
	for (size_t i = 0; i < from->cap; i++)
		if (from->v[i].addr.family && !set_find(known, &from->v[i].addr))
			b->todo[b->ntodo++] =
			    (struct change){ .addr = from->v[i].addr, .add = add };
}

/* It is there now, whatever was in its way. */
static void
carried_out(struct host *h, const struct bn_addr *a)
{
	if (!h->nfails || !host_fail(h, a))
		return;
	host_fail_drop(h, a);
	host_tell(h, a, 0);
}

static int
compare(struct host *h)
{
	struct batch *b = h->batch;
	const struct set *want = &h->ssh->set;
	size_t gone;

	free(b->todo);
	b->ntodo = b->at = 0;
	b->todo = calloc(want->n + b->held.n + 1, sizeof(*b->todo));
	if (!b->todo)
		return -ENOMEM;
	collect(b, &b->held, want, false);
	gone = b->ntodo;
	if (!may_remove(h, gone))
		b->ntodo = 0;
	collect(b, want, &b->held, true);
	for (size_t i = 0; i < b->held.cap; i++)
		if (b->held.v[i].addr.family)
			carried_out(h, &b->held.v[i].addr);
	h->sync_count = b->ntodo;
	h->sent = h->sync_seq = oplog_last(&h->ssh->log);
	b->phase = CHANGING;
	return 0;
}

static void
synced(struct host *h)
{
	struct batch *b = h->batch;
	bool again = b->again, force = again && h->force;

	free(b->todo);
	b->todo = NULL;
	b->phase = IDLE;
	b->again = false;
	ssh_log(
	    h->ssh, BN_INFO, "%s has the whole set: %zu changes", h->name, b->ntodo);
	b->ntodo = b->at = 0;
	host_synced(h, true);
	h->force |= force;
	if (again)
		batch_set(h);
}

/* A line is over: what it was says what follows. */
static int
over(struct host *h, const struct line *line)
{
	switch (line->kind) {
	case LINE_ADD: carried_out(h, &line->addr); return 0;
	case LINE_DEL:
	case LINE_LIST: return 0;
	case LINE_LISTED:
	case LINE_BARRIER:
		if (line->seq > h->acked)
			host_acked(h, line->seq);
		if (h->state == HOST_HELLO)
			batch_set(h);
		return line->kind == LINE_LISTED ? compare(h) : 0;
	case LINE_SYNCED: synced(h); return 0;
	}
	return 0;
}

static int
failed(struct host *h, const struct line *line)
{
	struct batch *b = h->batch;
	bool taken = strstr(b->reason, "File exists");

	switch (line->kind) {
	case LINE_ADD:
		set_del(&b->held, &line->addr);
		return host_fail_add(h, &line->addr,
		    taken                                    ? -EEXIST
			: strstr(b->reason, "not permitted") ? -EPERM
							     : -EIO,
		    taken ? "conflict: a route that is not ours" : b->reason);
	case LINE_DEL:
		if (!strstr(b->reason, "No such process"))
			snprintf(h->trouble, sizeof(h->trouble), "a ban cannot end: %s",
			    b->reason);
		return 0;
	case LINE_LIST:
		return carrier_error(h, -EIO, "cannot list routes: %s", b->reason);
	case LINE_BARRIER:
	case LINE_LISTED:
	case LINE_SYNCED: return over(h, line);
	}
	return 0;
}

/* All lines up to n are over, and n has failed. */
static int
on_failed(struct host *h, uint64_t n)
{
	struct batch *b = h->batch;
	int rc = 0;

	if (n <= b->done || n >= b->next)
		return -EPROTO;
	while (rc == 0 && b->done + 1 < n) {
		b->done++;
		/* a barrier that did not fail: this is not ip */
		rc = b->ring[b->done % RING].kind >= LINE_BARRIER
		    ? -EPROTO
		    : over(h, &b->ring[b->done % RING]);
	}
	if (rc < 0)
		return rc;
	b->done = n;
	h->progress_at = now_ms();
	rc = failed(h, &b->ring[n % RING]);
	b->reason[0] = '\0';
	h->in_force = b->held.n;
	if (rc == 0 && n >= LINES_MAX)
		rc = carrier_error(h, -EOVERFLOW, "ip has counted enough lines");
	return rc;
}

/* "blackhole PREFIX [dev lo] [table T] ..."; ours are in the main table. */
static int
on_route(struct host *h, char *rest)
{
	struct batch *b = h->batch;
	struct bn_addr a;

	if (b->phase != LISTING || strstr(rest, " table "))
		return 0;
	rest[strcspn(rest, " ")] = '\0';
	if (addr_read(rest, &a) < 0)
		return 0;
	if (b->held.n >= LISTED_MAX)
		return carrier_error(h, -E2BIG, "has too many routes");
	h->progress_at = now_ms();
	return set_put(&b->held, &a) ? 0 : -ENOMEM;
}

static int
batch_line(struct host *h, char *line)
{
	static const char failure[] = "Command failed ", route[] = "blackhole ";
	struct batch *b = h->batch;
	char *colon;

	if (strncmp(line, route, sizeof(route) - 1) == 0)
		return on_route(h, line + sizeof(route) - 1);
	if (strncmp(line, failure, sizeof(failure) - 1) == 0) {
		colon = strrchr(line, ':');
		return colon ? on_failed(h, strtoull(colon + 1, NULL, 10)) : -EPROTO;
	}
	snprintf(b->reason, sizeof(b->reason), "%.70s", line);
	/* "ip: not found" comes instead of a greeting */
	if (h->state == HOST_HELLO)
		carrier_error(h, 0, "%.150s", line);
	return 0;
}

const struct remote_ops remote_iproute = {
	.name = "iproute",
	.command =
	    "exec env PATH=/usr/sbin:/sbin:/usr/bin:/bin ip -force -batch - 2>&1",
	.hello = batch_hello,
	.set = batch_set,
	.ping = batch_ping,
	.fill = batch_fill,
	.line = batch_line,
	.close = batch_close,
};
