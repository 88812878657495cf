/* SPDX-License-Identifier: GPL-2.0-or-later
 * jails.c - the engine's jails: made from the configuration, found, counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "banner/core/allow.h"
#include "banner/core/bans.h"
#include "banner/core/engine.h"
#include "banner/core/guard.h"
#include "banner/core/history.h"
#include "banner/core/ignorecache.h"
#include "banner/core/inside.h"
#include "banner/core/known.h"
#include "banner/core/park.h"

enum { MAX_TRACKED = 400000, MAX_BANS = 200000, KNOWN_MIN = 4096, KNOWN_PER_BAN = 2 };

size_t
engine_max_bans(const struct conf *conf)
{
	return conf->daemon.max_bans ? conf->daemon.max_bans : MAX_BANS;
}

size_t
engine_max_known(const struct conf *conf)
{
	return engine_max_bans(conf) * KNOWN_PER_BAN + KNOWN_MIN;
}

static size_t
max_tracked(const struct conf *conf)
{
	return conf->daemon.max_tracked ? conf->daemon.max_tracked : MAX_TRACKED;
}

static bool
used(const struct conf_jail *c)
{
	return c->enabled && !c->refused;
}

static bool
has_action(const struct conf_jail *c, unsigned action)
{
	for (size_t i = 0; i < c->naction; i++)
		if (c->action[i] == action)
			return true;
	return false;
}

/* The built-in jail acts through every action that some jail uses; its bans last until
 * they are taken back. */
static struct conf_jail *
manual_conf(const struct conf *conf)
{
	struct conf_jail *m = xcalloc(1, sizeof(*m));

	m->name = "manual";
	m->enabled = true;
	m->filter.maxlines = 1;
	m->findtime_ms = 600000;
	m->bantime_ms = -1;
	m->maxretry = 5;
	m->host6 = 128;
	m->action = xcalloc(conf->nactions + 1, sizeof(*m->action));
	for (size_t i = 0; i < conf->njails; i++)
		for (size_t k = 0; used(&conf->jails[i]) && k < conf->jails[i].naction;
		     k++)
			if (m->naction < conf->nactions &&
			    !has_action(m, conf->jails[i].action[k]))
				m->action[m->naction++] = conf->jails[i].action[k];
	return m;
}

static int
jail_limits(const struct conf_jail *c, struct track_limits *l, struct err *e)
{
	if (c->maxretry > JAIL_RETRY_MAX && c->distinct)
		return err_set(e, -EINVAL, "%s: maxretry %u is above %d, the most that "
		    "distinct can count", c->name, c->maxretry, JAIL_RETRY_MAX);
	l->maxretry = c->maxretry;
	l->findtime_ms = c->findtime_ms;
	l->distinct = c->distinct != 0;
	return 0;
}

static int
jail_add(struct engine *en, const struct conf_jail *c, struct err *e)
{
	struct jail *j = &en->jails[en->njails];
	struct track_limits limits = { .max_keys = max_tracked(en->conf) };
	int rc = jail_limits(c, &limits, e);

	if (rc == 0 && c->ignorecache) {
		rc = ignorecache_new(c->ignorecache, &j->cache, e);
		if (rc < 0)
			err_prefix(e, rc, "%s", c->name);
	}
	if (rc < 0)
		return rc;
	j->conf = c;
	j->rows = c->naction > 0;
	j->engine = en;
	j->index = (uint32_t)en->njails++;
	j->track = track_new(&limits, &en->secret);
	j->allow = allow_new();
	allow_set(j->allow, "config", c->ignoreip.v, c->ignoreip.n);
	j->stats = xcalloc(1, sizeof(*j->stats));
	table_set(en->by_name, c->name, strlen(c->name), j);
	return 0;
}

