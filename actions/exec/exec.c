/* SPDX-License-Identifier: GPL-2.0-or-later
 * exec.c - bans carried out by commands: action files, or words for execve.
 *
 * One queue per instance, one process at a time in it; so a command that hangs delays
 * only its own instance. Nothing waits here: outcomes come through host->done.
 */
#include "actions/exec/exec.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { TIMEOUT_MAX_S = 3600, CLOSE_WAIT_MS = 10000 };

/* The commands of an action file; "?family=inet6" behind a name gives the one for
 * IPv6 where it differs. All other options are values that were put into them. */
static const struct bn_key exec_keys[] = {
	{ "actionstart", "",
	    "make the surroundings (chain, set), before the first ban" },
	{ "actionstop", "", "remove them" },
	{ "actionflush", "", "remove all bans at once" },
	{ "actionreload", "", "told when the jail is started again" },
	{ "actioncheck", "", "are they there? asked after a command failed" },
	{ "actionrepair", "", "instead of stop and start when they are not" },
	{ "actionban", "", "apply a ban" }, { "actionunban", "", "end a ban" },
	{ "actionprolong", "", "a ban became longer" },
	{ "actionreban", "", "apply a ban again; default is actionban" },
	{ "actionstart_on_demand", "",
	    "true: start at the first ban, not with the jail" },
	{ "norestored", "0", "1: not for bans that are restored" },
	{ "timeout", "60", "seconds after which a command is ended" },
	{ "argv_ban", "", "as actionban, but words for execve, without a shell" },
	{ "argv_unban", "", "as actionunban, likewise" },
	{ "argv_prolong", "", "as actionprolong, likewise" }, { NULL, NULL, NULL }
};

static const struct { enum command cmd; const char *key, *direct; } commands[] = {
	{ CMD_START, "actionstart", NULL }, { CMD_STOP, "actionstop", NULL },
	{ CMD_FLUSH, "actionflush", NULL }, { CMD_RELOAD, "actionreload", NULL },
	{ CMD_CHECK, "actioncheck", NULL }, { CMD_REPAIR, "actionrepair", NULL },
	{ CMD_BAN, "actionban", "argv_ban" },
	{ CMD_UNBAN, "actionunban", "argv_unban" },
	{ CMD_PROLONG, "actionprolong", "argv_prolong" },
	{ CMD_REBAN, "actionreban", NULL },
};

static int
refuse(const struct bn_host *h, const char *text)
{
	h->log(h->ctx, BN_ERROR, text);
	return -EINVAL;
}

/* A name that is no key of the schema is found among all options. */
static const char *
any_option(const struct bn_host *h, const char *want, const char *fallback)
{
	const char *name, *value;

	for (size_t i = 0; (name = h->each(h->ctx, i, &value)); i++)
		if (strcmp(name, want) == 0)
			return value;
	return fallback;
}

static const char *
conditional(const struct bn_host *h, const char *key, const char *family)
{
	char want[64];

	snprintf(want, sizeof(want), "%s?family=%s", key, family);
	return any_option(h, want, NULL);
}

static const char *
trimmed(const char *text)
{
	return text + strspn(text, " \t\n");
}

static void
get_families(struct exec *x, enum command cmd, const char *key)
{
	const struct bn_host *h = x->host;
	const char *four = conditional(h, key, "inet4");
	const char *six = conditional(h, key, "inet6"), *text = h->get(h->ctx, key);

	x->by_family |= four || six;
	x->text[cmd][INET4] = trimmed(four ? four : text);
	x->text[cmd][INET6] = trimmed(six ? six : text);
	x->on_demand |= cmd == CMD_START && six;
}

static bool
splits(const struct exec *x, enum command cmd)
{
	struct argv *a = exec_argv(x, cmd, INET4, NULL);

	free(a);
	return a != NULL;
}

