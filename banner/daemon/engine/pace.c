/* SPDX-License-Identifier: GPL-2.0-or-later
 * pace.c - what was in the logs at the start waits for a store that is far behind.
 *
 * Old lines can be decided several times faster than a disk takes the bans. So that
 * nothing of them is lost and memory stays bounded, sources that have not read what was
 * there at the start stop while the store is far behind. Nothing else does: not new
 * lines, not orders, not banctl. New lines of the same log come after the old ones, so
 * the wait has an end: when the store takes nothing for some seconds, and after a
 * minute in all.
 */
#include <event2/event.h>
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/stream.h"

#define NAME "banner.engine"

enum { LOOK_MS = 20, STILL_MS = 5000, ALL_MS = 60000 };

struct pace {
	struct engined *d;
	struct event *timer;
	int64_t waited_ms, since_ms;	/* before this wait; its begin */
	bool waits, said;
};

/* Nothing is gained by waiting for a store that hangs, or any longer. */
static bool
is_patient(const struct pace *p)
{
	return pace_waited_ms(p) < ALL_MS &&
	    stream_moves(p->d->stream, STILL_MS);
}

static void
look_again(struct pace *p)
{
	struct timeval wait = { 0, LOOK_MS * 1000 };

	evtimer_add(p->timer, &wait);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pace *p = arg;

	if (stream_far(p->d->stream) && is_patient(p)) {
		look_again(p);
		return;
	}
	p->waited_ms = pace_waited_ms(p);
	p->waits = false;
	if (stream_far(p->d->stream))
		log_warn(NAME, "the store is too slow: what is in the logs is read "
		    "without waiting for it");
	feed_hold(p->d->feed, false);
}

void
pace_look(struct pace *p)
{
	if (p->waits || !stream_far(p->d->stream) || !is_patient(p))
		return;
	if (!p->said)
		log_info(NAME, "what is in the logs is read no faster than the store "
		    "writes");
	p->waits = p->said = true;
	p->since_ms = clock_ms(CLOCK_MONOTONIC);
	feed_hold(p->d->feed, true);
	look_again(p);
}

bool
pace_waits(const struct pace *p)
{
	return p->waits;
}

int64_t
pace_waited_ms(const struct pace *p)
{
	return p->waited_ms + (p->waits ? clock_ms(CLOCK_MONOTONIC) - p->since_ms : 0);
}

struct pace *
pace_new(struct engined *d)
{
	struct pace *p = xcalloc(1, sizeof(*p));

	p->d = d;
	p->timer = evtimer_new(d->base, on_timer, p);
	return p;
}

void
pace_free(struct pace *p)
{
	if (!p)
		return;
	event_free(p->timer);
	free(p);
}
