/* SPDX-License-Identifier: GPL-2.0-or-later
 * read_jail.c - one section of the jail files, resolved.
 */
#include "banner/conf/jail.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "banner/conf/definition.h"
#include "banner/conf/origin.h"
#include "banner/conf/reader.h"

/* What fail2ban reads of a jail: filters and actions see these names and values. */
#define THEIR_NAMES "enabled", "backend", "maxretry", "maxmatches", "findtime", \
	"bantime", "bantime.increment", "bantime.factor", "bantime.formula", \
	"bantime.multipliers", "bantime.maxtime", "bantime.rndtime", \
	"bantime.overalljails", "ignorecommand", "ignoreself", "ignoreip", \
	"ignorecache", "filter", "logtimezone", "logencoding", "logpath", "action", \
	"usedns", "prefregex", "ignoreregex", "failregex", "maxlines", "datepattern", \
	"journalmatch"
/* And what is ours. */
#define OUR_NAMES "count", "distinct", "host6", "ban", "blocklist", "skip_if_nologs", \
	"systemd_if_nologs", "known", "knownhost"

static const char *const jail_names[] = { THEIR_NAMES, NULL };
static const char *const our_names[] = { OUR_NAMES, NULL };

/* With the variables of stock files that not every folder refers to. */
const char *const jail_known[] = { THEIR_NAMES, OUR_NAMES, "port", "protocol", "chain",
	"mode", "banaction", "banaction_allports", "action_", "action_mw", "action_mwl",
	"action_xarf", "action_cf_mwl", "action_blocklist_de", "action_abuseipdb",
	"destemail", "sender", "sendername", "mta", "fail2ban_agent", NULL };

struct place
jail_place(const struct jail_reading *jr, const char *option)
{
	const struct value *v = option ?
	    sheet_find(jr->r->jails, jr->jail->name, option) : NULL;

	if (v && strcmp(v->file, SHEET_BUILT_IN) == 0)
		v = NULL;
	return (struct place){ v ? v->file : jr->jail->file,
		v ? v->line : jr->jail->line, jr->jail->name };
}

struct place
jail_line_place(const struct jail_reading *jr, const char *option, const char *text,
    size_t line)
{
	struct origin_source from = { .sheet = jr->r->jails,
		.section = jr->jail->name };
	struct conf_filter held = { .name = "" };
	struct origin_job job = { jr->r->arena, &from, &held.origins };
	struct conf_place at;

	origin_add(&job, option, text, 1);
	at = conf_filter_place(&held, option, line);
	if (!at.file || strcmp(at.file, SHEET_BUILT_IN) == 0)
		return jail_place(jr, option);
	return (struct place){ at.file, at.line, jr->jail->name };
}

bool
jail_bool(struct jail_reading *jr, const char *option, const char *text)
{
	static const char *const no[] = { "0", "off", "false", "no" };
	struct place at = jail_place(jr, option);

	if (str_bool(str_of(text)))
		return true;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (strcasecmp(text, no[i]) == 0)
			return false;
	reader_tell(jr->r, CONF_WARNING, &at, "%s: found \"%s\", expected true or "
	    "false: taken for false", option, text);
	return false;
}

void
jail_error_at(struct jail_reading *jr, const struct place *at, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	reader_tell(jr->r, CONF_ERROR, at, "%s", text.p);
	jr->jail->refused = true;
	buf_fini(&text);
}

void
jail_error(struct jail_reading *jr, const char *option, const char *fmt, ...)
{
	struct place at = jail_place(jr, option);
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	jail_error_at(jr, &at, "%s%s%s", option ? option : "", option ? ": " : "",
	    text.p);
	buf_fini(&text);
}

/* Where the reference stands that could not be resolved. */
static struct place
reference_place(struct jail_reading *jr, const char *name, const struct err *e)
{
	const char *option = e->option ? e->option : name;
	struct place at = jail_place(jr, option);
	const struct value *v = sheet_find(jr->r->jails, jr->jail->name, option);

	if (v && e->number)
		at.line = value_line(v, (int)e->number - 1);
	return at;
}

/* The option's resolved value, or fallback when it is not set. */
static const char *
get(struct jail_reading *jr, const char *name, const char *fallback)
{
	struct interp in = { jr->r->jails, jr->jail->name, &jr->vars, jr->r->arena };
	const char *value = fallback;
	struct err e;

	if (interp_get(&in, name, &value, &e) == -EINVAL) {
		struct place at = reference_place(jr, name, &e);

		jail_error_at(jr, &at, "%s: %s", name, e.text);
		return fallback;
	}
	return value ? value : fallback;
}

static void
read_names(struct jail_reading *jr, const char *const *names)
{
	for (; *names; names++) {
		const char *value = get(jr, *names, NULL);

		if (value)
			options_set(jr->r->arena, &jr->opts, *names, value);
	}
}