static int
get_commands(struct exec *x)
{
	const struct bn_host *h = x->host;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		enum command cmd = commands[i].cmd;
		const char *words = commands[i].direct ?
		    trimmed(h->get(h->ctx, commands[i].direct)) : "";

		get_families(x, cmd, commands[i].key);
		if (!*words)
			continue;
		if (*x->text[cmd][INET4] || *x->text[cmd][INET6])
			return refuse(h,
			    "an action has either actionban or argv_ban, not "
			    "both (the same for unban and prolong)");
		if (*words != '/')
			return refuse(h, "the first word of argv_ban, argv_unban and "
			    "argv_prolong is the absolute path of a program");
		x->text[cmd][INET4] = x->text[cmd][INET6] = words;
		x->direct[cmd] = true;
		if (!splits(x, cmd))
			return refuse(h, "a quote has no pair in argv_ban, argv_unban "
			    "or argv_prolong, or there are more than 128 words");
	}
	return 0;
}

static int
get_bool(const struct bn_host *h, const char *key, bool *out)
{
	static const char *const words[] = { "0", "1", "false", "true", "no", "yes",
		"off", "on" };
	const char *text = h->get(h->ctx, key);
	char why[160];

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(text, words[i]) == 0) {
			*out = i % 2 == 1;
			return 0;
		}
	if (!*text)
		return 0;
	snprintf(why, sizeof(why), "%s is yes or no (true, false; on, off; 1, 0), "
	    "not \"%.60s\"", key, text);
	return refuse(h, why);
}

static int
get_options(struct exec *x)
{
	const struct bn_host *h = x->host;
	const char *text = h->get(h->ctx, "timeout");
	char *end;
	double s = strtod(text, &end);

	if (!*text || *end || !(s > 0 && s <= TIMEOUT_MAX_S))
		return refuse(h, "timeout is a number of seconds, more than 0, up to "
		    "3600");
	x->timeout_ms = (int)(s * 1000);
	x->bantime_s = strtoll(any_option(h, "bantime", "-1"), NULL, 10);
	if (get_bool(h, "norestored", &x->norestored) < 0)
		return -EINVAL;
	return get_bool(h, "actionstart_on_demand", &x->on_demand);
}

static bool
has_command(const struct exec *x)
{
	for (int cmd = 0; cmd < NCOMMANDS; cmd++)
		if (*x->text[cmd][INET4] || *x->text[cmd][INET6])
			return true;
	return false;
}

static int
get_all(struct exec *x)
{
	int rc = get_commands(x);

	if (rc == 0 && !has_command(x))
		return refuse(x->host,
		    "no command: neither argv_ban nor actionban, nor another");
	return rc == 0 ? get_options(x) : rc;
}

/* Of what is there later each ban tells. */
static int
check_program(const struct exec *x, enum command cmd)
{
	const char *words = x->text[cmd][INET4];
	char program[PATH_MAX], why[PATH_MAX + 80];
	size_t len = strcspn(words, " \t\n<\"");

	if (!x->direct[cmd] || words[len] == '<' || words[len] == '"' ||
	    len >= sizeof(program))
		return 0;
	snprintf(program, sizeof(program), "%.*s", (int)len, words);
	if (access(program, X_OK) == 0)
		return 0;
	snprintf(why, sizeof(why), "program %s: %s", program, strerror(errno));
	return refuse(x->host, why);
}

/* "<<sender>>" has become "<root>", which was not meant as a tag. */
static bool
is_made(const struct bn_host *h, const char *tag)
{
	const char *value, *key;

	for (size_t i = 0; (key = h->each(h->ctx, i, &value)); i++)
		if (*value && strcmp(key, "actname") != 0 &&
		    strncmp(tag, value, strlen(value)) == 0)
			return true;
	return false;
}

/* A shell would take "<nam>" for a file to read. */
static void
warn_unknown(const struct exec *x, const char *key, enum command cmd)
{
	char tag[TAG_MAX], text[256];

	for (int f = 0; f < NFAMILIES; f++)
		if (exec_unknown(x->text[cmd][f], tag) && !is_made(x->host, tag)) {
			snprintf(text, sizeof(text), "%s: <%s> is no tag and no option "
			    "of the action: it is left as it is", key, tag);
			x->host->log(x->host->ctx, BN_WARNING, text);
			return;
		}
}

