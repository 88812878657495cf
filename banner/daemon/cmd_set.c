/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_set.c - set and get with fail2ban's words, and the allow lists.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/core/engine_state.h"
#include "banner/daemon/command.h"
#include "banner/daemon/context.h"
#include "banner/daemon/feed.h"

static void
collect(void *arg, const char *entry)
{
	struct conf_list *l = arg;

	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = entry;
}

/* fail2ban's tree of a list: "|- x" ... "`- y". */
static void
print_list(
    struct request *r, const char *title, const char *empty, const struct conf_list *l)
{
	if (r->form == FORM_JSON) {
		json_open(&r->out, NULL, '[');
		for (size_t i = 0; i < l->n; i++)
			json_text(&r->out, NULL, l->v[i]);
		json_close(&r->out, ']');
		return;
	}
	buf_printf(&r->out, "%s\n", l->n ? title : empty);
	for (size_t i = 0; i < l->n; i++)
		buf_printf(&r->out, "%s%s\n", i + 1 < l->n ? "|- " : "`- ", l->v[i]);
}

static int
show_ignored(struct request *r, struct jail *j)
{
	struct conf_list l = { 0 };

	jail_allow_each(j, collect, &l);
	print_list(r, "These IP addresses/networks are ignored:",
	    "No IP address/network is ignored", &l);
	free(l.v);
	return 0;
}

static int
change_allow(struct request *r, struct jail *j, bool add, char **v)
{
	for (; *v; v++) {
		if (add && jail_allow_add(j, *v, &r->err) < 0) {
			r->code = "refused";
			return -EINVAL;
		}
		if (!add && jail_allow_del(j, *v) < 0)
			return refuse(r, "refused", "%s is not in the list", *v);
	}
	engined_turn(r->d);
	return 0;
}

static struct jail *
find_jail(struct request *r, const char *name)
{
	struct jail *j = engine_jail(r->d->engine, name);

	if (!j)
		refuse(r, "refused", "Sorry but the jail '%s' does not exist", name);
	return j;
}

/* "set JAIL banip A B" is "banip JAIL A B". */
static int
set_bans(struct request *r, int (*run)(struct request *))
{
	char *jail = r->argv[1];

	r->argv[1] = r->argv[2];
	r->argv[2] = jail;
	r->argv++;
	r->argc--;
	int rc = run(r);

	r->argv--;
	return rc;
}

int
cmd_set(struct request *r)
{
	const char *what = r->argc > 2 ? r->argv[2] : "";
	struct jail *j;
	char level[40];

	if (!strcmp(r->argv[1], "loglevel") && r->argc == 3) {
		snprintf(level, sizeof(level), "loglevel %.20s", what);
		if (log_level_parse(what) < 0)
			return refuse(r, "usage", "unknown level \"%.20s\"", what);
		log_set_level((enum log_level)log_level_parse(what));
		r->parent = client_ticket(r->client);
		engined_ask_parent(r->d, r->parent, level, r->who);
		return 0;
	}
	j = find_jail(r, r->argv[1]);
	if (!j)
		return -EINVAL;
	if (r->argc < 4)
		return refuse(r, "usage",
		    "use: set JAIL banip|unbanip|addignoreip|"
		    "delignoreip ADDR...");
	if (!strcmp(what, "banip"))
		return set_bans(r, cmd_banip);
	if (!strcmp(what, "unbanip"))
		return set_bans(r, cmd_unbanip);
	if (!strcmp(what, "addignoreip") || !strcmp(what, "delignoreip")) {
		int rc = change_allow(r, j, what[0] == 'a', r->argv + 3);

		return rc < 0 ? rc : show_ignored(r, j);
	}
	return refuse(r, "refused",
	    "\"%s\" cannot be set while running: change the "
	    "configuration and reload",
	    what);
}

struct banips {
	struct request *r;
	const char *sep;
	bool with_time;
	size_t n;
};

static bool
print_banip(void *arg, const struct ban *ban)
{
	struct banips *b = arg;
	struct buf text = { 0 }, *out = &b->r->out;
	char since[UNITS_TEXT], until[UNITS_TEXT] = "9999-12-31 23:59:59";
	int64_t span = -1;

	subject_text(&ban->subject, &text);
	if (b->r->form == FORM_JSON) {
		json_text(out, NULL, text.p);
	} else if (b->with_time) {
		if (ban->until_ms) {
			units_time(ban->until_ms, until);
			span = (ban->until_ms - ban->since_ms) / MS_PER_S;
		}
		buf_printf(out, "%s \t%s + %lld = %s\n", text.p,
		    units_time(ban->since_ms, since), (long long)span, until);
	} else
		buf_printf(out, "%s%s", b->n ? b->sep : "", text.p);
	b->n++;
	buf_fini(&text);
	return true;
}

static int
get_banip(struct request *r, const char *jail)
{
	struct banips b = { .r = r, .sep = r->argc > 3 ? r->argv[3] : " " };

	b.with_time = !strcmp(b.sep, "--with-time");
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	engine_bans_each(r->d->engine, jail, print_banip, &b);
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	else if (!b.with_time)
		buf_putc(&r->out, '\n');
	return 0;
}

static int
get_banned(struct request *r, const char *jail)
{
	struct subject s;

	if (r->argc == 3)
		return get_banip(r, jail);
	for (size_t i = 3; i < r->argc; i++) {
		if (parse_subject(r->argv[i], &s, &r->err) < 0)
			return refuse(r, "usage", "\"%s\" is no address", r->argv[i]);
		buf_printf(&r->out, "%s%d",
		    i > 3             ? ", "
			: r->argc > 4 ? "["
				      : "",
		    engine_ban_find(r->d->engine, jail, &s) != NULL);
	}
	buf_puts(&r->out, r->argc > 4 ? "]\n" : "\n");
	return 0;
}

