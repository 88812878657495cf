/* SPDX-License-Identifier: GPL-2.0-or-later
 * store_main.c - banner-store: the process that keeps the state on disk.
 */
#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "banner/base/clock.h"
#include "banner/base/units.h"
#include "banner/daemon/proc/log.h"
#include "banner/daemon/proc/serve.h"
#include "banner/daemon/store/store.h"

/* Group commit: so long after a MARK, or at once with so many rows. */
enum { GROUP_MS = 20, GROUP_ROWS = 100, RETRY_MS = 1000, REST_S = 2 };
/* The store of a parent that was killed still holds the file for a moment. */
enum { BUSY_MS = 20, BUSY_TRIES = 500 };
/* Apply first, commit after: while all processors are busy, what bans goes before what
 * writes it down. */
enum { NICE = 5 };

struct keeper {
	struct child child;
	struct serve serve;
	struct store store;
	struct buf path;
	struct event *commit, *purge, *rest, *start;
	unsigned tries;			/* of a start */
	bool lost;			/* the engine began without our state */
	bool gone;			/* somebody took the file away */
	bool gap;			/* rows were dropped: all must be told again */
	uint64_t told;			/* the last seq that was answered */
	int failing;			/* -errno that was told and logged; 0: none */
	struct err trouble;		/* its text */
};

static void
arm(struct event *ev, int64_t ms)
{
	if (ev && !evtimer_pending(ev, NULL))
		event_add(ev, &(struct timeval){ ms / 1000, ms % 1000 * 1000 });
}

static void
send_committed(struct keeper *k, uint64_t seq, int err, const char *why)
{
	size_t at = wire_start(&k->serve.out, WIRE_COMMITTED);

	wire_u64(&k->serve.out, seq);
	wire_u32(&k->serve.out, (uint32_t)-err);
	wire_text(&k->serve.out, why);
	wire_finish(&k->serve.out, at);
}

/* A failure is told and logged when it begins or changes, not each second. */
static void
tell_failure(struct keeper *k, int rc, const struct err *e)
{
	if (rc == k->failing)
		return;
	log_error(
	    "banner.store", "%s; bans stay in force and are written later", e->text);
	send_committed(k, k->store.mark, rc, e->text);
	k->failing = rc;
	k->trouble = *e;
}

static void
send_lost(struct keeper *k, bool later, const char *why)
{
	size_t at = wire_start(&k->serve.out, WIRE_LOST);

	wire_u8(&k->serve.out, later);
	wire_text(&k->serve.out, why);
	wire_finish(&k->serve.out, at);
}

static void
works(void *arg)
{
	child_works(arg);
}

static void
push(void *arg)
{
	struct keeper *k = arg;

	serve_push(&k->serve);
}

/* The state, or why there is none, then END. The engine works on it meanwhile. */
static void
send_state(struct keeper *k)
{
	struct store_sink to = { &k->serve.out, push, k };
	struct err e = { 0 };
	int rc = store_stream(&k->store, &to, &e);
	size_t at;

	if (rc == -EBUSY && k->tries++ < BUSY_TRIES) {
		arm(k->start, BUSY_MS);
		return;
	}
	k->lost = rc < 0;
	if (rc < 0)
		send_lost(k, true, e.text);
	else if (k->store.anew)
		send_lost(k, false, "the database was damaged");
	k->store.anew = false;
	at = wire_start(&k->serve.out, WIRE_END);
	wire_u64(&k->serve.out, 0);
	wire_finish(&k->serve.out, at);
	if (rc < 0 || k->store.ready)
		arm(k->commit, GROUP_MS);
}

/* The file is written again. What became of it meanwhile? */
static void
after_trouble(struct keeper *k)
{
	if (k->lost && !k->store.anew) {
		send_state(k);
	} else if (k->store.anew || k->gap) {
		send_lost(k, false, "the database is a new one, or lacks rows");
	}
	k->lost = k->gap = k->store.anew = false;
}

/* Somebody took the file away, or its whole folder, which this process could not write
 * if it came back: the next one begins anew, and the engine tells it everything. */
static bool
gives_up(struct keeper *k)
{
	if (k->gone || !k->store.ready || !store_is_gone(&k->store))
		return k->gone;
	k->gone = true;
	log_error("banner.store", "%s was removed or replaced: nothing is stored until "
	    "a new one is begun", k->store.path);
	event_base_loopbreak(k->serve.base);
	return true;
}

static void
commit(struct keeper *k)
{
	struct err e = { 0 };
	bool waiting = k->store.ready > 0 || !k->store.db;
	int rc;

	if (gives_up(k))
		return;
	rc = store_commit(&k->store, &e);
	evtimer_del(k->commit);
	/* the store of before still ends, or whoever reads the file is at it */
	if (rc == -EBUSY && !k->failing && k->tries++ < BUSY_TRIES) {
		arm(k->commit, BUSY_MS);
		return;
	}
	if (rc < 0) {
		tell_failure(k, rc, &e);
		arm(k->commit, RETRY_MS);
		return;
	}
	if (k->failing && waiting)
		log_notice("banner.store", "the database is written again");
	k->failing = 0;
	k->tries = 0;
	if (k->store.mark != k->told)
		send_committed(k, k->store.mark, 0, "");
	k->told = k->store.mark;
	event_add(k->rest, &(struct timeval){ REST_S, 0 });
	if (k->lost || k->gap || k->store.anew)
		after_trouble(k);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	send_state(k);
	serve_flush(&k->serve);
}

