/* SPDX-License-Identifier: GPL-2.0-or-later
 * stream.c - records to the store, marks, and the restore from it.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/base/table.h"
#include "banner/core/engine_state.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

/* Bans are decided faster than they are written: so far ahead, which is some 60,000 of
 * them. Up to FAR_BYTES by a backlog, which then waits (pace.h); the rest is for what
 * does not wait. */
enum { MARK_MS = 20, QUEUE_BYTES = 64 << 20, FAR_BYTES = 48 << 20,
	BUSY_BYTES = 4 << 20 };
/* Everything is told in slices of this size, as fast as the store reads. */
enum { SLICE_BYTES = 256 * 1024 };
/* The store can take so much as well before its MARK. Nearly always one frame: one more
 * record rarely makes a second one, of itself alone. */
enum { SEND_BYTES = WIRE_FRAME - 2048 };

struct stream {
	struct engined *d;
	struct link link;
	struct event *mark; /* timer */
	uint64_t *ids; /* bans still to be told, since ANEW; NULL: none */
	size_t nids, told;
	size_t whole_bytes; /* the queue after everything was told */
	uint64_t seq, committed;
	int64_t owes_ms; /* since then, if it has not committed seq; CLOCK_MONOTONIC */
	bool touched;
	bool behind; /* records were dropped: tell everything anew */
	bool restoring; /* its state is arriving */
	bool lost; /* it could not tell its state ... */
	bool follows; /* ... yet */
	uint64_t resyncs;
	struct table *places; /* source name -> text */
	char trouble[200], still[64];
};

static void
put_record(struct stream *s, enum wire_type type, const char *jail, struct str key,
    struct str record)
{
	size_t at = wire_start(&s->link.out, type);

	if (jail)
		wire_text(&s->link.out, jail);
	wire_str(&s->link.out, key);
	wire_str(&s->link.out, record);
	if (wire_finish(&s->link.out, at) < 0)
		log_error("banner.engine",
		    "a record of %zu bytes is too long to be stored", record.len);
}

static void
put_counter(void *arg, const char *jail, struct str key, struct str record)
{
	put_record(arg, WIRE_COUNT, jail, key, record);
}

static void
put_session(void *arg, const char *jail, struct str key, struct str record)
{
	put_record(arg, WIRE_SESSION, jail, key, record);
}

static void
put_place(void *arg, const char *source, const char *place)
{
	put_record(arg, WIRE_PLACE, NULL, str_of(source), str_of(place));
}

static void
put_ban(struct stream *s, const struct ban *ban)
{
	struct order o = { .verb = VERB_BAN, .cause = CAUSE_RESTORE, .ban = ban };
	size_t at = wire_start(&s->link.out, WIRE_BAN);

	wire_put_ban(&s->link.out, &o);
	wire_finish(&s->link.out, at);
}

static bool
stream_takes(struct stream *s)
{
	if (!link_is_open(&s->link) || s->behind)
		return false;
	if (!s->link.out.len)
		s->whole_bytes = 0;
	if (s->link.out.len <= s->whole_bytes + QUEUE_BYTES)
		return true;
	log_error("banner.engine",
	    "the store does not keep up; it is told everything "
	    "again when it does");
	s->behind = true;
	return false;
}

void
stream_order(struct stream *s, const struct order *o)
{
	size_t at;

	stream_touch(s);
	/* a ban that is being restored is stored; one that ended meanwhile still is */
	if ((s->restoring && o->verb == VERB_BAN) || !stream_takes(s))
		return;
	at = wire_start(&s->link.out, o->verb == VERB_UNBAN ? WIRE_UNBAN : WIRE_BAN);
	if (o->verb == VERB_UNBAN)
		wire_put_unban(&s->link.out, o);
	else
		wire_put_ban(&s->link.out, o);
	wire_finish(&s->link.out, at);
	if (s->link.out.len >= SEND_BYTES && !s->link.waits)
		link_flush(&s->link);
}

void
stream_anew(struct stream *s)
{
	s->behind = true;
	stream_touch(s);
}

void
stream_touch(struct stream *s)
{
	struct timeval wait = { 0, MARK_MS * 1000 };

	s->touched = true;
	if (!evtimer_pending(s->mark, NULL))
		evtimer_add(s->mark, &wait);
}

static void
stop_telling(struct stream *s)
{
	free(s->ids);
	s->ids = NULL;
	s->nids = s->told = 0;
}

static bool
note_id(void *arg, const struct ban *ban)
{
	struct stream *s = arg;

	s->ids[s->nids++] = ban->id;
	return true;
}

/* The bans of this moment are noted and told in slices; orders that come between them
 * are told as always. What it adds up to at the MARK is the state of then. */
static void
begin_anew(struct stream *s)
{
	struct engine_stats st;

	stop_telling(s);
	s->resyncs++;
	s->behind = false;
	engine_stats(s->d->engine, NULL, &st);
	s->ids = xcalloc(st.banned_now + 1, sizeof(*s->ids));
	engine_bans_each(s->d->engine, NULL, note_id, s);
	wire_empty(&s->link.out, WIRE_ANEW);
}

