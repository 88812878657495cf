/* SPDX-License-Identifier: GPL-2.0-or-later
 * checkconf.c - what bannerd -t says: problems with their places, jails, actions.
 *
 * Everything is compiled as the engine will compile it, so a configuration that
 * passes here starts.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/core/match.h"
#include "banner/daemon/parent/checkaction.h"
#include "banner/daemon/parent/checkconf.h"
#include "banner/daemon/parent/spawn.h"
#include "banner/daemon/proc/sandbox.h"

enum { NAME_SHOWN = 130,	/* bytes of a jail's name, which may be odd */
	JAILS_SHOWN = 5 };	/* of those with the same problem */

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

/* The same mistake, in what several jails have in common. */
static bool
is_same(const struct conf_problem *p, const struct conf_problem *q)
{
	return p->jail && q->jail && p->file && q->file && p->line == q->line &&
	    p->level == q->level && strcmp(p->file, q->file) == 0 &&
	    strcmp(p->text, q->text) == 0;
}

static void
put_jails(const struct conf *c, size_t first, struct buf *b)
{
	const struct conf_problem *p = &c->problems[first];
	size_t n = 0;

	for (size_t i = first; i < c->nproblems; i++) {
		const struct conf_problem *q = &c->problems[i];

		if ((i != first && !is_same(p, q)) || ++n > JAILS_SHOWN)
			continue;
		buf_putc(b, '[');
		buf_safe(b, str_of(q->jail), NAME_SHOWN);
		buf_puts(b, "] ");
	}
	if (n > JAILS_SHOWN)
		buf_printf(b, "and %zu more: ", n - JAILS_SHOWN);
}

bool
checkconf_problem(const struct conf *c, size_t problem, struct buf *b)
{
	const struct conf_problem *p = &c->problems[problem];

	for (size_t i = 0; i < problem; i++)
		if (is_same(&c->problems[i], p))
			return false;
	if (p->file && p->line)
		buf_printf(b, "%s:%d: ", p->file, p->line);
	else if (p->file)
		buf_printf(b, "%s: ", p->file);
	buf_printf(b, "%s: ", level_text(p->level));
	if (p->jail)
		put_jails(c, problem, b);
	buf_puts(b, p->text);
	return true;
}

static size_t
report_problems(const struct conf *c, struct buf *b)
{
	size_t errors = 0;

	for (size_t i = 0; i < c->nproblems; i++) {
		if (checkconf_problem(c, i, b))
			buf_putc(b, '\n');
		errors += c->problems[i].level == CONF_ERROR;
	}
	return errors;
}

int
checkconf_compile(const struct conf_jail *j, size_t *nrules, struct err *e)
{
	struct rules_options o = { .filter = &j->filter,
		.usedns = j->usedns,
		.logtimezone = j->logtimezone,
		.logencoding = j->logencoding,
		.findtime_ms = j->findtime_ms,
		.gains = j->known_ms > 0 || j->known_host_ms > 0 };
	struct rules *r;
	int rc = rules_new(&o, &r, e);

	if (rc < 0)
		return rc;
	*nrules = rules_count(r) + (j->filter.parser != NULL);
	rules_free(r);
	return 0;
}

static bool
reads_paths(const struct conf_jail *j)
{
	return j->backend != BACKEND_JOURNAL && j->backend != BACKEND_STDIN;
}

static bool
jail_has_source(const struct conf_jail *j)
{
	return j->nlogpath || !reads_paths(j);
}

