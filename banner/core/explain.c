/* SPDX-License-Identifier: GPL-2.0-or-later
 * explain.c - why is this subject banned, or why not?
 */
#include "banner/core/explain.h"

#include <strings.h>

#include "banner/conf/conf.h"
#include "banner/core/allow.h"
#include "banner/core/bans.h"
#include "banner/core/guard.h"
#include "banner/core/history.h"
#include "banner/core/inside.h"
#include "banner/core/known.h"
#include "banner/core/park.h"

struct search {
	struct engine *en;
	const struct subject *subject;
	int64_t now_ms;
	const struct explain_to *to;
	struct explain_found *found;
};

static void
take_lines(const struct search *x, const struct jail *j, const struct track_key *key,
    uint32_t mark, struct explain_lines *out)
{
	struct evidence_owner who = { .jail = j->index, .key = *key };
	size_t max = j->conf->maxmatches;

	out->n = evidence_get(x->en->evidence, &who, mark, out->v,
	    max < EXPLAIN_LINES ? max : EXPLAIN_LINES);
}

static void
tell_ban(const struct search *x, const struct ban_entry *e)
{
	struct explain_ban b = { .ban = &e->ban, .jail = e->jail->conf,
		.hits = e->hits, .leaks = e->leaks };

	b.listed = b.jail->blocklist && !e->ban.manual && !e->ban.failures;
	if (e->mark)
		take_lines(x, e->jail, &e->key, e->mark, &b.lines);
	x->to->ban(x->to->arg, &b);
}

static bool
is_name(const struct subject *s)
{
	return s->kind == SUBJECT_USER || s->kind == SUBJECT_ID;
}

/* A name that is asked for may be a user's or an id; users are counted in any case. */
static bool
same_name(const struct subject *asked, const struct subject *banned)
{
	if (asked->kind == SUBJECT_USER && banned->kind != SUBJECT_USER)
		return false;
	if (banned->kind == SUBJECT_ID)
		return str_eq(asked->text, banned->text);
	return asked->text.len == banned->text.len &&
	    !strncasecmp(asked->text.s, banned->text.s, asked->text.len);
}

/* Bans of this subject, of networks around it and of what lies inside it. */
static void
tell_bans(const struct search *x)
{
	const struct subject *s = x->subject;

	for (size_t i = 0; i < x->en->bans->n; i++) {
		const struct ban_entry *e = x->en->bans->v[i];
		const struct subject *b = &e->ban.subject;
		bool same = b->kind == s->kind;

		if (same && s->kind == SUBJECT_ADDR)
			same = addr_contains(&b->addr, &s->addr) ||
			    addr_contains(&s->addr, &b->addr);
		else if (is_name(s) && is_name(b))
			same = same_name(s, b);
		if (!same)
			continue;
		if (x->found->bans++ < EXPLAIN_BANS)
			tell_ban(x, e);
		else
			x->found->unsaid++;
	}
}

static void
take_counter(const struct search *x, struct jail *j, const struct target *t,
    struct explain_jail *out)
{
	out->waiting = park_has(x->en->park, j, &t->subject);
	out->before = history_count(x->en->history, j->index, &t->subject, x->now_ms);
	/* the history has the present ban as well */
	if (out->before && bans_find(x->en->bans, j, &t->subject))
		out->before--;
	out->counts = track_find(j->track, &t->key, x->now_ms, &out->sum);
	if (out->counts)
		take_lines(x, j, &t->key, out->sum.mark, &out->lines);
}

static enum explain_spared
spared(const struct search *x, struct jail *j, const struct failure *f,
    struct explain_jail *out)
{
	const struct conf_jail *c = j->conf;

	out->entry = allow_has(j->allow, &x->subject->addr, x->subject->text);
	if (out->entry)
		return SPARED_LIST;
	if (jail_ignores(j, f))
		return SPARED_SELF;
	if (c->known_host_ms && known_has_host(x->en->known, f, c->known_host_ms))
		return SPARED_KNOWN_HOST;
	return j->stopped ? SPARED_STOPPED : SPARED_NOT;
}

static void
tell_jail(const struct search *x, struct jail *j)
{
	const struct subject *s = x->subject;
	struct failure f = { .jail = j, .subject = *s, .weight = 1,
		.when_ms = x->now_ms };
	struct explain_jail out = { .jail = j->conf };
	struct target t;

	if (s->kind == SUBJECT_ADDR)
		f.addr = s->addr;
	if (is_name(s))
		f.user = s->text;
	out.spared = spared(x, j, &f, &out);
	out.knows = j->conf->known_ms &&
	    known_has_host(x->en->known, &f, j->conf->known_ms);
	if (target_of(j, &f, &t))
		take_counter(x, j, &t, &out);
	if (out.spared || out.knows || out.waiting || out.before || out.counts)
		x->found->nothing = false;
	x->to->jail(x->to->arg, &out);
}

void
explain(struct engine *en, const struct subject *s, int64_t now_ms,
    const struct explain_to *to, struct explain_found *found)
{
	struct search x = { en, s, now_ms, to, found };

	const char *why = s->kind == SUBJECT_ADDR
	    ? guard_refuses(en->guard, &s->addr, GUARD_AUTO) : NULL;

	*found = (struct explain_found){ .nothing = !why };
	if (why)
		to->guard(to->arg, why);
	tell_bans(&x);
	for (size_t i = 0; i < en->njails; i++)
		tell_jail(&x, &en->jails[i]);
	found->nothing = found->nothing && !found->bans;
}