static int
exec_check(const struct bn_host *host)
{
	struct exec *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	x->host = host;
	rc = get_all(x);
	for (int cmd = 0; cmd < NCOMMANDS && rc == 0; cmd++)
		rc = check_program(x, (enum command)cmd);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands) && rc == 0; i++)
		warn_unknown(x, x->direct[commands[i].cmd] ? commands[i].direct :
		    commands[i].key, commands[i].cmd);
	free(x);
	return rc;
}

static int
exec_open(const struct bn_host *host, void **self)
{
	struct exec *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	x->host = host;
	TAILQ_INIT(&x->jobs);
	rc = get_all(x);
	if (rc == 0)
		rc = exec_child_open(&x->child);
	if (rc < 0) {
		free(x);
		return rc;
	}
	*self = x;
	return 0;
}

/* Tags that say more than which subject: then each jail's ban is a thing of its own. */
static bool
is_about_jail(const char *tag)
{
	return !strncmp(tag, "F-", 2) || !strncmp(tag, "jail.", 5) ||
	    strstr(tag, "matches");
}

static bool
is_field(const char *tag)
{
	return !strncmp(tag, "F-", 2) || strstr(tag, "matches");
}

static bool
uses(const struct exec *x, bool (*fn)(const char *))
{
	static const enum command all[] = { CMD_BAN, CMD_UNBAN, CMD_PROLONG,
		CMD_REBAN };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		for (int f = 0; f < NFAMILIES; f++)
			if (exec_uses(x->text[all[i]][f], fn))
				return true;
	return false;
}

/* Two jails that run the same command for one address would meet "exists" and "no such
 * entry"; so their bans are one, unless the commands tell them apart. A ban that is
 * never taken back is a message, and each jail sends its own. */
static uint32_t
exec_mode(void *self)
{
	struct exec *x = self;
	uint32_t flags = BN_STATE | BN_OPEN_KEYS;

	if (uses(x, is_about_jail) || (!*x->text[CMD_UNBAN][INET4] &&
	    !*x->text[CMD_UNBAN][INET6]))
		flags |= BN_PER_JAIL;
	if (uses(x, is_field))
		flags |= BN_FIELDS;
	if (*x->text[CMD_PROLONG][INET4] || *x->text[CMD_PROLONG][INET6])
		flags |= BN_PROLONGS;
	return flags;
}

static int
exec_same(void *self, void *other)
{
	struct exec *x = self, *y = other;

	for (int c = 0; c < NCOMMANDS; c++)
		for (int f = 0; f < NFAMILIES; f++)
			if (x->direct[c] != y->direct[c] ||
			    strcmp(x->text[c][f], y->text[c][f]) != 0)
				return 0;
	return x->timeout_ms == y->timeout_ms && x->norestored == y->norestored &&
	    x->on_demand == y->on_demand;
}

static enum family
family_of(const struct bn_change *c)
{
	bool six = c->subject.kind == BN_ADDR && c->subject.addr.family == 6;

	return six ? INET6 : INET4;
}

static enum command
command_of(const struct exec *x, const struct bn_change *c, enum family f)
{
	static const enum command of[] = { [BN_ADD] = CMD_BAN, [BN_DEL] = CMD_UNBAN,
	    [BN_PROLONG] = CMD_PROLONG };

	if (c->verb == BN_ADD && x->rebuilt_once && *x->text[CMD_REBAN][f])
		return CMD_REBAN;
	return of[c->verb];
}

static int
enqueue(struct exec *x, const struct bn_change *c)
{
	enum family f = family_of(c);
	enum command cmd = command_of(x, c, f);
	struct job *j;

	if (x->norestored && c->restored)
		return 0;
	if (!*x->text[cmd][f])
		return 0;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	x->stopping &= c->verb == BN_DEL;
	j->id = c->id;
	j->family = f;
	j->careful = c->verb == BN_ADD && (c->restored || x->rebuilt_once);
	j->needless = c->verb == BN_ADD && !j->careful;
	j->main = exec_argv(x, cmd, f, c);
	if (j->careful)
		j->undo = exec_argv(x, CMD_UNBAN, f, c);
	if (!j->main) {
		free(j->undo);
		free(j);
		return -EINVAL;
	}
	exec_job_add(x, j);
	return -EINPROGRESS;
}

