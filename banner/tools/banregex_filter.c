/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_filter.c - what is tried: a jail, a filter, or a regex as it is.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/clock.h"
#include "banner/base/units.h"
#include "banner/core/stamp.h"
#include "banner/tools/banregex.h"

#define ZONES "/usr/share/zoneinfo"

/* "sshd", "sshd[mode=ddos]", "filters/sshd.conf": could name a filter or a jail. */
static bool
looks_like_name(const char *spec)
{
	const char *p = spec;

	while (isalnum((unsigned char)*p) || (*p && strchr("_-./", *p)))
		p++;
	return p > spec && (*p == '\0' || (*p == '[' && spec[strlen(spec) - 1] == ']'));
}

static bool
is_plain(const char *spec)
{
	return !strpbrk(spec, "[/") && !str_ends(str_of(spec), ".conf");
}

static void
print_problems(const struct trial *t)
{
	static const char *const names[] = { "note", "warning", "error" };
	enum conf_level least = CONF_ERROR;

	if (t->o->loglevel[0] == 'w')
		least = CONF_WARNING;
	else if (t->o->loglevel[0] == 'n')
		least = CONF_NOTE;
	for (size_t i = 0; i < t->conf->nproblems; i++) {
		const struct conf_problem *p = &t->conf->problems[i];

		if (p->level < least)
			continue;
		if (p->file)
			fprintf(stderr, "%s:%d: ", p->file, p->line);
		fprintf(stderr, "%s: %s\n", names[p->level], p->text);
	}
}

/* A jail of this name gives filter and line options. -ENOENT: there is none; -EINVAL:
 * it has errors, which were printed. */
static int
from_jail(struct trial *t, const char *name, struct err *e)
{
	struct conf_request q = { .dir = t->o->config, .only_jail = name,
		.journal = t->o->journal };
	const struct conf_jail *jail = NULL;

	if (conf_read(&q, &t->conf, e) == 0)
		jail = conf_jail_find(t->conf, name);
	if (!jail) {
		conf_free(t->conf);
		t->conf = NULL;
		return -ENOENT;
	}
	print_problems(t);
	if (jail->refused)
		return err_set(e, -EINVAL, "the jail %s has errors", name);
	t->jail = jail;
	t->filter = jail->filter;
	t->rules_options.usedns = jail->usedns;
	t->rules_options.logtimezone = jail->logtimezone;
	t->rules_options.logencoding = jail->logencoding;
	return 0;
}

static const char **
one(struct trial *t, const char *text)
{
	const char **v = arena_alloc(t->arena, sizeof(*v));

	*v = text;
	return v;
}

/* A jail or a filter; of a journal's lines, as in fail2ban-regex, the filter first. */
static int
read_named(struct trial *t, const struct conf_filter_request *q, struct err *e)
{
	bool filter_first = t->o->journal;
	int rc = -ENOENT;

	if (filter_first)
		rc = conf_filter_read(q, &t->filter, e);
	if (rc == -ENOENT && is_plain(q->spec))
		rc = from_jail(t, q->spec, e);
	if (rc == -ENOENT && !filter_first)
		rc = conf_filter_read(q, &t->filter, e);
	return rc;
}

static int
read_filter(struct trial *t, const char *spec, struct err *e)
{
	struct conf_filter_request q = {
		.dir = t->o->config, .spec = spec, .arena = t->arena,
		.logtype = t->o->journal ? "journal" : "file",
	};

	t->rules_options.usedns = DNS_WARN;
	if (looks_like_name(spec))
		return read_named(t, &q, e);
	t->filter = (struct conf_filter){
		.name = "regex", .failregex = { one(t, spec), 1 }, .maxlines = 1,
		.logtype = q.logtype,
	};
	return 0;
}

static int
read_dns(const char *mode, enum conf_dns *out, struct err *e)
{
	static const char *const names[] = {
		[DNS_NO] = "no",
		[DNS_WARN] = "warn",
		[DNS_YES] = "yes",
		[DNS_RAW] = "raw",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(mode, names[i])) {
			*out = (enum conf_dns)i;
			return 0;
		}
	}
	return err_set(e, -EINVAL, "--usedns is yes, warn, no or raw, not \"%s\"",
	    mode);
}

static int
read_trusted(struct trial *t, const char *list, struct err *e)
{
	struct str rest = str_of(list), part;
	size_t n = 0;

	t->trusted = arena_alloc(t->arena, (strlen(list) + 1) * sizeof(*t->trusted));
	while (rest.s && str_cut(&rest, ',', &part)) {
		struct str word;

		while (str_word(&part, &word))
			if (addr_parse_prefix(word, &t->trusted[n++]) < 0)
				return err_set(e, -EINVAL, "\"%.*s\" is not an address",
				    (int)word.len, word.s);
	}
	t->rules_options.trusted = t->trusted;
	t->rules_options.ntrusted = n;
	return 0;
}

/* "CET-1CEST,M3.5.0,M10.5.0": POSIX.1, Environment Variables, TZ. */
static bool
is_zone_rule(const char *zone)
{
	const char *p = zone;

	while (isalpha((unsigned char)*p))
		p++;
	if (*zone == '<' && strchr(zone, '>'))
		p = strchr(zone, '>') + 1;
	return p - zone >= 3 && (isdigit((unsigned char)*p) ||
	    ((*p == '+' || *p == '-') && isdigit((unsigned char)p[1])));
}

