/* SPDX-License-Identifier: GPL-2.0-or-later
 * edge.c - what is said to banner-edge, and what it answers (banner-edge(7)).
 *
 * Everything a proxy says may be a lie: it is cut, counted, and decides nothing but
 * what is shown of this proxy.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actions/ssh/remote.h"

enum { SAID_MAX = 20, SAID_WINDOW_MS = 60000, IMAGE_FRESH_MS = 5000 };

static int64_t
wall_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

/* Seconds that are left, 0: for ever. What is over has one left, so that it ends. */
static int64_t
ttl(int64_t until_ms, int64_t now)
{
	if (until_ms == 0)
		return 0;
	return until_ms - now < 1000 ? 1 : (until_ms - now + 999) / 1000;
}

static size_t
put_number(char *at, uint64_t v)
{
	char digits[24];
	size_t n = 0, k = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n > 0)
		at[k++] = digits[--n];
	return k;
}

static void
edge_hello(struct host *h)
{
	text_printf(&h->out, "HELLO 1 banner\n");
}

static void
edge_ping(struct host *h)
{
	text_printf(&h->out, "P %" PRIu64 "\n", h->acked);
}

/* Written by hand: printf would be most of the work of a large batch. */
static void
edge_op(struct host *h, uint64_t seq, const struct op *op)
{
	char line[128];
	size_t n = 2;
	int64_t left = op->add ? ttl(op->until_ms, wall_ms()) : 0;

	memcpy(line, op->add ? "A " : "D ", 2);
	n += put_number(line + n, seq);
	line[n++] = ' ';
	n += addr_text(&op->addr, line + n);
	if (left) {
		line[n++] = ' ';
		n += put_number(line + n, (uint64_t)left);
	}
	line[n++] = '\n';
	text_add(&h->out, line, n);
}

static struct image *
image_make(struct ssh *s)
{
	struct image *im = calloc(1, sizeof(*im));
	int64_t now = wall_ms();
	int rc = 0;

	if (!im)
		return NULL;
	*im = (struct image){ .users = 1,
		.count = s->set.n,
		.digest = s->set.digest,
		.seq = oplog_last(&s->log),
		.made_ms = now_ms() };
	for (size_t i = 0; i < s->set.cap && rc == 0; i++) {
		const struct entry *e = &s->set.v[i];
		char line[96];
		size_t n;

		if (!e->addr.family)
			continue;
		n = addr_text(&e->addr, line);
		if (e->until_ms) {
			line[n++] = ' ';
			n += put_number(line + n, (uint64_t)ttl(e->until_ms, now));
		}
		line[n++] = '\n';
		rc = text_add(&im->text, line, n);
	}
	if (rc < 0) {
		image_put(im);
		return NULL;
	}
	return im;
}

/* NULL: no memory. */
static struct image *
image_get(struct ssh *s)
{
	struct image *im = s->image;

	if (!im || im->seq != oplog_last(&s->log) ||
	    now_ms() - im->made_ms > IMAGE_FRESH_MS) {
		image_put(im);
		im = s->image = image_make(s);
	}
	if (im)
		im->users++;
	return im;
}

void
image_put(struct image *im)
{
	if (!im || --im->users > 0)
		return;
	text_fini(&im->text);
	free(im);
}

static void
edge_set(struct host *h)
{
	struct ssh *s = h->ssh;

	image_put(h->image);
	h->image = image_get(s);
	h->image_at = 0;
	if (!h->image)
		return;
	h->generation = ++s->generation;
	h->exact = s->complete && !h->refused;
	h->state = HOST_SYNC;
	h->sent = h->sync_seq = h->image->seq;
	h->sync_count = h->image->count;
	h->sync_at = h->progress_at = now_ms();
	text_printf(&h->out, "S %" PRIu64 " %" PRIu64 " %" PRIx64 " %s\n",
	    h->generation, h->image->count, h->image->digest,
	    !h->exact                    ? "add"
		: h->force || h->exacted ? "force"
					 : "exact");
}

