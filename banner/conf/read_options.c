/* SPDX-License-Identifier: GPL-2.0-or-later
 * read_options.c - the typed options of a jail: words to numbers, lists and choices.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/conf/cachespec.h"
#include "banner/conf/journal_match.h"
#include "banner/conf/reader.h"
#include "banner/conf/span.h"

enum { COUNT_MAX = 1000000, DISTINCT_MAX = 65535 };

enum kind { KIND_BOOL, KIND_COUNT, KIND_SPAN, KIND_TEXT, KIND_WORDS };

struct key {
	const char *name;
	enum kind kind;
	size_t offset;		/* in struct conf_jail */
	unsigned least, most;	/* KIND_COUNT */
};

#define KEY(name, kind, field) { name, kind, offsetof(struct conf_jail, field), 0, 0 }
#define RANGE(name, field, least, most) \
	{ name, KIND_COUNT, offsetof(struct conf_jail, field), least, most }

static const struct key keys[] = {
	RANGE("maxretry", maxretry, 1, COUNT_MAX),
	RANGE("maxmatches", maxmatches, 0, COUNT_MAX),
	KEY("findtime", KIND_SPAN, findtime_ms),
	KEY("known", KIND_SPAN, known_ms),
	KEY("knownhost", KIND_SPAN, known_host_ms),
	KEY("bantime", KIND_SPAN, bantime_ms),
	KEY("ignoreself", KIND_BOOL, ignoreself),
	KEY("skip_if_nologs", KIND_BOOL, skip_if_nologs),
	KEY("systemd_if_nologs", KIND_BOOL, systemd_if_nologs),
	KEY("logencoding", KIND_TEXT, logencoding),
	KEY("logtimezone", KIND_TEXT, logtimezone),
	KEY("ignorecommand", KIND_TEXT, ignorecommand),
	KEY("ignorecache", KIND_TEXT, ignorecache),
	KEY("ignoreip", KIND_WORDS, ignoreip),
	KEY("bantime.increment", KIND_BOOL, increment.on),
	KEY("bantime.overalljails", KIND_BOOL, increment.overalljails),
	KEY("bantime.formula", KIND_TEXT, increment.formula),
	KEY("bantime.multipliers", KIND_TEXT, increment.multipliers),
	KEY("bantime.maxtime", KIND_SPAN, increment.maxtime_ms),
	KEY("bantime.rndtime", KIND_SPAN, increment.rndtime_ms),
	KEY("blocklist", KIND_TEXT, blocklist),
	RANGE("host6", host6, WIDEST6, 128),	/* wider ones are never banned */
};

static void
wrong(struct jail_reading *jr, const char *name, const char *found,
    const char *expected)
{
	jail_error(jr, name, "found \"%s\", expected %s", found, expected);
}

static void
not_negative(struct jail_reading *jr, const char *name)
{
	wrong(jr, name, options_get(&jr->opts, name), "a time that is not negative");
}

static void
set_count(struct jail_reading *jr, const struct key *k, const char *text, void *field)
{
	uint64_t n;

	if (str_u64(str_trim(str_of(text)), &n) < 0 || n < k->least || n > k->most)
		jail_error(jr, k->name, "found \"%s\", expected a number from %u to %u",
		    text, k->least, k->most);
	else
		*(unsigned *)field = (unsigned)n;
}

static void
set_span(struct jail_reading *jr, const struct key *k, const char *text, void *field)
{
	struct err e;

	if (span_ms(str_of(text), field, &e) < 0)
		jail_error(jr, k->name, "found \"%s\", not a time: %s", text, e.text);
}

static void
set_key(struct jail_reading *jr, const struct key *k, const char *text)
{
	void *field = (char *)jr->jail + k->offset;

	switch (k->kind) {
	case KIND_BOOL:
		*(bool *)field = jail_bool(jr, k->name, text);
		break;
	case KIND_COUNT:
		set_count(jr, k, text, field);
		break;
	case KIND_SPAN:
		set_span(jr, k, text, field);
		break;
	case KIND_TEXT:
		*(const char **)field = *text ? text : NULL;
		break;
	case KIND_WORDS:
		list_words(jr->r->arena, field, text);
		break;
	}
}

