/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_opt.c - the options of banregex, as a table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "banner/tools/banregex.h"

enum value { VALUE_NONE, VALUE_TEXT, VALUE_NUMBER, VALUE_LEVEL, VALUE_COUNT, VALUE_HELP,
	VALUE_VERSION, VALUE_FULL_VERSION };

struct option {
	char letter;		/* or 0 */
	const char *name;
	enum value value;
	size_t at;		/* in struct options */
	const char *arg, *help;
};

#define AT(field)	offsetof(struct options, field)

static const struct option options[] = {
	{ 'c', "config", VALUE_TEXT, AT(config), "DIR", "folder of the configuration" },
	{ 'd', "datepattern", VALUE_TEXT, AT(datepattern), "PATTERN", "date pattern" },
	{ 0, "timezone", VALUE_TEXT, AT(timezone), "TZ",
	    "zone of lines that name none" },
	{ 0, "TZ", VALUE_TEXT, AT(timezone), "TZ", "the same" },
	{ 'e', "encoding", VALUE_TEXT, AT(encoding), "NAME", "encoding of the log" },
	{ 'r', "raw", VALUE_NONE, AT(raw), NULL, "names stay names" },
	{ 0, "usedns", VALUE_TEXT, AT(usedns), "MODE", "yes, warn, no or raw" },
	{ 'L', "maxlines", VALUE_NUMBER, AT(maxlines), "N",
	    "lines matched as one text" },
	{ 'm', "journalmatch", VALUE_TEXT, AT(journalmatch), "MATCH",
	    "entries of systemd-journal that count" },
	{ 0, "journal", VALUE_NONE, AT(journal), NULL,
	    "lines are a journal's: no date" },
	{ 0, "now", VALUE_TEXT, AT(now), "EPOCH", "take this for the present time" },
	{ 0, "trusted", VALUE_TEXT, AT(trusted), "LIST", "addresses of own proxies" },
	{ 0, "no-prefilter", VALUE_NONE, AT(no_prefilter), NULL,
	    "no search for literals" },
	{ 0, "no-check-all", VALUE_NONE, AT(first_match), NULL,
	    "first failregex wins" },
	{ 0, "test", VALUE_TEXT, AT(test), "FILE",
	    "compare with the verdicts in FILE" },
	{ 0, "lint", VALUE_NONE, AT(lint), NULL,
	    "rules that can be fooled, hang, or never match" },
	{ 0, "simulate", VALUE_NONE, AT(simulate), NULL,
	    "who would be banned by these jails" },
	{ 0, "json", VALUE_NONE, AT(json), NULL, "one JSON object for each failure" },
	{ 'o', "out", VALUE_TEXT, AT(out), "FORMAT",
	    "id, ip, msg, row, a capture, <tags>" },
	{ 0, "explain", VALUE_NONE, AT(explain), NULL, "why each line matched or not" },
	{ 'i', "invert", VALUE_NONE, AT(invert), NULL,
	    "print the lines without failure" },
	{ 'v', "verbose", VALUE_COUNT, AT(verbose), NULL, "say more; may be repeated" },
	{ 0, "verbosity", VALUE_LEVEL, AT(verbose), "N", "say as much as N times -v" },
	{ 0, "verbose-date", VALUE_NONE, AT(verbose_date), NULL, "all date templates" },
	{ 0, "VD", VALUE_NONE, AT(verbose_date), NULL, "the same" },
	{ 'l', "log-level", VALUE_TEXT, AT(loglevel), "LEVEL",
	    "problems shown: error, warning, notice (and fail2ban's other words)" },
	{ 'D', "debuggex", VALUE_NONE, AT(debuggex), NULL, "links to debuggex.com" },
	{ 0, "print-all-matched", VALUE_NONE, AT(all_matched), NULL,
	    "print matched lines" },
	{ 0, "print-all-missed", VALUE_NONE, AT(all_missed), NULL,
	    "however many they are" },
	{ 0, "print-all-ignored", VALUE_NONE, AT(all_ignored), NULL,
	    "however many they are" },
	{ 0, "print-no-missed", VALUE_NONE, AT(no_missed), NULL,
	    "no list of missed lines" },
	{ 0, "print-no-ignored", VALUE_NONE, AT(no_ignored), NULL,
	    "no list of ignored lines" },
	{ 'h', "help", VALUE_HELP, 0, NULL, "this text" },
	{ 'V', "", VALUE_VERSION, 0, NULL, "the version alone" },
	{ 0, "version", VALUE_FULL_VERSION, 0, NULL, "name and version" },
};
enum { NOPTIONS = sizeof(options) / sizeof(*options) };