static void
on_log(struct host *h, const char *text)
{
	int64_t now = now_ms();

	if (now - (int64_t)h->said_window > SAID_WINDOW_MS) {
		h->said_window = (uint64_t)now;
		h->said = 0;
	}
	if (h->said++ < SAID_MAX)
		ssh_log(h->ssh,
		    strncmp(text, "error", 5) == 0         ? BN_ERROR
			: strncmp(text, "warning", 7) == 0 ? BN_WARNING
							   : BN_DEBUG,
		    "%s says: %.200s", h->name, text);
}

/* What is wrong over there although bans are carried out; "-": it is over. */
static void
on_trouble(struct host *h, const char *text)
{
	bool over = strcmp(text, "-") == 0;

	snprintf(h->trouble, sizeof(h->trouble), "%.180s", over ? "" : text);
	if (!over)
		ssh_log(h->ssh, BN_WARNING, "%s: %s", h->name, h->trouble);
}

static int
fail_errno(const char *why)
{
	static const struct {
		const char *start;
		int err;
	} known[] = {
		{ "refused", -EPERM },
		{ "prefix", -EPERM },
		{ "limit", -ENOSPC },
		{ "rate", -EAGAIN },
		{ "conflict", -EEXIST },
		{ "syntax", -EINVAL },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(why, known[i].start, strlen(known[i].start)) == 0)
			return known[i].err;
	return -EIO;
}

void
host_tell(struct host *h, const struct bn_addr *a, int err)
{
	const struct entry *e = set_find(&h->ssh->set, a);

	if (e)
		h->ssh->bn->done(h->ssh->bn->ctx, e->id, h->name, err);
}

void
host_fail_drop(struct host *h, const struct bn_addr *a)
{
	for (size_t i = 0; i < h->nfails; i++) {
		if (memcmp(&h->fails[i].addr, a, sizeof(*a)) != 0)
			continue;
		h->fails[i] = h->fails[--h->nfails];
		return;
	}
}

int
host_fail_add(struct host *h, const struct bn_addr *a, int err, const char *why)
{
	struct fail *v;

	host_fail_drop(h, a);
	if (h->nfails == FAILS_MAX) {
		h->more_fails++;
	} else {
		v = realloc(h->fails, (h->nfails + 1) * sizeof(*v));
		if (!v)
			return -ENOMEM;
		h->fails = v;
		v[h->nfails] = (struct fail){ .addr = *a, .err = err };
		snprintf(v[h->nfails++].why, sizeof(v->why), "%s", why);
	}
	host_tell(h, a, err);
	return 0;
}

/* ERR SEQ PREFIX WHY */
static int
on_err(struct host *h, char *rest)
{
	char *prefix = strchr(rest, ' '), *why;
	struct bn_addr a;

	why = prefix ? strchr(prefix + 1, ' ') : NULL;
	if (!why)
		return -EPROTO;
	*why++ = '\0';
	if (addr_read(prefix + 1, &a) < 0)
		return -EPROTO;
	return host_fail_add(h, &a, fail_errno(why), why);
}

/* FIXED SEQ PREFIX */
static int
on_fixed(struct host *h, char *rest)
{
	char *prefix = strchr(rest, ' ');
	struct bn_addr a;

	if (!prefix || addr_read(prefix + 1, &a) < 0)
		return -EPROTO;
	host_fail_drop(h, &a);
	host_tell(h, &a, 0);
	return 0;
}

static int
on_refused(struct host *h, const char *rest)
{
	const char *why = strchr(rest, ' ');

	if (strtoull(rest, NULL, 10) != h->generation)
		return 0;
	if (h->state != HOST_SYNC)
		return -EPROTO;
	snprintf(h->error, sizeof(h->error), "set not taken:%.150s%s", why ? why : "",
	    why && strncmp(why, " half", 5) == 0 ? " (banctl sync --force)" : "");
	ssh_log(h->ssh, BN_ERROR, "%s: %s", h->name, h->error);
	/* a damaged set is sent again with a new connection */
	if (!why || strncmp(why, " half", 5) != 0 || !h->exact)
		return -EBADMSG;
	host_synced(h, false);
	return 0;
}

