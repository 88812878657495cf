/* SPDX-License-Identifier: GPL-2.0-or-later
 * names.c - failures whose host the log names instead of numbering (usedns).
 */
#include "banner/daemon/engine/names.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/base/table.h"
#include "banner/conf/conf.h"
#include "banner/core/kept.h"
#include "banner/daemon/engine/ask.h"
#include "banner/daemon/engine/context.h"

#define NAME "fail2ban.ipdns"
/* A host name is shorter (RFC 1035, 2.3.4). */
enum { NAME_BYTES = 255 };

struct waiter {
	STAILQ_ENTRY(waiter) next;
	struct kept kept;
};

struct name {
	TAILQ_ENTRY(name) next; /* oldest first */
	uint64_t ticket; /* 0: answered */
	int64_t until_ms; /* of the answer, CLOCK_MONOTONIC */
	struct addr addrs[NAMES_ADDRS];
	size_t n;
	STAILQ_HEAD(waiters, waiter) waiting;
	size_t len;
	char text[]; /* in lower case */
};

struct names {
	struct engined *d;
	struct table *by_text;
	TAILQ_HEAD(all_names, name) all;
	uint64_t last_ticket;
	struct names_stats stats;
};

struct names *
names_new(struct engined *d)
{
	struct names *ns = xcalloc(1, sizeof(*ns));

	ns->d = d;
	ns->by_text = table_new();
	TAILQ_INIT(&ns->all);
	return ns;
}

static void
drop_waiting(struct names *ns, struct name *n)
{
	struct waiter *w;

	while ((w = STAILQ_FIRST(&n->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->waiting, next);
		free(w);
		ns->stats.waiting--;
		ns->stats.dropped++;
	}
}

static void
name_free(struct names *ns, struct name *n)
{
	drop_waiting(ns, n);
	table_del(ns->by_text, n->text, n->len);
	TAILQ_REMOVE(&ns->all, n, next);
	ns->stats.known--;
	free(n);
}

void
names_free(struct names *ns)
{
	struct name *n;

	if (!ns)
		return;
	while ((n = TAILQ_FIRST(&ns->all)) != NULL)
		name_free(ns, n);
	table_free(ns->by_text);
	free(ns);
}

/* Where users or everything together is counted, one attempt stays one. */
static bool
counts_addresses(const struct failure *f)
{
	const struct conf_jail *c = jail_conf(f->jail);

	return c->count != COUNT_USER && c->count != COUNT_TOTAL;
}

static void
count(struct names *ns, const struct name *n, const struct failure *f)
{
	struct failure one = *f;

	if (!n->n)
		ns->stats.unknown++;
	one.lookup = false;
	for (size_t i = 0; i < n->n; i++) {
		one.addr = n->addrs[i];
		one.subject =
		    (struct subject){ .kind = SUBJECT_ADDR, .addr = n->addrs[i] };
		engine_failure(ns->d->engine, &one, engined_now());
		if (!counts_addresses(f))
			break;
	}
}

static void
say_answer(const struct name *n, const struct failure *f)
{
	char text[NAMES_ADDRS * (ADDR_TEXT + 2)] = "", one[ADDR_TEXT];
	const struct conf_jail *c = jail_conf(f->jail);

	if (!n->n) {
		log_warn(NAME, "[%s] no address is known for %s", c->name, n->text);
		return;
	}
	if (c->usedns != DNS_WARN)
		return;
	for (size_t i = 0; i < n->n; i++) {
		strcat(text, i ? ", " : "");
		strcat(text, addr_print(&n->addrs[i], one));
	}
	log_warn(NAME, "[%s] the log names a host, not its address: %s is %s", c->name,
	    n->text, text);
}

/* The oldest that nobody waits for makes room. */
static bool
make_room(struct names *ns)
{
	struct name *n;

	if (ns->stats.known < NAMES_MAX)
		return true;
	TAILQ_FOREACH(n, &ns->all, next)
		if (!n->ticket) {
			name_free(ns, n);
			return true;
		}
	return false;
}

static struct name *
name_new(struct names *ns, const char *text, size_t len)
{
	struct name *n;

	if (!make_room(ns))
		return NULL;
	n = xcalloc(1, sizeof(*n) + len + 1);
	memcpy(n->text, text, len);
	n->len = len;
	STAILQ_INIT(&n->waiting);
	TAILQ_INSERT_TAIL(&ns->all, n, next);
	table_set(ns->by_text, n->text, n->len, n);
	ns->stats.known++;
	n->ticket = ++ns->last_ticket;
	if (ask_name(ns->d->ask, n->ticket, n->text))
		return n;
	name_free(ns, n);
	return NULL;
}

static struct name *
name_of(struct names *ns, struct str given)
{
	char text[NAME_BYTES + 1];
	struct name *n;

	if (given.len > NAME_BYTES || memchr(given.s, '\0', given.len))
		return NULL;
	for (size_t i = 0; i < given.len; i++)
		text[i] = (char)tolower((unsigned char)given.s[i]);
	n = table_find(ns->by_text, text, given.len);
	if (n && !n->ticket && n->until_ms <= clock_ms(CLOCK_MONOTONIC)) {
		name_free(ns, n);
		n = NULL;
	}
	return n ? n : name_new(ns, text, given.len);
}

void
names_failure(struct names *ns, const struct failure *f)
{
	struct name *n = name_of(ns, f->subject.text);
	struct waiter *w;

	ns->stats.failures++;
	if (n && !n->ticket) {
		count(ns, n, f);
		return;
	}
	if (!n || ns->stats.waiting >= NAMES_WAITING) {
		ns->stats.dropped++;
		return;
	}
	w = xmalloc(sizeof(*w));
	kept_set(&w->kept, f);
	STAILQ_INSERT_TAIL(&n->waiting, w, next);
	ns->stats.waiting++;
}

static struct name *
name_asked(const struct names *ns, uint64_t ticket)
{
	struct name *n;

	TAILQ_FOREACH(n, &ns->all, next)
		if (n->ticket == ticket)
			return n;
	return NULL;
}

void
names_answer(struct names *ns, uint64_t ticket, const struct addr *v, size_t nv)
{
	struct name *n = ticket ? name_asked(ns, ticket) : NULL;
	struct waiter *w;

	if (!n)
		return;
	n->ticket = 0;
	n->until_ms = clock_ms(CLOCK_MONOTONIC) + (nv ? NAMES_KEEP_MS : NAMES_RETRY_MS);
	n->n = nv < NAMES_ADDRS ? nv : NAMES_ADDRS;
	ns->stats.cut += nv - n->n;
	for (size_t i = 0; i < n->n; i++)
		n->addrs[i] = v[i];
	if (!STAILQ_EMPTY(&n->waiting))
		say_answer(n, &STAILQ_FIRST(&n->waiting)->kept.failure);
	while ((w = STAILQ_FIRST(&n->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&n->waiting, next);
		ns->stats.waiting--;
		count(ns, n, &w->kept.failure);
		free(w);
	}
}

void
names_lost(struct names *ns)
{
	struct name *n = TAILQ_FIRST(&ns->all), *next;

	for (; n; n = next) {
		next = TAILQ_NEXT(n, next);
		if (n->ticket)
			name_free(ns, n);
	}
}

void
names_stats(const struct names *ns, struct names_stats *out)
{
	*out = ns->stats;
}
