/* SPDX-License-Identifier: GPL-2.0-or-later
 * engine_ban.c - bans that no failure decides: by administrators, block lists, the
 * guard, the cap; and looking bans up.
 */
#include <errno.h>
#include <string.h>

#include "banner/base/err.h"
#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/bans.h"
#include "banner/core/engine.h"
#include "banner/core/guard.h"
#include "banner/core/history.h"
#include "banner/core/inside.h"
#include "banner/core/subject.h"

static void
emit(struct engine *en, enum verb verb, enum cause cause, const struct ban *ban)
{
	struct order o = { .verb = verb, .cause = cause, .ban = ban };

	en->host->emit(en->host->arg, &o);
}

void
engine_release(struct engine *en, struct ban_entry *e, int cause)
{
	e->jail->stats->unbans++;
	emit(en, VERB_UNBAN, (enum cause)cause, &e->ban);
	bans_del(en->bans, e);
}

/* The cap is said once a minute, however many bans it costs. */
static void
say_cap(struct engine *en, int64_t now_ms, const char *text)
{
	if (now_ms - en->cap_said_ms < MS_PER_MIN && now_ms >= en->cap_said_ms)
		return;
	en->cap_said_ms = now_ms;
	engine_notice(en, EVENT_CAP, NULL, NULL, text);
}

int
engine_room(struct engine *en, int64_t now_ms)
{
	struct ban_entry *victim;

	while (en->bans->n >= en->bans->max) {
		victim = bans_victim(en->bans);
		if (!victim) {
			say_cap(
			    en, now_ms, "max_bans reached, and no ban may be released");
			return -ENOSPC;
		}
		say_cap(en, now_ms,
		    "max_bans reached: the ban that ends soonest is released");
		victim->jail->stats->evicted_bans++;
		engine_release(en, victim, CAUSE_EVICTED);
	}
	return 0;
}

static int
prolong(struct engine *en, struct ban_entry *e, int64_t until_ms, enum cause cause)
{
	if (e->ban.until_ms == 0 || (until_ms != 0 && until_ms <= e->ban.until_ms))
		return -EEXIST;
	bans_end(en->bans, e, until_ms);
	emit(en, VERB_PROLONG, cause, &e->ban);
	return -EEXIST;
}

static int64_t
request_until(const struct ban_request *r, const struct jail *j)
{
	if (r->until_ms >= 0)
		return r->until_ms;
	return j->conf->bantime_ms < 0 ? 0 : r->now_ms + j->conf->bantime_ms;
}

static bool
subject_usable(const struct subject *s)
{
	switch (s->kind) {
	case SUBJECT_ADDR:
		return s->addr.family != 0;
	case SUBJECT_USER:
	case SUBJECT_ID:
		return s->text.len > 0 && s->text.len <= SUBJECT_TEXT;
	case SUBJECT_NONE:
		return false;
	}
	return false;
}

int
engine_ban(struct engine *en, const struct ban_request *r, const struct ban **out,
    struct err *e)
{
	const char *name = r->jail ? r->jail : "manual", *why;
	struct jail *j = engine_jail(en, name);
	struct ban ban = { .subject = r->subject, .since_ms = r->now_ms,
	    .manual = r->cause == CAUSE_ADMIN, .comment = r->comment,
	    .restored = r->cause == CAUSE_RESTORE };
	struct ban_entry *entry;

