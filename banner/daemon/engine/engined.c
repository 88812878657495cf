/* SPDX-License-Identifier: GPL-2.0-or-later
 * engined.c - banner-engine: its start, its turns, its end.
 *
 * Start: the parent sends the sockets and says END. Then the store tells its state
 * (stream), the actors get the wanted set (relay), the sources begin at their stored
 * places (feed); once they have read what was there, the actors may remove what is no
 * longer wanted. Everything is one thread and one loop; nothing here waits for disk,
 * names or actions.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/base/units.h"
#include "banner/core/engine_state.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/completion.h"
#include "banner/daemon/control/control.h"
#include "banner/daemon/engine/ask.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/listfiles.h"
#include "banner/daemon/engine/names.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

#define NAME "banner.engine"
/* Replies have so long to get out at the end; a store that reads on is waited for.
 * --expire waits so long for the actors. */
enum { LAST_WORD_MS = 50, WORDS_MAX = 40, STORE_MS = 5000, EXPIRE_MS = 20000,
	FRESH_MS = 10000, RECONNECT_MS = 500 };
/* Log lines wait so long, unless there are so many. */
enum { LATE_MS = 5, LATE_BYTES = WIRE_FRAME - 1024 };

int64_t
engined_now(void)
{
	return clock_ms(CLOCK_REALTIME);
}

void
engined_turn(struct engined *d)
{
	if (d->turn && !d->stopping && !d->turning)
		event_active(d->turn, 0, 0);
}

bool
engined_busy(const struct engined *d)
{
	return relay_busy(d->relay) || stream_busy(d->stream);
}

void
engined_touch(struct engined *d)
{
	stream_touch(d->stream);
}

const char *
engined_place(struct engined *d, const char *source)
{
	return stream_place(d->stream, source);
}

void
engined_tell(struct engined *d)
{
	int rc = child_flush(&d->child);

	if (rc == -EAGAIN)
		event_add(d->parent_out, NULL);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct engined *d = arg;

	relay_flush(d->relay);
	if (!d->restored)
		return;
	/* What this ends goes out here: an event that makes itself active again would
	 * keep the loop from all others. */
	d->turning = true;
	ticker_arm(d->ticker);
	relay_flush(d->relay);
	d->turning = false;
}

static bool
log_later(void *arg)
{
	struct timeval late = { 0, LATE_MS * 1000 };
	struct engined *d = arg;

	if (d->stopping || d->child.out.len > LATE_BYTES)
		return false;
	if (!evtimer_pending(d->parent_late, NULL))
		evtimer_add(d->parent_late, &late);
	return true;
}

static void
on_parent_writable(evutil_socket_t fd, short what, void *arg)
{
	engined_tell(arg);
}

void
engined_caught_up(struct engined *d)
{
	if (d->caught_up || !d->restored)
		return;
	d->caught_up = true;
	if (d->mode != MODE_EXPIRE)
		log_info(NAME, "all sources have read what was there");
	relay_caught_up(d->relay);
	engined_turn(d);
}

static void last_word(struct engined *);

static void
on_last_word(evutil_socket_t fd, short what, void *arg)
{
	struct engined *d = arg;

	/* the parent answers whoever asked for the end a moment after it said so */
	if (!stream_tells(d->stream, d->last_seq, STORE_MS) &&
	    (!control_waits(d->control) || d->words++ >= WORDS_MAX)) {
		event_base_loopbreak(d->base);
		return;
	}
	child_works(&d->child);
	last_word(d);
}

static void
last_word(struct engined *d)
{
	struct timeval wait = { 0, LAST_WORD_MS * 1000 };

	event_base_once(d->base, -1, EV_TIMEOUT, on_last_word, d, &wait);
}

