/* SPDX-License-Identifier: GPL-2.0-or-later
 * confirm.c - a reload that is taken back unless somebody confirms it.
 */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/units.h"
#include "banner/daemon/parent/parent.h"

#define NAME "banner.parent"

static void
forget(struct parent *p)
{
	if (p->unconfirmed)
		evtimer_del(p->unconfirmed);
	if (p->before_fd >= 0)
		close(p->before_fd);
	p->before_fd = -1;
}

static void
on_unconfirmed(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;
	struct image before;
	struct err e = { "" };
	int rc;

	if (p->stopping)
		return;
	log_warn(NAME, "nobody confirmed the reload: back to what was before");
	rc = image_open(&before, p->before_fd, CONF_WHOLE, &e);
	if (rc == 0)
		rc = parent_take(p, before.conf, &e);
	image_close(&before);
	if (rc < 0)
		log_error(NAME, "cannot go back: %s", e.text);
	forget(p);
}

/* Of several unconfirmed reloads the first one's past is gone back to. */
int
parent_reload_confirm(struct parent *p, int64_t ms, struct err *e)
{
	struct timeval wait = { ms / MS_PER_S, ms % MS_PER_S * 1000 };
	int before = dup(p->conf_fd), rc;

	if (before < 0)
		return err_set(e, -errno, "%s", strerror(errno));
	rc = parent_reload(p, true, e);
	if (rc < 0 || p->before_fd >= 0)
		close(before);
	else
		p->before_fd = before;
	if (rc < 0)
		return rc;
	if (!p->unconfirmed)
		p->unconfirmed = evtimer_new(p->base, on_unconfirmed, p);
	evtimer_add(p->unconfirmed, &wait);
	return 0;
}

int
parent_confirm(struct parent *p, struct err *e)
{
	if (p->before_fd < 0)
		return err_set(e, -ENOENT, "no reload waits to be confirmed");
	forget(p);
	log_notice(NAME, "the configuration is confirmed");
	return 0;
}

void
parent_confirm_free(struct parent *p)
{
	forget(p);
	if (p->unconfirmed)
		event_free(p->unconfirmed);
}