static void
help(void)
{
	printf("usage: banregex [options] LOG|LINE|- FILTER|REGEX|JAIL [IGNOREREGEX]\n"
	    "       banregex [options] --simulate LOG JAIL[,JAIL...]|all\n"
	    "       banregex [options] --lint FILTER|REGEX|JAIL\n"
	    "       banregex [options] --test FILE [FILTER]\n\n");
	for (size_t i = 0; i < NOPTIONS; i++) {
		const struct option *p = &options[i];
		char text[64];

		snprintf(text, sizeof(text), "%s%s%s%s", p->name[0] ? "--" : "",
		    p->name, p->arg ? " " : "", p->arg ? p->arg : "");
		if (p->letter)
			printf("  -%c%s %-25s %s\n", p->letter, p->name[0] ? "," : " ",
			    text, p->help);
		else
			printf("      %-25s %s\n", text, p->help);
	}
	printf("\nSee banregex(1).\n");
}

static const struct option *
find(const char *arg, const char **value)
{
	size_t n;

	*value = NULL;
	if (arg[1] != '-') {
		for (size_t i = 0; i < NOPTIONS; i++)
			if (options[i].letter == arg[1])
				return &options[i];
		return NULL;
	}
	arg += 2;
	n = strcspn(arg, "=");
	if (arg[n] == '=')
		*value = arg + n + 1;
	for (size_t i = 0; i < NOPTIONS; i++)
		if (n > 0 && strlen(options[i].name) == n &&
		    !strncmp(options[i].name, arg, n))
			return &options[i];
	return NULL;
}

static int
apply(const struct option *p, const char *value, struct options *o, struct err *e)
{
	char *place = (char *)o + p->at;
	uint64_t n;

	switch (p->value) {
	case VALUE_NONE:
		*(bool *)place = true;
		return 0;
	case VALUE_COUNT:
		++*(int *)(void *)place;
		return 0;
	case VALUE_TEXT:
		*(const char **)(void *)place = value;
		return 0;
	case VALUE_NUMBER:
		if (str_u64(str_of(value), &n) < 0 || n < 1 || n > 1000)
			return err_set(e, -EINVAL, "--%s needs a number from 1 to 1000",
			    p->name);
		*(unsigned *)(void *)place = (unsigned)n;
		return 0;
	case VALUE_LEVEL:
		if (str_u64(str_of(value), &n) < 0 || n > 4)
			return err_set(e, -EINVAL, "--%s needs a number from 0 to 4",
			    p->name);
		*(int *)(void *)place = (int)n;
		return 0;
	case VALUE_HELP:
		help();
		return 1;
	case VALUE_VERSION:
		puts(BANNER_VERSION);
		return 1;
	case VALUE_FULL_VERSION:
		puts("banregex " BANNER_VERSION);
		return 1;
	}
	return 0;
}

/* -rv is -r -v. */
static int
read_cluster(const char *arg, struct options *o, struct err *e)
{
	for (const char *p = arg + 1; *p; p++) {
		const char one[] = { '-', *p, '\0' }, *value;
		const struct option *q = find(one, &value);

		if (!q || (q->value != VALUE_NONE && q->value != VALUE_COUNT))
			return err_set(e, -EINVAL, "unknown option %s", arg);
		apply(q, NULL, o, e);
	}
	return 0;
}

