/* SPDX-License-Identifier: GPL-2.0-or-later
 * checkrun.c - may a configuration be run, and would a reload lose a jail?
 */
#include <errno.h>
#include <string.h>

#include "banner/daemon/parent/checkconf.h"
#include "banner/daemon/proc/sandbox.h"

/* How many jails would run; why the first and the last of the others do not compile. */
struct outlook {
	size_t enabled, good;
	struct err first, last;
};

/* The error of reading that is said first: one that concerns all, or a jail of now
 * (NULL: any). */
static const struct conf_problem *
find_problem(const struct conf *now, const struct conf *next)
{
	for (size_t i = 0; i < next->nproblems; i++) {
		const struct conf_problem *p = &next->problems[i];
		const struct conf_jail *j = now && p->jail ?
		    conf_jail_find(now, p->jail) : NULL;

		if (p->level == CONF_ERROR &&
		    (!now || !p->jail || (j && j->enabled && !j->refused)))
			return p;
	}
	return NULL;
}

static int
problem_says(const struct conf *c, const struct conf_problem *p, struct err *e)
{
	return err_set(e, -EINVAL, "%s:%d: %s%s%s%s", p->file ? p->file : c->dir,
	    p->line, p->jail ? "[" : "", p->jail ? p->jail : "", p->jail ? "] " : "",
	    p->text);
}

static int
try_jail(const struct conf_jail *j, struct outlook *o)
{
	struct err e;
	size_t nrules;
	int rc = j->refused ? -EINVAL : checkconf_compile(j, &nrules, &e);
	struct conf_place at;

	o->enabled++;
	o->good += rc == 0;
	if (j->refused || rc == 0)
		return rc;
	at = conf_jail_place(j, &e);
	err_set(&o->last, rc, "%s:%d: [%s] %s", at.file, at.line, j->name, e.text);
	if (!o->first.text[0])
		o->first = o->last;
	return rc;
}

static int
no_jail(const struct conf *c, struct outlook *o, struct err *e)
{
	const struct conf_problem *p = find_problem(NULL, c);

	if (!o->first.text[0] && p)
		problem_says(c, p, &o->first);
	return err_set(e, -EINVAL, "no enabled jail can run (of %zu): %s; see "
	    "bannerd -t", o->enabled, o->first.text);
}

int
checkconf_start(const struct conf *c, struct err *e)
{
	struct outlook o = { .enabled = 0 };

	if (sandbox_possible(c->daemon.sandbox, e) < 0)
		return -EINVAL;
	for (size_t i = 0; i < c->njails; i++)
		if (c->jails[i].enabled && try_jail(&c->jails[i], &o) == 0)
			return 0;
	return o.enabled ? no_jail(c, &o, e) : 0;
}

/* One that does not compile either, has nothing to lose. */
static bool
is_running(const struct conf *now, const char *jail)
{
	const struct conf_jail *j = conf_jail_find(now, jail);
	size_t nrules;

	return j && j->enabled && !j->refused &&
	    checkconf_compile(j, &nrules, NULL) == 0;
}

int
checkconf_reload(const struct conf *now, const struct conf *next, struct err *e)
{
	const struct conf_problem *p = find_problem(now, next);
	struct outlook o = { .enabled = 0 };
	struct err lost = { "" };

	if (sandbox_possible(next->daemon.sandbox, e) < 0)
		return -EINVAL;
	if (p)
		problem_says(next, p, &lost);
	for (size_t i = 0; i < next->njails && !p; i++) {
		const struct conf_jail *j = &next->jails[i];

		if (!j->enabled || try_jail(j, &o) == 0 || lost.text[0])
			continue;
		if (!j->refused && is_running(now, j->name))
			lost = o.last;
	}
	if (!p && o.enabled && !o.good)
		return no_jail(next, &o, e);
	return lost.text[0] ? err_set(e, -EINVAL, "%s; see bannerd -t", lost.text) : 0;
}
