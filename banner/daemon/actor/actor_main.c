/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor_main.c - banner-actor: the process that carries out bans.
 *
 * argv[1] is the number of the actor; it serves all actions of the configuration that
 * have it. Plugins lie in the folder "actions" beside this program, installed or not.
 */
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/daemon/actor/actor.h"
#include "banner/daemon/actor/confine.h"
#include "banner/daemon/actor/looks.h"
#include "banner/daemon/actor/tell.h"
#include "banner/daemon/proc/guard_in.h"
#include "banner/daemon/proc/log.h"
#include "banner/daemon/proc/serve.h"

struct actor;

struct member {
	struct actor *actor;
	unsigned number;
	const struct conf_action *conf;
	struct plugin plugin;
	struct instance *instance;	/* shared: that of an earlier member */
	bool shared;
	struct event *ready;		/* of the plugin's own descriptor */
	int ready_fd;
	struct instance_stats told;
};

struct actor {
	struct child child;
	struct serve serve;
	struct guard *guard;
	struct guard_in guard_in;
	struct looks looks;
	struct event *timer;
	struct member *members;
	size_t n;
};

enum { IDLE_MAX_MS = 10000 };

static int64_t
now_ms(void *arg)
{
	return clock_ms(CLOCK_REALTIME);
}

static void
send_outcome(void *arg, const struct actor_outcome *o)
{
	static const enum verb verbs[] = { [BN_ADD] = VERB_BAN, [BN_DEL] = VERB_UNBAN,
	    [BN_PROLONG] = VERB_PROLONG };
	struct actor *a = arg;
	struct buf *out = &a->serve.out;
	size_t at = wire_start(out, WIRE_DONE);

	wire_u32(out, o->number);
	wire_u64(out, o->ban);
	wire_u8(out, (uint8_t)verbs[o->verb]);
	wire_text(out, o->target);
	wire_u32(out, (uint32_t)-o->err);
	wire_i64(out, o->when_ms);
	wire_finish(out, at);
}

static void
log_action(void *arg, enum bn_level level, const char *action, const char *text)
{
	static const enum log_level levels[] = { [BN_ERROR] = LEVEL_ERROR,
	    [BN_WARNING] = LEVEL_WARNING, [BN_INFO] = LEVEL_INFO,
	    [BN_DEBUG] = LEVEL_DEBUG };
	struct buf safe = { 0 };

	buf_safe(&safe, str_of(text), LOG_TEXT * 3 / 4);
	log_line(levels[level & 3], "banner.actor", "action %s: %s", action, safe.p);
	buf_fini(&safe);
}

static void
send_state(struct member *m)
{
	struct buf *out = &m->actor->serve.out;
	struct instance_stats s = { 0 };
	size_t at;

	instance_stats(m->instance, &s);
	if (memcmp(&s, &m->told, sizeof(s)) == 0) /* NOLINT: zeroed whole */
		return;
	m->told = s;
	at = wire_start(out, WIRE_STATE);
	wire_u32(out, m->number);
	wire_u64(out, s.in_force);
	wire_u64(out, s.wanted);
	wire_u64(out, s.applied);
	wire_u64(out, s.failing);
	wire_u64(out, s.repaired);
	wire_u64(out, s.conflicts);
	wire_u64(out, s.refused);
	wire_i64(out, s.error_ms);
	wire_text(out, s.error);
	wire_u32(out, s.targets);
	wire_u8(out, s.bare);
	wire_finish(out, at);
}

static void	on_ready(evutil_socket_t, short, void *);

/* A plugin may open and close its descriptor as it likes; look after every call. */
static void
watch(struct member *m)
{
	int fd = m->shared ? -1 : instance_poll_fd(m->instance);

	if (fd == m->ready_fd)
		return;
	if (m->ready)
		event_free(m->ready);
	m->ready = NULL;
	m->ready_fd = fd;
	if (fd < 0)
		return;
	m->ready =
	    event_new(m->actor->serve.base, fd, EV_READ | EV_PERSIST, on_ready, m);
	if (!m->ready || event_add(m->ready, NULL) < 0)
		log_error("banner.actor", "action %s: cannot watch its descriptor",
		    m->conf->name);
}

