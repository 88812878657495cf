/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_get.c - get, in fail2ban's words and shapes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/core/engine_state.h"
#include "banner/core/pattern.h"
#include "banner/core/subject.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/feed.h"

/* dbmaxmatches: fail2ban's word for the evidence of one ban. */
enum { EVIDENCE_LINES = 10 };

struct banips {
	struct request *r;
	const char *sep, *quote;
	bool with_time;
	size_t n;
};

static void
put_banip_time(struct buf *out, const struct ban *ban, const char *subject)
{
	char since[UNITS_TEXT], until[UNITS_TEXT] = "9999-12-31 23:59:59";
	int64_t span = -1;

	if (ban->until_ms) {
		units_time(ban->until_ms, until);
		span = ban->until_ms / MS_PER_S - ban->since_ms / MS_PER_S;
	}
	buf_printf(out, "%s \t%s + %lld = %s\n", subject,
	    units_time(ban->since_ms, since), (long long)span, until);
}

static bool
put_banip(void *arg, const struct ban *ban)
{
	struct banips *b = arg;
	struct buf text = { 0 }, *out = &b->r->out;

	subject_text(&ban->subject, &text);
	if (b->r->form == FORM_JSON)
		json_text(out, NULL, text.p);
	else if (b->with_time)
		put_banip_time(out, ban, text.p);
	else
		buf_printf(out, "%s%s%s%s", b->n ? b->sep : "", b->quote, text.p,
		    b->quote);
	b->n++;
	buf_fini(&text);
	return true;
}

struct by_end {
	const struct ban **v;
	size_t n;
};

static bool
collect_ban(void *arg, const struct ban *ban)
{
	struct by_end *l = arg;

	if (!(l->n & (l->n + 1)))
		l->v = xrealloc(l->v, (2 * l->n + 2) * sizeof(const struct ban *));
	l->v[l->n++] = ban;
	return true;
}

static int
ends_first(const void *a, const void *b)
{
	const struct ban *x = *(const struct ban *const *)a;
	const struct ban *y = *(const struct ban *const *)b;
	int64_t ex = x->until_ms ? x->until_ms : INT64_MAX;
	int64_t ey = y->until_ms ? y->until_ms : INT64_MAX;

	return ex != ey ? (ex > ey) - (ex < ey) : (x->id > y->id) - (x->id < y->id);
}

static int
get_banip(struct request *r, const char *jail)
{
	struct banips b = { .r = r, .sep = r->argc > 3 ? r->argv[3] : " ",
		.quote = "" };
	struct by_end l = { 0 };

	b.with_time = !strcmp(b.sep, "--with-time");
	engine_bans_each(r->d->engine, jail, collect_ban, &l);
	if (l.n)
		qsort(l.v, l.n, sizeof(const struct ban *), ends_first);
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	for (size_t i = 0; i < l.n; i++)
		put_banip(&b, l.v[i]);
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	else if (!b.with_time || !b.n)
		buf_putc(&r->out, '\n');
	free(l.v);
	return 0;
}

static void
get_all_banned(struct request *r, const char *jail)
{
	struct banips b = { .r = r, .sep = ", ", .quote = "'" };

	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	else
		buf_putc(&r->out, '[');
	engine_bans_each(r->d->engine, jail, put_banip, &b);
	buf_puts(&r->out, r->form == FORM_JSON ? "]" : "]\n");
}

static int
get_banned(struct request *r, const char *jail)
{
	struct subject s;

	if (r->argc == 3) {
		get_all_banned(r, jail);
		return 0;
	}
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	for (size_t i = 3; i < r->argc; i++) {
		bool is;

		if (parse_subject(r->argv[i], &s, &r->err) < 0)
			return refuse(r, "usage", "\"%s\" is no address", r->argv[i]);
		is = engine_ban_find(r->d->engine, jail, &s) != NULL;
		if (r->form == FORM_JSON)
			json_bool(&r->out, NULL, is);
		else
			buf_printf(&r->out, "%s%d",
			    i > 3             ? ", "
				: r->argc > 4 ? "["
					      : "", is);
	}
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	else
		buf_puts(&r->out, r->argc > 4 ? "]\n" : "\n");
	return 0;
}

static void
add_source(void *arg, struct source *s)
{
	if (strncmp(source_name(s), "journal:", 8) != 0)
		entry_add(arg, source_name(s));
}

static int
get_logpath(struct request *r, const char *jail)
{
	const struct watch *w = feed_watch_find(r->d->feed, jail);
	struct conf_list l = { 0 };

	if (w)
		feed_sources(r->d->feed, w, add_source, &l);
	entry_list(
	    r, "Current monitored log file(s):", "No file is currently monitored", &l);
	free(l.v);
	return 0;
}

