/* SPDX-License-Identifier: GPL-2.0-or-later
 * null.c - the action that does nothing: template for plugins, double for tests.
 *
 * It remembers what it was told as if it had been put in force, can list it, and can
 * be made to fail or to be slow. A new plugin starts as a copy of this file.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "banner/action.h"

enum { ERRNO_MAX = 4095 };	/* of the kernel */

struct held {
	struct bn_subject subject;	/* first: compare() sees but this */
	char *text;		/* of the subject, or NULL */
};

struct null {
	const struct bn_host *host;
	FILE *file;
	void *entries;		/* struct held, a tree of tsearch(3) */
	unsigned fail;		/* changes that still fail */
	int error;		/* with this errno */
	long delay_ms;		/* per call of apply */
};

static const struct bn_key null_keys[] = {
	{ "file", "", "append one line per change to this file" },
	{ "fail", "0", "let this many changes fail" },
	{ "error", "5", "errno of the changes that fail" },
	{ "delay", "0", "wait so many milliseconds in each batch" },
	{ NULL, NULL, NULL }
};

/* A whole number, or -1. */
static long
number(const struct bn_host *h, const char *key)
{
	const char *text = h->get(h->ctx, key);
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	return *text && !*end && !errno && v >= 0 && v <= 1000000 ? v : -1;
}

static int
null_check(const struct bn_host *host)
{
	const char *path = host->get(host->ctx, "file"), *why = NULL;

	if (number(host, "fail") < 0 || number(host, "delay") < 0)
		why = "fail and delay are whole numbers, 0 to 1000000";
	else if (number(host, "error") < 1 || number(host, "error") > ERRNO_MAX)
		why = "error is an errno, 1 to 4095";
	else if (*path && *path != '/')
		why = "file is an absolute path";
	if (!why)
		return 0;
	host->log(host->ctx, BN_ERROR, why);
	return -EINVAL;
}

static int
null_open(const struct bn_host *host, void **self)
{
	const char *path = host->get(host->ctx, "file");
	struct null *nl;

	if (null_check(host) < 0)
		return -EINVAL;
	nl = calloc(1, sizeof(*nl));
	if (!nl)
		return -ENOMEM;
	nl->host = host;
	nl->fail = (unsigned)number(host, "fail");
	nl->error = (int)number(host, "error");
	nl->delay_ms = number(host, "delay");
	if (*path) {
		nl->file = fopen(path, "ae");
		if (!nl->file) {
			int rc = -errno;

			free(nl);
			return rc;
		}
		setvbuf(nl->file, NULL, _IOLBF, 0);
	}
	*self = nl;
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const struct bn_subject *x = a, *y = b;
	int rc = (int)x->kind - (int)y->kind;

	if (rc == 0)
		rc = memcmp(&x->addr, &y->addr, sizeof(x->addr));
	return rc ? rc : strcmp(x->text ? x->text : "", y->text ? y->text : "");
}

static void
held_free(void *p)
{
	struct held *e = p;

	free(e->text);
	free(e);
}

static int
add(struct null *nl, const struct bn_subject *s)
{
	struct held *e;

	if (tfind(s, &nl->entries, compare))
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->subject = *s;
	if (s->text)
		e->subject.text = e->text = strdup(s->text);
	if ((s->text && !e->text) || !tsearch(e, &nl->entries, compare)) {
		held_free(e);
		return -ENOMEM;
	}
	return 0;
}

static void
del(struct null *nl, const struct bn_subject *s)
{
	struct held **at = tfind(s, &nl->entries, compare), *e;

	if (!at)
		return;
	e = *at;
	tdelete(e, &nl->entries, compare);
	held_free(e);
}

static void
print_subject(FILE *f, const struct bn_subject *s)
{
	char text[INET6_ADDRSTRLEN];

	if (s->kind == BN_ADDR)
		fprintf(f, "%s/%u", inet_ntop(s->addr.family == 4 ? AF_INET : AF_INET6,
		    s->addr.ip, text, sizeof(text)), s->addr.plen);
	else
		fprintf(f, "%s", s->text ? s->text : "-");
}

static void
record(struct null *nl, const struct bn_change *c)
{
	static const char *const verbs[] = { [BN_ADD] = "add", [BN_DEL] = "del",
	    [BN_PROLONG] = "prolong" };

	if (!nl->file)
		return;
	fprintf(nl->file, "%s ", verbs[c->verb]);
	print_subject(nl->file, &c->subject);
	fprintf(nl->file, " jail=%s scope=%s id=%llu err=%d\n", c->jail, c->scope,
	    (unsigned long long)c->id, c->err);
}

static int
change(struct null *nl, const struct bn_change *c)
{
	if (nl->fail > 0) {
		nl->fail--;
		return -nl->error;
	}
	if (c->verb == BN_ADD)
		return add(nl, &c->subject);
	if (c->verb == BN_DEL)
		del(nl, &c->subject);
	return 0;
}

static int
null_apply(void *self, struct bn_change *v, size_t n)
{
	struct null *nl = self;

	if (nl->delay_ms > 0)
		nanosleep(&(struct timespec){ nl->delay_ms / 1000,
		    nl->delay_ms % 1000 * 1000000 }, NULL);
	for (size_t i = 0; i < n; i++) {
		v[i].err = change(nl, &v[i]);
		record(nl, &v[i]);
	}
	return 0;
}

struct lister {
	bn_seen_fn *fn;
	void *arg;
};

static void
list_one(const void *node, VISIT visit, void *arg)
{
	const struct held *e = *(struct held *const *)node;
	const struct lister *l = arg;

	if (visit == postorder || visit == leaf)
		l->fn(l->arg, &e->subject, NULL);
}

static int
null_list(void *self, bn_seen_fn *fn, void *arg)
{
	struct null *nl = self;
	struct lister l = { fn, arg };

	twalk_r(nl->entries, list_one, &l);
	return 0;
}

static int
null_flush(void *self)
{
	struct null *nl = self;

	tdestroy(nl->entries, held_free);
	nl->entries = NULL;
	if (nl->file)
		fprintf(nl->file, "flush\n");
	return 0;
}

static void
null_close(void *self)
{
	struct null *nl = self;

	tdestroy(nl->entries, held_free);
	if (nl->file)
		fclose(nl->file);
	free(nl);
}

BN_ACTION(null) = {
	.abi = BN_ACTION_ABI, .size = sizeof(struct bn_action_ops),
	.flags = BN_STATE | BN_PROLONGS, .name = "null",
	.kinds = 1 << BN_ADDR | 1 << BN_USER | 1 << BN_ID | 1 << BN_NONE,
	.keys = null_keys, .open = null_open, .apply = null_apply, .list = null_list,
	.flush = null_flush, .close = null_close, .check = null_check,
};