static void
work(void *arg)
{
	struct actor *a = arg;
	int64_t next = INT64_MAX, due, wait;

	for (size_t i = 0; i < a->n; i++) {
		struct member *m = &a->members[i];

		if (!m->shared) {
			due = instance_work(m->instance);
			next = due < next ? due : next;
		}
		watch(m);
		send_state(m);
	}
	looks_answer(&a->looks, &a->serve.out);
	event_del(a->timer);
	if (next == INT64_MAX)
		return;
	wait = next - now_ms(NULL);
	wait = wait < 1 ? 1 : wait;
	event_add(a->timer, &(struct timeval){ wait / 1000, wait % 1000 * 1000 });
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct member *m = arg;
	struct actor *a = m->actor;

	instance_run(m->instance);
	work(a);
	serve_flush(&a->serve);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct actor *a = arg;

	work(a);
	serve_flush(&a->serve);
}

static int
get_guard(struct actor *a, struct wire_in *in)
{
	int rc = guard_in_record(&a->guard_in, a->guard, in);

	for (size_t i = 0; rc > 0 && i < a->n; i++)
		if (!a->members[i].shared)
			instance_guard(a->members[i].instance);
	return rc < 0 ? rc : 0;
}

static struct member *
get_member(struct actor *a, struct wire_in *in)
{
	uint32_t number = wire_get_u32(in);

	return number < a->n ? &a->members[number] : NULL;
}

static int
get_change(struct actor *a, struct wire_in *in)
{
	struct member *m = get_member(a, in);
	struct wire_ban b;

	if (!m || wire_get_ban(in, &b) < 0)
		return -EBADMSG;
	instance_change(m->instance, m->number, &b);
	return 0;
}

static int
get_generation(struct actor *a, enum wire_type type, struct wire_in *in)
{
	uint64_t generation = wire_get_u64(in);
	bool force = type == WIRE_COMPLETE && wire_get_u8(in);

	for (size_t i = 0; i < a->n; i++) {
		struct member *m = &a->members[i];

		if (m->shared)
			continue;
		if (type == WIRE_BEGIN)
			instance_begin(m->instance, generation);
		else
			instance_complete(m->instance, generation, force);
	}
	return 0;
}

static int
get_flush(struct actor *a, struct wire_in *in)
{
	uint32_t number = wire_get_u32(in);

	for (size_t i = 0; i < a->n; i++)
		if ((number == WIRE_ALL && !a->members[i].shared) || number == i)
			instance_flush(a->members[i].instance);
	return 0;
}

static int
get_jail(struct actor *a, struct wire_in *in)
{
	struct member *m = get_member(a, in);
	const char *jail = wire_get_text(in);
	bool started = wire_get_u8(in);

	if (!m || in->bad)
		return -EBADMSG;
	instance_jail(m->instance, jail, started);
	return 0;
}

static int
get_look(struct actor *a, struct wire_in *in)
{
	struct look_open o = { .id = wire_get_u64(in) };
	struct member *m = get_member(a, in);

	if (!m)
		return -EBADMSG;
	o.number = m->number;
	o.instance = m->instance;
	return looks_add(&a->looks, o, in);
}

static int
get_targets(struct actor *a, struct wire_in *in)
{
	uint64_t id = wire_get_u64(in), ban = wire_get_u64(in);
	size_t at;

	for (size_t i = 0; i < a->n; i++) {
		struct member *m = &a->members[i];

		if (!m->shared)
			tell_targets(&a->serve.out, m->instance, m->number, id, ban);
	}
	at = wire_start(&a->serve.out, WIRE_END);
	wire_u64(&a->serve.out, id);
	wire_finish(&a->serve.out, at);
	return 0;
}

static int
ask_known(void *arg, const struct actor_question *q)
{
	struct actor *a = arg;

	if (a->serve.engine < 0)
		return -ENOTCONN;
	for (size_t i = 0; i < a->n; i++)
		if (a->members[i].conf == q->conf)
			tell_known(&a->serve.out, q, a->members[i].number);
	serve_flush(&a->serve);
	return 0;
}

static int
get_knows(struct actor *a, struct wire_in *in)
{
	struct member *m = get_member(a, in);
	uint64_t ticket = wire_get_u64(in);
	bool yes = wire_get_u8(in);

	if (!m || in->bad)
		return -EBADMSG;
	instance_known(m->instance, ticket, yes);
	return 0;
}