/* People see the rules as they are written, fail2ban's dialect as they are compiled. */
static void
put_rule(struct request *r, const struct conf_jail *c, const char *regex)
{
	unsigned flags = c->usedns == DNS_NO ? PATTERN_NO_DNS : 0;

	if (r->form != FORM_F2B ||
	    pattern_expanded(regex, flags, &r->out, &r->err) < 0)
		buf_puts(&r->out, regex);
	buf_putc(&r->out, '\n');
}

static int
get_rules(struct request *r, const struct conf_jail *c, const struct conf_list *l)
{
	if (r->form == FORM_JSON) {
		entry_list(r, "", "", l);
		return 0;
	}
	buf_puts(&r->out,
	    l->n ? "The following regular expression are defined:\n"
		 : "No regular expression is defined\n");
	for (size_t i = 0; i < l->n; i++) {
		buf_printf(&r->out, "%s [%zu]: ", i + 1 < l->n ? "|-" : "`-", i);
		put_rule(r, c, l->v[i]);
	}
	return 0;
}

static int
get_actions(struct request *r, const struct conf_jail *c)
{
	if (r->form == FORM_JSON) {
		json_open(&r->out, NULL, '[');
		for (size_t i = 0; i < c->naction; i++)
			json_text(&r->out, NULL,
			    r->d->conf->actions[c->action[i]].name);
		json_close(&r->out, ']');
		return 0;
	}
	if (!c->naction)
		buf_printf(&r->out, "No actions for jail %s", c->name);
	else
		buf_printf(
		    &r->out, "The jail %s has the following actions:\n", c->name);
	for (size_t i = 0; i < c->naction; i++)
		buf_printf(&r->out, "%s%s", i ? ", " : "",
		    r->d->conf->actions[c->action[i]].name);
	buf_putc(&r->out, '\n');
	return 0;
}

static const char *
python_bool(bool yes)
{
	return yes ? "True" : "False";
}

static int
get_dates(struct request *r, const struct conf_jail *c)
{
	const struct conf_list *l = &c->filter.datepattern;

	if (r->form == FORM_JSON) {
		entry_list(r, "", "", l);
		return 0;
	}
	buf_puts(&r->out, "Current date pattern set to: ");
	if (c->backend == BACKEND_JOURNAL)
		buf_puts(&r->out, "Not set/required");
	else if (!l->n)
		buf_puts(&r->out, "Default Detectors");
	for (size_t i = 0; i < l->n && c->backend != BACKEND_JOURNAL; i++)
		buf_printf(&r->out, "%s%s", i ? "\n" : "", l->v[i]);
	buf_putc(&r->out, '\n');
	return 0;
}

static int
get_journalmatch(struct request *r, const struct conf_jail *c)
{
	const struct conf_list *l = &c->filter.journalmatch;

	if (r->form == FORM_JSON) {
		entry_list(r, "", "", l);
		return 0;
	}
	if (c->backend != BACKEND_JOURNAL || !l->n)
		buf_puts(&r->out, "No journal match filter set");
	else
		buf_puts(&r->out, "Current match filter:\n");
	for (size_t i = 0; i < l->n && c->backend == BACKEND_JOURNAL; i++)
		buf_printf(&r->out, "%s%s", i ? " + " : "", l->v[i]);
	buf_putc(&r->out, '\n');
	return 0;
}

/* Numbers and words, one per line of the table. False: no such name. */
static bool
put_limit(struct buf *out, const char *what, const struct conf_jail *c)
{
	static const char *const dns[] = { [DNS_NO] = "no", [DNS_WARN] = "warn",
		[DNS_YES] = "yes", [DNS_RAW] = "raw" };
	long long ban = c->bantime_ms < 0 ? -1 : c->bantime_ms / MS_PER_S;

	if (!strcmp(what, "findtime"))
		buf_printf(out, "%lld", (long long)(c->findtime_ms / MS_PER_S));
	else if (!strcmp(what, "bantime"))
		buf_printf(out, "%lld", ban);
	else if (!strcmp(what, "maxretry"))
		buf_printf(out, "%u", c->maxretry);
	else if (!strcmp(what, "maxmatches"))
		buf_printf(out, "%u", c->maxmatches);
	else if (!strcmp(what, "maxlines"))
		buf_printf(out, "%u", c->filter.maxlines);
	else if (!strcmp(what, "usedns"))
		buf_puts(out, dns[c->usedns]);
	else if (!strcmp(what, "ignoreself"))
		buf_puts(out, python_bool(c->ignoreself));
	else if (!strcmp(what, "prefregex"))
		buf_puts(out, c->filter.prefregex ? c->filter.prefregex : "");
	else
		return false;
	return true;
}

