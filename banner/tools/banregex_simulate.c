/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_simulate.c - who would be banned, and when, with the engine of the daemon.
 *
 * The log is read with the dates of its lines for the clock. Whoever is banned by one
 * of the jails would not have come again: what they do while banned is stopped, and
 * counts for no jail.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "banner/core/engine.h"
#include "banner/core/guard.h"
#include "banner/core/subject.h"
#include "banner/tools/banregex.h"

struct simulation {
	struct trial trial;
	struct conf *conf;
	struct engine *en;
	struct rules **rules;
	size_t nrules;
	int64_t now_ms;			/* of the latest line */
	uint64_t judged_line;		/* of which it is known */
	bool is_stopped;		/* whether it was stopped */
	uint64_t stopped;
};

static void
put_time(struct buf *b, int64_t ms, bool json)
{
	char text[32];
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	if (json) {
		buf_printf(b, "%lld.%03lld", (long long)(ms / 1000),
		    (long long)(ms % 1000));
		return;
	}
	localtime_r(&t, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	buf_puts(b, text);
}

static void
flush(struct buf *b)
{
	buf_putc(b, '\n');
	fwrite(b->p, 1, b->len, stdout);
	buf_fini(b);
}

static void
json_order(const struct simulation *sm, const struct order *o, const char *verb)
{
	struct buf b = { 0 }, who = { 0 };

	subject_put(&who, &o->ban->subject);
	buf_printf(&b, "{\"%s\":", verb);
	buf_json(&b, buf_view(&who));
	buf_puts(&b, ",\"jail\":");
	buf_json(&b, str_of(o->ban->jail));
	buf_puts(&b, ",\"time\":");
	put_time(&b, sm->now_ms, true);
	buf_puts(&b, ",\"until\":");
	put_time(&b, o->ban->until_ms, true);
	buf_printf(&b, ",\"failures\":%u,\"count\":%u,\"line\":%llu}", o->ban->failures,
	    o->ban->count, (unsigned long long)sm->trial.line);
	buf_fini(&who);
	flush(&b);
}

static void
text_order(const struct simulation *sm, const struct order *o, const char *verb)
{
	struct buf b = { 0 };

	put_time(&b, sm->now_ms, false);
	buf_printf(&b, " [%s] %s ", o->ban->jail, verb);
	subject_put(&b, &o->ban->subject);
	if (o->verb != VERB_UNBAN) {
		buf_puts(&b, " until ");
		if (o->ban->until_ms)
			put_time(&b, o->ban->until_ms, false);
		else
			buf_puts(&b, "for ever");
		buf_printf(&b, ", %u failures, line %llu", o->ban->failures,
		    (unsigned long long)sm->trial.line);
	}
	flush(&b);
}

static void
on_order(void *arg, const struct order *o)
{
	static const char *const verbs[] = { [VERB_BAN] = "ban", [VERB_UNBAN] = "unban",
		[VERB_PROLONG] = "prolong" };
	const struct simulation *sm = arg;

	if (sm->trial.o->json)
		json_order(sm, o, verbs[o->verb]);
	else
		text_order(sm, o, verbs[o->verb]);
}

struct search {
	const struct simulation *sm;
	const struct failure *f;
	bool found;
};

/* A jail whose only actions are messages stops nobody. One without any would. */
static bool
only_tells(const struct simulation *sm, const char *name)
{
	const struct conf_jail *c = jail_conf(engine_jail(sm->en, name));

	for (size_t i = 0; c && i < c->naction; i++)
		if (strcmp(sm->conf->actions[c->action[i]].plugin, "mail") != 0)
			return false;
	return c && c->naction > 0;
}

static bool
decides_logins(const struct simulation *sm, const char *name)
{
	const struct conf_jail *c = jail_conf(engine_jail(sm->en, name));

	for (size_t i = 0; c && i < c->naction; i++)
		if (strcmp(sm->conf->actions[c->action[i]].plugin, "login") == 0)
			return true;
	return false;
}

/* As the action login decides: of a banned account some may log in. */
static bool
refuses_login(
    const struct simulation *sm, const struct ban *ban, const struct failure *f)
{
	const struct str *name = &ban->subject.text;

	return f->addr.family && f->user.len == name->len &&
	    strncasecmp(f->user.s, name->s, name->len) == 0 &&
	    decides_logins(sm, ban->jail) &&
	    !engine_ban_spares(sm->en, ban, &f->addr, f->when_ms);
}

static bool
covers(void *arg, const struct ban *ban)
{
	struct search *s = arg;
	const struct subject *who = &ban->subject;

	switch (who->kind) {
	case SUBJECT_ADDR:
		s->found = s->f->addr.family &&
		    addr_contains(&who->addr, &s->f->addr);
		break;
	case SUBJECT_USER:
		s->found = refuses_login(s->sm, ban, s->f);
		break;
	case SUBJECT_ID:
		s->found = s->f->subject.kind == SUBJECT_ID &&
		    str_eq(s->f->subject.text, who->text);
		break;
	case SUBJECT_NONE:
		break;
	}
	s->found = s->found && !only_tells(s->sm, ban->jail);
	return !s->found;
}

/* All jails see a line or none: its own ban does not stop it. */
static void
judge_line(struct simulation *sm, const struct failure *f)
{
	struct search s = { .sm = sm, .f = f };

	engine_bans_each(sm->en, NULL, covers, &s);
	sm->judged_line = sm->trial.line;
	sm->is_stopped = s.found;
	sm->stopped += s.found;
	if (s.found && sm->trial.o->json)
		printf("{\"stopped\":true,\"line\":%llu}\n",
		    (unsigned long long)sm->trial.line);
}

static void
on_failure(struct trial *t, const struct failure *f)
{
	struct simulation *sm = t->report;

	if (f->when_ms > sm->now_ms)
		sm->now_ms = f->when_ms;
	while (engine_expire(sm->en, sm->now_ms) <= sm->now_ms)
		;
	if (sm->judged_line != t->line)
		judge_line(sm, f);
	if (!sm->is_stopped)
		engine_failure(sm->en, f, sm->now_ms);
}

static const struct reporter reporter = { .numbers = true, .failure = on_failure };

static bool
is_asked(struct str list, const char *name)
{
	struct str part;

	if (str_is(list, "all"))
		return true;
	while (list.s && str_cut(&list, ',', &part))
		if (str_is(part, name))
			return true;
	return false;
}

static bool
all_known(const struct conf *c, const char *list, struct err *e)
{
	struct str rest = str_of(list), name;

	while (str_cut(&rest, ',', &name)) {
		size_t i = 0;

		while (i < c->njails && !str_is(name, c->jails[i].name))
			i++;
		if (i == c->njails && !str_is(name, "all")) {
			err_set(e, -EINVAL, "no jail %.*s", (int)name.len, name.s);
			return false;
		}
	}
	return true;
}

/* "all" are those that are on; those that are named are on for this. */
static size_t
choose_jails(struct conf *c, const char *list, struct err *e)
{
	size_t n = 0;

	for (size_t i = 0; i < c->njails; i++) {
		struct conf_jail *j = &c->jails[i];
		bool asked = is_asked(str_of(list), j->name);

		j->enabled = asked && (j->enabled || strcmp(list, "all") != 0);
		if (j->enabled && j->refused) {
			err_set(e, -EINVAL, "jail %s has errors", j->name);
			return 0;
		}
		n += j->enabled;
	}
	if (n == 0 && strcmp(list, "all") == 0)
		err_set(e, -EINVAL, "no jail is enabled");
	return all_known(c, list, e) ? n : 0;
}

static int
read_conf(struct simulation *sm, const struct options *o, struct err *e)
{
	struct conf_request q = { .dir = o->config,
	    .enable_all = strcmp(o->filter, "all") != 0 };
	int rc = conf_read(&q, &sm->conf, e);

	if (rc < 0)
		return rc;
	return choose_jails(sm->conf, o->filter, e) > 0 ? 0 : -EINVAL;
}

static int
add_rules(struct simulation *sm, struct jail *jail, struct err *e)
{
	const struct conf_jail *c = jail_conf(jail);
	const struct rules_options *trial = &sm->trial.rules_options;
	struct rules_options o = {
		.filter = &c->filter,
		.usedns = c->usedns == DNS_YES || c->usedns == DNS_WARN ? DNS_NO
		    : c->usedns,
		.logencoding = trial->logencoding ? trial->logencoding : c->logencoding,
		.logtimezone = trial->logtimezone ? trial->logtimezone : c->logtimezone,
		.trusted = trial->trusted,
		.ntrusted = trial->ntrusted,
		.jail = jail,
		.gains = true,
	};
	struct conf_place at;
	int rc = rules_new(&o, &sm->rules[sm->nrules], e);

	sm->nrules += rc == 0;
	if (rc == 0)
		return 0;
	at = conf_jail_place(c, e);
	return err_prefix(e, rc, "%s:%d: [%s]", at.file, at.line, c->name);
}

/* The rules of all jails, in one match as in the daemon. */
static int
make_match(struct simulation *sm, struct err *e)
{
	size_t n = engine_jails(sm->en);
	int rc = 0;

	sm->rules = xcalloc(n, sizeof(struct rules *));
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct jail *j = engine_jail_at(sm->en, i);
		const struct conf_jail *c = jail_conf(j);

		if (c && (c->filter.failregex.n || c->filter.parser))
			rc = add_rules(sm, j, e);
	}
	if (rc == 0)
		rc = match_new(sm->rules, sm->nrules, &sm->trial.match, e);
	if (rc == 0)
		sm->trial.rules = sm->rules[0];
	return rc;
}

