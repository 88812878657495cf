/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine.c - failures in: which of them count. What follows at the limit is decided in
 * engine_verdict.c.
 */
#include "banner/core/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/uncleared.h"
#include "banner/conf/conf.h"
#include "banner/core/bans.h"
#include "banner/core/evidence.h"
#include "banner/core/guard.h"
#include "banner/core/history.h"
#include "banner/core/ignorecache.h"
#include "banner/core/increment.h"
#include "banner/core/inside.h"
#include "banner/core/known.h"
#include "banner/core/park.h"
#include "banner/core/repeat.h"

enum {
	LEAK_AFTER_MS = 5000, LEAKS_SAID = 3,
	EVIDENCE_BYTES = 4 << 20,
	SWEEP_FAILURE = 2, SWEEP_EXPIRE = 1000,
};

/* Does any jail ask how often somebody was banned in all of them? */
static bool
counts_over_all(const struct conf *conf)
{
	for (size_t i = 0; i < conf->njails; i++)
		if (conf->jails[i].increment.overalljails)
			return true;
	return false;
}

int
engine_new(const struct conf *conf, const struct engine_host *host, struct engine **out,
    struct err *e)
{
	struct engine *en = xcalloc(1, sizeof(*en));
	size_t max_bans = engine_max_bans(conf);
	uint64_t bytes = conf->daemon.evidence_bytes;
	struct hash_key random;
	int rc;

	en->conf = conf;
	en->host = xmalloc(sizeof(*host));
	*en->host = *host;
	hash_key_random(&en->secret);
	hash_key_random(&random);
	en->secret_new = true;
	en->random = host->seed ? host->seed : random.k[0];
	en->bans = xcalloc(1, sizeof(*en->bans));
	bans_init(en->bans, max_bans);
	en->guard = guard_new();
	en->history = history_new(engine_max_known(conf), conf->daemon.purge_age_ms,
	    counts_over_all(conf));
	en->evidence = evidence_new(bytes ? bytes : EVIDENCE_BYTES);
	en->repeat = repeat_new();
	en->known = known_new(&en->secret);
	en->park = park_new();
	en->rate_start_ms = en->cap_said_ms = en->rate_said_ms = INT64_MIN / 2;
	rc = jails_new(en, e);
	if (rc < 0) {
		engine_free(en);
		return rc;
	}
	*out = en;
	return 0;
}

void
engine_free(struct engine *en)
{
	if (!en)
		return;
	jails_free(en);
	bans_fini(en->bans);
	free(en->bans);
	guard_free(en->guard);
	history_free(en->history);
	evidence_free(en->evidence);
	repeat_free(en->repeat);
	known_free(en->known);
	park_free(en->park);
	free(en->host);
	free(en);
}

/* The time is in the id, so ids stay unique over restarts without any record. */
uint64_t
engine_new_id(struct engine *en, int64_t now_ms)
{
	uint64_t least = now_ms > 0 ? (uint64_t)now_ms << 10 : 1;

	if (en->next_id < least)
		en->next_id = least;
	return en->next_id++;
}

void
engine_notice(struct engine *en, int event, const struct jail *j,
    const struct failure *f, const char *text)
{
	struct notice n = { .event = (enum notice_event)event,
		.failure = f,
		.text = text,
		.jail = j ? j->conf->name : "" };

	if (en->host->notice)
		en->host->notice(en->host->arg, &n);
}

/* Count a failure of somebody who is banned: a leak if the ban was in force long
 * enough. As often as it would have been banned again, it is said. */
static void
already_banned(struct engine *en, struct ban_entry *e, const struct failure *f)
{
	struct jail *j = e->jail;
	unsigned every = j->conf->maxretry ? j->conf->maxretry : 1;
	char text[64 + ADDR_TEXT], peer[ADDR_TEXT];

	j->stats->already++;
	if (++e->hits % every == 0)
		engine_notice(en, EVENT_ALREADY, j, f, "");
	/* Who asks for a banned account is heard, refused and logged. */
	if (e->ban.subject.kind == SUBJECT_USER || !e->applied_ms ||
	    f->when_ms < e->applied_ms + LEAK_AFTER_MS)
		return;
	j->stats->leaks++;
	if (++e->leaks != LEAKS_SAID)
		return;
	snprintf(text, sizeof(text), "the ban does not hold; lines name the peer %s",
	    f->addr.family ? addr_print(&f->addr, peer) : "-");
	engine_notice(en, EVENT_LEAK, j, f, text);
}

/* Known offenders reach the limit sooner, when bantime.increment is on. */
static unsigned
weight_of(struct engine *en, const struct jail *j, const struct failure *f,
    const struct subject *s)
{
	const struct conf_increment *inc = &j->conf->increment;
	unsigned weight = f->weight, before;

	if (!inc->on)
		return weight;
	before = history_count(en->history, inc->overalljails ? HISTORY_ALL : j->index,
	    s, f->when_ms);
	return weight - 1 + increment_weight(before, j->conf->maxretry);
}