int
jails_new(struct engine *en, struct err *e)
{
	const struct conf *conf = en->conf;
	int rc = 0;

	en->by_name = table_new();
	en->jails = xcalloc(conf->njails + 1, sizeof(*en->jails));
	for (size_t i = 0; rc == 0 && i < conf->njails; i++)
		if (used(&conf->jails[i]))
			rc = jail_add(en, &conf->jails[i], e);
	if (rc == 0 && !engine_jail(en, "manual")) {
		en->manual = manual_conf(conf);
		rc = jail_add(en, en->manual, e);
	}
	return rc;
}

void
jails_free(struct engine *en)
{
	for (size_t i = 0; i < en->njails; i++) {
		struct jail *j = &en->jails[i];

		track_free(j->track);
		allow_free(j->allow);
		ignorecache_free(j->cache);
		free(j->stats);
		free(j->own);
	}
	free(en->jails);
	table_free(en->by_name);
	if (en->manual)
		free(en->manual->action);
	free(en->manual);
}

struct jail *
engine_jail(struct engine *en, const char *name)
{
	return table_find(en->by_name, name, strlen(name));
}

size_t
engine_jails(const struct engine *en)
{
	return en->njails;
}

struct jail *
engine_jail_at(struct engine *en, size_t i)
{
	return i < en->njails ? &en->jails[i] : NULL;
}

const char *
jail_name(const struct jail *j)
{
	return j->conf->name;
}

const struct conf_jail *
jail_conf(const struct jail *j)
{
	return j->conf;
}

void
jail_keep_rows(struct jail *j, bool rows)
{
	j->rows = rows;
}

static bool
counts_users(const struct jail *j)
{
	return j->conf->count == COUNT_USER || j->conf->count == COUNT_HOST_USER;
}

const char *
jail_ignores(struct jail *j, const struct failure *f)
{
	const struct addr *a = f->addr.family ? &f->addr : &f->subject.addr;

	if (allow_has(j->allow, a, f->subject.text) ||
	    allow_has(j->allow, &f->subject.addr, f->subject.text))
		return "by ip";
	if (counts_users(j) && allow_has(j->allow, a, f->user))
		return "by ip";
	if (j->conf->ignoreself && a->family &&
	    guard_has(j->engine->guard, "own", a))
		return "by ignoreself rule";
	return NULL;
}

const char *
jail_forbids(struct jail *j, const struct subject *s)
{
	const char *why;

	if (s->kind == SUBJECT_ADDR) {
		why = guard_refuses(j->engine->guard, &s->addr, GUARD_ADMIN);
		if (why)
			return why;
	}
	return allow_has(j->allow, &s->addr, s->text) ? "it is in the jail's ignoreip"
	    : NULL;
}

static void
add_counters(struct engine_stats *sum, const struct engine_stats *s)
{
	sum->failures += s->failures;
	sum->ignored += s->ignored;
	sum->guarded += s->guarded;
	sum->bans += s->bans;
	sum->unbans += s->unbans;
	sum->evicted_bans += s->evicted_bans;
	sum->parked += s->parked;
	sum->park_dropped += s->park_dropped;
	sum->already += s->already;
	sum->leaks += s->leaks;
	sum->repeats += s->repeats;
	sum->no_subject += s->no_subject;
	sum->outdated += s->outdated;
	sum->held += s->held;
	sum->cap_refused += s->cap_refused;
}

void
engine_stats(const struct engine *en, const char *jail, struct engine_stats *out)
{
	*out = (struct engine_stats){ .max_bans = en->bans->max,
		.max_tracked = max_tracked(en->conf),
		.known_now = history_size(en->history),
		.max_known = engine_max_known(en->conf),
		.evicted_known = history_evicted(en->history),
		.parked_now = park_count(en->park),
		.max_parked = PARK_MAX,
		.max_logins = KNOWN_MAX,
		.logins_now = known_count(en->known),
		.logins_forgotten = known_forgotten(en->known) };
	for (size_t i = 0; i < en->njails; i++) {
		const struct jail *j = &en->jails[i];

		if (jail && strcmp(jail, j->conf->name) != 0)
			continue;
		add_counters(out, j->stats);
		out->evicted_keys += track_evicted(j->track);
		out->tracked_now += track_count(j->track);
		out->banned_now += j->banned;
	}
}
