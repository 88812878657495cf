/* SPDX-License-Identifier: GPL-2.0-or-later
 * sim_do.c - the timed lines of a simulation, and what the engine says to them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/core/guard.h"
#include "sim.h"
#include "test/explained.h"

static void
put_subject(struct buf *b, const struct subject *s)
{
	char text[ADDR_TEXT];

	switch (s->kind) {
	case SUBJECT_ADDR:
		buf_puts(b, addr_print(&s->addr, text));
		break;
	case SUBJECT_USER:
	case SUBJECT_ID:
		buf_puts(b, s->kind == SUBJECT_USER ? "user:" : "id:");
		buf_str(b, s->text);
		break;
	case SUBJECT_NONE:
		buf_puts(b, "total");
		break;
	}
}

static void
put_time(struct buf *b, int64_t ms)
{
	int64_t t = ms - SIM_T0;

	if (t % 1000)
		buf_printf(b, "%.3f", (double)t / 1000);
	else
		buf_printf(b, "%lld", (long long)(t / 1000));
}

static void
on_emit(void *arg, const struct order *o)
{
	static const char *const causes[] = { "failures", "admin", "restore", "expired",
		"evicted", "blocklist", "guard", "config" };
	static const char *const verbs[] = { "ban", "unban", "prolong" };
	struct sim *sim = arg;
	struct buf *b = &sim->out;

	buf_printf(b, "%s %s ", verbs[o->verb], o->ban->jail);
	put_subject(b, &o->ban->subject);
	if (o->verb != VERB_UNBAN) {
		buf_puts(b, " until ");
		if (o->ban->until_ms)
			put_time(b, o->ban->until_ms);
		else
			buf_puts(b, "ever");
	}
	buf_printf(b, " %s", causes[o->cause]);
	if (o->verb == VERB_BAN && o->cause == CAUSE_FAILURES)
		buf_printf(b, " %u count %u", o->ban->failures, o->ban->count);
	for (size_t i = 0; i < o->nlines; i++)
		buf_printf(b, " [%.*s]", (int)o->lines[i].len, o->lines[i].s);
	buf_putc(b, '\n');
	sim_store_order(sim, o);
}

static void
on_notice(void *arg, const struct notice *n)
{
	static const char *const events[] = { "found", "already", "ignored", "guarded",
		"cap", "rate", "leak" };
	struct sim *sim = arg;

	if (n->event == EVENT_FOUND)
		return;
	buf_printf(&sim->out, "%s %s%s%s\n", events[n->event], n->jail,
	    *n->jail && *n->text ? " " : "", n->text);
}

static void
on_ask(void *arg, const struct question *q)
{
	struct sim *sim = arg;

	sim->ticket = q->ticket;
	buf_printf(&sim->out, "ask %s names=%s command=%s\n", q->jail, q->names,
	    q->command ? q->command : "");
}

void
sim_init(struct sim *sim)
{
	memset(sim, 0, sizeof(*sim));
	sim->arena = arena_new();
	sim->conf.jails = sim->jails;
	sim->now_ms = SIM_T0;
	sim->host = (struct engine_host){ .arg = sim, .emit = on_emit,
	    .notice = on_notice, .ask = on_ask, .seed = 1 };
	sim_store_init(sim);
}

void
sim_fini(struct sim *sim)
{
	engine_free(sim->en);
	sim_store_fini(sim);
	buf_fini(&sim->out);
	arena_free(sim->arena);
}

void
sim_start(struct sim *sim)
{
	struct err e;

	if (!sim->en && engine_new(&sim->conf, &sim->host, &sim->en, &e) < 0) {
		fprintf(stderr, "simrun: %s\n", e.text);
		exit(1);
	}
}

int
sim_subject(struct str s, struct subject *out, struct err *e)
{
	*out = (struct subject){ .kind = SUBJECT_ADDR };
	if (str_starts(s, "user:") || str_starts(s, "id:")) {
		size_t n = s.s[0] == 'u' ? 5 : 3;

		out->kind = n == 5 ? SUBJECT_USER : SUBJECT_ID;
		out->text = (struct str){ s.s + n, s.len - n };
		return 0;
	}
	if (str_is(s, "-")) {
		out->kind = SUBJECT_NONE;
		return 0;
	}
	if (addr_parse_prefix(s, &out->addr) < 0)
		return err_set(e, -EINVAL, "no subject: %.*s", (int)s.len, s.s);
	return 0;
}

/* Everything a timed line can say, whichever words follow its verb. */
struct words {
	struct subject subject;
	struct jail *jail;
	const char *jail_name;		/* NULL: not given */
	struct failure failure;
	struct str line;
	int64_t until_ms;		/* -1: not given */
	struct str bare[32];		/* words without a value */
	size_t nbare;
};