/* What is counted, where it is not attempts of an address. */
static void
report_counting(const struct conf_jail *j, struct buf *b)
{
	char text[UNITS_TEXT];

	switch (j->count) {
	case COUNT_HOST:
		break;
	case COUNT_USER:
		buf_puts(b, "  counts for each account, and bans the account\n");
		break;
	case COUNT_HOST_USER:
		buf_printf(b,
		    "  counts for each address and account, and bans the %s\n",
		    j->ban_user ? "account" : "address");
		break;
	case COUNT_NET:
		buf_printf(b, "  counts for each network, IPv4 /%u and IPv6 /%u, and "
		    "bans it\n", j->net4, j->net6);
		break;
	case COUNT_TOTAL:
		buf_puts(b, "  counts all together, and bans nobody\n");
		break;
	}
	if (j->distinct)
		buf_printf(b, "  counts different %s, not attempts\n",
		    j->distinct == 'u' ? "accounts" : "addresses");
	if (j->known_ms)
		buf_printf(b,
		    "  excuses an account where it logged in well within %s\n",
		    units_duration(j->known_ms, text));
	if (j->known_host_ms)
		buf_printf(b,
		    "  excuses an address where anybody logged in well within %s\n",
		    units_duration(j->known_host_ms, text));
}

static void
report_logpath(const char *pattern, bool is_socket, struct buf *b)
{
	glob_t found;
	bool there = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
	struct stat st;

	globfree(&found);
	buf_printf(b, "  reads %s%s\n", pattern, there || is_socket ? ""
	    : ", which is not there now: the jail waits for it");
	if (stat(pattern, &st) == 0 && S_ISDIR(st.st_mode))
		buf_printf(b, "  warning: %s is a folder, expected a file; %s/*.log is "
		    "all logs in it\n", pattern, pattern);
}

static void
report_limits(const struct conf_jail *j, size_t nrules, struct buf *b)
{
	char find[UNITS_TEXT], ban[UNITS_TEXT];

	buf_printf(b, "jail %s: filter %s, %zu rules, maxretry %u in %s, ban %s",
	    j->name, j->filter.name[0] ? j->filter.name : "-", nrules, j->maxretry,
	    units_duration(j->findtime_ms, find), units_duration(j->bantime_ms, ban));
	if (j->host6 && j->host6 < 128)
		buf_printf(b, ", IPv6 by /%u", j->host6);
	buf_putc(b, '\n');
	report_counting(j, b);
	if (j->backend == BACKEND_STDIN)
		buf_puts(b, "  reads the standard input of bannerd -f\n");
	for (size_t i = 0; reads_paths(j) && i < j->nlogpath; i++)
		report_logpath(j->logpath[i].glob, j->backend == BACKEND_SOCKET, b);
	if (j->backend != BACKEND_JOURNAL &&
	    (j->backend != BACKEND_AUTO || !j->systemd_if_nologs))
		return;
	for (size_t i = 0; i < j->filter.journalmatch.n; i++)
		buf_printf(b, "  reads the journal%s: %s\n",
		    j->backend == BACKEND_AUTO ? " while there is no log" : "",
		    j->filter.journalmatch.v[i]);
}

