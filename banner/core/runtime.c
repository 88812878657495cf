/* SPDX-License-Identifier: GPL-2.0-or-later
 * runtime.c - jails changed while they run, by an administrator.
 */
#include "banner/core/runtime.h"

#include <errno.h>

#include "banner/base/arena.h"
#include "banner/base/err.h"
#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/inside.h"

/* The configuration is read-only and shared with others: the jail gets a copy. */
static struct conf_jail *
own_conf(struct jail *j)
{
	if (!j->own) {
		j->own = xmalloc(sizeof(*j->own));
		*j->own = *j->conf;
		j->conf = j->own;
	}
	return j->own;
}

static int
check(enum jail_limit limit, int64_t value, struct err *e)
{
	switch (limit) {
	case JAIL_BANTIME:
		if (value != 0)
			return 0;
		return err_set(e, -ERANGE, "expected a time, or -1 for ever");
	case JAIL_FINDTIME:
		if (value > 0)
			return 0;
		return err_set(e, -ERANGE, "expected a time longer than zero");
	case JAIL_MAXRETRY:
		if (value >= 1 && value <= JAIL_RETRY_MAX)
			return 0;
		return err_set(e, -ERANGE, "expected a number from 1 to %d",
		    JAIL_RETRY_MAX);
	case JAIL_MAXMATCHES:
		if (value >= 0 && value <= JAIL_RETRY_MAX)
			return 0;
		return err_set(e, -ERANGE, "expected a number from 0 to %d",
		    JAIL_RETRY_MAX);
	}
	return -ERANGE;
}

int
jail_set_limit(struct jail *j, enum jail_limit limit, int64_t value, struct err *e)
{
	int rc = check(limit, value, e);
	struct conf_jail *c;

	if (rc < 0)
		return rc;
	c = own_conf(j);
	switch (limit) {
	case JAIL_BANTIME:
		c->bantime_ms = value < 0 ? -1 : value - value % MS_PER_S;
		break;
	case JAIL_FINDTIME:
		c->findtime_ms = value;
		break;
	case JAIL_MAXRETRY:
		c->maxretry = (unsigned)value;
		break;
	case JAIL_MAXMATCHES:
		c->maxmatches = (unsigned)value;
		break;
	}
	track_limit(j->track, c->maxretry, c->findtime_ms);
	return 0;
}

void
jail_stop(struct jail *j, bool stopped)
{
	j->stopped = stopped;
}

bool
jail_is_stopped(const struct jail *j)
{
	return j->stopped;
}