static void
check_backend(struct jail_reading *jr)
{
	const struct conf_jail *j = jr->jail;
	struct err e;

	if (j->backend != BACKEND_JOURNAL && j->backend != BACKEND_AUTO &&
	    j->backend_options.n)
		jail_error(jr, "backend", "only systemd has options in brackets");
	else if (journal_options_check(&j->backend_options, &e) < 0)
		jail_error(jr, "backend", "%s", e.text);
}

static void
check_matches(struct jail_reading *jr)
{
	const struct conf_list *l = &jr->jail->filter.journalmatch;
	struct err e;

	for (size_t i = 0; i < l->n; i++) {
		struct str rest = str_of(l->v[i]);
		char *word = xmalloc(rest.len + 1);
		int rc;

		while ((rc = journal_match_word(&rest, word, &e)) > 0)
			continue;
		free(word);
		if (rc < 0) {
			struct conf_place at = conf_filter_place(
			    &jr->jail->filter, "journalmatch", i + 1);

			jail_error_at(jr, &(struct place){ at.file, at.line,
			    jr->jail->name }, "journalmatch: %s", e.text);
		}
	}
}

static void
set_backend(struct jail_reading *jr)
{
	static const struct { const char *word; enum conf_backend backend; } words[] = {
		{ "auto", BACKEND_AUTO }, { "pyinotify", BACKEND_FILE },
		{ "inotify", BACKEND_FILE }, { "file", BACKEND_FILE },
		{ "gamin", BACKEND_FILE }, { "polling", BACKEND_POLLING },
		{ "systemd", BACKEND_JOURNAL }, { "journal", BACKEND_JOURNAL },
		{ "socket", BACKEND_SOCKET }, { "stdin", BACKEND_STDIN },
	};
	const char *text = options_get(&jr->opts, "backend"), *name;
	struct err e;

	if (!text || !*text)
		return;
	if (bracket_parse(jr->r->arena, str_of(text), &name,
	    &jr->jail->backend_options, &e) < 0) {
		jail_error(jr, "backend", "%s", e.text);
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i].word, name) == 0) {
			jr->jail->backend = words[i].backend;
			check_backend(jr);
			return;
		}
	wrong(jr, "backend", name, "auto, systemd, polling, pyinotify, file, socket "
	    "or stdin");
}

static void
set_usedns(struct jail_reading *jr)
{
	static const struct { const char *word; enum conf_dns dns; } words[] = {
		{ "yes", DNS_YES }, { "warn", DNS_WARN }, { "no", DNS_NO },
		{ "raw", DNS_RAW },
		{ "true", DNS_YES }, { "1", DNS_YES }, { "on", DNS_YES },
		{ "false", DNS_NO }, { "0", DNS_NO }, { "off", DNS_NO },
	};
	const char *text = options_get(&jr->opts, "usedns");

	for (size_t i = 0; text && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i].word, text) == 0) {
			jr->jail->usedns = words[i].dns;
			return;
		}
	if (text)
		wrong(jr, "usedns", text, "yes, warn, no or raw");
}

/* One line is GLOB, or GLOB head, or GLOB tail. */
static void
set_logpath(struct jail_reading *jr)
{
	struct conf_jail *j = jr->jail;
	struct str rest = str_of(options_get(&jr->opts, "logpath")), line;

	while (str_cut(&rest, '\n', &line)) {
		struct conf_path p = { 0 };
		const char *blank;

		line = str_trim(line);
		if (!line.len)
			continue;
		p.glob = arena_dup(jr->r->arena, line);
		blank = strrchr(p.glob, ' ');
		if (blank && strcmp(blank + 1, "tail") && strcmp(blank + 1, "head")) {
			wrong(jr, "logpath", blank + 1, "head or tail behind the path");
			return;
		}
		p.tail = blank && strcmp(blank + 1, "tail") == 0;
		if (blank)
			p.glob = arena_dup(jr->r->arena, str_trim((struct str){ p.glob,
			    (size_t)(blank - p.glob) }));
		j->logpath = vec_room(jr->r->arena, j->logpath, j->nlogpath, sizeof(p));
		j->logpath[j->nlogpath++] = p;
	}
}

