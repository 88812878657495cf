/* SPDX-License-Identifier: GPL-2.0-or-later
 * read_daemon.c - [bannerd] of banner.conf, and what fail2ban.conf says that acts here.
 */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <strings.h>

#include "banner/base/addr.h"
#include "banner/base/spell.h"
#include "banner/base/units.h"
#include "banner/conf/reader.h"
#include "banner/conf/span.h"

enum { SOCKET_MAX = 107 };	/* bytes of a path in sockaddr_un */
enum kind { KIND_TEXT, KIND_PATH, KIND_SOCKET, KIND_LOG, KIND_BYTES, KIND_COUNT,
	KIND_SPAN, KIND_BOOL, KIND_NETS, KIND_LEVEL, KIND_NATIVE, KIND_SANDBOX };

struct key {
	const char *name;
	enum kind kind;
	size_t offset;		/* in struct conf_daemon */
	uint64_t least, most;	/* KIND_BYTES, KIND_COUNT */
};

#define LOGS "STDERR STDOUT SYSLOG SYSTEMD-JOURNAL SYSOUT"
#define LEVELS "CRITICAL ERROR WARNING NOTICE INFO DEBUG"
#define KEY(name, kind, field) { name, kind, offsetof(struct conf_daemon, field), 0, 0 }
#define RANGE(name, kind, field, least, most) \
	{ name, kind, offsetof(struct conf_daemon, field), least, most }

static const struct key keys[] = {
	KEY("trusted", KIND_NETS, trusted),
	KEY("never_ban", KIND_NETS, never_ban),
	KEY("state", KIND_PATH, state),
	KEY("socket", KIND_SOCKET, socket),
	KEY("admin_group", KIND_TEXT, admin_group),
	KEY("log", KIND_LOG, log),
	KEY("loglevel", KIND_LEVEL, loglevel),
	KEY("native", KIND_NATIVE, native),
	KEY("sandbox", KIND_SANDBOX, sandbox),
	RANGE("max_bans", KIND_COUNT, max_bans, 1, 100000000),
	RANGE("max_tracked", KIND_COUNT, max_tracked, 1, 100000000),
	RANGE("max_line", KIND_BYTES, max_line_bytes, 256, CONF_LINE_MAX),
	RANGE("evidence", KIND_BYTES, evidence_bytes, 1 << 16, 1 << 30),
	RANGE("ban_rate", KIND_COUNT, ban_rate, 1, 1000000),
	KEY("hold", KIND_BOOL, hold),
	KEY("purge_age", KIND_SPAN, purge_age_ms),
};

enum { NKEYS = sizeof(keys) / sizeof(keys[0]) };

static const struct conf_daemon defaults = {
	.state = "/var/lib/banner", .socket = "/run/banner/banner.sock",
	.admin_group = "", .log = "STDERR", .loglevel = "INFO", .native = "auto",
	.sandbox = "auto", .max_bans = 200000, .max_tracked = 400000,
	.max_line_bytes = 16384, .evidence_bytes = 4 << 20, .ban_rate = 600,
	.purge_age_ms = 30 * MS_PER_DAY,
};

static int
choose(struct arena *a, const char *text, const char *words, const char **field,
    struct err *e)
{
	struct str rest = str_of(words), w;

	while (str_word(&rest, &w))
		if (w.len == strlen(text) && strncasecmp(w.s, text, w.len) == 0) {
			*field = arena_dup(a, w);
			return 0;
		}
	return err_set(e, -EINVAL, "found \"%s\", expected one of: %s", text, words);
}

static int
set_path(const char *text, const char **field, struct err *e)
{
	if (text[0] != '/')
		return err_set(e, -EINVAL, "found \"%s\", expected a path that begins "
		    "with /", text);
	*field = text;
	return 0;
}

static int
set_log(struct arena *a, const char *text, const char **field, struct err *e)
{
	if (set_path(text, field, e) == 0 || choose(a, text, LOGS, field, e) == 0)
		return 0;
	return err_set(e, -EINVAL, "found \"%s\", expected a path that begins with /, "
	    "or one of: " LOGS, text);
}

static int
set_bool(struct arena *a, const char *text, bool *field, struct err *e)
{
	const char *word = "";
	int rc = choose(a, text, "yes no true false on off 1 0", &word, e);

	if (rc == 0)
		*field = str_bool(str_of(word));
	return rc;
}

/* The list gets what is right of it, and of too many the first. */
static int
set_nets(struct arena *a, struct conf_list *list, const char *text, struct err *e)
{
	struct conf_list words = { 0 };
	struct addr net;
	int rc = 0;

	list_words(a, &words, text);
	if (words.n > CONF_NETS_MAX)
		rc = err_set(e, -E2BIG, "found %zu, expected at most %d: the first "
		    "%d count", words.n, CONF_NETS_MAX, CONF_NETS_MAX);
	for (size_t i = 0; i < words.n && i < CONF_NETS_MAX; i++) {
		if (addr_parse_prefix(str_of(words.v[i]), &net) == 0 && net.plen > 0)
			list_add(a, list, words.v[i]);
		else if (rc == 0)
			rc = err_set(e, -EINVAL, "found \"%s\", expected an address "
			    "or a prefix such as 192.0.2.0/24", words.v[i]);
	}
	return rc;
}

