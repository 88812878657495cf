/* SPDX-License-Identifier: GPL-2.0-or-later
 * context.h - inside banner-engine: its one context and what its parts offer.
 *
 * The parts: feed (sources and matching), outbox (what the engine decided, into log,
 * stream and relay), stream (the store), relay (the actors), pace (how fast old lines
 * are read), ask (the helper), ticker (expiry, steps of the wall clock), control
 * (banctl). Only they include this.
 */
#ifndef BANNER_CONTEXT_H
#define BANNER_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/base/units.h"
#include "banner/core/engine.h"
#include "banner/core/guard.h"
#include "banner/daemon/engine/folder_list.h"
#include "banner/daemon/engine/link.h"
#include "banner/daemon/proc/child.h"
#include "banner/daemon/proc/guard_in.h"
#include "banner/daemon/proc/log.h"

struct event;
struct event_base;
struct feed;
struct stream;
struct relay;
struct ask;
struct ticker;
struct control;
struct listfiles;
struct names;
struct pace;

/* Of outbox.c: room for the texts it makes. */
struct outbox {
	struct buf subject, text;
	int64_t when_s; /* the second that when is the text of */
	char when[UNITS_TEXT];
};

enum mode { MODE_RUN, MODE_DRY, MODE_EXPIRE };

/* Who owes an answer for so long hangs, and that is told. */
enum { ANSWER_MS = 10000 };

struct engined {
	enum mode mode;
	struct event_base *base;
	struct child child;
	const struct conf *conf; /* child's */
	struct engine *engine;
	struct feed *feed;
	struct stream *stream;
	struct relay *relay;
	struct ask *ask;
	struct ticker *ticker;
	struct control *control;
	struct listfiles *listfiles;
	struct names *names;
	struct pace *pace;
	struct sandbox_level level;
	struct guard_in guard_in;
	struct outbox outbox;
	struct event *parent_in, *parent_out, *parent_late, *turn, *last_word,
	    *reconnect;
	unsigned starter; /* the user that started bannerd, may change */
	int store; /* its socket, until all others are there */
	int64_t started_ms; /* wall clock */
	int64_t read_ms; /* when the line being handled was read */
	struct folder_ids folders; /* what the sandbox lets us read */
	struct event *fresh; /* a new engine is to take over then */
	bool connected; /* the parent has sent all sockets */
	bool restored, caught_up;
	bool turning; /* a turn is being made */
	bool stopping, paused; /* paused: banctl panic */
	uint64_t last_seq; /* stopping: the store is to have this */
	unsigned words; /* stopping: how often the parent's answer was waited for */
};

/* engined.c */
int64_t engined_now(void); /* wall clock, ms */
/* Something changed: after the events at hand, expiry is set anew, queues are sent. */
void engined_turn(struct engined *);
/* Store or actors have a lot to read, and read: what is done in slices may wait. */
bool engined_busy(const struct engined *);
/* Log lines wait a few milliseconds, so that they wake nobody while an order is on its
 * way: hand them over now. */
void engined_tell(struct engined *);
/* The store has told all it knows: actors and sources may begin. */
void engined_restored(struct engined *);
void engined_caught_up(struct engined *);
/* A link broke. If its process is not started again it still lives, and the parent is
 * asked for a new link. */
void engined_reconnect(struct engined *);
/* Something changed that must be stored: a MARK is due. */
void engined_touch(struct engined *);
/* A source may not be read: if there is a folder that the sandbox of this process does
 * not know, a fresh engine takes over, at least FRESH_MS after the start of this one.
 * Otherwise it is the file's own permission, which no fresh engine changes. */
void	engined_denied(struct engined *);
/* The stored place of a source, or NULL. */
const char *engined_place(struct engined *, const char *source);
/* Ask the parent; it answers with control_parent_reply (ticket). */
void engined_ask_parent(
    struct engined *, uint64_t ticket, const char *what, const char *who);

/* outbox.c: engine_host's callbacks */
void outbox_emit(void *arg, const struct order *);
void outbox_notice(void *arg, const struct notice *);
void outbox_fini(struct outbox *);
const char *outbox_cause(enum cause); /* "failures", as in the log */

/* pace.c */
struct pace *pace_new(struct engined *);
void pace_free(struct pace *);
void pace_look(struct pace *); /* lines were matched, not all sources had caught up */
bool pace_waits(const struct pace *);
int64_t pace_waited_ms(const struct pace *); /* in all, since the start */

/* ticker.c */
struct ticker *ticker_new(struct engined *, struct err *);
void ticker_free(struct ticker *);
void ticker_arm(struct ticker *); /* expire what is due, set the next time */

#endif