static void
add_source(void *arg, struct source *s)
{
	collect(arg, source_name(s));
}

static int
get_logpath(struct request *r, const char *jail)
{
	const struct watch *w = feed_watch_find(r->d->feed, jail);
	struct conf_list l = { 0 };

	if (w)
		feed_sources(r->d->feed, w, add_source, &l);
	print_list(
	    r, "Current monitored log file(s):", "No file is currently monitored", &l);
	free(l.v);
	return 0;
}

static int
get_rules(struct request *r, const struct conf_list *l)
{
	if (r->form == FORM_JSON) {
		print_list(r, "", "", l);
		return 0;
	}
	buf_puts(&r->out,
	    l->n ? "The following regular expression are defined:\n"
		 : "No regular expressions are defined\n");
	for (size_t i = 0; i < l->n; i++)
		buf_printf(
		    &r->out, "%s [%zu]: %s\n", i + 1 < l->n ? "|-" : "`-", i, l->v[i]);
	return 0;
}

static int
get_number(struct request *r, const char *what, const struct conf_jail *c)
{
	if (!strcmp(what, "findtime"))
		buf_printf(&r->out, "%lld\n", (long long)(c->findtime_ms / MS_PER_S));
	else if (!strcmp(what, "bantime"))
		buf_printf(&r->out, "%lld\n",
		    c->bantime_ms < 0 ? -1 : (long long)(c->bantime_ms / MS_PER_S));
	else if (!strcmp(what, "maxretry"))
		buf_printf(&r->out, "%u\n", c->maxretry);
	else if (!strcmp(what, "maxmatches"))
		buf_printf(&r->out, "%u\n", c->maxmatches);
	else if (!strcmp(what, "maxlines"))
		buf_printf(&r->out, "%u\n", c->filter.maxlines);
	else
		buf_printf(&r->out, "%s\n", conf_option(&c->options, what, ""));
	return 0;
}

static int
get_actions(struct request *r, const struct conf_jail *c)
{
	buf_printf(&r->out, "The jail %s has the following actions:\n", c->name);
	for (size_t i = 0; i < c->naction; i++)
		buf_printf(&r->out, "%s%s", i ? ", " : "",
		    r->d->conf->actions[c->action[i]].name);
	buf_putc(&r->out, '\n');
	return 0;
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
		return show_ignored(r, j);
	if (!c)
		return refuse(r, "refused", "jail %s has no options", r->argv[1]);
	if (!strcmp(what, "logpath"))
		return get_logpath(r, r->argv[1]);
	if (!strcmp(what, "failregex"))
		return get_rules(r, &c->filter.failregex);
	if (!strcmp(what, "ignoreregex"))
		return get_rules(r, &c->filter.ignoreregex);
	if (!strcmp(what, "actions"))
		return get_actions(r, c);
	return get_number(r, what, c);
}

int
cmd_get(struct request *r)
{
	struct jail *j;

	if (!strcmp(r->argv[1], "loglevel")) {
		buf_printf(&r->out, "Current logging level is '%s'\n",
		    r->d->conf->daemon.loglevel);
		return 0;
	}
	if (!strcmp(r->argv[1], "logtarget")) {
		buf_printf(&r->out, "Current logging target is:\n`- %s\n",
		    r->d->conf->daemon.log);
		return 0;
	}
	if (r->argc < 3)
		return refuse(r, "usage", "use: get JAIL OPTION");
	j = find_jail(r, r->argv[1]);
	return j ? get_of_jail(r, j, r->argv[2]) : -EINVAL;
}

static int
allow_each_jail(struct request *r, bool add, char *entry)
{
	char *v[] = { entry, NULL };
	size_t found = 0;

	for (size_t i = 0; i < engine_jails(r->d->engine); i++) {
		if (change_allow(r, engine_jail_at(r->d->engine, i), add, v) == 0)
			found++;
		else if (add)
			return -EINVAL;
	}
	if (!found)
		return refuse(r, "refused", "%s is in no list", entry);
	buf_printf(&r->out,
	    "%s %s %zu jails, until the next reload; for good: ignoreip\n", entry,
	    add ? "is ignored in" : "is taken out of", found);
	return 0;
}

int
cmd_allow(struct request *r)
{
	const char *what = r->argv[1];
	struct jail *j;
	int rc;

	if (!strcmp(what, "list")) {
		j = find_jail(r, r->argc > 2 ? r->argv[2] : "manual");
		return j ? show_ignored(r, j) : -EINVAL;
	}
	if ((strcmp(what, "add") && strcmp(what, "del")) || r->argc < 3)
		return refuse(
		    r, "usage", "use: allow list [JAIL] | add|del [JAIL] ENTRY");
	if (!r->may_change)
		return refuse(r, "denied", "%s may not change anything", r->who);
	log_notice("banner.control", "%s: allow %s", r->who, what);
	if (r->argc == 3)
		return allow_each_jail(r, what[0] == 'a', r->argv[2]);
	j = find_jail(r, r->argv[2]);
	if (!j)
		return -EINVAL;
	rc = change_allow(r, j, what[0] == 'a', r->argv + 3);
	return rc < 0 ? rc : show_ignored(r, j);
}