	if (!j)
		return err_set(e, -ENOENT, "there is no jail '%s'", name);
	if (!subject_usable(&r->subject))
		return err_set(e, -EINVAL, "nothing that can be banned");
	why = jail_forbids(j, &r->subject);
	if (why)
		return err_set(e, -EPERM, "never banned: %s", why);
	ban.until_ms = request_until(r, j);
	if (ban.until_ms && ban.until_ms <= r->now_ms)
		return err_set(e, -EINVAL, "the ban would be over already");
	entry = bans_find(en->bans, j, &r->subject);
	if (entry) {
		*out = &entry->ban;
		return prolong(en, entry, ban.until_ms, r->cause);
	}
	if (engine_room(en, r->now_ms) < 0)
		return err_set(e, -ENOSPC, "%zu bans, and none may be released",
		    en->bans->n);
	ban.id = engine_new_id(en, r->now_ms);
	ban.count = history_count(en->history, j->index, &r->subject, r->now_ms) + 1;
	history_add(en->history, j->index, &ban.subject, r->now_ms, ban.until_ms);
	entry = bans_add(en->bans, j, &ban);
	j->stats->bans++;
	*out = &entry->ban;
	emit(en, VERB_BAN, r->cause, &entry->ban);
	return 0;
}

/* An administrator who lifts a ban also clears what led to it. */
static void
pardon(struct engine *en, struct jail *j, const struct subject *s)
{
	struct failure f = { .jail = j, .subject = *s, .weight = 1 };
	struct target t;

	if (s->kind == SUBJECT_ADDR)
		f.addr = s->addr;
	if (s->kind == SUBJECT_USER)
		f.user = s->text;
	if (target_of(j, &f, &t) && subject_eq(&t.subject, s))
		track_forget(j->track, &t.key);
	history_forget(en->history, j->index, s);
}

static size_t
unban_one(struct engine *en, struct jail *j, const struct subject *s, enum cause cause)
{
	struct ban_entry *e = bans_find(en->bans, j, s);

	if (e)
		engine_release(en, e, cause);
	if (cause == CAUSE_ADMIN)
		pardon(en, j, s);
	return e != NULL;
}

/* From the end of the table to its start. A ban that ends meanwhile is replaced by the
 * last one of the table, which the walk has passed: it stays where it is, or is new. */
bool
engine_unban_some(struct engine *en, struct unban_walk *w, int64_t now_ms)
{
	if (!w->before) {
		w->before = engine_new_id(en, now_ms);
		w->left = en->bans->n;
	}
	if (w->left > en->bans->n)
		w->left = en->bans->n;
	for (int i = 0; i < ENGINE_SLICE && w->left > 0; i++) {
		struct ban_entry *e = en->bans->v[--w->left];

		if (e->ban.id >= w->before || (w->jail && strcmp(w->jail, e->ban.jail)))
			continue;
		engine_release(en, e, w->cause);
		w->lifted++;
	}
	return w->left > 0;
}

size_t
engine_unban(struct engine *en, const char *jail, const struct subject *s,
    enum cause cause, int64_t now_ms)
{
	struct unban_walk w = { .jail = jail, .cause = cause };
	size_t n = 0;

	while (!s && engine_unban_some(en, &w, now_ms))
		;
	for (size_t i = 0; s && i < en->njails; i++)
		if (!jail || strcmp(jail, en->jails[i].conf->name) == 0)
			n += unban_one(en, &en->jails[i], s, cause);
	return s ? n : w.lifted;
}

size_t
engine_guard_changed(struct engine *en, int64_t now_ms)
{
	size_t n = 0;

	for (size_t i = en->bans->n; i-- > 0;) {
		struct ban_entry *e = en->bans->v[i];
		const char *why;

		if (e->ban.subject.kind != SUBJECT_ADDR)
			continue;
		why = guard_refuses(en->guard, &e->ban.subject.addr, GUARD_ADMIN);
		if (!why)
			continue;
		e->jail->stats->guarded++;
		engine_notice(en, EVENT_GUARDED, e->jail, NULL, why);
		engine_release(en, e, CAUSE_GUARD);
		n++;
	}
	return n;
}

/* Bans without end that neither a failure nor an administrator made. */
static bool
from_blocklist(const struct ban *ban)
{
	return ban->until_ms == 0 && !ban->manual && ban->failures == 0;
}

