/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine_verdict.c - a limit is reached: whoever must be asked is asked, then comes the
 * ban, with its evidence.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/base/buf.h"
#include "banner/base/uncleared.h"
#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/allow.h"
#include "banner/core/attempts.h"
#include "banner/core/bans.h"
#include "banner/core/engine.h"
#include "banner/core/evidence.h"
#include "banner/core/history.h"
#include "banner/core/ignorecache.h"
#include "banner/core/increment.h"
#include "banner/core/inside.h"
#include "banner/core/park.h"

enum { BAN_RATE = 600, MATCHES_MAX = 256 };

uint32_t
engine_keep(struct engine *en, const struct verdict *v)
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

/* SplitMix64 (Steele, Lea, Flood 2014); only spreads the ends of bans. */
static double
spread(struct engine *en)
{
	uint64_t z = en->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
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
	double random = inc->rndtime_ms > 0 ? spread(en) : 0;
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

static void
punish(struct engine *en, const struct verdict *v)
{
	struct jail *j = v->jail;
	struct ban_entry *e;
	struct ban ban;

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
	e->mark = engine_keep(en, v);	/* now: the order borrowed from the ring */
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
		punish(en, v);
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
		/* an administrator may have banned it meanwhile */
		if (!bans_find(en->bans, v.jail, &v.target.subject))
			punish(en, &v);
		return;
	}
	v.jail->stats->ignored++;
	track_forget(v.jail->track, &v.target.key);
	engine_notice(en, EVENT_IGNORED, v.jail, v.failure,
	    v.jail->conf->ignorecommand ? "by command" : "by dns");
}
