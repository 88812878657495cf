/* SPDX-License-Identifier: GPL-2.0-or-later
 * definition.c - [Definition] and [Init] of a filter or action file, combined.
 */
#include "banner/conf/definition.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "banner/conf/reader.h"

void
definition_blame(struct definition *d, const char *name, size_t line)
{
	const struct value *v = sheet_option(d->sheet, "Definition", name);

	d->file = v ? v->file : NULL;
	d->line = v ? value_line(v, line ? (int)line - 1 : 0) : 0;
}

int
definition_where(const struct definition *d, int rc, struct err *e)
{
	return d->file ? err_prefix(e, rc, "%s:%d", d->file, d->line) : rc;
}

static int
get(struct definition *d, const char *section, const struct conf_options *vars,
    const char *name, const char **value)
{
	struct interp in = { d->sheet, section, vars, d->arena };
	struct err e;
	int rc;

	if (!sheet_section(d->sheet, section))
		return -ENOENT;
	rc = interp_get(&in, name, value, &e);
	if (rc == -EINVAL) {	/* told through the value: the caller has no place */
		*value = arena_printf(d->arena, "option %s: %s", name, e.text);
		definition_blame(d, e.option ? e.option : name, e.number);
	}
	return rc;
}

/* "x" in brackets stands for both families, also where the file has an
 * "x?family=inet6"; not so in fail2ban before 1.1.1. */
static const char *
given_for_all(const struct definition *d, const char *name)
{
	size_t n = sheet_word(name);

	if (d->own_families || !n || name[n] != '?')
		return NULL;
	return options_get(&d->vars, arena_dup(d->arena, (struct str){ name, n }));
}

static int
read_init(struct definition *d, struct err *e)
{
	const struct section *init = sheet_section(d->sheet, "Init");

	for (size_t i = 0; init && i < init->n; i++) {
		const char *name = init->entries[i].name, *value = "", *given;
		int rc = get(d, "Init", NULL, name, &value);

		if (rc < 0)
			return err_set(e, rc, "%s", value);
		if (strncmp(name, "known/", 6) != 0)
			options_set(d->arena, &d->init,
			    arena_printf(d->arena, "known/%s", name), value);
		given = given_for_all(d, name);
		if (!options_get(&d->init, name))
			options_set(d->arena, &d->init, name, given ? given : value);
	}
	return 0;
}

int
definition_read(struct definition *d, const struct conf_options *jail, bool all,
    struct err *e)
{
	const struct section *def = sheet_section(d->sheet, "Definition");
	const char *value = "";
	int rc;

	d->vars = (struct conf_options){ 0 };
	d->opts = (struct conf_options){ 0 };
	for (size_t i = 0; i < jail->n; i++)
		options_set(d->arena, &d->vars, jail->v[i].key, jail->v[i].value);
	for (size_t i = 0; i < d->init.n; i++)
		options_set(d->arena, &d->vars, d->init.v[i].key, d->init.v[i].value);
	for (const char *const *n = d->names; *n; n++) {
		if (options_get(&d->vars, *n))
			continue;
		rc = get(d, "Definition", &d->vars, *n, &value);
		if (rc == -EINVAL)
			return err_set(e, rc, "%s", value);
		if (rc == 0)
			options_set(d->arena, &d->opts, *n, value);
	}
	rc = read_init(d, e);
	for (size_t i = 0; all && rc == 0 && def && i < def->n; i++) {
		const char *name = def->entries[i].name;

		if (options_get(&d->opts, name))
			continue;
		rc = get(d, "Definition", NULL, name, &value);
		if (rc < 0)
			return err_set(e, rc, "%s", value);
		options_set(d->arena, &d->opts, name, value);
	}
	return rc;
}