/* Commit, then end this process; the parent decides what follows. */
static void
engined_end(struct engined *d)
{
	if (d->stopping)
		return;
	d->stopping = true;
	control_end(d->control);
	stream_touch(d->stream);
	d->last_seq = stream_seq(d->stream);
	stream_mark(d->stream);
	relay_flush(d->relay);
	/* replies of this turn are still to be written */
	last_word(d);
}

/* --expire: done when every actor has answered; removals follow COMPLETE at once. */
static void
on_expire(evutil_socket_t fd, short what, void *arg)
{
	struct engined *d = arg;

	if (!relay_waiting(d->relay) || engined_now() - d->started_ms > EXPIRE_MS)
		engined_end(d);
}

static void
expire_only(struct engined *d)
{
	struct timeval every = { 0, 200000 };

	engined_caught_up(d);
	d->last_word = event_new(d->base, -1, EV_PERSIST, on_expire, d);
	event_add(d->last_word, &every);
}

void
engined_restored(struct engined *d)
{
	struct engine_stats st;

	engine_restored(d->engine, engined_now());
	d->restored = true;
	engine_stats(d->engine, NULL, &st);
	log_info(
	    NAME, "%zu bans and %zu counters restored", st.banned_now, st.tracked_now);
	listfiles_start(d->listfiles);
	control_begin(d->control);
	engined_turn(d);
	relay_flush(d->relay);
	if (d->mode == MODE_EXPIRE)
		expire_only(d);
	else
		feed_start(d->feed);
	child_ready(&d->child, &d->level);
}

void
engined_reconnect(struct engined *d)
{
	struct timeval wait = { 0, RECONNECT_MS * 1000 };

	if (!d->stopping && !evtimer_pending(d->reconnect, NULL))
		evtimer_add(d->reconnect, &wait);
}

static void
ask_link(struct engined *d, const char *peer, size_t n)
{
	char what[40];

	snprintf(what, sizeof(what), "connect %s %zu", peer, n);
	engined_ask_parent(d, UINT64_MAX, what, NAME);
	engined_reconnect(d);
}

static void
on_reconnect(evutil_socket_t fd, short what, void *arg)
{
	struct engined *d = arg;

	if (!stream_is_open(d->stream))
		ask_link(d, "store", 0);
	for (size_t i = 0; i < relay_links(d->relay); i++)
		if (!relay_link_is_open(d->relay, i))
			ask_link(d, "actor", i);
}

static void
on_fresh(evutil_socket_t fd, short what, void *arg)
{
	struct engined *d = arg;

	if (!folder_ids_changed(&d->folders, d->conf))
		return;
	log_info(
	    NAME, "a fresh engine takes over, whose sandbox knows the new folders");
	engined_end(d);
}

void
engined_denied(struct engined *d)
{
	struct timeval wait = { 0, 100000 };
	int64_t age_ms = engined_now() - d->started_ms;

	if (!d->level.landlock || evtimer_pending(d->fresh, NULL) ||
	    !folder_ids_changed(&d->folders, d->conf))
		return;
	if (age_ms >= 0 && age_ms < FRESH_MS)
		wait.tv_sec = (FRESH_MS - age_ms) / MS_PER_S;
	evtimer_add(d->fresh, &wait);
}

void
engined_ask_parent(
    struct engined *d, uint64_t ticket, const char *what, const char *who)
{
	size_t at = wire_start(&d->child.out, WIRE_RELOAD);

	wire_u64(&d->child.out, ticket);
	wire_text(&d->child.out, what);
	wire_text(&d->child.out, who);
	wire_finish(&d->child.out, at);
	engined_tell(d);
}

/* At the start the store waits until the parent has sent all: it may only speak when
 * the actors can hear. */
