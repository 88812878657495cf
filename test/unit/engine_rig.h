/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine_rig.h - an engine with two jails whose orders are lines of text, for tests.
 */
#ifndef BANNER_TEST_ENGINE_RIG_H
#define BANNER_TEST_ENGINE_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "banner/core/engine.h"
#include "banner/core/guard.h"
#include "banner/core/runtime.h"

enum { LOG = 65536 };

struct world {
	struct conf conf;
	struct conf_jail jails[2];
	struct engine *en;
	struct engine_host host;
	char log[LOG];		/* what came out, a line each */
	uint64_t ticket;	/* of the last question */
	uint64_t last_id;
	int64_t now;
};

__attribute__((format(printf, 2, 3))) static inline void
say(struct world *w, const char *fmt, ...)
{
	size_t at = strlen(w->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->log + at, LOG - at, fmt, ap);
	va_end(ap);
}

static inline void
on_emit(void *arg, const struct order *o)
{
	static const char *const verbs[] = { "ban", "unban", "prolong" };
	struct world *w = arg;
	const struct ban *b = o->ban;
	char a[ADDR_TEXT];

	w->last_id = b->id;
	say(w, "%s %s ", verbs[o->verb], b->jail);
	if (b->subject.kind == SUBJECT_ADDR)
		say(w, "%s", addr_print(&b->subject.addr, a));
	else
		say(w, "%.*s", (int)b->subject.text.len, b->subject.text.s);
	say(w, " %lld c%d f%u n%u", (long long)(b->until_ms ? b->until_ms / 1000 : -1),
	    (int)o->cause, b->failures, b->count);
	for (size_t i = 0; i < o->nlines; i++)
		say(w, " [%.*s]", (int)o->lines[i].len, o->lines[i].s);
	say(w, "\n");
}

static inline void
on_notice(void *arg, const struct notice *n)
{
	static const char *const events[] = { "found", "already", "ignored", "guarded",
		"cap", "rate", "leak" };

	if (n->event != EVENT_FOUND)
		say(arg, "%s %s %s\n", events[n->event], n->jail, n->text);
}

static inline void
on_ask(void *arg, const struct question *q)
{
	struct world *w = arg;

	w->ticket = q->ticket;
	say(w, "ask %s <%s> %s\n", q->jail, q->names, q->command ? q->command : "-");
}

static inline void
expect(struct world *w, const char *text)
{
	assert_string_equal(w->log, text);
	w->log[0] = '\0';
}

static inline void
start(struct world *w)
{
	struct err e;

	assert_int_equal(engine_new(&w->conf, &w->host, &w->en, &e), 0);
}

static inline int
setup(void **state)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	w.now = INT64_C(1000000);
	w.conf.jails = w.jails;
	w.conf.njails = 1;
	w.jails[0] = (struct conf_jail){ .name = "sshd", .enabled = true,
	    .findtime_ms = 600000, .bantime_ms = 600000, .maxretry = 3, .maxmatches = 3,
	    .ignoreself = true, .host6 = 64, .net4 = 24, .net6 = 56 };
	w.jails[1] = w.jails[0];
	w.jails[1].name = "mail";
	w.host = (struct engine_host){ .arg = &w, .emit = on_emit, .notice = on_notice,
	    .ask = on_ask, .seed = 1 };
	*state = &w;
	return 0;
}

static inline int
teardown(void **state)
{
	struct world *w = *state;

	engine_free(w->en);
	return 0;
}

static inline struct subject
host(const char *text)
{
	struct subject s = { .kind = SUBJECT_ADDR };

	assert_int_equal(addr_parse_prefix(str_of(text), &s.addr), 0);
	return s;
}

/* A failure of this address and user at this second. */
static inline void
failure(struct world *w, int64_t s, const char *addr, const char *user)
{
	struct str line = str_of(user);
	struct failure f = { .jail = engine_jail_at(w->en, 0),
		.subject = host(addr),
		.user = line,
		.when_ms = s * 1000,
		.weight = 1,
		.lines = &line,
		.nlines = 1 };

	f.addr = f.subject.addr;
	if (w->now < f.when_ms)
		w->now = f.when_ms;
	engine_failure(w->en, &f, w->now);
}

#endif