/* What fail2ban calls None or False when it is not set. */
static bool
put_optional(struct buf *out, const char *what, const struct conf_jail *c)
{
	const char *v;

	if (!strcmp(what, "ignorecommand")) {
		v = conf_option(&c->options, what, NULL);
		buf_puts(out, c->ignorecommand ? c->ignorecommand : v ? v : "False");
	} else if (!strcmp(what, "ignorecache")) {
		buf_puts(out, c->ignorecache ? c->ignorecache : "None");
	} else if (!strcmp(what, "logtimezone")) {
		buf_puts(out, c->logtimezone ? c->logtimezone : "None");
	} else if (!strcmp(what, "logencoding")) {
		v = !c->logencoding || !strcmp(c->logencoding, "auto") ? "UTF-8"
								       : c->logencoding;
		buf_printf(out, "Current log encoding is set to:\n%s", v);
	} else if (!strcmp(what, "bantime.increment")) {
		v = conf_option(&c->options, what, NULL);
		buf_puts(out, v ? python_bool(c->increment.on) : "None");
	} else if (!strncmp(what, "bantime.", 8)) {
		buf_puts(out, conf_option(&c->options, what, "None"));
	} else {
		v = conf_option(&c->options, what, NULL);
		if (!v)
			return false;
		buf_puts(out, v);
	}
	return true;
}

static int
get_option(struct request *r, const char *what, const struct conf_jail *c)
{
	struct buf text = { 0 };
	bool known;

	if (r->form == FORM_JSON) {
		known = get_json_option(&r->out, what, c);
	} else {
		known = put_limit(&text, what, c) || put_optional(&text, what, c);
		if (known)
			buf_printf(&r->out, "%s\n", text.p ? text.p : "");
		buf_fini(&text);
	}
	if (known)
		return 0;
	if (r->form != FORM_F2B)
		return refuse_word(r, "refused",
		    (struct mistake){ "option", what, gettable });
	return refuse(r, "refused",
	    "Invalid command (no get action or not yet implemented)");
}

static int
get_of_jail(struct request *r, struct jail *j, const char *what)
{
	const struct conf_jail *c = jail_conf(j);

	if (!strcmp(what, "banip"))
		return get_banip(r, r->argv[1]);
	if (!strcmp(what, "banned"))
		return get_banned(r, r->argv[1]);
	if (!strcmp(what, "ignoreip"))
		return allow_show(r, j);
	if (!c)
		return refuse(r, "refused", "jail %s has no options", r->argv[1]);
	if (!strcmp(what, "logpath"))
		return get_logpath(r, r->argv[1]);
	if (!strcmp(what, "failregex"))
		return get_rules(r, c, &c->filter.failregex);
	if (!strcmp(what, "ignoreregex"))
		return get_rules(r, c, &c->filter.ignoreregex);
	if (!strcmp(what, "actions"))
		return get_actions(r, c);
	if (!strcmp(what, "datepattern"))
		return get_dates(r, c);
	if (!strcmp(what, "journalmatch"))
		return get_journalmatch(r, c);
	return get_option(r, what, c);
}

/* The daemon's own settings. False: no such name. */
static bool
put_daemon(struct request *r, const char *what)
{
	const struct conf_daemon *d = &r->d->conf->daemon;
	struct buf *out = &r->out;

	if (!strcmp(what, "loglevel"))
		buf_printf(out, "Current logging level is '%s'\n",
		    log_level_name(log_level()));
	else if (!strcmp(what, "logtarget"))
		buf_printf(out, "Current logging target is:\n`- %s\n", d->log);
	else if (!strcmp(what, "syslogsocket"))
		buf_puts(out, "Current syslog socket is:\n`- auto\n");
	else if (!strcmp(what, "dbfile"))
		buf_printf(
		    out, "Current database file is:\n`- %s/banner.sqlite3\n", d->state);
	else if (!strcmp(what, "dbpurgeage"))
		buf_printf(out, "Current database purge age is:\n`- %lldseconds\n",
		    (long long)(d->purge_age_ms / MS_PER_S));
	else if (!strcmp(what, "dbmaxmatches"))
		buf_printf(out, "%d\n", EVIDENCE_LINES);
	else
		return false;
	return true;
}

int
cmd_get(struct request *r)
{
	struct jail *j;

	if (r->form == FORM_JSON ? get_json_daemon(r, r->argv[1])
	    : put_daemon(r, r->argv[1]))
		return 0;
	if (r->argc < 3)
		return refuse(r, "usage",
		    r->form == FORM_F2B ? "Sorry but the command is invalid"
					: "use: get JAIL OPTION");
	j = jail_wanted(r, r->argv[1]);
	return j ? get_of_jail(r, j, r->argv[2]) : -EINVAL;
}