static int
exec_apply(void *self, struct bn_change *v, size_t n)
{
	struct exec *x = self;

	for (size_t i = 0; i < n; i++)
		v[i].err = enqueue(x, &v[i]);
	exec_job_next(x);
	return 0;
}

static int
exec_poll_fd(void *self)
{
	struct exec *x = self;

	return x->child.epoll;
}

static int
exec_run(void *self)
{
	exec_job_poll(self, 0);
	return 0;
}

static void
add_silent(struct exec *x, enum command cmd, enum family f)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return;
	j->family = f;
	j->silent = true;
	j->start_only = cmd == CMD_START;
	if (cmd != CMD_START)
		j->main = exec_argv(x, cmd, f, NULL);
	exec_job_add(x, j);
}

static int
exec_jail_start(void *self, const char *jail)
{
	struct exec *x = self;

	for (int f = 0; f < NFAMILIES; f++) {
		if (!x->on_demand && !x->started[f] && *x->text[CMD_START][f])
			add_silent(x, CMD_START, (enum family)f);
		else if (x->started[f] && *x->text[CMD_RELOAD][f] &&
		    !(f == INET6 && x->started[INET4] &&
		    !strcmp(x->text[CMD_RELOAD][INET4], x->text[CMD_RELOAD][INET6])))
			add_silent(x, CMD_RELOAD, (enum family)f);
	}
	exec_job_next(x);
	return 0;
}

/* All bans at once; what waits is needless then, and what runs is not left half-way. */
static int
exec_flush(void *self)
{
	struct exec *x = self;
	bool whole = *x->text[CMD_FLUSH][INET4] || *x->text[CMD_FLUSH][INET6];
	int rc = 0;

	x->stopping = true;
	exec_job_cancel(x, whole);
	if (!whole)
		return -ENOTSUP;
	while (x->child.pid)
		exec_job_poll(x, 1000);
	for (int f = 0; f < NFAMILIES && rc == 0; f++)
		if (x->started[f] && (f == INET4 || strcmp(x->text[CMD_FLUSH][INET4],
		    x->text[CMD_FLUSH][INET6]) != 0))
			rc = exec_run_now(x, CMD_FLUSH, (enum family)f);
	return rc;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static void
exec_close(void *self)
{
	struct exec *x = self;
	int64_t end = now_ms() + CLOSE_WAIT_MS;
	struct job *j;

	/* A command is not left half-way; what waits behind it stays as it is. */
	while (x->child.pid && (j = TAILQ_FIRST(&x->jobs)) && TAILQ_NEXT(j, link))
		exec_job_forget(x, TAILQ_NEXT(j, link));
	while (x->child.pid && now_ms() < end)
		exec_job_poll(x, 1000);
	for (int f = 0; x->stopping && f < NFAMILIES && !x->child.pid; f++) {
		if (!x->started[f])
			continue;
		exec_run_now(x, CMD_STOP, (enum family)f);
		if (strcmp(x->text[CMD_STOP][INET4], x->text[CMD_STOP][INET6]) == 0)
			break;
	}
	while ((j = TAILQ_FIRST(&x->jobs)))
		exec_job_forget(x, j);
	exec_child_close(&x->child);
	free(x);
}

BN_ACTION(exec) = {
	.abi = BN_ACTION_ABI, .size = sizeof(struct bn_action_ops),
	.flags = BN_STATE | BN_OPEN_KEYS, .name = "exec",
	.kinds = 1 << BN_ADDR | 1 << BN_USER | 1 << BN_ID | 1 << BN_NONE,
	.keys = exec_keys, .open = exec_open, .apply = exec_apply,
	.poll_fd = exec_poll_fd, .run = exec_run, .jail_start = exec_jail_start,
	.flush = exec_flush, .close = exec_close, .mode = exec_mode, .same = exec_same,
	.check = exec_check,
};