static int
set_number(const struct key *k, const char *text, uint64_t *field, struct err *e)
{
	struct str s = str_trim(str_of(text));
	uint64_t n = 0;
	int rc = k->kind == KIND_BYTES ? units_bytes(s, &n) : str_u64(s, &n);

	if (rc < 0 || n < k->least || n > k->most)
		return err_set(e, -EINVAL, "found \"%s\", expected a number%s from "
		    "%llu to %llu", text,
		    k->kind == KIND_BYTES ? " of bytes, such as 16K," : "",
		    (unsigned long long)k->least, (unsigned long long)k->most);
	*field = n;
	return 0;
}

static int
set_span(const char *text, int64_t *field, struct err *e)
{
	int64_t ms = 0;
	int rc = span_ms(str_of(text), &ms, e);

	if (rc == 0 && ms < 0)
		rc = err_set(e, -EINVAL, "found \"%s\", expected a time that is not "
		    "negative", text);
	if (rc == 0)
		*field = ms;
	return rc;
}

static int
set_key(struct reader *r, const struct key *k, const char *text, struct err *e)
{
	void *field = (char *)&r->conf->daemon + k->offset;

	switch (k->kind) {
	case KIND_TEXT:
		*(const char **)field = text;
		return 0;
	case KIND_PATH:
		return set_path(text, field, e);
	case KIND_SOCKET:
		if (strlen(text) > SOCKET_MAX)
			return err_set(e, -EINVAL, "found %zu bytes, expected a path "
			    "of at most %d", strlen(text), SOCKET_MAX);
		return set_path(text, field, e);
	case KIND_LOG:
		return set_log(r->arena, text, field, e);
	case KIND_BYTES:
	case KIND_COUNT:
		return set_number(k, text, field, e);
	case KIND_SPAN:
		return set_span(text, field, e);
	case KIND_BOOL:
		return set_bool(r->arena, text, field, e);
	case KIND_NETS:
		return set_nets(r->arena, field, text, e);
	case KIND_LEVEL:
		return choose(r->arena, text, LEVELS, field, e);
	case KIND_NATIVE:
		return choose(r->arena, text, "auto yes no", field, e);
	case KIND_SANDBOX:
		return choose(r->arena, text, "auto required off", field, e);
	}
	return 0;
}

/* "admin-group" and "admin_group" are the same. */
static const struct key *
key_find(struct arena *a, const char *name)
{
	char *plain = arena_strdup(a, name);

	for (char *c = plain; *c; c++)
		if (*c == '-')
			*c = '_';
	for (size_t i = 0; i < NKEYS; i++)
		if (strcmp(keys[i].name, plain) == 0)
			return &keys[i];
	return NULL;
}

static void
unknown(struct reader *r, const struct entry *en)
{
	const char *known[NKEYS + 1] = { 0 }, *near;
	struct place at = { en->value->file, en->value->line, NULL };

	for (size_t i = 0; i < NKEYS; i++)
		known[i] = keys[i].name;
	near = spell_nearest(en->name, known);
	if (near)
		reader_tell(r, CONF_ERROR, &at, "[bannerd] has no option \"%s\"; is it "
		    "\"%s\"?", en->name, near);
	else
		reader_tell(r, CONF_ERROR, &at, "[bannerd] has no option \"%s\"",
		    en->name);
}

/* The group may come later; until then root alone may change things. */
static void
check_group(struct reader *r, const struct place *at)
{
	const char *group = r->conf->daemon.admin_group;

	if (*group && !getgrnam(group))
		reader_tell(r, CONF_WARNING, at, "admin_group: there is no group "
		    "\"%s\"", group);
}

static void
read_own(struct reader *r)
{
	const struct section *s = sheet_section(r->own, "bannerd");
	struct interp in = { r->own, "bannerd", NULL, r->arena };

	for (size_t i = 0; s && i < s->n; i++) {
		const struct entry *en = &s->entries[i];
		const struct key *k = key_find(r->arena, en->name);
		struct place at = { en->value->file, en->value->line, NULL };
		const char *text;
		struct err e;

		if (!k)
			unknown(r, en);
		else if (interp_get(&in, en->name, &text, &e) < 0 ||
		    set_key(r, k, text, &e) < 0)
			reader_tell(r, CONF_ERROR, &at, "%s: %s", en->name, e.text);
		else if (strcmp(k->name, "admin_group") == 0)
			check_group(r, &at);
	}
}

