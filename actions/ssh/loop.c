/* SPDX-License-Identifier: GPL-2.0-or-later
 * loop.c - many descriptors and timers behind the one that the actor watches.
 *
 * An epoll descriptor is readable when one of its members is. Members are the hosts and
 * a timer.
 */
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "actions/ssh/carrier.h"

enum { EVENTS = 64 };

int
loop_open(struct ssh *s)
{
	struct epoll_event ev = { .events = EPOLLIN };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll < 0 || s->timer < 0)
		return -errno;
	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->timer, &ev) < 0 ? -errno : 0;
}

void
loop_close(struct ssh *s)
{
	if (s->timer >= 0)
		close(s->timer);
	if (s->epoll >= 0)
		close(s->epoll);
}

void
loop_watch(struct host *h)
{
	uint32_t want = h->fd >= 0 ? h->ssh->carrier->events(h) : 0;
	struct epoll_event ev = { .events = want, .data.ptr = h };

	if (want == h->watched)
		return;
	epoll_ctl(
	    h->ssh->epoll, !h->watched ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, h->fd, &ev);
	h->watched = want;
}

void
loop_arm(struct ssh *s)
{
	int64_t next = INT64_MAX, due, now = now_ms(), told;
	const struct op *op;

	for (size_t i = 0; i < s->nhosts; i++) {
		due = host_due(&s->hosts[i]);
		next = due < next ? due : next;
	}
	op = oplog_at(&s->log, s->log.told);
	told = op ? op->when_us / 1000 + LAG_MS + 1 : INT64_MAX;
	next = told < next ? told : next;
	next = next <= now ? now + 1 : next;
	timerfd_settime(s->timer, TFD_TIMER_ABSTIME,
	    &(struct itimerspec){ .it_value = { next / 1000, next % 1000 * 1000000 } },
	    NULL);
}

int
loop_run(struct ssh *s)
{
	struct epoll_event ev[EVENTS];
	uint64_t expired;
	int n = epoll_wait(s->epoll, ev, EVENTS, 0);

	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr)
			host_event(ev[i].data.ptr);
		else if (read(s->timer, &expired, sizeof(expired)) < 0 &&
		    errno != EAGAIN)
			return -errno;
	}
	for (size_t i = 0; i < s->nhosts; i++)
		host_tick(&s->hosts[i], now_ms());
	ssh_tell(s);
	loop_arm(s);
	return n < 0 && errno != EINTR ? -errno : 0;
}