/* An account that is closed to its owner as well is what an attacker wants. */
static void
warn_closed(const struct conf *c, const struct conf_jail *j, struct buf *b)
{
	bool users = j->count == COUNT_USER ||
	    (j->count == COUNT_HOST_USER && j->ban_user);

	for (size_t i = 0; users && !j->known_ms && i < j->naction; i++)
		if (strcmp(c->actions[j->action[i]].plugin, "login") == 0)
			buf_puts(b, "  warning: without known nobody can log in to an "
			    "account that it bans\n");
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

/* "FILE:LINE: error: [JAIL] ", with the place of what is wrong. */
static void
put_error(const struct conf_jail *j, const struct err *e, enum conf_level level,
    struct buf *b)
{
	struct conf_place at = conf_jail_place(j, e);

	buf_printf(b, "%s:%d: %s: [%s] %s", at.file, at.line, level_text(level),
	    j->name, e->text);
}

/* The same, where the option is set. */
static void
put_place(const struct conf_jail *j, const char *option, enum conf_level level,
    struct buf *b)
{
	struct err e = { .option = option };

	put_error(j, &e, level, b);
}

/* What would be followed relative to a folder that nobody knows. */
static size_t
wrong_path(const struct conf_jail *j, const char *option, const char *path,
    struct buf *b)
{
	if (path[0] == '/')
		return 0;
	put_place(j, option, CONF_ERROR, b);
	buf_printf(b, "%s: found \"%s\", expected a path that begins with /\n", option,
	    path);
	return 1;
}

/* A file:PATH of addresses; without it the jail runs all the same. */
static size_t
list_file(const struct conf_jail *j, const char *option, const char *path,
    struct buf *b)
{
	size_t errors = wrong_path(j, option, path, b);
	struct stat st;
	int rc = 0;

	if (errors)
		return errors;
	if (access(path, R_OK) < 0 || stat(path, &st) < 0)
		rc = errno;
	else if (S_ISDIR(st.st_mode))
		rc = EISDIR;
	if (rc) {
		put_place(j, option, CONF_WARNING, b);
		buf_printf(b, "%s: %s: %s\n", option, path, strerror(rc));
	}
	return 0;
}

/* A word that was meant as an address, or as a comment, becomes a host name that nobody
 * has. */
static void
odd_ignore(const struct conf_jail *j, const char *entry, struct buf *b)
{
	struct addr a;

	if (addr_parse_prefix(str_of(entry), &a) == 0 && a.plen == 0) {
		put_place(j, "ignoreip", CONF_WARNING, b);
		buf_printf(b, "ignoreip: %s: no address of that family is ever "
		    "banned\n", entry);
	}
	if (!addr_is_mistaken(entry))
		return;
	put_place(j, "ignoreip", CONF_WARNING, b);
	buf_printf(b, "ignoreip: found \"%s\", expected an address or prefix; it is "
	    "taken as a host name\n", entry);
}

/* A program that is not there spares nobody. */
static void
missing_command(const struct conf_jail *j, struct buf *b)
{
	struct str rest = str_of(j->ignorecommand), word;
	char *path;

	if (!j->ignorecommand || !str_word(&rest, &word) || word.s[0] != '/')
		return;
	path = xstrndup(word.s, word.len);
	if (access(path, X_OK) < 0) {
		put_place(j, "ignorecommand", CONF_WARNING, b);
		buf_printf(b, "ignorecommand: %s: %s\n", path, strerror(errno));
	}
	free(path);
}

static size_t
report_paths(const struct conf_jail *j, struct buf *b)
{
	size_t errors = 0;

	missing_command(j, b);
	for (size_t i = 0; i < j->nlogpath; i++)
		errors += wrong_path(j, "logpath", j->logpath[i].glob, b);
	if (j->blocklist && j->blocklist[0])
		errors += list_file(j, "blocklist",
		    j->blocklist + (strncmp(j->blocklist, "file:", 5) ? 0 : 5), b);
	for (size_t i = 0; i < j->ignoreip.n; i++) {
		const char *entry = j->ignoreip.v[i];

		if (strncmp(entry, "file:", 5) == 0)
			errors += list_file(j, "ignoreip", entry + 5, b);
		else
			odd_ignore(j, entry, b);
	}
	return errors;
}

struct tally { size_t enabled, good, errors; };

/* A client can plant whole lines in mailbox.log, also such as audit.log has. */
static void
warn_planted(const struct conf_jail *j, struct buf *b)
{
	const char *text = conf_option(&j->filter.options, "category", "");
	struct str rest = str_of(text), word;
	bool security = !*text;

	while (str_word(&rest, &word))
		security |= str_is(word, "security");
	if (!security || !j->filter.parser || strcmp(j->filter.parser, "zimbra") != 0)
		return;
	for (size_t i = 0; i < j->nlogpath; i++)
		if (strstr(j->logpath[i].glob, "/mailbox.log"))
			buf_printf(b, "  warning: clients can plant lines of category "
			    "security in %s: read audit.log, or give the filter "
			    "[category=account, reason=unknown]\n",
			    j->logpath[i].glob);
}

/* Errors: the jail cannot run, or not as it is meant. */
static void
report_jail(const struct conf *c, const struct conf_jail *j, struct buf *b,
    struct tally *t)
{
	struct err e;
	size_t nrules;

	t->enabled++;
	if (j->refused) {
		buf_puts(b, "jail ");
		buf_safe(b, str_of(j->name), NAME_SHOWN);
		buf_puts(b, ": refused, see its errors above\n");
		return; /* counted with the problems */
	}
	if (checkconf_compile(j, &nrules, &e) < 0) {
		put_error(j, &e, CONF_ERROR, b);
		buf_putc(b, '\n');
		t->errors++;
		return;
	}
	t->good++;
	t->errors += report_paths(j, b);
	report_limits(j, nrules, b);
	if (!jail_has_source(j))
		buf_puts(b, "  warning: it reads nothing: no logpath, no journal\n");
	if (!nrules)
		buf_printf(b, "  warning: %s%s has no failregex: it finds nothing\n",
		    j->filter.name[0] ? "filter " : "the jail", j->filter.name);
	if ((j->known_ms || j->known_host_ms) && !j->filter.parser &&
	    !j->filter.loginregex.n)
		buf_printf(b, "  warning: %s has no effect: filter %s has no "
		    "loginregex\n", j->known_ms ? "known" : "knownhost",
		    j->filter.name);
	warn_planted(j, b);
	report_actions(c, j, b);
	warn_closed(c, j, b);
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
		if (spawn_find(names[i], path, sizeof(path), &e) < 0) {
			buf_printf(b, "error: %s\n", e.text);
			errors++;
		}
	return errors;
}

/* What stands in the way of a start, or of the log. */
static size_t
report_daemon(const struct conf_daemon *d, struct buf *b)
{
	size_t errors = 0, folder = (size_t)(strrchr(d->log, '/') ?
	    strrchr(d->log, '/') - d->log : 0);
	struct stat st;
	char *dir;
	struct err e;
	int rc = 0;

	if (sandbox_possible(d->sandbox, &e) < 0) {
		buf_printf(b, "error: %s\n", e.text);
		errors++;
	}
	if (stat(d->state, &st) == 0 && !S_ISDIR(st.st_mode)) {
		buf_printf(b, "error: state %s: %s\n", d->state, strerror(ENOTDIR));
		errors++;
	}
	if (d->log[0] != '/')
		return errors;
	dir = xstrndup(d->log, folder ? folder : 1);
	if (access(dir, X_OK) < 0)
		rc = errno;
	else if (stat(d->log, &st) == 0 && S_ISDIR(st.st_mode))
		rc = EISDIR;
	if (rc)
		buf_printf(b, "warning: log %s: %s: till then the log goes to standard "
		    "error\n", d->log, strerror(rc));
	free(dir);
	return errors;
}

size_t
checkconf_report(const struct conf *c, struct buf *b)
{
	struct tally t = { .errors = report_problems(c, b) };

	for (size_t i = 0; i < c->njails; i++)
		if (c->jails[i].enabled)
			report_jail(c, &c->jails[i], b, &t);
	t.errors += report_daemon(&c->daemon, b);
	t.errors += report_programs(c, b);
	t.errors += checkaction_report(c, b);
	if (!t.enabled)
		buf_puts(b, "warning: no jail is enabled: nothing is watched\n");
	else if (!t.good)
		buf_puts(b, "no enabled jail can run: bannerd does not start\n");
	buf_printf(b, "%s: %zu jail%s enabled, state %s, socket %s, log %s: %s\n",
	    c->dir, t.enabled, t.enabled == 1 ? "" : "s", c->daemon.state,
	    c->daemon.socket, c->daemon.log, t.errors ? "with errors" : "ok");
	return t.errors;
}