/* [DEFAULT] of banner.conf gives no option to a section, only values to %(name)s. */
static void
check_defaults(struct reader *r)
{
	const struct section *d = &r->own->defaults;

	for (size_t i = 0; i < d->n; i++) {
		const struct value *v = d->entries[i].value;
		struct place at = { v->file, v->line, NULL };

		if (!spell_mentions(r->own, d->entries[i].name))
			reader_tell(r, CONF_ERROR, &at, "[DEFAULT] holds \"%s\", to "
			    "which nothing refers; expected it in [bannerd] or "
			    "[action NAME]", d->entries[i].name);
	}
}

static void
check_sections(struct reader *r)
{
	check_defaults(r);
	for (size_t i = 0; i < r->own->n; i++) {
		const struct section *s = &r->own->sections[i];
		struct place at = { s->file, s->line, NULL };

		if (strcmp(s->name, "bannerd") && strcmp(s->name, "INCLUDES") &&
		    !(strncmp(s->name, "action ", 7) == 0 && s->name[7] &&
		    !strpbrk(s->name + 7, " \t[]")))
			reader_tell(r, CONF_ERROR, &at, "found section [%s], expected "
			    "[bannerd] or [action NAME]; jails belong into %s",
			    s->name, r->conf->layout == LAYOUT_BANNER ?
			    "jails.d/" : "jail.local");
	}
	reader_tell_notes(r, r->own);
	for (size_t i = 0; i < r->own->nproblems; i++) {
		const struct sheet_problem *p = &r->own->problems[i];
		struct place at = { p->file, p->line, NULL };

		reader_tell(r, CONF_ERROR, &at, "%s", p->text);
	}
}

/* One option of fail2ban.conf; what does not act here is said, once each. */
static void
theirs(struct reader *r, const struct interp *in, const char *name)
{
	static const struct key acting[] = {
		KEY("loglevel", KIND_LEVEL, loglevel),
		KEY("logtarget", KIND_LOG, log),
		KEY("dbpurgeage", KIND_SPAN, purge_age_ms),
	};
	const struct value *v = sheet_find(in->sheet, in->section, name);
	struct place at = { v->file, v->line, NULL };
	const char *text;
	struct err e;

	for (size_t i = 0; i < sizeof(acting) / sizeof(acting[0]); i++)
		if (strcmp(acting[i].name, name) == 0) {
			if (interp_get(in, name, &text, &e) < 0 ||
			    set_key(r, &acting[i], text, &e) < 0)
				reader_tell(r, CONF_WARNING, &at, "%s: %s", name,
				    e.text);
			return;
		}
	reader_tell(r, CONF_NOTE, &at, "%s is not used: banner keeps its own (see "
	    "banner.conf)", name);
}

static void
read_theirs(struct reader *r)
{
	const struct sheet *sh = sheet_read(r->files, r->conf->dir, "fail2ban");
	struct interp in = { sh, "Definition", NULL, r->arena };
	const struct section *def;

	if (!sh)
		return;
	reader_tell_notes(r, sh);
	for (size_t i = 0; i < sh->nproblems; i++) {
		struct place at = { sh->problems[i].file, sh->problems[i].line, NULL };

		reader_tell(r, CONF_ERROR, &at, "%s", sh->problems[i].text);
	}
	def = sheet_section(sh, "Definition");
	for (size_t i = 0; def && i < def->n; i++)
		theirs(r, &in, def->entries[i].name);
	for (size_t i = 0; i < sh->defaults.n; i++)
		if (!section_find(def, sh->defaults.entries[i].name))
			theirs(r, &in, sh->defaults.entries[i].name);
}

/* A name that is not the one the jails say, perhaps. */
void
daemon_tell_unused(struct reader *r)
{
	bool sure = true;

	/* one with an error names none */
	for (size_t i = 0; i < r->conf->njails; i++)
		sure &= !r->conf->jails[i].refused;
	for (size_t i = 0; r->own && sure && i < r->own->n; i++) {
		const struct section *s = &r->own->sections[i];
		struct place at = { s->file, s->line, NULL };
		bool used = strncmp(s->name, "action ", 7) != 0;

		for (size_t k = 0; !used && k < r->conf->nactions; k++)
			used = strcmp(r->conf->actions[k].name, s->name + 7) == 0;
		if (!used)
			reader_tell(r, CONF_NOTE, &at, "no enabled jail has an action "
			    "\"%s\": the section is not looked at", s->name + 7);
	}
}

void
daemon_read(struct reader *r)
{
	r->conf->daemon = defaults;
	if (r->conf->layout == LAYOUT_FAIL2BAN)
		read_theirs(r);
	r->own = sheet_read(r->files, r->conf->dir, "banner");
	if (!r->own)
		return;
	check_sections(r);
	read_own(r);
}