static const char *
lower(struct arena *a, const char *s)
{
	char *p = arena_strdup(a, s);

	for (char *c = p; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	return p;
}

/* section/option: known and default are special; else a section of the file. */
static int
find_slash(struct definition *d, const char *name, const char **value)
{
	const char *slash = strchr(name, '/'), *opt, *sec;
	const struct value *v;
	struct interp in = { d->sheet, "Definition", NULL, d->arena };
	int rc;

	if (!slash || slash == name || !slash[1])
		return -ENOENT;
	opt = lower(d->arena, slash + 1);
	sec = arena_dup(d->arena, (struct str){ name, (size_t)(slash - name) });
	if (strcasecmp(sec, "known") == 0) {
		v = section_find(sheet_section(d->sheet, "Definition"), opt);
		if (v && v->prev) {
			struct err e;

			rc = interp_text(&in, v->prev->text, value, &e);
			if (rc == -EINVAL)
				*value = arena_printf(d->arena, "option %s: %s", name,
				    e.text);
			return rc;
		}
		sec = "Definition";
	} else if (strcasecmp(sec, "default") == 0) {
		sec = "DEFAULT";
	}
	return get(d, sec, NULL, opt, value);
}

/* A tag that is neither an option read nor an [Init] or bracket option. */
static int
find(void *arg, const char *name, const char **value, struct err *e)
{
	struct definition *d = arg;
	const char *low = lower(d->arena, name);
	int rc;

	*value = options_get(&d->cache, name);
	if (*value)
		return 0;
	for (size_t i = 0; i < d->missing.n; i++)
		if (strcmp(d->missing.v[i], name) == 0)
			return -ENOENT;
	rc = find_slash(d, name, value);
	if (rc == -ENOENT)
		rc = get(d, "Definition", &d->vars, low, value);
	if (rc == 0)
		options_set(d->arena, &d->cache, name, *value);
	else if (rc == -ENOENT)
		list_add(d->arena, &d->missing, name);
	else
		return err_set(e, rc, "%s", *value);
	return rc;
}

/* "iptables?family=inet6" keeps "iptables" as a tag until the family is known; fail2ban
 * does so for names of letters, digits and "_" only. */
static void
ignore_conditional(struct arena *a, const struct conf_options *o, struct conf_list *out)
{
	for (size_t i = 0; i < o->n; i++) {
		const char *key = o->v[i].key;
		size_t n = sheet_word(key);

		if (n && key[n] == '?' && key[n + 1])
			list_add(a, out, arena_dup(a, (struct str){ key, n }));
	}
}

int
definition_combine(struct definition *d, const char *const *ignore,
    struct conf_options *out, struct err *e)
{
	struct tag_job job = { .arena = d->arena, .find = find, .arg = d,
		.watch = "port" };
	struct conf_list leave = { 0 };
	int rc;

	for (size_t i = 0; i < d->opts.n; i++)
		options_set(d->arena, &job.tags, d->opts.v[i].key, d->opts.v[i].value);
	for (size_t i = 0; i < d->init.n; i++)
		options_set(d->arena, &job.tags, d->init.v[i].key, d->init.v[i].value);
	for (; ignore && *ignore; ignore++)
		list_add(d->arena, &leave, *ignore);
	ignore_conditional(d->arena, &job.tags, &leave);
	list_add(d->arena, &leave, NULL);
	job.ignore = leave.v;
	rc = tags_resolve(&job, e);
	if (rc < 0 && job.failed)
		definition_blame(d, job.failed, 0);
	*out = job.tags;
	d->uses_port |= job.watched;
	return rc;
}

int
definition_check(struct definition *d, struct err *e)
{
	const struct sheet *sh = d->sheet;

	if (sh->nproblems) {
		d->file = sh->problems[0].file;
		d->line = sh->problems[0].line;
		return err_set(e, -EINVAL, "%s", sh->problems[0].text);
	}
	if (!sheet_section(sh, "Definition")) {
		d->file = sh->file;
		d->line = 1;
		return err_set(e, -EINVAL, "no section [Definition]; put that line "
		    "above its options");
	}
	return 0;
}
