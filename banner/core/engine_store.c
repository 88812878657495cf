/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine_store.c - to the store and back; allow lists at run time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/buf.h"
#include "banner/conf/conf.h"
#include "banner/core/allow.h"
#include "banner/core/bans.h"
#include "banner/core/engine.h"
#include "banner/core/history.h"
#include "banner/core/inside.h"
#include "banner/core/known.h"

static void
restore_no(struct engine *en, const struct ban *ban, enum cause cause)
{
	struct order o = { .verb = VERB_UNBAN, .cause = cause, .ban = ban };

	en->host->emit(en->host->arg, &o);
}

void
engine_restore_ban(struct engine *en, const struct ban *stored, int64_t now_ms)
{
	struct jail *j = engine_jail(en, stored->jail);
	struct ban ban = *stored;
	struct ban_entry *e;
	struct order o = { .verb = VERB_BAN, .cause = CAUSE_RESTORE };

	if (ban.id >= en->next_id)
		en->next_id = ban.id + 1;
	if (!j) {
		restore_no(en, stored, CAUSE_CONFIG);
		return;
	}
	history_restore(en->history, j->index, &ban.subject, ban.count,
	    ban.until_ms ? ban.until_ms : INT64_MAX);
	if (ban.until_ms && ban.until_ms <= now_ms) {
		restore_no(en, stored, CAUSE_EXPIRED);
		return;
	}
	if (jail_forbids(j, &ban.subject)) {
		restore_no(en, stored, CAUSE_GUARD);
		return;
	}
	e = bans_find(en->bans, j, &ban.subject);
	if (e) {
		/* told twice, by a store that began again, it is the same ban */
		if (e->ban.id != ban.id)
			restore_no(en, stored, CAUSE_CONFIG);
		return;
	}
	if (engine_room(en, now_ms) < 0) {
		restore_no(en, stored, CAUSE_EVICTED);
		return;
	}
	ban.restored = true;
	j->stats->bans += en->host->session && !j->totals_told;
	e = bans_add(en->bans, j, &ban);
	if (ban.since_ms > now_ms)
		bans_hold_back(en->bans, e, ban.since_ms - now_ms);
	o.ban = &e->ban;
	en->host->emit(en->host->arg, &o);
}

void
engine_restored(struct engine *en, int64_t now_ms)
{
	for (size_t i = 0; i < en->njails; i++)
		track_not_later(en->jails[i].track, now_ms);
}

/* What `status` calls totals, under jail "" and the name of the jail. */
struct totals { uint64_t session, failures, ignored, guarded, bans; };

static uint64_t
totals_sum(const struct engine_stats *st)
{
	return st->failures + st->ignored + st->guarded + st->bans;
}

static void
tell_totals(struct jail *j, bool all, engine_counter_fn *fn, void *arg)
{
	const struct engine_stats *st = j->stats;
	struct totals t = { j->engine->host->session, st->failures, st->ignored,
		st->guarded, st->bans };
	const char *name = j->conf->name;
	struct buf record = { 0 };

	if (!t.session || (!all && j->totals_told == totals_sum(st)))
		return;
	j->totals_told = totals_sum(st);
	buf_add(&record, &t, sizeof(t));
	buf_puts(&record, name);
	fn(arg, "", str_of(name), buf_view(&record));
	buf_fini(&record);
}

static int
restore_totals(struct engine *en, struct str record)
{
	struct totals t;
	struct jail *j;
	char *name;

	if (record.len <= sizeof(t))
		return -EINVAL;
	memcpy(&t, record.s, sizeof(t));
	name = xstrndup(record.s + sizeof(t), record.len - sizeof(t));
	j = engine_jail(en, name);
	free(name);
	if (!j || !t.session || t.session != en->host->session)
		return -ENOENT;
	j->stats->failures = t.failures;
	j->stats->ignored = t.ignored;
	j->stats->guarded = t.guarded;
	j->stats->bans = t.bans;
	j->totals_told = totals_sum(j->stats);
	return 0;
}