static void
soon(struct stream *s)
{
	struct timeval now = { 0, 0 };

	evtimer_add(s->mark, &now);
}

/* One slice. True when all bans are told. */
static bool
tell_some(struct stream *s)
{
	size_t until = s->link.out.len + SLICE_BYTES;
	const struct ban *ban;

	while (s->told < s->nids && s->link.out.len < until) {
		ban = engine_ban_by_id(s->d->engine, s->ids[s->told++]);
		if (ban)
			put_ban(s, ban);
	}
	link_flush(&s->link);
	return s->told == s->nids;
}

static void
put_mark(struct stream *s, bool all)
{
	size_t at;

	s->touched = false;
	if (s->committed >= s->seq)
		s->owes_ms = clock_ms(CLOCK_MONOTONIC);
	engine_counters(s->d->engine, all, put_counter, s);
	feed_sessions(s->d->feed, all, put_session, s);
	feed_places(s->d->feed, all, put_place, s);
	at = wire_start(&s->link.out, WIRE_MARK);
	wire_u64(&s->link.out, ++s->seq);
	wire_finish(&s->link.out, at);
	if (all)
		s->whole_bytes = s->link.out.len;
	link_flush(&s->link);
}

void
stream_mark(struct stream *s)
{
	bool all = s->behind || s->ids;

	evtimer_del(s->mark);
	if (!s->touched || s->restoring || !link_is_open(&s->link))
		return;
	if (all && s->link.waits)
		return; /* drained comes first */
	if (!all && stream_far(s)) {
		/* counters that change meanwhile are told once, not at every MARK */
		stream_touch(s);
		return;
	}
	if (s->behind)
		begin_anew(s);
	if (all && !tell_some(s)) {
		soon(s);
		return;
	}
	stop_telling(s);
	put_mark(s, all);
}

static void
on_mark(evutil_socket_t fd, short what, void *arg)
{
	stream_mark(arg);
}

static void
on_drained(void *arg)
{
	struct stream *s = arg;

	s->touched |= s->behind;
	if (s->behind || s->ids)
		soon(s);
}

uint64_t
stream_seq(struct stream *s)
{
	return s->touched || s->behind ? s->seq + 1 : s->seq;
}

static void
keep_place(struct stream *s, struct str key, struct str record)
{
	free(table_set(s->places, key.s, key.len, xstrndup(record.s, record.len)));
}

static int
restore_ban(struct stream *s, struct wire_in *in)
{
	struct wire_ban b;
	int rc = wire_get_ban(in, &b);

	if (rc < 0)
		return rc;
	/* a store that was away knows nothing that we do not, but for one whose file
	 * could not be read at our start */
	if (!s->d->restored || s->lost)
		engine_restore_ban(s->d->engine, &b.ban, engined_now());
	return 0;
}

static int
restore_keyed(struct stream *s, enum wire_type type, struct wire_in *in)
{
	const char *jail = type == WIRE_PLACE ? "" : wire_get_text(in);
	struct str key = wire_get_str(in), record = wire_get_str(in);

	if (in->bad)
		return -EBADMSG;
	if (s->d->restored)
		return 0;
	if (type == WIRE_COUNT)
		engine_restore_counter(s->d->engine, jail, record);
	else if (type == WIRE_SESSION)
		feed_session_put(s->d->feed, jail, key, record);
	else
		keep_place(s, key, record);
	return 0;
}

static int
restore_history(struct stream *s, struct wire_in *in)
{
	const char *jail = wire_get_text(in);
	struct subject subject = wire_get_subject(in);
	uint32_t count = wire_get_u32(in);
	int64_t last = wire_get_i64(in);

	if (in->bad)
		return -EBADMSG;
	if (!s->d->restored)
		engine_restore_history(s->d->engine, jail, &subject, count, last);
	return 0;
}

/* The end of its state: a store that came back is told what happened meanwhile. */
static void
restore_end(struct stream *s)
{
	bool first = s->restoring;

	s->restoring = false;
	if (!s->d->restored) {
		engined_restored(s->d);
		return;
	}
	s->behind = true;
	stream_touch(s);
	if (first || !s->lost)
		return;
	log_notice("banner.engine", "the stored bans could be read after all");
	s->lost = false;
	relay_caught_up(s->d->relay);
}

static int
take_lost(struct stream *s, struct wire_in *in)
{
	bool later = wire_get_u8(in);
	const char *why = wire_get_text(in);

	if (in->bad)
		return -EBADMSG;
	if (s->d->restored) {
		s->behind = true;
		stream_touch(s);
		return 0;
	}
	s->lost = true;
	s->follows = later;
	log_error("banner.engine", "no stored state%s: %s; what is in force stays",
	    later ? " yet" : "", why);
	return 0;
}

static int
take_committed(struct stream *s, struct wire_in *in)
{
	uint64_t seq = wire_get_u64(in);
	uint32_t code = wire_get_u32(in);
	const char *why = wire_get_text(in);

	if (in->bad)
		return -EBADMSG;
	if (code) {
		snprintf(s->trouble, sizeof(s->trouble), "%s", why);
	} else {
		s->trouble[0] = '\0';
		s->owes_ms = clock_ms(CLOCK_MONOTONIC);
		if (seq > s->committed)
			s->committed = seq;
	}
	control_committed(s->d->control);
	return 0;
}