static void
set_net(struct jail_reading *jr, const char *text)
{
	struct conf_jail *j = jr->jail;
	struct str rest, four;
	uint64_t n4 = 24, n6 = 56;
	const char *whole = text;

	text += strlen("net");
	rest = str_of(text);

	if (*text == '/') {
		rest.s++;
		rest.len--;
		if (!str_cut(&rest, ',', &four) || str_u64(str_trim(four), &n4) < 0 ||
		    (rest.s && str_u64(str_trim(rest), &n6) < 0))
			n4 = 0;
	} else if (*text) {
		n4 = 0;
	}
	if (n4 < WIDEST4 || n4 > 32 || n6 < WIDEST6 || n6 > 128) {
		wrong(jr, "count", whole, "net/24,56 or longer prefixes (wider ones "
		    "are never banned automatically)");
		return;
	}
	j->count = COUNT_NET;
	j->net4 = (unsigned)n4;
	j->net6 = (unsigned)n6;
}

/* What would never reach its limit, or has no effect. */
static void
check_counting(struct jail_reading *jr)
{
	const struct conf_jail *j = jr->jail;
	bool one_user = j->count == COUNT_USER || j->count == COUNT_HOST_USER;
	bool one_host = j->count == COUNT_HOST || j->count == COUNT_HOST_USER;

	if ((j->distinct == 'u' && one_user) || (j->distinct == 'h' && one_host))
		jail_error(jr, "distinct", "found \"%s\", expected %s: of what count "
		    "counts there is only one", j->distinct == 'u' ? "user" : "host",
		    j->distinct == 'u' ? "host" : "user");
	if (j->ban_user && !one_user)
		jail_error(jr, "ban", "found \"user\", expected it only with count = "
		    "host+user");
}

static void
set_counting(struct jail_reading *jr)
{
	static const char *const words[] = { "host", "user", "host+user" };
	static const enum conf_count counts[] = { COUNT_HOST, COUNT_USER,
		COUNT_HOST_USER };
	struct conf_jail *j = jr->jail;
	const char *count = options_get(&jr->opts, "count");
	const char *distinct = options_get(&jr->opts, "distinct");
	const char *ban = options_get(&jr->opts, "ban");
	bool found = !count;

	for (size_t i = 0; count && i < 3; i++)
		if (strcmp(count, words[i]) == 0) {
			j->count = counts[i];
			found = true;
		}
	if (count && strcmp(count, "total") == 0)
		j->count = COUNT_TOTAL;
	else if (count && strncmp(count, "net", 3) == 0)
		set_net(jr, count);
	else if (!found)
		wrong(jr, "count", count, "host, user, host+user, net/24,56 or total");
	if (distinct && *distinct && strcmp(distinct, "user") &&
	    strcmp(distinct, "host"))
		wrong(jr, "distinct", distinct, "user or host");
	else if (distinct)
		j->distinct = *distinct;
	if (ban && *ban && strcmp(ban, "user") && strcmp(ban, "host"))
		wrong(jr, "ban", ban, "user or host");
	j->ban_user = ban && strcmp(ban, "user") == 0;
	check_counting(jr);
}

static bool
is_number(struct str s)
{
	double v;

	return span_seconds(s, &v, NULL) == 0 && v > 0;
}