/* As in the daemon: whom we trust is never banned. */
static void
guard_trusted(struct simulation *sm)
{
	const struct rules_options *o = &sm->trial.rules_options;
	struct guard_entry *v = xcalloc(o->ntrusted + 1, sizeof(*v));

	for (size_t i = 0; i < o->ntrusted; i++)
		v[i] = (struct guard_entry){ o->trusted[i], "trusted" };
	guard_set(engine_guard(sm->en), "trusted", v, o->ntrusted);
	free(v);
}

static void
say_ends(const struct simulation *sm, bool json)
{
	for (size_t i = 0; i < engine_jails(sm->en); i++) {
		const char *name = jail_name(engine_jail_at(sm->en, i));
		struct engine_stats st;
		struct buf b = { 0 };

		engine_stats(sm->en, name, &st);
		if (!strcmp(name, "manual"))
			continue;
		buf_printf(&b, json ? "{\"summary\":\"%s\",\"failures\":%llu,"
		    "\"repeats\":%llu,\"ignored\":%llu,\"guarded\":%llu,\"bans\":%llu}"
		    : "[%s] %llu failures, %llu of attempts that were counted already, "
		    "%llu ignored, %llu guarded, %llu bans", name,
		    (unsigned long long)st.failures, (unsigned long long)st.repeats,
		    (unsigned long long)st.ignored, (unsigned long long)st.guarded,
		    (unsigned long long)st.bans);
		flush(&b);
	}
	if (!json)
		printf("%llu lines of those who were banned\n",
		    (unsigned long long)sm->stopped);
}

int
simulate_run(const struct options *o, struct err *e)
{
	struct simulation sm = { .trial = { .o = o, .reporter = &reporter } };
	struct engine_host host = { .arg = &sm, .emit = on_order, .seed = 1 };
	int rc;

	sm.trial.report = &sm;
	rc = log_check(o->log, e);
	if (rc == 0)
		rc = read_conf(&sm, o, e);
	if (rc == 0)
		rc = trial_settings(&sm.trial, sm.conf, e);
	if (rc == 0)
		rc = engine_new(sm.conf, &host, &sm.en, e);
	if (rc == 0) {
		guard_trusted(&sm);
		rc = make_match(&sm, e);
	}
	if (rc == 0)
		rc = trial_read(&sm.trial, o->log, e);
	if (rc == 0)
		say_ends(&sm, o->json);
	match_free(sm.trial.match);
	for (size_t i = 0; i < sm.nrules; i++)
		rules_free(sm.rules[i]);
	free(sm.rules);
	engine_free(sm.en);
	conf_free(sm.conf);
	arena_free(sm.trial.arena);
	return rc < 0 ? 255 : 0;
}