/* No answer when one of them cannot tell: then nothing of theirs is removed. */
static int
get_unnamed(struct actor *a)
{
	size_t at;

	for (size_t i = 0; i < a->n; i++) {
		struct member *m = &a->members[i];

		if (!m->shared &&
		    tell_unnamed(&a->serve.out, m->instance, m->number) < 0)
			return 0;
	}
	at = wire_start(&a->serve.out, WIRE_FOUND);
	wire_u32(&a->serve.out, WIRE_ALL);
	wire_addr(&a->serve.out, &(struct addr){ .family = 4 });
	wire_finish(&a->serve.out, at);
	return 0;
}

static int
on_record(void *arg, enum wire_type type, struct wire_in *in)
{
	struct actor *a = arg;
	int rc = -EBADMSG;

	if (type == WIRE_CHANGE)
		rc = get_change(a, in);
	else if (type == WIRE_BEGIN || type == WIRE_COMPLETE)
		rc = get_generation(a, type, in);
	else if (type == WIRE_FLUSH)
		rc = get_flush(a, in);
	else if (type == WIRE_JAIL)
		rc = get_jail(a, in);
	else if (type == WIRE_TARGETS)
		rc = get_targets(a, in);
	else if (type == WIRE_LOOK)
		rc = get_look(a, in);
	else if (type == WIRE_KNOWS)
		rc = get_knows(a, in);
	else if (type == WIRE_UNNAMED)
		rc = get_unnamed(a);
	return rc < 0 ? rc : wire_done(in);
}

/* The guard is the parent's word alone: it holds against an engine gone wrong. An
 * actor that the configuration no longer names is told to clear up by it, too. */
static void
on_parent(void *arg, enum wire_type type, struct wire_in *in)
{
	int rc = 0;

	if (type == WIRE_GUARD)
		rc = get_guard(arg, in);
	else if (type == WIRE_FLUSH)
		rc = get_flush(arg, in);
	if (rc < 0 || in->bad)
		log_error("banner.actor", "a record of the parent makes no sense");
}

static void
on_start(void *arg)
{
	struct actor *a = arg;

	/* The new engine knows nothing of what was told to the old one. */
	for (size_t i = 0; i < a->n; i++)
		memset(&a->members[i].told, 0xff, sizeof(a->members[i].told));
	work(a);
}

static const struct serve_ops serve_ops = {
	.start = on_start, .record = on_record, .turn = work, .parent = on_parent,
};

/* Equal commands for several jails are one instance (exec: "same" compares). */
static void
share(struct actor *a, struct member *m)
{
	for (size_t i = 0; i < m->number; i++) {
		struct member *first = &a->members[i];

		if (first->shared || !instance_same(first->instance, m->instance))
			continue;
		instance_free(m->instance);
		m->instance = first->instance;
		m->shared = true;
		return;
	}
}

static int
member_open(struct actor *a, struct member *m, const char *dir, struct err *e)
{
	struct instance_options o = { .conf = m->conf, .plugin = &m->plugin,
	    .guard = a->guard, .host = { .arg = a, .now_ms = now_ms,
	    .outcome = send_outcome, .log = log_action, .loop = a->serve.base,
	    .known = ask_known } };
	int rc;

	/* Plugins stay loaded once each; dlopen counts. */
	rc = plugin_load(&m->plugin, dir, m->conf->plugin, e);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < m->number; i++)
		if (a->members[i].plugin.handle == m->plugin.handle) {
			o.plugin = &a->members[i].plugin;
			break; /* the first: share() compares where the calls lie */
		}
	rc = instance_new(&o, &m->instance, e);
	if (rc == 0)
		share(a, m);
	return rc;
}

static int
open_members(struct actor *a, unsigned number, const char *dir, struct err *e)
{
	const struct conf *c = a->child.conf;
	int rc = 0;

	a->members = xcalloc(c->nactions + 1, sizeof(*a->members));
	for (size_t i = 0; i < c->nactions && rc == 0; i++) {
		struct member *m = &a->members[a->n];

		if (c->actions[i].actor != number)
			continue;
		*m = (struct member){ .actor = a,
			.number = (unsigned)a->n,
			.ready_fd = -1,
			.conf = &c->actions[i] };
		a->n++;
		rc = member_open(a, m, dir, e);
		if (rc < 0)
			err_prefix(e, rc, "action %s", m->conf->name);
	}
	if (rc == 0 && a->n == 0)
		rc = err_set(e, -EINVAL, "the configuration has no actor %u", number);
	return rc;
}