static void
take_socket(struct engined *d, struct wire_in *in, int fd)
{
	const char *peer = wire_get_text(in);
	uint32_t n = wire_get_u32(in);

	if (in->bad || fd < 0)
		return;
	if (!strcmp(peer, "store") && !d->connected)
		d->store = fd;
	else if (!strcmp(peer, "store"))
		stream_connect(d->stream, fd);
	else if (!strcmp(peer, "actor"))
		relay_connect(d->relay, n, fd);
	else if (!strcmp(peer, "helper"))
		ask_connect(d->ask, fd);
	else if (!strcmp(peer, "control"))
		control_listen(d->control, fd);
	else
		close(fd);
}

static void
all_connected(struct engined *d)
{
	d->connected = true;
	if (d->store >= 0)
		stream_connect(d->stream, d->store);
	d->store = -1;
}

static void
take_guard(struct engined *d, struct wire_in *in)
{
	size_t released;

	if (guard_in_record(&d->guard_in, engine_guard(d->engine), in) <= 0)
		return;
	released = engine_guard_changed(d->engine, engined_now());
	if (released)
		log_warn(NAME, "%zu bans lifted: they hit what is never banned (%s)",
		    released, d->guard_in.group);
	engined_turn(d);
}

static void
take_reply(struct engined *d, struct wire_in *in)
{
	uint64_t ticket = wire_get_u64(in);
	int err = (int)wire_get_u32(in);
	const char *text = wire_get_text(in);

	if (!in->bad)
		control_parent_reply(d->control, ticket, err, text);
}

static void
take_record(struct engined *d, enum wire_type type, struct wire_in *in, int fd)
{
	if (child_handles(&d->child, type, in))
		return;
	if (type == WIRE_SOCKET)
		take_socket(d, in, fd);
	else if (type == WIRE_GUARD)
		take_guard(d, in);
	else if (type == WIRE_PANIC)
		d->paused = true;
	else if (type == WIRE_END)
		all_connected(d);
	else if (type == WIRE_REPLY)
		take_reply(d, in);
	else if (type == WIRE_STOP)
		engined_end(d);
}

static void
on_parent(evutil_socket_t sock, short what, void *arg)
{
	struct engined *d = arg;
	WIRE_ROOM(frame);
	struct wire_in in, body;
	enum wire_type type;
	int fd, rc;

	while ((rc = wire_recv(sock, frame, &in, &fd)) > 0)
		while (wire_next(&in, &type, &body) > 0)
			take_record(d, type, &body, fd);
	if (rc == -EAGAIN)
		return;
	/* the parent is gone: bans stay; the place is committed if the store, which
	 * ends too, still reads it; another bannerd may be about to start */
	event_del(d->parent_in);
	engined_end(d);
	d->last_seq = 0;
	d->words = WORDS_MAX;	/* it answers nobody any more */
}

static int
make_parts(struct engined *d, struct err *e)
{
	struct engine_host host = { .arg = d,
		.emit = outbox_emit,
		.notice = outbox_notice,
		.ask = ask_question,
		.session = (uint32_t)getppid() };
	int rc = engine_new(d->conf, &host, &d->engine, e);

	if (rc < 0)
		return rc;
	d->stream = stream_new(d);
	d->relay = relay_new(d);
	d->ask = ask_new(d);
	d->names = names_new(d);
	d->pace = pace_new(d);
	d->control = control_new(d);
	d->listfiles = listfiles_new(d);
	d->ticker = ticker_new(d, e);
	if (!d->ticker)
		return -EIO;
	return feed_new(d, &d->feed, e);
}

static int
enter_sandbox(struct engined *d, struct err *e)
{
	char **folders = feed_folders(d->conf);
	struct sandbox s = { .want = d->conf->daemon.sandbox,
		.profile = PROFILE_ENGINE,
		.read = (const char *const *)folders };
	int rc;

	folder_ids_get(&d->folders, d->conf);
	rc = sandbox_enter(&s, &d->level, e);
	for (size_t i = 0; folders[i]; i++)
		free(folders[i]);
	free(folders);
	return rc;
}

