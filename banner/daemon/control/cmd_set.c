/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_set.c - set and get with fail2ban's words, and the allow lists.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/engine_state.h"
#include "banner/core/runtime.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/ask.h"
#include "banner/daemon/engine/context.h"

void
entry_add(void *arg, const char *entry)
{
	struct conf_list *l = arg;

	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = entry;
}

/* "|- x" ... "`- y". */
void
entry_list(
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

/* As fail2ban shows them: the prefix as a prefix, networks before single addresses. */
static void
add_canonical(struct conf_list *l, const char *entry, bool nets)
{
	char text[ADDR_TEXT];
	struct addr a;
	bool is_addr = addr_parse_prefix(str_of(entry), &a) == 0;

	if (nets == (is_addr && addr_is_single(&a)))
		return;
	if (is_addr)
		addr_print(&a, text);
	entry_add(l, xstrdup(is_addr ? text : entry));
}

int
allow_show(struct request *r, struct jail *j)
{
	struct conf_list raw = { 0 }, l = { 0 };

	jail_allow_each(j, entry_add, &raw);
	for (int nets = 1; nets >= 0; nets--)
		for (size_t i = 0; i < raw.n; i++)
			add_canonical(&l, raw.v[i], nets);
	entry_list(r, "These IP addresses/networks are ignored:",
	    "No IP address/network is ignored", &l);
	for (size_t i = 0; i < l.n; i++)
		free((char *)(uintptr_t)l.v[i]);
	free(l.v);
	free(raw.v);
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
		if (add)
			ask_entry(r->d->ask, *v);
		else if (jail_allow_del(j, *v) < 0)
			return refuse(r, "refused",
			    r->form == FORM_F2B ? "list.remove(x): x not in list"
						: "%s is not in the list", *v);
	}
	engined_turn(r->d);
	return 0;
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

static int
set_loglevel(struct request *r, const char *level)
{
	char request[40];

	if (log_level_parse(level) < 0)
		return refuse(r, "usage", "Invalid log level '%.20s'", level);
	snprintf(request, sizeof(request), "loglevel %.20s", level);
	log_set_level((enum log_level)log_level_parse(level));
	if (r->form == FORM_JSON)
		json_text(&r->out, NULL, log_level_name(log_level()));
	else
		buf_printf(&r->out, "Current logging level is '%s'\n",
		    log_level_name(log_level()));
	r->parent = client_ticket(r->client);
	engined_ask_parent(r->d, r->parent, request, r->who);
	return 0;
}

static int
not_now(struct request *r, const char *what)
{
	return refuse(r, "refused", "%s cannot be set while running: change the "
	    "configuration and reload", what);
}

/* Settings of the daemon, where fail2ban's client has no jail. */
static bool
is_daemon_word(const char *word)
{
	static const char *const words[] = { "logtarget", "syslogsocket", "dbfile",
		"dbmaxmatches", "dbpurgeage", "allowipv6", "thread", "pidfile",
		"socket" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

static int
set_unknown(struct request *r, const char *what)
{
	static const char *const settable[] = { "banip", "unbanip", "addignoreip",
		"delignoreip", "attempt", "bantime", "findtime", "maxretry",
		"maxmatches", NULL };
	static const char *const known[] = { "maxlines", "usedns", "logencoding",
		"datepattern", "addfailregex", "delfailregex", "addignoreregex",
		"delignoreregex", "addlogpath", "dellogpath", "idle", "addaction",
		"delaction", "action", "prefregex", "ignoreself", "ignorecommand",
		"ignorecache", "logtimezone", "addjournalmatch", "deljournalmatch",
		"bantime.increment", "bantime.factor", "bantime.formula",
		"bantime.multipliers", "bantime.maxtime", "bantime.rndtime",
		"bantime.overalljails", NULL };

	for (const char *const *k = known; *k; k++)
		if (!strcmp(what, *k))
			return not_now(r, what);
	if (r->form != FORM_F2B)
		return refuse_word(r, "usage",
		    (struct mistake){ "setting", what, settable });
	return refuse(r, "refused",
	    "Invalid command '%s' (no set action or not yet implemented)", what);
}

int
cmd_set(struct request *r)
{
	const char *what = r->argc > 2 ? r->argv[2] : "";
	struct jail *j;

	if (!strcmp(r->argv[1], "loglevel") && r->argc == 3)
		return set_loglevel(r, what);
	if (r->argc < 3)
		return refuse(r, "usage",
		    r->form == FORM_F2B ? "Sorry but the command is invalid"
					: "use: set JAIL banip|unbanip|addignoreip|"
					  "delignoreip ADDR...");
	if (is_daemon_word(r->argv[1]) && !engine_jail(r->d->engine, r->argv[1]))
		return not_now(r, r->argv[1]);
	j = jail_wanted(r, r->argv[1]);
	if (!j)
		return -EINVAL;
	if (!strcmp(what, "banip"))
		return set_bans(r, cmd_banip);
	if (!strcmp(what, "unbanip"))
		return set_bans(r, cmd_unbanip);
	if (!strcmp(what, "addignoreip") || !strcmp(what, "delignoreip")) {
		int rc = change_allow(r, j, what[0] == 'a', r->argv + 3);

		return rc < 0 ? rc : allow_show(r, j);
	}
	if (jail_has_limit(what))
		return jail_set(r, j);
	if (!strcmp(what, "attempt"))
		return jail_attempt(r, j);
	return set_unknown(r, what);
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
	if (r->form == FORM_JSON) {
		json_open(&r->out, NULL, '{');
		json_text(&r->out, "entry", entry);
		json_number(&r->out, "jails", (int64_t)found);
		json_close(&r->out, '}');
		return 0;
	}
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
		j = jail_wanted(r, r->argc > 2 ? r->argv[2] : "manual");
		return j ? allow_show(r, j) : -EINVAL;
	}
	if ((strcmp(what, "add") && strcmp(what, "del")) || r->argc < 3)
		return refuse(
		    r, "usage", "use: allow list [JAIL] | add|del [JAIL] ENTRY");
	if (!r->may_change)
		return refuse(r, "denied", "%s may not change anything", r->who);
	log_notice("banner.control", "%s: allow %s", r->who, what);
	if (r->argc == 3)
		return allow_each_jail(r, what[0] == 'a', r->argv[2]);
	j = jail_wanted(r, r->argv[2]);
	if (!j)
		return -EINVAL;
	rc = change_allow(r, j, what[0] == 'a', r->argv + 3);
	return rc < 0 ? rc : allow_show(r, j);
}
