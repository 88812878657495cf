/* SPDX-License-Identifier: GPL-2.0-or-later
 * explain.c - why is this subject banned, or why not?
 */
#include <string.h>

#include "banner/base/buf.h"
#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/allow.h"
#include "banner/core/bans.h"
#include "banner/core/engine.h"
#include "banner/core/evidence.h"
#include "banner/core/guard.h"
#include "banner/core/history.h"
#include "banner/core/inside.h"
#include "banner/core/park.h"

enum { LINES_SHOWN = 10, LINE_SHOWN = 300 };

struct explain {
	struct engine *en;
	const struct subject *subject;
	int64_t now_ms;
	struct buf *out;
};

static void
put_subject(struct buf *out, const struct subject *s)
{
	char text[ADDR_TEXT];

	switch (s->kind) {
	case SUBJECT_ADDR:
		buf_puts(out, addr_print(&s->addr, text));
		break;
	case SUBJECT_USER:
		buf_puts(out, "user ");
		buf_safe(out, s->text, SUBJECT_TEXT);
		break;
	case SUBJECT_ID:
		buf_puts(out, "id ");
		buf_safe(out, s->text, SUBJECT_TEXT);
		break;
	case SUBJECT_NONE:
		buf_puts(out, "everyone");
		break;
	}
}

static void
put_evidence(const struct explain *x, const struct jail *j, const struct track_key *key,
    uint32_t mark)
{
	struct evidence_owner who = { .jail = j->index, .key = *key };
	struct str lines[LINES_SHOWN];
	size_t n = evidence_get(x->en->evidence, &who, mark, lines, LINES_SHOWN);

	for (size_t i = 0; i < n; i++) {
		buf_printf(x->out, "%s: line: ", j->conf->name);
		buf_safe(x->out, lines[i], LINE_SHOWN);
		buf_putc(x->out, '\n');
	}
}

static void
put_ban(const struct explain *x, const struct ban_entry *e)
{
	const struct ban *b = &e->ban;
	char t1[UNITS_TEXT], t2[UNITS_TEXT];

	buf_printf(x->out, "%s: banned: ", b->jail);
	put_subject(x->out, &b->subject);
	buf_printf(x->out, " since %s", units_time(b->since_ms, t1));
	if (b->until_ms)
		buf_printf(x->out, " until %s (%s left)", units_time(b->until_ms, t1),
		    units_duration(b->until_ms - x->now_ms, t2));
	else
		buf_puts(x->out, " for ever");
	if (b->manual)
		buf_puts(x->out, ", by an administrator");
	else if (b->failures)
		buf_printf(x->out, ", after %u failures", b->failures);
	buf_printf(x->out, ", ban %u here%s\n", b->count,
	    b->restored ? ", restored from before a restart" : "");
	if (b->comment) {
		buf_printf(x->out, "%s: comment: ", b->jail);
		buf_safe(x->out, str_of(b->comment), LINE_SHOWN);
		buf_putc(x->out, '\n');
	}
	if (e->hits)
		buf_printf(x->out, "%s: %u failures while banned, %u of them after the "
		    "ban was in force%s\n", b->jail, e->hits, e->leaks,
		    e->leaks ? ": it does not hold" : "");
	if (e->mark)
		put_evidence(x, e->jail, &e->key, e->mark);
}

/* Bans of exactly this subject, and of networks around it. */
static size_t
put_bans(const struct explain *x)
{
	const struct subject *s = x->subject;
	size_t n = 0;

	for (size_t i = 0; i < x->en->bans->n; i++) {
		const struct ban_entry *e = x->en->bans->v[i];
		const struct subject *b = &e->ban.subject;
		bool same = b->kind == s->kind;

		if (same && s->kind == SUBJECT_ADDR)
			same = addr_contains(&b->addr, &s->addr);
		else if (same)
			same = str_eq(b->text, s->text);
		if (!same)
			continue;
		put_ban(x, e);
		n++;
	}
	return n;
}

static const char *
count_word(enum conf_count count)
{
	switch (count) {
	case COUNT_HOST:
		return "";
	case COUNT_USER:
		return " of the user";
	case COUNT_HOST_USER:
		return " of this host without a user name";
	case COUNT_NET:
		return " of its network";
	case COUNT_TOTAL:
		return " of everyone";
	}
	return "";
}

static const char *
distinct_word(char distinct)
{
	return distinct == 'u' ? "users" : distinct == 'h' ? "hosts" : "failures";
}

static void
put_counter(const struct explain *x, struct jail *j, const struct target *t)
{
	const struct conf_jail *c = j->conf;
	struct track_sum sum;
	char t1[UNITS_TEXT], t2[UNITS_TEXT];
	unsigned before;

	if (park_has(x->en->park, j, &t->subject))
		buf_printf(x->out,
		    "%s: the limit is reached; waiting for the answer of "
		    "ignoreip names or ignorecommand\n",
		    c->name);
	before = history_count(x->en->history, j->index, &t->subject, x->now_ms);
	/* the history has the present ban as well */
	if (before && bans_find(x->en->bans, j, &t->subject))
		before--;
	if (before)
		buf_printf(x->out, "%s: banned %u time%s before\n", c->name, before,
		    before == 1 ? "" : "s");
	if (!track_find(j->track, &t->key, x->now_ms, &sum))
		return;
	buf_printf(x->out, "%s: %u of %u %s%s within %s", c->name, sum.count,
	    c->maxretry, distinct_word(c->distinct),
	    count_word(c->count), units_duration(c->findtime_ms, t1));
	buf_printf(x->out, ", the last at %s", units_time(sum.newest_ms, t1));
	if (sum.count)
		buf_printf(x->out, "; they stop counting from %s",
		    units_time(sum.first_ms + c->findtime_ms, t2));
	buf_putc(x->out, '\n');
	put_evidence(x, j, &t->key, sum.mark);
}

static void
put_jail(const struct explain *x, struct jail *j)
{
	const struct subject *s = x->subject;
	struct failure f = { .jail = j, .subject = *s, .weight = 1 };
	struct target t;
	const char *why;

	if (s->kind == SUBJECT_ADDR)
		f.addr = s->addr;
	if (s->kind == SUBJECT_USER)
		f.user = s->text;
	why = allow_has(j->allow, &s->addr, s->text);
	if (why) {
		buf_printf(x->out, "%s: never counted: ignoreip has ", j->conf->name);
		buf_safe(x->out, str_of(why), SUBJECT_TEXT);
		buf_putc(x->out, '\n');
	} else if (jail_ignores(j, &f)) {
		buf_printf(x->out, "%s: never counted: own address (ignoreself)\n",
		    j->conf->name);
	}
	if (target_of(j, &f, &t))
		put_counter(x, j, &t);
}

void
engine_explain(const struct engine *en, const struct subject *s, int64_t now_ms,
    struct buf *out)
{
	/* Looking something up may sort a list or drop what is outdated. */
	struct explain x = { .en = (struct engine *)(uintptr_t)en, .subject = s,
	    .now_ms = now_ms, .out = out };
	const char *why = NULL;
	size_t from, n;

	if (s->kind == SUBJECT_ADDR)
		why = guard_refuses(en->guard, &s->addr, GUARD_AUTO);
	if (why)
		buf_printf(out, "never banned: %s\n", why);
	n = put_bans(&x);
	from = out->len;
	for (size_t i = 0; i < en->njails; i++)
		put_jail(&x, &x.en->jails[i]);
	if (n == 0 && !why && out->len == from)
		buf_puts(out, "not banned: no failures known in any jail\n");
}