static void
count_failure(struct engine *en, struct verdict *v)
{
	struct jail *j = v->jail;
	struct track_hit hit = { .key = v->target.key, .when_ms = v->failure->when_ms,
	    .what = v->target.what };

	hit.weight = weight_of(en, j, v->failure, &v->target.subject);
	track_sweep(j->track, v->now_ms, SWEEP_FAILURE);
	if (track_add(j->track, &hit, &v->sum))
		engine_decide(en, v);
	else	/* below maxretry within findtime */
		track_mark(j->track, engine_keep(en, v));
}

/* A date from the future would make every later failure look old: it means now. */
static const struct failure *
not_later(const struct failure *f, int64_t now_ms, struct failure *copy)
{
	if (f->when_ms <= now_ms)
		return f;
	*copy = *f;
	copy->when_ms = now_ms;
	return copy;
}

static const char *
known_login(const struct engine *en, const struct failure *f)
{
	const struct jail *j = f->jail;
	const struct conf_jail *c = j->conf;

	if (c->known_ms && known_has(en->known, f, c->known_ms))
		return "by known login";
	if (c->known_host_ms && known_has_host(en->known, f, c->known_host_ms))
		return "by known host";
	return NULL;
}

bool
engine_ban_spares(const struct engine *en, const struct ban *ban,
    const struct addr *from, int64_t now_ms)
{
	const struct jail *j = table_find(en->by_name, ban->jail, strlen(ban->jail));
	struct failure f = { .addr = *from, .user = ban->subject.text,
	    .when_ms = now_ms };

	return j && ban->subject.kind == SUBJECT_USER && !ban->manual &&
	    j->conf->known_ms && known_has(en->known, &f, j->conf->known_ms);
}

void
engine_failure(struct engine *en, const struct failure *given, int64_t now_ms)
{
	struct failure copy UNCLEARED;
	const struct failure *f = not_later(given, now_ms, &copy);
	struct jail *j = f->jail;
	struct verdict v = { .jail = j, .failure = f, .now_ms = now_ms };
	const struct subject *s = &v.target.subject;
	struct ban_entry *e;
	const char *why;

	if (j->stopped)
		return;
	if (f->gained) {
		known_add(en->known, f);
		return;
	}
	j->stats->failures++;
	if (repeat_seen(en->repeat, j->index, f)) {
		j->stats->repeats++;
		return;
	}
	why = jail_ignores(j, f);
	if (!why && j->cache && ignorecache_find(j->cache, f, now_ms) == IGNORE_YES)
		why = "by cache";
	if (!why)
		why = known_login(en, f);
	if (why) {
		j->stats->ignored++;
		engine_notice(en, EVENT_IGNORED, j, f, why);
		return;
	}
	engine_notice(en, EVENT_FOUND, j, f, "");
	if (!f->weight)
		return;
	if (!target_of(j, f, &v.target)) {
		j->stats->no_subject++;
		return;
	}
	why = s->kind == SUBJECT_ADDR ? guard_refuses(en->guard, &s->addr, GUARD_AUTO)
	    : NULL;
	if (why) {
		j->stats->guarded++;
		engine_notice(en, EVENT_GUARDED, j, f, why);
	} else if ((e = bans_find(en->bans, j, s)) != NULL) {
		already_banned(en, e, f);
	} else if (!park_has(en->park, j, s)) {
		count_failure(en, &v);
	}
}

int64_t
engine_expire(struct engine *en, int64_t now_ms)
{
	struct ban_entry *e;
	uint64_t ticket;

	for (int i = 0; i < ENGINE_SLICE && (e = bans_first(en->bans)) != NULL &&
	    e->ban.until_ms && e->ban.until_ms <= now_ms; i++)
		engine_release(en, e, CAUSE_EXPIRED);
	while ((ticket = park_late(en->park, now_ms)) != 0)
		engine_answer(en, ticket, false, now_ms);
	for (size_t i = 0; i < en->njails; i++)
		track_sweep(en->jails[i].track, now_ms, SWEEP_EXPIRE);
	e = bans_first(en->bans);
	return e && e->ban.until_ms ? e->ban.until_ms : INT64_MAX;
}

void
engine_step(struct engine *en, int64_t delta_ms)
{
	bans_shift(en->bans, delta_ms);
	history_shift(en->history, delta_ms);
	park_shift(en->park, delta_ms);
	for (size_t i = 0; i < en->njails; i++)
		track_shift(en->jails[i].track, delta_ms);
	en->rate_start_ms += delta_ms;
	en->rate_said_ms += delta_ms;
	en->cap_said_ms += delta_ms;
}