static void
set_increment(struct jail_reading *jr)
{
	struct conf_increment *inc = &jr->jail->increment;
	const char *factor = options_get(&jr->opts, "bantime.factor");
	struct span_vars vars = { 600, 1, 1 };
	struct str rest, w;
	struct err e;
	double v;

	if (factor && *factor && span_formula(factor, &vars, &inc->factor, &e) < 0)
		jail_error(jr, "bantime.factor", "%s", e.text);
	else if (factor && *factor && span_seconds(str_of(factor), &v, NULL) < 0)
		inc->factor_expr = factor;
	if (!(inc->factor > 0))
		wrong(jr, "bantime.factor", factor, "more than 0");
	if (inc->maxtime_ms < 0 || inc->rndtime_ms < 0)
		not_negative(jr, inc->maxtime_ms < 0 ? "bantime.maxtime" :
		    "bantime.rndtime");
	vars.ban_factor = inc->factor;
	if (inc->formula && span_formula(inc->formula, &vars, &v, &e) < 0)
		jail_error(jr, "bantime.formula", "%s", e.text);
	rest = str_of(inc->multipliers);
	while (inc->multipliers && str_word(&rest, &w))
		if (!is_number(w))
			wrong(jr, "bantime.multipliers", inc->multipliers,
			    "numbers above 0 between blanks");
}

/* "1 on true yes no ..." are numbers to nobody: bool options never fail, as there. */
static void
defaults(struct jail_reading *jr)
{
	struct conf_jail *j = jr->jail;
	bool ours = jr->r->conf->layout == LAYOUT_BANNER;

	j->findtime_ms = j->bantime_ms = 10 * MS_PER_MIN;
	j->maxretry = ours ? 5 : 3;
	j->usedns = ours ? DNS_NO : DNS_WARN;
	j->ignoreself = j->systemd_if_nologs = true;
	j->logencoding = "auto";
	j->increment.factor = 1;
	j->net4 = 24;
	j->net6 = 56;
	j->host6 = ours ? 64 : 128;
}

static void
check_limits(struct jail_reading *jr)
{
	struct conf_jail *j = jr->jail;
	struct cachespec cache;
	struct err e;

	if (j->bantime_ms < 0)
		j->bantime_ms = -1;
	else		/* fail2ban counts bans in whole seconds */
		j->bantime_ms -= j->bantime_ms % MS_PER_S;
	if (j->distinct && j->maxretry > DISTINCT_MAX)
		jail_error(jr, "maxretry", "found %u, expected at most %d, for "
		    "distinct counts no more", j->maxretry, DISTINCT_MAX);
	if (j->known_ms < 0 || j->known_host_ms < 0)
		not_negative(jr, j->known_ms < 0 ? "known" : "knownhost");
	if (j->ignorecache && cachespec_parse(j->ignorecache, &cache, &e) < 0)
		jail_error(jr, "ignorecache", "%s", e.text);
	if (j->bantime_ms == 0) {
		struct place at = jail_place(jr, "bantime");

		reader_tell(jr->r, CONF_WARNING, &at, "bantime is less than a second: "
		    "nobody is banned");
	}
	if (j->findtime_ms < 1)
		wrong(jr, "findtime", options_get(&jr->opts, "findtime"),
		    "a time longer than zero");
	if (!options_get(&jr->opts, "maxmatches"))
		j->maxmatches = j->maxretry;
	if (!j->logencoding)
		j->logencoding = "auto";
}

/* Options of its own section that act only beside another one; those of [DEFAULT]
 * may be for other jails. */
static void
check_alone(struct jail_reading *jr)
{
	static const char *const names[] = { "bantime.factor", "bantime.formula",
		"bantime.multipliers", "bantime.maxtime", "bantime.rndtime",
		"bantime.overalljails", "ignorecache" };
	const struct section *s = sheet_section(jr->r->jails, jr->jail->name);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct place at = jail_place(jr, names[i]);
		bool cache = strcmp(names[i], "ignorecache") == 0;

		if (section_find(s, names[i]) && !(cache ?
		    jr->jail->ignorecommand != NULL : jr->jail->increment.on))
			reader_tell(jr->r, CONF_WARNING, &at, "%s has no effect "
			    "without %s", names[i], cache ? "ignorecommand" :
			    "bantime.increment = true");
	}
}

void
jail_options(struct jail_reading *jr)
{
	defaults(jr);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *text = options_get(&jr->opts, keys[i].name);

		if (text)
			set_key(jr, &keys[i], text);
	}
	set_backend(jr);
	check_matches(jr);
	set_usedns(jr);
	set_logpath(jr);
	set_counting(jr);
	set_increment(jr);
	check_limits(jr);
	check_alone(jr);
}
