/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_get_json.c - get, as JSON: numbers are numbers, what is not set is null.
 */
#include <stdio.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"

/* dbmaxmatches: fail2ban's word for the evidence of one ban. */
enum { EVIDENCE_LINES = 10 };

const char *const gettable[] = { "banip", "banned", "ignoreip", "logpath", "failregex",
	"ignoreregex", "prefregex", "actions", "datepattern", "journalmatch",
	"findtime", "bantime", "maxretry", "maxmatches", "maxlines", "usedns",
	"ignoreself", "ignorecommand", "ignorecache", "logtimezone", "logencoding",
	"bantime.increment", "bantime.factor", "bantime.formula",
	"bantime.multipliers", "bantime.maxtime", "bantime.rndtime",
	"bantime.overalljails", NULL };

static bool
put_number(struct buf *out, const char *what, const struct conf_jail *c)
{
	int64_t ban = c->bantime_ms < 0 ? -1 : c->bantime_ms / MS_PER_S;
	const struct { const char *name; int64_t n; } numbers[] = {
		{ "findtime", c->findtime_ms / MS_PER_S }, { "bantime", ban },
		{ "maxretry", c->maxretry }, { "maxmatches", c->maxmatches },
		{ "maxlines", c->filter.maxlines },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(what, numbers[i].name) != 0)
			continue;
		json_number(out, NULL, numbers[i].n);
		return true;
	}
	return false;
}

bool
get_json_option(struct buf *out, const char *what, const struct conf_jail *c)
{
	static const char *const dns[] = { [DNS_NO] = "no", [DNS_WARN] = "warn",
		[DNS_YES] = "yes", [DNS_RAW] = "raw" };
	const char *set = conf_option(&c->options, what, NULL);

	if (put_number(out, what, c))
		return true;
	if (!strcmp(what, "usedns"))
		json_text(out, NULL, dns[c->usedns]);
	else if (!strcmp(what, "ignoreself"))
		json_bool(out, NULL, c->ignoreself);
	else if (!strcmp(what, "bantime.increment"))
		json_bool(out, NULL, c->increment.on);
	else if (!strcmp(what, "prefregex"))
		json_text(out, NULL, c->filter.prefregex);
	else if (!strcmp(what, "ignorecommand"))
		json_text(out, NULL, c->ignorecommand);
	else if (set || !strcmp(what, "ignorecache") || !strcmp(what, "logtimezone") ||
	    !strcmp(what, "logencoding") || !strncmp(what, "bantime.", 8))
		json_text(out, NULL, set);
	else
		return false;
	return true;
}

bool
get_json_daemon(struct request *r, const char *what)
{
	const struct conf_daemon *d = &r->d->conf->daemon;
	struct buf *out = &r->out;
	char file[4200];

	if (!strcmp(what, "loglevel")) {
		json_text(out, NULL, log_level_name(log_level()));
	} else if (!strcmp(what, "logtarget")) {
		json_text(out, NULL, d->log);
	} else if (!strcmp(what, "syslogsocket")) {
		json_text(out, NULL, "auto");
	} else if (!strcmp(what, "dbfile")) {
		snprintf(file, sizeof(file), "%s/banner.sqlite3", d->state);
		json_text(out, NULL, file);
	} else if (!strcmp(what, "dbpurgeage")) {
		json_number(out, NULL, d->purge_age_ms / MS_PER_S);
	} else if (!strcmp(what, "dbmaxmatches")) {
		json_number(out, NULL, EVIDENCE_LINES);
	} else {
		return false;
	}
	return true;
}