static void
close_members(struct actor *a)
{
	for (size_t i = 0; i < a->n; i++) {
		if (a->members[i].ready)
			event_free(a->members[i].ready);
		if (!a->members[i].shared)
			instance_free(a->members[i].instance);
	}
	for (size_t i = 0; i < a->n; i++)
		plugin_unload(&a->members[i].plugin);
	free(a->members);
}

/* What was asked for before the end is done, very much of it, too. */
static void
work_off(struct actor *a)
{
	bool busy = true;

	while (busy) {
		busy = false;
		work(a);
		for (size_t i = 0; i < a->n; i++)
			busy |= instance_busy(a->members[i].instance);
		child_works(&a->child);
	}
	serve_flush(&a->serve);
}

static size_t
unflushed(const struct actor *a, uint64_t *applied)
{
	size_t n = 0;

	*applied = 0;
	for (size_t i = 0; i < a->n; i++) {
		struct instance_stats s;

		if (a->members[i].shared)
			continue;
		n += instance_unflushed(a->members[i].instance);
		instance_stats(a->members[i].instance, &s);
		*applied += s.applied;
	}
	return n;
}

/* Removals that are with a plugin which cannot list what is in force are seen through:
 * what is left would be so for ever. As long as they get on. */
static void
see_through(struct actor *a)
{
	uint64_t applied, was;
	size_t left = unflushed(a, &was);
	int64_t since = clock_ms(CLOCK_MONOTONIC);

	while (left > 0 && clock_ms(CLOCK_MONOTONIC) - since < IDLE_MAX_MS) {
		event_base_loopexit(a->serve.base, &(struct timeval){ 0, 100000 });
		event_base_dispatch(a->serve.base);
		if (event_base_got_break(a->serve.base))
			break;		/* the parent is gone */
		child_works(&a->child);
		left = unflushed(a, &applied);
		if (applied != was)
			since = clock_ms(CLOCK_MONOTONIC);
		was = applied;
	}
	if (left > 0)
		log_error("banner.actor", "%zu bans could not be removed before the "
		    "end and stay in force", left);
}

static int
run(struct actor *a, unsigned number, const char *dir, struct err *e)
{
	struct sandbox_level level = { 0 };
	struct confined c;
	int rc;

	a->guard = guard_new();
	rc = open_members(a, number, dir, e);
	if (rc < 0)
		return rc;
	a->timer = evtimer_new(a->serve.base, on_timer, a);
	c = (struct confined){ a->child.conf->daemon.sandbox, a->members[0].conf,
		&a->members[0].plugin.ops };
	rc = a->timer ? confine(&c, &level, e) : -ENOMEM;
	if (rc < 0)
		return rc;
	child_ready(&a->child, &level);
	work(a);
	serve_run(&a->serve);
	work_off(a);
	see_through(a);
	return 0;
}

static void
actor_fini(struct actor *a)
{
	if (a->timer)
		event_free(a->timer);
	close_members(a);
	serve_fini(&a->serve);
	guard_free(a->guard);
	guard_in_fini(&a->guard_in);
	child_close(&a->child);
}

int
main(int argc, char **argv)
{
	struct actor a = { 0 };
	struct err e = { 0 };
	char folder[PATH_MAX];
	const char *dir = plugin_folder(folder);
	uint64_t number;
	int rc;

	if (argc < 2 || str_u64(str_of(argv[1]), &number) < 0 || number > UINT32_MAX) {
		fprintf(
		    stderr, "banner-actor: it is started by bannerd, not by hand\n");
		return 2;
	}
	rc = child_open(&a.child, "banner.actor", CONF_HEAD, &e);
	if (rc < 0)
		return 1;
	rc = serve_init(&a.serve, &a.child, &serve_ops, &a);
	if (rc == 0)
		rc = run(&a, (unsigned)number, dir ? dir : "/nonexistent", &e);
	if (rc < 0)
		log_error("banner.actor", "%s", *e.text ? e.text : strerror(-rc));
	actor_fini(&a);
	return rc < 0;
}