static int
take_end(struct stream *s, struct wire_in *in)
{
	uint64_t id = wire_get_u64(in);

	if (in->bad)
		return -EBADMSG;
	if (id)
		control_row_end(s->d->control, id);
	else if (s->restoring || s->lost)
		restore_end(s);
	return 0;
}

static int
on_record(void *arg, enum wire_type type, struct wire_in *in)
{
	struct stream *s = arg;

	if (type == WIRE_BAN)
		return restore_ban(s, in);
	if (type == WIRE_COUNT || type == WIRE_SESSION || type == WIRE_PLACE)
		return restore_keyed(s, type, in);
	if (type == WIRE_HISTORY)
		return restore_history(s, in);
	if (type == WIRE_LOST)
		return take_lost(s, in);
	if (type == WIRE_COMMITTED)
		return take_committed(s, in);
	if (type == WIRE_END)
		return take_end(s, in);
	if (type == WIRE_ROW) {
		control_row(s->d->control, in);
		return 0;
	}
	return type == WIRE_HELLO ? 0 : -EBADMSG;
}

static void
on_closed(void *arg)
{
	struct stream *s = arg;

	log_error("banner.engine", "the store is gone; %s", s->d->restored ?
	    "deciding goes on without it" : "what it knows is waited for");
	s->restoring = false;
	s->behind = true;
	stop_telling(s);
	engined_reconnect(s->d);
}

static const struct link_ops stream_ops = {
	.record = on_record,
	.closed = on_closed,
	.drained = on_drained,
};

void
stream_connect(struct stream *s, int sock)
{
	size_t at;

	link_open(&s->link, sock);
	s->restoring = true;
	s->owes_ms = clock_ms(CLOCK_MONOTONIC);
	at = wire_start(&s->link.out, WIRE_HELLO);
	wire_u32(&s->link.out, WIRE_VERSION);
	wire_text(&s->link.out, "engine");
	wire_finish(&s->link.out, at);
	link_flush(&s->link);
}

bool
stream_is_open(const struct stream *s)
{
	return link_is_open(&s->link);
}

bool
stream_busy(const struct stream *s)
{
	return link_busy(&s->link, BUSY_BYTES);
}

size_t
stream_lead(const struct stream *s)
{
	return s->link.out.len;
}

bool
stream_far(const struct stream *s)
{
	return s->link.out.len > s->whole_bytes + FAR_BYTES;
}

bool
stream_moves(const struct stream *s, int64_t wait_ms)
{
	return link_is_open(&s->link) && link_still_ms(&s->link) < wait_ms;
}

bool
stream_tells(const struct stream *s, uint64_t seq, int64_t wait_ms)
{
	if (!link_is_open(&s->link) || s->trouble[0] || s->committed >= seq)
		return false;
	return link_still_ms(&s->link) < wait_ms &&
	    (s->link.out.len || s->touched || s->behind || s->ids);
}

bool
stream_lost(const struct stream *s)
{
	return s->lost;
}

bool
stream_follows(const struct stream *s)
{
	return s->follows;
}

uint64_t
stream_committed(const struct stream *s)
{
	return s->committed;
}

uint64_t
stream_resyncs(const struct stream *s)
{
	return s->resyncs;
}

const char *
stream_trouble(struct stream *s)
{
	int64_t owes_ms = clock_ms(CLOCK_MONOTONIC) - s->owes_ms;

	if (!link_is_open(&s->link))
		return "the store does not run";
	if (s->trouble[0] || s->committed >= s->seq || owes_ms < ANSWER_MS)
		return s->trouble;
	snprintf(s->still, sizeof(s->still), "it answers nothing for %lld s",
	    (long long)(owes_ms / MS_PER_S));
	return s->still;
}

const char *
stream_place(const struct stream *s, const char *source)
{
	return table_find(s->places, source, strlen(source));
}

int
stream_query(struct stream *s, const struct stream_query *q)
{
	size_t at;

	if (!link_is_open(&s->link))
		return -ENOTCONN;
	at = wire_start(&s->link.out, WIRE_QUERY);
	wire_u64(&s->link.out, q->id);
	wire_u8(&s->link.out, (uint8_t)q->what);
	wire_text(&s->link.out, q->jail);
	wire_subject(&s->link.out, &q->subject);
	wire_u32(&s->link.out, q->limit);
	wire_finish(&s->link.out, at);
	link_flush(&s->link);
	return 0;
}

struct stream *
stream_new(struct engined *d)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->d = d;
	s->places = table_new();
	s->mark = evtimer_new(d->base, on_mark, s);
	link_init(&s->link, d->base, &stream_ops, s);
	return s;
}

void
stream_free(struct stream *s)
{
	if (!s)
		return;
	link_close(&s->link);
	stop_telling(s);
	event_free(s->mark);
	table_free_with(s->places, free);
	free(s);
}
