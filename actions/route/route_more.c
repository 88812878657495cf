/* SPDX-License-Identifier: GPL-2.0-or-later
 * route_more.c - what the options ingress and kill_sessions add to the routes.
 *
 * Neither stands in the way of a ban: what they cannot do is said, and the routes do
 * their part.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "actions/common/ingress.h"
#include "actions/route/route.h"

enum { TRY_AGAIN_S = 10 };

static void __attribute__((format(printf, 3, 4)))
say(const struct route *r, enum bn_level level, const char *fmt, ...)
{
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->host->log(r->host->ctx, level, text);
}

/* One fd for the actor to wait on: that of the routes, or one that stands for both. */
static int
watch_both(struct route *r)
{
	int fds[2] = { r->notices.fd, ingress_fd(r->ingress) };

	r->both = epoll_create1(EPOLL_CLOEXEC);
	if (r->both < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		struct epoll_event e = { .events = EPOLLIN };

		if (epoll_ctl(r->both, EPOLL_CTL_ADD, fds[i], &e) < 0)
			return -errno;
	}
	return 0;
}

int
route_more_open(struct route *r)
{
	int rc = 0;

	r->both = r->sockkill.list.fd = r->sockkill.kill.fd = -1;
	if (r->want_ingress) {
		rc = ingress_open(&r->ingress);
		if (rc == -ENOTSUP)
			say(r, BN_ERROR, "ingress = yes: built without nf_tables");
		if (rc == 0)
			rc = watch_both(r);
	}
	if (rc == 0 && r->want_kill)
		rc = sockkill_open(&r->sockkill);
	if (rc < 0)
		route_more_close(r);
	else
		route_ingress(r);
	return rc;
}

void
route_more_close(struct route *r)
{
	ingress_close(r->ingress);
	r->ingress = NULL;
	sockkill_close(&r->sockkill);
	if (r->both >= 0)
		close(r->both);
	r->both = -1;
}

void
route_ingress(struct route *r)
{
	struct ingress_why why = { "" };
	struct timespec t;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (!r->ingress || (r->ingress_refused && t.tv_sec < r->ingress_again_s))
		return;
	rc = ingress_ensure(r->ingress, &why);
	r->ingress_again_s = t.tv_sec + TRY_AGAIN_S;
	if (rc < 0 && !r->ingress_refused)
		say(r, BN_ERROR, "ingress = yes is refused: %s%s%s; bans go on by "
		    "routes alone", why.text, rc == -EINVAL ? "" : ": ",
		    rc == -EINVAL ? "" : strerror(-rc));
	r->ingress_refused = rc < 0;
}

int
route_fd(const struct route *r)
{
	return r->both >= 0 ? r->both : r->notices.fd;
}

void
route_heard(struct route *r)
{
	if (!r->ingress)
		return;
	ingress_heard(r->ingress);
	route_ingress(r);
}

void
route_kill(struct route *r, const struct bn_change *v, size_t n)
{
	if (r->want_kill)
		sockkill_banned(&r->sockkill, r->host, v, n);
}