static int
word_failure(struct sim *sim, struct words *w, const struct sim_word *sw, struct err *e)
{
	struct failure *f = &w->failure;
	uint64_t v;
	int rc;

	if (str_is(sw->name, "user")) {
		f->user = sw->value;
	} else if (str_is(sw->name, "line")) {
		w->line = sw->value;
		f->lines = &w->line;
		f->nlines = 1;
	} else if (str_is(sw->name, "key")) {
		f->attempt.exact.part[0] = sw->value;
	} else if (str_is(sw->name, "kind")) {
		f->attempt.exact.kind = sw->value;
	} else if (str_is(sw->name, "weight")) {
		rc = str_u64(sw->value, &v);
		f->weight = (unsigned)v;
		return rc;
	} else if (str_is(sw->name, "at")) {
		rc = sim_ms(sw->value, &f->when_ms, e);
		f->when_ms += SIM_T0;
		return rc;
	} else {
		return err_set(e, -EINVAL, "unknown word %.*s", (int)sw->name.len,
		    sw->name.s);
	}
	return 0;
}

static int
word_take(struct sim *sim, struct words *w, const struct sim_word *sw, struct err *e)
{
	int64_t ms;

	if (!sw->value.s) {
		if (w->nbare == 0 && sim_subject(sw->name, &w->subject, NULL) == 0)
			w->failure.subject = w->subject;
		if (w->nbare < 32)
			w->bare[w->nbare++] = sw->name;
		return 0;
	}
	if (str_is(sw->name, "jail")) {
		w->jail_name = arena_dup(sim->arena, sw->value);
		w->jail = engine_jail(sim->en, w->jail_name);
		return w->jail ? 0 : err_set(e, -EINVAL, "no such jail");
	}
	if (str_is(sw->name, "for")) {
		if (str_is(sw->value, "ever")) {
			w->until_ms = 0;
			return 0;
		}
		if (sim_ms(sw->value, &ms, e) < 0)
			return -EINVAL;
		w->until_ms = sim->now_ms + ms;
		return 0;
	}
	return word_failure(sim, w, sw, e);
}

static int
do_fail(struct sim *sim, struct words *w, struct err *e)
{
	struct failure *f = &w->failure;

	f->jail = w->jail;
	if (f->subject.kind == SUBJECT_ADDR)
		f->addr = f->subject.addr;
	engine_failure(sim->en, f, sim->now_ms);
	return 0;
}

static int
do_login(struct sim *sim, struct words *w, struct err *e)
{
	w->failure.gained = true;
	return do_fail(sim, w, e);
}

static int
do_ban(struct sim *sim, struct words *w, struct err *e)
{
	struct ban_request r = { .jail = w->jail_name, .subject = w->subject,
	    .now_ms = sim->now_ms, .until_ms = w->until_ms, .cause = CAUSE_ADMIN };
	const struct ban *ban;
	struct err why;
	int rc = engine_ban(sim->en, &r, &ban, &why);

	if (rc == -EEXIST)
		buf_puts(&sim->out, "exists\n");
	else if (rc < 0)
		buf_printf(&sim->out, "refused %s\n", why.text);
	return 0;
}

static int
do_unban(struct sim *sim, struct words *w, struct err *e)
{
	bool all = w->nbare == 0;
	size_t n = engine_unban(sim->en, w->jail_name, all ? NULL : &w->subject,
	    CAUSE_ADMIN, sim->now_ms);

	buf_printf(&sim->out, "unbanned %zu\n", n);
	return 0;
}

static int
do_guard(struct sim *sim, struct words *w, struct err *e)
{
	struct guard_entry v[32];
	size_t n = 0;
	char *group = w->nbare ? arena_dup(sim->arena, w->bare[0]) : NULL;

	if (!group)
		return err_set(e, -EINVAL, "guard GROUP [NET...]");
	for (size_t i = 1; i < w->nbare; i++) {
		v[n].reason = group;
		if (addr_parse_prefix(w->bare[i], &v[n++].net) < 0)
			return err_set(e, -EINVAL, "no network");
	}
	guard_set(engine_guard(sim->en), group, v, n);
	engine_guard_changed(sim->en, sim->now_ms);
	return 0;
}