/* A ban that would end is the list's from now on, also after a restart; when it leaves
 * the list it goes on to its own end. */
static void
blocklist_take(struct engine *en, struct ban_entry *e)
{
	if (!e->ban.until_ms)
		return;
	e->own_until_ms = e->ban.until_ms;
	e->ban.failures = 0;
	e->ban.manual = false;
	prolong(en, e, 0, CAUSE_BLOCKLIST);
}

static void
blocklist_leave(struct engine *en, struct ban_entry *e, int64_t now_ms)
{
	if (e->own_until_ms <= now_ms) {
		engine_release(en, e, CAUSE_BLOCKLIST);
		return;
	}
	bans_end(en->bans, e, e->own_until_ms);
	e->own_until_ms = 0;
	emit(en, VERB_PROLONG, CAUSE_BLOCKLIST, &e->ban);
}

static void
blocklist_drop(struct engine *en, const struct jail *j, const struct addr *v, size_t n,
    int64_t now_ms)
{
	struct table *wanted = table_new();

	for (size_t i = 0; i < n; i++)
		table_set(wanted, &v[i], sizeof(v[i]), (void *)(uintptr_t)&v[i]);
	for (size_t i = en->bans->n; i-- > 0;) {
		struct ban_entry *e = en->bans->v[i];
		const struct addr *a = &e->ban.subject.addr;

		if (e->jail == j && from_blocklist(&e->ban) &&
		    !table_find(wanted, a, sizeof(*a)))
			blocklist_leave(en, e, now_ms);
	}
	table_free(wanted);
}

size_t
engine_blocklist_set(struct engine *en, struct jail *j, const struct addr *v, size_t n,
    int64_t now_ms)
{
	size_t refused = 0;

	blocklist_drop(en, j, v, n, now_ms);
	for (size_t i = 0; i < n; i++) {
		struct ban ban = { .since_ms = now_ms, .count = 1,
		    .subject = { .kind = SUBJECT_ADDR, .addr = v[i] } };
		struct ban_entry *e = bans_find(en->bans, j, &ban.subject);

		if (e) {
			blocklist_take(en, e);
			continue;
		}
		if (en->bans->n >= en->bans->max)
			say_cap(en, now_ms, "max_bans reached: block list cut");
		if (en->bans->n >= en->bans->max || jail_forbids(j, &ban.subject)) {
			refused++;
			continue;
		}
		ban.id = engine_new_id(en, now_ms);
		j->stats->bans++;
		emit(en, VERB_BAN, CAUSE_BLOCKLIST, &bans_add(en->bans, j, &ban)->ban);
	}
	return refused;
}

const struct ban *
engine_ban_find(const struct engine *en, const char *jail, const struct subject *s)
{
	const struct jail *j = table_find(en->by_name, jail, strlen(jail));
	const struct ban_entry *e = j ? bans_find(en->bans, j, s) : NULL;

	return e ? &e->ban : NULL;
}

const struct ban *
engine_ban_by_id(const struct engine *en, uint64_t id)
{
	const struct ban_entry *e = bans_by_id(en->bans, id);

	return e ? &e->ban : NULL;
}

void **
engine_ban_attached(struct engine *en, uint64_t id)
{
	struct ban_entry *e = bans_by_id(en->bans, id);

	return e ? &e->attached : NULL;
}

void
engine_bans_each(
    const struct engine *en, const char *jail, engine_ban_fn *fn, void *arg)
{
	for (size_t i = 0; i < en->bans->n; i++) {
		const struct ban *ban = &en->bans->v[i]->ban;

		if (jail && strcmp(jail, ban->jail) != 0)
			continue;
		if (!fn(arg, ban))
			return;
	}
}

void
engine_applied(struct engine *en, uint64_t ban_id, int64_t when_ms)
{
	struct ban_entry *e = bans_by_id(en->bans, ban_id);

	if (e)
		e->applied_ms = when_ms;
}