/* One argument that begins with '-'; *i moves on when its value is the next one. */
static int
read_option(char **argv, int argc, int *i, struct options *o, struct err *e)
{
	const char *arg = argv[*i], *value;
	const struct option *p = find(arg, &value);
	bool wants;

	if (!p)
		return err_set(e, -EINVAL, "unknown option %s", arg);
	wants = p->value == VALUE_TEXT || p->value == VALUE_NUMBER ||
	    p->value == VALUE_LEVEL;
	if (value && !wants)
		return err_set(e, -EINVAL, "--%s takes no value", p->name);
	if (arg[1] != '-' && arg[2]) {
		if (!wants)
			return read_cluster(arg, o, e);
		value = arg + 2;
	}
	if (wants && !value) {
		if (*i + 1 >= argc)
			return err_set(e, -EINVAL, "%s needs a value", arg);
		value = argv[++*i];
	}
	return apply(p, value, o, e);
}

/* fail2ban's words, whatever the case; said is what there is to say here. */
struct level {
	const char *word, *said;
};

static int
check_level(struct options *o, struct err *e)
{
	static const struct level levels[] = {
		{ "critical", "error" }, { "error", "error" },
		{ "warning", "warning" }, { "notice", "notice" },
		{ "info", "notice" }, { "debug", "notice" },
		{ "tracedebug", "notice" }, { "heavydebug", "notice" },
	};

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		if (!strcasecmp(o->loglevel, levels[i].word)) {
			o->loglevel = levels[i].said;
			return 0;
		}
	return err_set(e, -EINVAL, "-l knows critical, error, warning, notice, info "
	    "and debug");
}

static int
check(const struct options *o, int positions, struct err *e)
{
	bool other = o->out && !(o->invert && !strcmp(o->out, "msg"));

	if (o->json + o->invert + o->explain + other + (o->test != NULL) > 1)
		return err_set(e, -EINVAL, "only one of --json, --explain, -o, -i and "
		    "--test (-i -o msg is -i)");
	if (o->simulate && (positions != 2 || o->test || o->explain || o->out ||
	    o->invert))
		return err_set(e, -EINVAL, "--simulate takes LOG JAIL[,JAIL...]");
	if (o->lint)
		return positions == 1 && !o->test && !o->simulate ? 0 :
		    err_set(e, -EINVAL, "--lint takes FILTER, REGEX or JAIL alone");
	if (o->test)
		return positions <= 1 ? 0 :
		    err_set(e, -EINVAL, "--test takes FILE [FILTER]");
	if (positions < 2 || positions > 3)
		return err_set(e, -EINVAL, "needs LOG and FILTER; see banregex --help");
	return 0;
}

int
options_read(int argc, char **argv, struct options *o, struct err *e)
{
	const char *pos[3] = { NULL };
	int npos = 0, rc;
	bool only = false;	/* after "--" */

	*o = (struct options){ .config = BANNER_CONFDIR, .loglevel = "error" };
	for (int i = 1; i < argc; i++) {
		if (!only && !strcmp(argv[i], "--")) {
			only = true;
			continue;
		}
		if (!only && argv[i][0] == '-' && argv[i][1]) {
			rc = read_option(argv, argc, &i, o, e);
			if (rc)
				return rc;
			continue;
		}
		if (npos == 3)
			return err_set(e, -EINVAL, "too many arguments");
		pos[npos++] = argv[i];
	}
	rc = check(o, npos, e);
	if (rc == 0)
		rc = check_level(o, e);
	o->log = o->test || o->lint ? NULL : pos[0];
	o->filter = o->test || o->lint ? pos[0] : pos[1];
	o->ignoreregex = o->test ? NULL : pos[2];
	if (rc == 0 && o->log && log_is_journal(o->log))
		o->journal = true;
	else if (rc == 0 && o->journalmatch)
		return err_set(e, -EINVAL, "-m is for the log systemd-journal");
	return rc;
}