static int
do_allow(struct sim *sim, struct words *w, struct err *e)
{
	for (size_t i = 0; i < w->nbare; i++) {
		char *entry = arena_dup(sim->arena, w->bare[i]);
		int rc = entry[0] == '-' ? jail_allow_del(w->jail, entry + 1)
		    : jail_allow_add(w->jail, entry, e);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
do_answer(struct sim *sim, struct words *w, struct err *e)
{
	engine_answer(sim->en, sim->ticket, w->nbare && str_is(w->bare[0], "ignore"),
	    sim->now_ms);
	return 0;
}

static int
do_step(struct sim *sim, struct words *w, struct err *e)
{
	int64_t delta;

	if (!w->nbare || sim_ms(w->bare[0], &delta, e) < 0)
		return err_set(e, -EINVAL, "step SECONDS");
	engine_step(sim->en, delta);
	sim->now_ms += delta;
	return 0;
}

static int
do_restart(struct sim *sim, struct words *w, struct err *e)
{
	sim_restart(sim);
	return 0;
}

static int
do_applied(struct sim *sim, struct words *w, struct err *e)
{
	const struct ban *b = engine_ban_find(sim->en, jail_name(w->jail), &w->subject);

	if (!b)
		return err_set(e, -EINVAL, "not banned");
	engine_applied(sim->en, b->id, sim->now_ms);
	return 0;
}

static int
do_explain(struct sim *sim, struct words *w, struct err *e)
{
	engine_explain(sim->en, &w->subject, sim->now_ms, &sim->out);
	return 0;
}

static int
do_blocklist(struct sim *sim, struct words *w, struct err *e)
{
	struct addr v[32];
	size_t n = 0, refused;

	for (size_t i = 0; i < w->nbare; i++)
		if (addr_parse_prefix(w->bare[i], &v[n++]) < 0)
			return err_set(e, -EINVAL, "no network");
	refused = engine_blocklist_set(sim->en, w->jail, v, n, sim->now_ms);
	if (refused)
		buf_printf(&sim->out, "refused %zu\n", refused);
	return 0;
}

static int
do_stats(struct sim *sim, struct words *w, struct err *e)
{
	struct engine_stats s;

	engine_stats(sim->en, w->jail_name, &s);
	buf_printf(&sim->out, "banned %zu tracked %zu evicted %llu\n", s.banned_now,
	    s.tracked_now, (unsigned long long)s.evicted_keys);
	return 0;
}

static int
do_wait(struct sim *sim, struct words *w, struct err *e)
{
	return 0;
}

static const struct verb_row {
	const char *name;
	int (*fn)(struct sim *, struct words *, struct err *);
} table_of_verbs[] = {
	{ "fail", do_fail }, { "ban", do_ban }, { "unban", do_unban },
	{ "guard", do_guard }, { "allow", do_allow }, { "answer", do_answer },
	{ "step", do_step }, { "restart", do_restart }, { "applied", do_applied },
	{ "explain", do_explain }, { "blocklist", do_blocklist }, { "stats", do_stats },
	{ "wait", do_wait }, { "login", do_login },
};

/* Let the clock run: every end of a ban at its own moment. */
static void
advance(struct sim *sim, int64_t to_ms)
{
	int64_t next;

	while ((next = engine_expire(sim->en, sim->now_ms)) <= to_ms)
		sim->now_ms = next;
	sim->now_ms = to_ms;
	engine_expire(sim->en, to_ms);
}

static int
timed_line(struct sim *sim, struct str line, struct err *e)
{
	struct words w = { .until_ms = -1, .failure = { .weight = 1 } };
	struct sim_word sw;
	struct str verb;
	int64_t t;
	int rc = 0;

	if (!sim_word(&line, &sw) || sim_ms(sw.name, &t, e) < 0)
		return err_set(e, -EINVAL, "a line begins with its time");
	sim_start(sim);
	advance(sim, SIM_T0 + t);
	w.failure.when_ms = sim->now_ms;
	w.jail = engine_jail_at(sim->en, 0);
	if (!sim_word(&line, &sw))
		return err_set(e, -EINVAL, "no verb");
	verb = sw.name;
	while (rc == 0 && sim_word(&line, &sw))
		rc = word_take(sim, &w, &sw, e);
	for (size_t i = 0; i < sizeof(table_of_verbs) / sizeof(*table_of_verbs); i++)
		if (rc == 0 && str_is(verb, table_of_verbs[i].name)) {
			rc = table_of_verbs[i].fn(sim, &w, e);
			sim_store_counters(sim);
			return rc;
		}
	return rc ? rc
		  : err_set(e, -EINVAL, "unknown verb %.*s", (int)verb.len, verb.s);
}

int
sim_line(struct sim *sim, char *line, struct err *e)
{
	struct str s = str_trim(str_of(line));
	int rc = s.len && s.s[0] != '#' ? sim_conf_line(sim, s, e) : 0;

	return rc == -ENOENT ? timed_line(sim, s, e) : rc;
}
