/* SPDX-License-Identifier: GPL-2.0-or-later
 * checkconf.c - what bannerd -t says: problems with their places, jails, actions.
 *
 * Everything is compiled as the engine will compile it, so a configuration that
 * passes here starts.
 */
#include <errno.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/core/match.h"
#include "banner/daemon/parent.h"
#include "banner/daemon/proc.h"

static const char *
level_text(enum conf_level level)
{
	switch (level) {
	case CONF_NOTE: return "note";
	case CONF_WARNING: return "warning";
	case CONF_ERROR: return "error";
	}
	return "";
}

size_t
checkconf_problems(const struct conf *c, struct buf *b)
{
	size_t errors = 0;

	for (size_t i = 0; i < c->nproblems; i++) {
		const struct conf_problem *p = &c->problems[i];

		if (p->file && p->line)
			buf_printf(b, "%s:%d: ", p->file, p->line);
		else if (p->file)
			buf_printf(b, "%s: ", p->file);
		buf_printf(b, "%s: ", level_text(p->level));
		if (p->jail)
			buf_printf(b, "[%s] ", p->jail);
		buf_printf(b, "%s\n", p->text);
		errors += p->level == CONF_ERROR;
	}
	return errors;
}

static int
compile(const struct conf_jail *j, size_t *nrules, struct err *e)
{
	struct rules_options o = { .filter = &j->filter,
		.usedns = j->usedns,
		.logtimezone = j->logtimezone,
		.logencoding = j->logencoding,
		.findtime_ms = j->findtime_ms };
	struct rules *r;
	int rc = rules_new(&o, &r, e);

	if (rc < 0)
		return rc;
	*nrules = rules_count(r) + (j->filter.parser != NULL);
	rules_free(r);
	return 0;
}

static bool
jail_has_source(const struct conf_jail *j)
{
	return j->nlogpath || j->backend == BACKEND_JOURNAL;
}

static void
report_limits(const struct conf_jail *j, size_t nrules, struct buf *b)
{
	char find[UNITS_TEXT], ban[UNITS_TEXT];

	buf_printf(b, "jail %s: filter %s, %zu rules, maxretry %u in %s, ban %s",
	    j->name, j->filter.name ? j->filter.name : "-", nrules, j->maxretry,
	    units_duration(j->findtime_ms, find), units_duration(j->bantime_ms, ban));
	if (j->host6 && j->host6 < 128)
		buf_printf(b, ", IPv6 by /%u", j->host6);
	buf_putc(b, '\n');
	for (size_t i = 0; i < j->nlogpath; i++)
		buf_printf(b, "  reads %s\n", j->logpath[i].glob);
	for (size_t i = 0;
	     i < j->filter.journalmatch.n && j->backend == BACKEND_JOURNAL; i++)
		buf_printf(b, "  reads the journal: %s\n", j->filter.journalmatch.v[i]);
}

static void
report_actions(const struct conf *c, const struct conf_jail *j, struct buf *b)
{
	for (size_t i = 0; i < j->naction; i++) {
		const struct conf_action *a = &c->actions[j->action[i]];

		buf_printf(b, "  action %s: %s%s%s%s%s\n", a->name, a->plugin,
		    a->scope && a->scope[0] ? ", " : "", a->scope ? a->scope : "",
		    a->why && a->why[0] ? ": " : "", a->why ? a->why : "");
	}
	if (!j->naction)
		buf_puts(b, "  no action: bans are only counted and logged\n");
}

/* 1 when the jail cannot run. */
static size_t
report_jail(const struct conf *c, const struct conf_jail *j, struct buf *b)
{
	struct err e;
	size_t nrules;

	if (j->refused) {
		buf_printf(b, "jail %s: refused, see its errors above\n", j->name);
		return 0; /* counted with the problems */
	}
	if (compile(j, &nrules, &e) < 0) {
		buf_printf(b, "%s:%d: error: [%s] %s\n", j->file ? j->file : "?",
		    j->line, j->name, e.text);
		return 1;
	}
	report_limits(j, nrules, b);
	if (!jail_has_source(j))
		buf_puts(b, "  warning: it reads nothing: no logpath, no journal\n");
	report_actions(c, j, b);
	return 0;
}

static size_t
report_programs(const struct conf *c, struct buf *b)
{
	static const char *const names[] = { "banner-engine", "banner-store",
		"banner-actor" };
	char path[4200];
	struct err e;
	size_t errors = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (proc_find(names[i], path, sizeof(path), &e) < 0) {
			buf_printf(b, "error: %s\n", e.text);
			errors++;
		}
	return errors;
}

size_t
checkconf_report(const struct conf *c, struct buf *b)
{
	size_t errors = checkconf_problems(c, b), enabled = 0;

	for (size_t i = 0; i < c->njails; i++) {
		if (!c->jails[i].enabled)
			continue;
		enabled++;
		errors += report_jail(c, &c->jails[i], b);
	}
	errors += report_programs(c, b);
	buf_printf(b, "%s: %zu jails enabled, state %s, socket %s, log %s: %s\n",
	    c->dir, enabled, c->daemon.state, c->daemon.socket, c->daemon.log,
	    errors ? "with errors" : "ok");
	return errors;
}

bool
checkconf_can_run(const struct conf *c, struct err *e)
{
	size_t enabled = 0, runs = 0, nrules;
	struct err first = { "" };

	for (size_t i = 0; i < c->njails; i++) {
		const struct conf_jail *j = &c->jails[i];

		if (!j->enabled)
			continue;
		enabled++;
		if (!j->refused &&
		    compile(j, &nrules, first.text[0] ? NULL : &first) == 0)
			runs++;
	}
	if (!enabled || runs)
		return true;
	err_set(e, -EINVAL, "none of the %zu enabled jails can run%s%s; see bannerd -t",
	    enabled, first.text[0] ? ": " : "", first.text);
	return false;
}
