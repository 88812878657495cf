/* SPDX-License-Identifier: GPL-2.0-or-later
 * ticker.c - when the next ban ends, and what happens when the wall clock steps.
 *
 * Ends are kept as wall clock in the engine, but waited for on CLOCK_BOOTTIME, which
 * nobody sets and which goes on in suspend. A timer that the kernel cancels when the
 * wall clock is set tells of steps (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET); all
 * remaining times are then kept and the stored ends rewritten.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/base/units.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/stream.h"

/* Smaller differences are the slewing of a time daemon, not a step. */
enum { STEP_MS = 1000, PACE_MS = 2 };

struct ticker {
	struct engined *d;
	int due, stepped; /* timer descriptors */
	struct event *on_due, *on_step;
	int64_t offset_ms; /* wall clock minus boot time */
	int64_t armed_ms; /* the end that is waited for */
	bool more; /* ends are due that did not fit into the last slice */
};

static int64_t
offset_ms(void)
{
	return clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_BOOTTIME);
}

static void
watch_steps(struct ticker *t)
{
	/* far away; it only ever fires by being cancelled */
	struct itimerspec at = { .it_value = { .tv_sec = INT32_MAX } };

	timerfd_settime(
	    t->stepped, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &at, NULL);
}

static void
on_step(evutil_socket_t fd, short what, void *arg)
{
	struct ticker *t = arg;
	int64_t delta = offset_ms() - t->offset_ms;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0 && errno != ECANCELED)
		return;
	watch_steps(t);
	if (delta > -STEP_MS && delta < STEP_MS)
		return;
	t->offset_ms += delta;
	t->armed_ms = 0;
	log_warn("banner.engine",
	    "the clock was set by %+.3f s; bans keep their remaining "
	    "time",
	    (double)delta / 1000);
	engine_step(t->d->engine, delta);
	stream_anew(t->d->stream);
	engined_turn(t->d);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct ticker *t = arg;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	t->armed_ms = 0;
	engined_turn(t->d);
}

void
ticker_arm(struct ticker *t)
{
	int64_t now = engined_now(), next = now + PACE_MS, wait;
	struct itimerspec at = { 0 };

	/* very many at once go no faster than store and actors take them */
	if (!t->more || !engined_busy(t->d)) {
		next = engine_expire(t->d->engine, now);
		t->more = next <= now;
	}
	/* counters and questions end, too, but nobody tells when */
	if (next > now + MS_PER_MIN)
		next = now + MS_PER_MIN;
	if (t->armed_ms > now && t->armed_ms <= next)
		return;
	t->armed_ms = next;
	wait = next > now ? next - now : 1;
	at.it_value.tv_sec = wait / MS_PER_S;
	at.it_value.tv_nsec = wait % MS_PER_S * 1000000;
	timerfd_settime(t->due, 0, &at, NULL);
}

struct ticker *
ticker_new(struct engined *d, struct err *e)
{
	struct ticker *t = xcalloc(1, sizeof(*t));

	t->d = d;
	t->offset_ms = offset_ms();
	t->due = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	t->stepped = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->due < 0 || t->stepped < 0) {
		err_set(e, -errno, "timer: %s", strerror(errno));
		ticker_free(t);
		return NULL;
	}
	t->on_due = event_new(d->base, t->due, EV_READ | EV_PERSIST, on_due, t);
	t->on_step = event_new(d->base, t->stepped, EV_READ | EV_PERSIST, on_step, t);
	event_add(t->on_due, NULL);
	event_add(t->on_step, NULL);
	watch_steps(t);
	return t;
}

void
ticker_free(struct ticker *t)
{
	if (!t)
		return;
	if (t->on_due)
		event_free(t->on_due);
	if (t->on_step)
		event_free(t->on_step);
	if (t->due >= 0)
		close(t->due);
	if (t->stepped >= 0)
		close(t->stepped);
	free(t);
}