static uint64_t
counter(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static int
on_ok(struct host *h, const char *rest)
{
	char *end;
	uint64_t seq = strtoull(rest, &end, 10);

	if (*end || seq > h->sent)
		return -EPROTO;
	host_acked(h, seq);
	return 0;
}

static int
on_synced(struct host *h, const char *rest)
{
	if (h->state == HOST_SYNC && strtoull(rest, NULL, 10) == h->generation) {
		ssh_log(h->ssh, BN_INFO, "%s has the whole set:%.120s", h->name,
		    strchr(rest, ' ') ? strchr(rest, ' ') : "");
		host_synced(h, true);
	}
	return 0;
}

static int
on_hello(struct host *h, const char *rest)
{
	if (strncmp(rest, "1 ", 2) != 0)
		return -EPROTONOSUPPORT;
	if (h->state == HOST_HELLO)
		edge_set(h);
	return 0;
}

static int
edge_line(struct host *h, char *line)
{
	char *rest = strchr(line, ' ');

	if (!rest)
		return -EPROTO;
	*rest++ = '\0';
	if (strcmp(line, "OK") == 0)
		return on_ok(h, rest);
	if (strcmp(line, "ERR") == 0)
		return on_err(h, rest);
	if (strcmp(line, "FIXED") == 0)
		return on_fixed(h, rest);
	if (strcmp(line, "LOG") == 0)
		on_log(h, rest);
	else if (strcmp(line, "TROUBLE") == 0)
		on_trouble(h, rest);
	else if (strcmp(line, "SYNCED") == 0)
		return on_synced(h, rest);
	else if (strcmp(line, "REFUSED") == 0)
		return on_refused(h, rest);
	else if (strcmp(line, "HELLO") == 0)
		return on_hello(h, rest);
	else if (strcmp(line, "PONG") == 0) {
		h->in_force = counter(rest, "in_force=");
		h->repaired = counter(rest, "repaired=");
	} else if (strcmp(line, "BYE") == 0) {
		snprintf(h->error, sizeof(h->error), "%.150s", rest);
		return -ECONNABORTED;
	} else
		return -EPROTO;
	return 0;
}

static int
fill_image(struct host *h)
{
	const struct text *t = &h->image->text;
	size_t n = t->len - h->image_at;
	int rc;

	n = n > OUT_BYTES / 2 ? OUT_BYTES / 2 : n;
	rc = text_add(&h->out, t->p + h->image_at, n);
	h->image_at += n;
	if (rc < 0 || h->image_at < t->len)
		return rc;
	image_put(h->image);
	h->image = NULL;
	rc = text_printf(&h->out, "E %llu\n", (unsigned long long)h->generation);
	if (h->again) {
		h->again = false;
		edge_set(h);
	}
	return rc;
}

/* Put into h->out what comes next, until it is well filled. */
static int
edge_fill(struct host *h)
{
	const struct oplog *l = &h->ssh->log;
	int rc = 0;

	while (rc == 0 && h->out.len - h->out.at < OUT_BYTES) {
		const struct op *op;

		if (h->image) {
			rc = fill_image(h);
			continue;
		}
		if (h->state < HOST_SYNC || h->sent + 1 >= l->next)
			return 0;
		op = oplog_at(l, h->sent + 1);
		if (!op) { /* too far behind: the whole set again */
			edge_set(h);
			rc = h->image ? 0 : -ENOMEM;
			continue;
		}
		if (h->sent == h->acked && h->out.at == h->out.len)
			h->progress_at = now_ms();
		edge_op(h, ++h->sent, op);
	}
	return rc;
}

static void
edge_close(struct host *h)
{
}

const struct remote_ops remote_edge = {
	.name = "banner-edge",
	.command = "banner-edge",
	.hello = edge_hello,
	.set = edge_set,
	.ping = edge_ping,
	.fill = edge_fill,
	.line = edge_line,
	.close = edge_close,
};