static void
on_commit(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	commit(k);
	serve_flush(&k->serve);
}

/* Nothing came for a while: what SQLite remembers of the file can be read again. */
static void
on_rest(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	store_rest(&k->store);
	malloc_trim(0);
}

static void
on_purge(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	int64_t age = k->child.conf->daemon.purge_age_ms;
	struct err e = { 0 };

	if (age > 0 && k->store.db &&
	    store_purge(&k->store, clock_ms(CLOCK_REALTIME) - age, &e) < 0)
		log_warn("banner.store", "%s", e.text);
	arm(k->purge, MS_PER_HOUR);
}

static void
on_start(void *arg)
{
	struct keeper *k = arg;

	/* Seqs are those of one engine. */
	k->store.mark = k->told = 0;
	k->tries = 0;
	k->gap = false;
	if (k->failing)
		send_committed(k, 0, k->failing, k->trouble.text);
	send_state(k);
}

static int
on_record(void *arg, enum wire_type type, struct wire_in *in)
{
	struct keeper *k = arg;
	bool marked;
	int rc;

	if (type == WIRE_QUERY)
		return store_query(&k->store, in, &k->serve.out);
	rc = store_take(&k->store, type, in, clock_ms(CLOCK_REALTIME), &marked);
	if (rc == -ENOBUFS) {
		k->gap = true;
		tell_failure(
		    k, rc, &(struct err){ "the queue is full, records are lost" });
		return 0;
	}
	if (rc == 0 && marked && !k->failing)
		arm(k->commit, GROUP_MS);
	return rc;
}

static void
on_turn(void *arg)
{
	struct keeper *k = arg;

	if (k->store.ready_rows >= GROUP_ROWS && !k->failing)
		commit(k);
}

/* The engine is gone: its last cut is what the next one starts from. */
static void
on_end(void *arg)
{
	struct keeper *k = arg;

	evtimer_del(k->start);
	store_cut(&k->store);
	commit(k);
}

static const struct serve_ops serve_ops = {
	.start = on_start, .record = on_record, .turn = on_turn, .end = on_end,
};

/* Neither a disk that does not work nor a file that is not ours keeps anybody from
 * banning: both are tried again. */
static void
open_store(struct keeper *k)
{
	struct err e = { 0 };
	int rc;

	store_init();
	buf_printf(&k->path, "%s/banner.sqlite3", k->child.conf->daemon.state);
	rc = store_open(&k->store, k->path.p, &e);
	if (rc < 0 && rc != -EBUSY) {
		tell_failure(k, rc, &e);
		arm(k->commit, RETRY_MS);
	}
}

static int
confine(struct keeper *k, struct sandbox_level *level, struct err *e)
{
	const char *const write[] = { k->child.conf->daemon.state, NULL };
	struct sandbox s = { .want = k->child.conf->daemon.sandbox,
	    .profile = PROFILE_STORE, .write = write };

	return sandbox_enter(&s, level, e);
}

static int
run(struct keeper *k, struct err *e)
{
	struct sandbox_level level = { 0 };
	int rc;

	setpriority(PRIO_PROCESS, 0, NICE);
	k->commit = evtimer_new(k->serve.base, on_commit, k);
	k->purge = evtimer_new(k->serve.base, on_purge, k);
	k->rest = evtimer_new(k->serve.base, on_rest, k);
	k->start = evtimer_new(k->serve.base, on_again, k);
	k->store.works = works;
	k->store.works_arg = &k->child;
	if (!k->rest || !k->commit || !k->purge || !k->start)
		return -ENOMEM;
	rc = confine(k, &level, e);
	if (rc < 0)
		return rc;
	open_store(k);
	child_ready(&k->child, &level);
	arm(k->purge, MS_PER_MIN);
	serve_run(&k->serve);
	return 0;
}

static void
keeper_fini(struct keeper *k)
{
	if (k->commit)
		event_free(k->commit);
	if (k->purge)
		event_free(k->purge);
	if (k->rest)
		event_free(k->rest);
	if (k->start)
		event_free(k->start);
	serve_fini(&k->serve);
	store_close(&k->store);
	buf_fini(&k->path);
	child_close(&k->child);
}

int
main(int argc, char **argv)
{
	struct keeper k = { 0 };
	struct err e = { 0 };
	int rc = child_open(&k.child, "banner.store", CONF_HEAD, &e);

	if (rc < 0)
		return 1;
	rc = serve_init(&k.serve, &k.child, &serve_ops, &k);
	if (rc == 0)
		rc = run(&k, &e);
	if (rc < 0)
		log_error("banner.store", "%s", *e.text ? e.text : strerror(-rc));
	keeper_fini(&k);
	return rc < 0 || k.gone;
}