/* The user that started bannerd: it made our end of the line to the parent. */
static unsigned
find_starter(int fd)
{
	struct ucred u = { .uid = 0 };
	socklen_t len = sizeof(u);

	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &len);
	return u.uid;
}

static int
engined_open(struct engined *d, struct err *e)
{
	int rc;

	/* an event that could not be made would be a process that never wakes up */
	event_set_mem_functions(xmalloc, xrealloc, free);
	d->base = event_base_new();
	if (!d->base)
		return err_set(e, -ENOMEM, "no event loop");
	d->conf = d->child.conf;
	d->starter = find_starter(d->child.fd);
	d->started_ms = d->read_ms = engined_now();
	d->turn = event_new(d->base, -1, 0, on_turn, d);
	d->fresh = evtimer_new(d->base, on_fresh, d);
	d->reconnect = evtimer_new(d->base, on_reconnect, d);
	d->parent_out =
	    event_new(d->base, d->child.fd, EV_WRITE, on_parent_writable, d);
	d->parent_late = evtimer_new(d->base, on_parent_writable, d);
	rc = make_parts(d, e);
	if (rc < 0)
		return rc;
	/* times of log lines need the zone before the files are out of reach */
	tzset();
	rc = enter_sandbox(d, e);
	if (rc < 0)
		return rc;
	d->parent_in =
	    event_new(d->base, d->child.fd, EV_READ | EV_PERSIST, on_parent, d);
	event_add(d->parent_in, NULL);
	d->child.later = log_later;
	d->child.later_arg = d;
	return 0;
}

static void
engined_close(struct engined *d)
{
	d->child.later = NULL;
	if (d->control)
		control_flush(d->control);
	control_free(d->control);
	listfiles_free(d->listfiles);
	feed_free(d->feed);
	ticker_free(d->ticker);
	ask_free(d->ask);
	names_free(d->names);
	pace_free(d->pace);
	relay_free(d->relay);
	stream_free(d->stream);
	engine_free(d->engine);
	outbox_fini(&d->outbox);
	guard_in_fini(&d->guard_in);
	if (d->turn)
		event_free(d->turn);
	if (d->fresh)
		event_free(d->fresh);
	folder_ids_fini(&d->folders);
	if (d->reconnect)
		event_free(d->reconnect);
	if (d->last_word)
		event_free(d->last_word);
	if (d->parent_in)
		event_free(d->parent_in);
	if (d->parent_out)
		event_free(d->parent_out);
	if (d->parent_late)
		event_free(d->parent_late);
	if (d->base)
		event_base_free(d->base);
	child_close(&d->child);
}

static enum mode
parse_mode(const char *text)
{
	return !strcmp(text, "expire") ? MODE_EXPIRE
	    : !strcmp(text, "dry-run") ? MODE_DRY
				       : MODE_RUN;
}

/* For banctl, which is to know the commands without a daemon. */
static int
print_commands(const char *shell)
{
	struct buf b = { 0 };
	int rc = 0;

	if (shell)
		rc = completion_print(&b, shell);
	else
		command_help(&b);
	if (rc < 0)
		fputs("banctl: use: completion bash|zsh\n", stderr);
	fwrite(b.p, 1, b.len, stdout);
	buf_fini(&b);
	return rc < 0 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	struct engined d = { .mode = parse_mode(argc > 1 ? argv[1] : "run"),
		.store = -1 };
	struct err e = { "" };
	int status = 0;

	if (argc == 2 && !strcmp(argv[1], "help"))
		return print_commands(NULL);
	if (argc > 1 && !strcmp(argv[1], "completion"))
		return print_commands(argc == 3 ? argv[2] : "");
	if (child_open(&d.child, NAME, CONF_WHOLE, &e) < 0)
		return 1;
	if (engined_open(&d, &e) < 0) {
		log_line(LEVEL_CRITICAL, NAME, "%s", e.text);
		status = 1;
	} else
		event_base_dispatch(d.base);
	engined_close(&d);
	return status;
}