/* Variables of the section that only serve interpolation, for display; one that
 * cannot be resolved and is not used disturbs nobody. */
static void
read_variables(struct jail_reading *jr)
{
	const struct section *s = sheet_section(jr->r->jails, jr->jail->name);
	struct interp in = { jr->r->jails, jr->jail->name, &jr->vars, jr->r->arena };
	struct conf_options *o = &jr->jail->options;

	for (size_t i = 0; i < jr->opts.n; i++)
		options_set(jr->r->arena, o, jr->opts.v[i].key, jr->opts.v[i].value);
	for (size_t i = 0; s && i < s->n; i++) {
		const char *value;

		if (!options_get(o, s->entries[i].name) &&
		    interp_get(&in, s->entries[i].name, &value, NULL) == 0)
			options_set(jr->r->arena, o, s->entries[i].name, value);
	}
	for (size_t i = 0; i < o->n; i++) {
		struct place at = jail_place(jr, o->v[i].key);

		o->v[i].file = at.file;
		o->v[i].line = at.line;
	}
}

/* Mistakes in the jail files that hit this section, or everything. */
static void
file_problems(struct jail_reading *jr)
{
	const struct sheet *sh = jr->r->jails;

	for (size_t i = 0; i < sh->nproblems; i++) {
		const struct sheet_problem *p = &sh->problems[i];
		struct place at = { p->file, p->line, jr->jail->name };

		if (sheet_problem_is_common(p))
			jr->jail->refused = true;	/* told once, by conf_read */
		else if (strcmp(p->section, jr->jail->name) == 0) {
			jr->jail->refused = true;
			reader_tell(jr->r, CONF_ERROR, &at, "%s", p->text);
		}
	}
}

/* An error of the filter: at its place in the filter's file, else in the jail. */
static void
filter_error(struct jail_reading *jr, const struct definition *d, const struct err *e)
{
	struct place at = jail_place(jr, "filter");

	if (d && d->file)
		at = (struct place){ d->file, d->line, jr->jail->name };
	reader_tell(jr->r, CONF_ERROR, &at, "filter: %s", e->text);
	jr->jail->refused = true;
	for (size_t i = 1; d && d->sheet && i < d->sheet->nproblems; i++) {
		const struct sheet_problem *p = &d->sheet->problems[i];

		at = (struct place){ p->file, p->line, jr->jail->name };
		reader_tell(jr->r, CONF_ERROR, &at, "filter: %s", p->text);
	}
}

static void
read_rules(struct jail_reading *jr, const char *spec, const char *backend)
{
	struct definition d = { 0 }, *have = NULL;
	struct err e;

	if (*spec) {
		if (filter_begin(jr, spec, backend, &d, &e) < 0) {
			filter_error(jr, &d, &e);
			return;
		}
		have = &d;
	}
	read_names(jr, jail_names);
	read_names(jr, our_names);
	if (!jr->jail->refused && filter_finish(jr, have, &e) < 0)
		filter_error(jr, have, &e);
}

/* It is a word of the control protocol, stands in brackets in the log, and is part of
 * the names of chains and files of actions. */
static void
check_name(struct jail_reading *jr)
{
	enum { NAME_BYTES = 128 };
	const char *name = jr->jail->name;
	bool ok = *name && *name != '-' && strlen(name) <= NAME_BYTES;

	for (const char *p = name; ok && *p; p++)
		ok = (unsigned char)*p > ' ' && *p != 0x7f && !strchr("/[]", *p);
	if (!ok)
		jail_error(jr, NULL, "this name is not fit for a jail: expected 1 to "
		    "%d bytes without blanks, control characters, /, [ and ], that do "
		    "not begin with -", NAME_BYTES);
}

void
jail_read(struct reader *r, const char *section, struct conf_jail *jail)
{
	struct jail_reading jr = { .r = r, .jail = jail };
	const struct section *s = sheet_section(r->jails, section);
	const char *spec, *backend;

	*jail = (struct conf_jail){ .name = section, .file = s->file, .line = s->line,
		.filter = { .name = "", .maxlines = 1, .logtype = "file" } };
	file_problems(&jr);
	jail->enabled = r->enable_all ||
	    jail_bool(&jr, "enabled", get(&jr, "enabled", "false"));
	if ((!jail->enabled && !r->only_jail) ||
	    (r->only_jail && strcmp(r->only_jail, section) != 0))
		return;
	check_name(&jr);
	backend = r->journal ? "systemd" : get(&jr, "backend", "auto");
	spec = get(&jr, "filter", "");
	if (!jail->refused)
		read_rules(&jr, spec, backend);
	read_variables(&jr);
	if (jail->refused)
		return;
	jail_options(&jr);
	if (!jail->refused)
		actions_read(&jr, options_get(&jr.opts, "action"));
}
