/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine.c - failures in, orders out: the whole decision.
 */
#include "banner/core/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/uncleared.h"
#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/allow.h"
#include "banner/core/attempts.h"
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
	EVIDENCE_BYTES = 4 << 20, BAN_RATE = 600, MATCHES_MAX = 256,
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

/* SplitMix64 (Steele, Lea, Flood 2014); only spreads the ends of bans. */
double
engine_random(struct engine *en)
{
	uint64_t z = en->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
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

/* The lines and the row of one failure, behind those before it. */
static uint32_t
keep_evidence(struct engine *en, const struct verdict *v)
{
	struct evidence_owner who = { .jail = v->jail->index, .key = v->target.key };
	const struct failure *f = v->failure;
	uint32_t mark = v->sum.mark;
	struct buf row = { 0 };

	for (size_t i = 0; i < f->nlines; i++)
		mark = evidence_add(en->evidence, &who, mark, f->lines[i],
		    (struct evidence_from){ f->log, (uint16_t)f->rule });
	if (v->jail->rows) {
		attempt_row(f, &row);
		mark = evidence_add_row(en->evidence, &who, mark, buf_view(&row));
		buf_fini(&row);
	}
	return mark;
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
		track_mark(j->track, keep_evidence(en, v));
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
	struct failure copy;
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

/* The limit is reached: does somebody have to be asked first? */
void
engine_decide(struct engine *en, const struct verdict *v)
{
	struct jail *j = v->jail;
	const struct failure *f = v->failure;
	struct question q = { .jail = j->conf->name, .names = allow_names(j->allow),
	    .command = j->conf->ignorecommand, .failure = f };

	if (!f->addr.family && !q.command)
		q.names = "";
	if (!en->host->ask || (!*q.names && !q.command) ||
	    (j->cache && ignorecache_find(j->cache, f, v->now_ms) == IGNORE_NO)) {
		engine_punish(en, v);
		return;
	}
	q.ticket = park_put(en->park, v);
	if (!q.ticket) {
		j->stats->park_dropped++;	/* its next failure asks again */
		return;
	}
	j->stats->parked++;
	en->host->ask(en->host->arg, &q);
}

void
engine_answer(struct engine *en, uint64_t ticket, bool ignore, int64_t now_ms)
{
	const struct verdict *parked = park_take(en->park, ticket);
	struct verdict v;

	if (!parked)
		return;
	v = *parked;
	v.now_ms = now_ms;
	if (v.jail->stopped)
		return;
	if (v.jail->cache)
		ignorecache_set(v.jail->cache, v.failure, ignore, now_ms);
	if (!ignore) {
		engine_punish(en, &v);
		return;
	}
	v.jail->stats->ignored++;
	track_forget(v.jail->track, &v.target.key);
	engine_notice(en, EVENT_IGNORED, v.jail, v.failure,
	    v.jail->conf->ignorecommand ? "by command" : "by dns");
}

/* Bans per minute; beyond the limit the alarm, and with hold no ban. */
static bool
rate_allows(struct engine *en, const struct verdict *v)
{
	uint64_t limit =
	    en->conf->daemon.ban_rate ? en->conf->daemon.ban_rate : BAN_RATE;
	bool hold = en->conf->daemon.hold;

	if (v->now_ms - en->rate_start_ms >= MS_PER_MIN ||
	    v->now_ms < en->rate_start_ms) {
		en->rate_start_ms = v->now_ms;
		en->rate_bans = 0;
	}
	if (en->rate_bans < limit) {
		en->rate_bans++;
		return true;
	}
	if (v->now_ms - en->rate_said_ms >= MS_PER_MIN ||
	    v->now_ms < en->rate_said_ms) {
		en->rate_said_ms = v->now_ms;
		engine_notice(en, EVENT_RATE, v->jail, v->failure,
		    hold ? "too many bans a minute: held" : "too many bans a minute");
	}
	return !hold;
}

/* The new ban; false when it would be over already. */
static bool
ban_fill(struct engine *en, const struct verdict *v, struct ban *ban)
{
	const struct conf_jail *c = v->jail->conf;
	const struct conf_increment *inc = &c->increment;
	const struct subject *s = &v->target.subject;
	unsigned here = history_count(en->history, v->jail->index, s, v->now_ms);
	double random = inc->rndtime_ms > 0 ? engine_random(en) : 0;
	int64_t time = increment_bantime(inc, c->bantime_ms,
	    inc->overalljails ? history_count(en->history, HISTORY_ALL, s, v->now_ms)
			      : here,
	    random);

	*ban =
	    (struct ban){ .subject = *s, .failures = v->sum.count, .count = here + 1 };
	ban->since_ms = v->failure->when_ms > v->sum.newest_ms ? v->failure->when_ms
	    : v->sum.newest_ms;
	ban->until_ms = time < 0 ? 0 : ban->since_ms + time;
	return time < 0 || ban->until_ms > v->now_ms;
}

/* The captures of the deciding failure, then the rows of all. */
static size_t
ban_fields(struct engine *en, const struct verdict *v, struct buf *text,
    struct field out[FAILURE_FIELDS])
{
	struct evidence_owner who = { .jail = v->jail->index, .key = v->target.key };
	const struct failure *f = v->failure;
	struct str rows[ATTEMPT_ROWS] UNCLEARED;
	struct buf last = { 0 };
	size_t n = f->nfields, nrows;

	for (size_t i = 0; i < n; i++)
		out[i] = f->fields[i];
	if (!v->jail->rows || n > FAILURE_FIELDS - ATTEMPT_FIELDS)
		return n;
	nrows = evidence_get_rows(en->evidence, &who, v->sum.mark, rows,
	    ATTEMPT_ROWS - 1);
	attempt_row(f, &last);
	rows[nrows++] = buf_view(&last);
	n += attempt_fields(rows, nrows, text, out + n);
	buf_fini(&last);
	return n;
}

/* The order with its evidence: lines of earlier failures, then those of the last. */
static void
emit_ban(struct engine *en, const struct verdict *v, const struct ban *ban)
{
	struct evidence_owner who = { .jail = v->jail->index, .key = v->target.key };
	const struct failure *f = v->failure;
	struct str lines[MATCHES_MAX] UNCLEARED;
	struct field fields[FAILURE_FIELDS] UNCLEARED;
	struct buf text = { 0 };
	size_t max = v->jail->conf->maxmatches, own, n;
	struct order o = { .verb = VERB_BAN, .cause = CAUSE_FAILURES, .ban = ban,
	    .lines = lines, .fields = fields };

	if (max > MATCHES_MAX)
		max = MATCHES_MAX;
	own = f->nlines < max ? f->nlines : max;
	n = evidence_get(en->evidence, &who, v->sum.mark, lines, max - own);
	for (size_t i = 0; i < own; i++)
		lines[n++] = f->lines[f->nlines - own + i];
	o.nlines = n;
	o.nfields = ban_fields(en, v, &text, fields);
	en->host->emit(en->host->arg, &o);
	buf_fini(&text);
}

void
engine_punish(struct engine *en, const struct verdict *v)
{
	struct jail *j = v->jail;
	struct ban_entry *e;
	struct ban ban;

	if (bans_find(en->bans, j, &v->target.subject))
		return;		/* by an administrator, while an answer was awaited */
	if (!ban_fill(en, v, &ban)) {
		j->stats->outdated++;
		track_forget(j->track, &v->target.key);
		return;
	}
	if (!rate_allows(en, v)) {
		j->stats->held++;
		return;
	}
	if (engine_room(en, v->now_ms) < 0) {
		j->stats->cap_refused++;
		return;
	}
	ban.id = engine_new_id(en, v->now_ms);
	j->stats->bans++;
	history_add(en->history, j->index, &ban.subject, v->now_ms, ban.until_ms);
	track_forget(j->track, &v->target.key);
	e = bans_add(en->bans, j, &ban);
	emit_ban(en, v, &e->ban);
	e->key = v->target.key;
	e->mark = keep_evidence(en, v);	/* now: the order borrowed from the ring */
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