/* A zone that logtimezone may name, or else one of the system's ("Europe/Berlin"). */
static int
set_zone(struct trial *t, const char *zone, struct err *e)
{
	char path[PATH_MAX];
	struct err why;

	if (stamp_zone_check(zone, &why) == 0) {
		t->rules_options.logtimezone = zone;
		return 0;
	}
	/* libc takes what it does not know for UTC, without a word */
	snprintf(path, sizeof(path), ZONES "/%s", zone);
	if (!is_zone_rule(zone) &&
	    (!zone[0] || strstr(zone, "..") || access(path, R_OK) < 0))
		return err_set(e, -EINVAL, "unknown time zone \"%s\": expected an "
		    "offset (+0200), an abbreviation (CET), a rule of POSIX or a name "
		    "in " ZONES, zone);
	setenv("TZ", zone, 1);
	tzset();
	return 0;
}

static int
set_now(struct trial *t, const char *now, struct err *e)
{
	double s;
	char *end;

	if (!now) {
		t->now_ms = clock_ms(CLOCK_REALTIME);
		return 0;
	}
	s = strtod(now, &end);
	if (*end || end == now || s < 0 || s > 1e11)
		return err_set(e, -EINVAL, "--now needs seconds since 1970");
	t->now_ms = (int64_t)(s * 1000.0);
	return 0;
}

static int
override(struct trial *t, struct err *e)
{
	const struct options *o = t->o;
	int rc = 0;

	if (o->datepattern)
		t->filter.datepattern = (struct conf_list){ one(t, o->datepattern), 1 };
	if (o->maxlines)
		t->filter.maxlines = o->maxlines;
	if (o->ignoreregex)
		t->filter.ignoreregex = (struct conf_list){ one(t, o->ignoreregex), 1 };
	if (o->encoding)
		t->rules_options.logencoding = o->encoding;
	if (o->timezone)
		rc = set_zone(t, o->timezone, e);
	if (rc == 0 && o->usedns)
		rc = read_dns(o->usedns, &t->rules_options.usedns, e);
	if (rc == 0)
		rc = read_trusted(t, o->trusted ? o->trusted : "127.0.0.0/8,::1", e);
	if (rc == 0)
		rc = set_now(t, o->now, e);
	return rc;
}

/* The list in the configuration, as the option would have it. */
static const char *
configured(struct trial *t, const struct conf_list *list)
{
	struct buf b = { 0 };
	const char *text;

	for (size_t i = 0; i < list->n; i++)
		buf_printf(&b, "%s ", list->v[i]);
	text = arena_dup(t->arena, buf_view(&b));
	buf_fini(&b);
	return text;
}

int
trial_settings(struct trial *t, const struct conf *conf, struct err *e)
{
	const struct options *o = t->o;
	int rc;

	t->arena = arena_new();
	t->rules_options.logencoding = o->encoding;
	if (o->timezone && (rc = set_zone(t, o->timezone, e)) < 0)
		return rc;
	rc = read_trusted(t, o->trusted ? o->trusted
	    : configured(t, &conf->daemon.trusted), e);
	return rc == 0 ? set_now(t, o->now, e) : rc;
}

/* Put the place in front of what is wrong, unless an option of ours said it. */
static int
blame(const struct trial *t, int rc, struct err *e)
{
	const struct options *o = t->o;
	const struct { const char *option, *said; } ours[] = {
		{ "datepattern", o->datepattern }, { "ignoreregex", o->ignoreregex },
		{ "logencoding", o->encoding }, { "logtimezone", o->timezone } };
	struct conf_place at = { NULL, 0 };

	for (size_t i = 0; e->option && i < sizeof(ours) / sizeof(ours[0]); i++)
		if (ours[i].said && strcmp(ours[i].option, e->option) == 0)
			return rc;
	if (t->jail)
		at = conf_jail_place(t->jail, e);
	else if (e->option)
		at = conf_filter_place(&t->filter, e->option, e->number);
	return at.file ? err_prefix(e, rc, "%s:%d", at.file, at.line) : rc;
}

int
trial_init(struct trial *t, const struct options *o, const char *spec, struct err *e)
{
	int rc;

	t->o = o;
	t->watch = t->reporter->watch;
	t->arena = arena_new();
	rc = read_filter(t, spec, e);
	if (rc == 0)
		rc = override(t, e);
	if (rc < 0)
		return rc;
	t->rules_options.filter = &t->filter;
	t->rules_options.check_all = !o->first_match && !o->out;
	t->rules_options.raw = o->raw;
	t->rules_options.no_literals = o->no_prefilter;
	if (t->filter.failregex.n == 0 && !t->filter.parser)
		return err_set(e, -EINVAL, "%s has no failregex", spec);
	rc = rules_new(&t->rules_options, &t->rules, e);
	if (rc < 0)
		return blame(t, rc, e);
	return match_new(&t->rules, 1, &t->match, e);
}

void
trial_fini(struct trial *t)
{
	match_free(t->match);
	rules_free(t->rules);
	conf_free(t->conf);
	arena_free(t->arena);
}