/* A pair of address and account, under jail "": told apart by its size. */
struct known_row { uint64_t hash; int64_t when_ms; char what[8]; };

struct to_caller { engine_counter_fn *fn; void *arg; const char *jail; };

static void
known_row(void *arg, const struct known_record *r)
{
	const struct to_caller *c = arg;
	struct known_row row = { r->hash, r->when_ms, "known" };
	struct str none = { 0 }, record = { (const char *)&row, sizeof(row) };
	char key[16];

	memcpy(key, "known   ", 8);
	memcpy(key + 8, &r->hash, sizeof(r->hash));
	c->fn(c->arg, "", (struct str){ key, sizeof(key) }, r->gone ? none : record);
}

static int
restore_known(struct engine *en, struct str record)
{
	struct known_record r = { 0 };
	struct known_row row;

	memcpy(&row, record.s, sizeof(row));
	if (memcmp(row.what, "known", sizeof("known")))
		return -EINVAL;
	r.hash = row.hash;
	r.when_ms = row.when_ms;
	known_restore(en->known, &r);
	return 0;
}

static int
restore_own(struct engine *en, struct str record)
{
	if (record.len == sizeof(struct known_row))
		return restore_known(en, record);
	if (record.len != sizeof(en->secret))
		return restore_totals(en, record);
	memcpy(&en->secret, record.s, sizeof(en->secret));
	en->secret_new = false;
	return 0;
}

int
engine_restore_counter(struct engine *en, const char *jail, struct str record)
{
	struct jail *j;

	if (!*jail)
		return restore_own(en, record);
	j = engine_jail(en, jail);
	return j ? track_restore(j->track, record) : -ENOENT;
}

void
engine_restore_history(struct engine *en, const char *jail, const struct subject *s,
    unsigned count, int64_t last_ms)
{
	struct jail *j = engine_jail(en, jail);

	if (j)
		history_restore(en->history, j->index, s, count, last_ms);
}

static void
counter_record(void *arg, const struct track_key *key, struct str record)
{
	const struct to_caller *c = arg;

	c->fn(c->arg, c->jail, (struct str){ (const char *)key->b, sizeof(key->b) },
	    record);
}

/* Keys of users are hashed with the secret, so it is kept with them. */
void
engine_counters(struct engine *en, bool all, engine_counter_fn *fn, void *arg)
{
	struct to_caller c = { .fn = fn, .arg = arg };

	if (all || en->secret_new)
		fn(arg, "", STR("secret"), (struct str){ (const char *)&en->secret,
		    sizeof(en->secret) });
	en->secret_new = false;
	known_records(en->known, all, known_row, &c);
	for (size_t i = 0; i < en->njails; i++) {
		c.jail = en->jails[i].conf->name;
		track_records(en->jails[i].track, all, counter_record, &c);
		tell_totals(&en->jails[i], all, fn, arg);
	}
}

struct guard *
engine_guard(struct engine *en)
{
	return en->guard;
}

/* Bans the allow list of a jail covers now. */
static void
release_allowed(struct jail *j)
{
	struct bans *b = j->engine->bans;

	for (size_t i = j->banned ? b->n : 0; i-- > 0;) {
		struct ban_entry *e = b->v[i];
		const struct subject *s = &e->ban.subject;

		if (e->jail == j && allow_has(j->allow, &s->addr, s->text))
			engine_release(j->engine, e, CAUSE_CONFIG);
	}
}

int
jail_allow_add(struct jail *j, const char *entry, struct err *e)
{
	int rc = allow_add(j->allow, entry, e);

	if (rc == 0)
		release_allowed(j);
	return rc;
}

int
jail_allow_del(struct jail *j, const char *entry)
{
	return allow_del(j->allow, entry);
}

void
jail_allow_each(const struct jail *j, jail_allow_fn *fn, void *arg)
{
	allow_each(j->allow, fn, arg);
}

void
jail_allow_set(struct jail *j, const char *group, const char *const *v, size_t n)
{
	allow_set(j->allow, group, v, n);
	release_allowed(j);
}
