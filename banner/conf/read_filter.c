/* SPDX-License-Identifier: GPL-2.0-or-later
 * read_filter.c - the rules of a jail: filter file, brackets, and the jail's own.
 */
#include "banner/conf/filter.h"

#include <errno.h>
#include <string.h>

#include "banner/conf/definition.h"
#include "banner/conf/origin.h"
#include "banner/conf/reader.h"

#define NAMES "usedns", "prefregex", "ignoreregex", "failregex", "maxlines", \
	"datepattern", "journalmatch", "loginregex"

static const char *const filter_names[] = { NAMES, NULL };
/* "mode" is given to every filter; those at the end are read by parsers (core). */
static const char *const filter_known[] = { NAMES, "weight", "parser", "logtype",
	"mode", NULL };
static const char *const parser_known[] = { NAMES, "weight", "parser", "logtype",
	"mode", "service", "category", "reason", "uncounted", NULL };

static bool
is_path(const char *name)
{
	return str_ends(str_of(name), ".conf") || str_ends(str_of(name), ".local");
}

/* A path stands for itself; a name for a file of the filters' folder. */
static const struct sheet *
find_sheet(struct arena *a, struct files *files, const char *folder, const char *name)
{
	struct sheet *sh;

	if (is_path(name)) {
		sh = sheet_new(a);
		sheet_merge_list(sh, files, &name, 1);
		return sh->nfiles ? sh : NULL;
	}
	if (strncmp(name, "./", 2) == 0)
		return sheet_read(files, ".", name + 2);
	return sheet_read(files, folder, name);
}

/* logtype, unless the filter's own [Definition] or the brackets set it. */
static void
default_logtype(struct definition *d, const char *logtype)
{
	const char *given = options_get(&d->init, "logtype");
	const struct section *def = sheet_section(d->sheet, "Definition");

	if (!(given && *given) && !section_find(def, "logtype"))
		options_set(d->arena, &d->init, "logtype", logtype);
}

/* What the jail reads as %(known/x)s; it is resolved, so its % are literal. */
static const char *
literal(struct arena *a, const char *text)
{
	struct buf out = { 0 };
	const char *copy = text;

	if (strchr(text, '%')) {
		for (; *text; text++) {
			if (*text == '%')
				buf_putc(&out, '%');
			buf_putc(&out, *text);
		}
		copy = arena_dup(a, buf_view(&out));
		buf_fini(&out);
	}
	return copy;
}

static int
open_spec(struct definition *d, struct files *files, const char *folder,
    const char *spec, struct err *e)
{
	const char *name;
	int rc;

	rc = bracket_parse(d->arena, str_of(spec), &name, &d->init, e);
	if (rc < 0)
		return rc;
	d->ngiven = d->init.n;
	d->sheet = find_sheet(d->arena, files, folder, name);
	if (!d->sheet && is_path(name))
		return err_set(e, -ENOENT, "filter \"%s\" not found: expected a file "
		    "of that name", name);
	if (!d->sheet && strncmp(name, "./", 2) == 0)
		return err_set(e, -ENOENT, "filter \"%s\" not found: expected %s.conf "
		    "in this folder", name, name);
	if (!d->sheet)
		return err_set(e, -ENOENT, "filter \"%s\" not found: expected "
		    "%s/%s.conf", name, folder, name);
	return definition_check(d, e);
}

static const char *
spec_name(struct arena *a, const char *spec)
{
	size_t n = strcspn(spec, "[");

	return arena_dup(a, str_trim((struct str){ spec, n }));
}

static void
check_spelling(struct jail_reading *jr, const struct definition *d)
{
	struct spell_request q = { .sheet = d->sheet, .brackets = &d->init,
		.known = filter_known, .option = "filter",
		.all = jr->r->conf->layout == LAYOUT_BANNER };

	if (sheet_find(d->sheet, "Definition", "parser"))
		q.known = parser_known;
	reader_tell_notes(jr->r, d->sheet);
	spell_file(jr, &q);
}

int
filter_begin(struct jail_reading *jr, const char *spec, const char *backend,
    struct definition *d, struct err *e)
{
	struct reader *r = jr->r;
	struct conf_filter *f = &jr->jail->filter;
	struct conf_options first = { 0 };
	int rc;

	*d = (struct definition){ .arena = r->arena, .names = filter_names,
		.own_families = r->older };
	rc = open_spec(d, r->files, arena_printf(r->arena, "%s/%s", r->conf->dir,
	    layout_filters(r->conf->layout)), spec, e);
	if (rc < 0)
		return rc;
	check_spelling(jr, d);
	f->name = spec_name(r->arena, spec);
	f->file = d->sheet->file;
	f->ours = r->conf->layout == LAYOUT_BANNER;
	default_logtype(d, strncmp(backend, "systemd", 7) == 0 ||
	    strncmp(backend, "journal", 7) == 0 ? "journal" : "file");
	options_set(r->arena, &first, "enabled", "True");
	options_set(r->arena, &first, "backend", backend);
	options_set(r->arena, &first, "filter", spec);
	rc = definition_read(d, &first, true, e);
	if (rc == 0)
		rc = definition_combine(d, NULL, &f->options, e);
	for (size_t i = 0; rc == 0 && i < f->options.n; i++)
		options_set(r->arena, &jr->vars, arena_printf(r->arena, "known/%s",
		    f->options.v[i].key), literal(r->arena, f->options.v[i].value));
	return rc;
}

static const char *
first_of(const struct conf_options *a, const struct conf_options *b, const char *key)
{
	const char *v = options_get(a, key);

	return v ? v : options_get(b, key);
}

static int
fill_maxlines(struct conf_filter *f, const char *text, struct err *e)
{
	uint64_t n = 1;

	if (text && (str_u64(str_trim(str_of(text)), &n) < 0 || n < 1 || n > 1000))
		return err_set(e, -EINVAL, "maxlines: found \"%s\", expected 1 to 1000",
		    text);
	f->maxlines = (unsigned)n;
	return 0;
}

static int
fill_weights(struct arena *a, struct conf_filter *f, struct err *e)
{
	list_words(a, &f->weight, options_get(&f->options, "weight"));
	if (f->weight.n && f->weight.n != f->failregex.n)
		return err_set(e, -EINVAL, "weight: found %zu numbers, expected one "
		    "for each of the %zu failregex", f->weight.n, f->failregex.n);
	for (size_t i = 0; i < f->weight.n; i++) {
		uint64_t n;

		if (str_u64(str_of(f->weight.v[i]), &n) < 0 || n < 1 || n > 1000)
			return err_set(e, -EINVAL, "weight: found \"%s\", expected a "
			    "number from 1 to 1000", f->weight.v[i]);
	}
	return 0;
}

/* What the filter and the jail say, and where they say it. */
struct filling {
	struct arena *arena;
	const struct conf_options *flt, *jail;
	struct origin_source in_filter, in_jail;
};

static void
fill_origins(const struct filling *q, struct conf_filter *f, const char *option,
    const char *flt, const char *jail)
{
	struct origin_job job = { q->arena, &q->in_filter, &f->origins };
	struct str rest = str_of(flt), line;
	size_t n = 1;

	if (flt)
		origin_add(&job, option, flt, n);
	while (flt && str_cut(&rest, '\n', &line))
		n += line.len > 0;
	job.from = &q->in_jail;
	if (jail)
		origin_add(&job, option, jail, n);
}

static struct origin_source
origin_source(const struct definition *d, const struct conf_filter *f)
{
	return (struct origin_source){ .sheet = d->sheet, .section = "Definition",
		.tags = &f->options, .given = { d->init.v, d->ngiven } };
}

static void
fill_list(const struct filling *q, struct conf_filter *f, struct conf_list *l,
    const char *option)
{
	const char *flt = options_get(q->flt, option);
	const char *jail = options_get(q->jail, option);

	list_lines(q->arena, l, flt);
	list_lines(q->arena, l, jail);
	fill_origins(q, f, option, flt, jail);
}

/* Where the options of the filter stand that are read by their names. */
static void
fill_places(const struct origin_source *s, struct conf_options *o)
{
	if (!s->sheet)
		return;
	for (size_t i = 0; i < o->n; i++) {
		const struct value *v = origin_find(s, o->v[i].key);

		o->v[i].file = v ? v->file : s->otherwise.file;
		o->v[i].line = v ? v->line : s->otherwise.line;
	}
}

/* Both may give rules: lists add up; of single values fail2ban sends the filter's
 * last (prefregex, maxlines) or the jail's (datepattern). */
static void
fill(const struct filling *q, struct conf_filter *f)
{
	const char *pref = options_get(q->flt, "prefregex");
	const char *date = options_get(q->jail, "datepattern"), *v;

	fill_places(&q->in_filter, &f->options);
	fill_list(q, f, &f->failregex, "failregex");
	fill_list(q, f, &f->ignoreregex, "ignoreregex");
	fill_list(q, f, &f->journalmatch, "journalmatch");
	fill_list(q, f, &f->loginregex, "loginregex");
	v = first_of(q->flt, q->jail, "prefregex");
	f->prefregex = v && *v ? v : NULL;
	fill_origins(q, f, "prefregex", pref, pref ? NULL : v);
	v = first_of(q->jail, q->flt, "datepattern");
	list_lines(q->arena, &f->datepattern, v);
	fill_origins(q, f, "datepattern", date ? NULL : v, date);
	v = options_get(&f->options, "parser");
	f->parser = v && *v ? v : NULL;
	v = options_get(&f->options, "logtype");
	f->logtype = v && *v ? v : "file";
}

/* The error is d's (NULL: the jail has no filter). */
static int
fill_numbers(struct arena *a, struct definition *d, struct conf_filter *f,
    const char *maxlines, struct err *e)
{
	const char *which = "maxlines";
	int rc = fill_maxlines(f, maxlines, e);

	if (rc == 0) {
		which = "weight";
		rc = fill_weights(a, f, e);
	}
	if (rc < 0 && d)
		definition_blame(d, which, 0);
	return rc;
}

/* "<rules-extra>" where the filter has no mode extra; without a prefregex it has no
 * address either, which is an error. */
static void
warn_left(struct jail_reading *jr, const struct conf_filter *f)
{
	for (size_t i = 0; f->prefregex && i < f->failregex.n; i++) {
		const char *text = f->failregex.v[i];
		size_t n = strspn(text + 1, "abcdefghijklmnopqrstuvwxyz0123456789_-");
		struct conf_place at = conf_filter_place(f, "failregex", i + 1);
		struct place where = { at.file, at.line, jr->jail->name };

		if (text[0] == '<' && n && strcmp(text + 1 + n, ">") == 0)
			reader_tell(jr->r, CONF_WARNING, &where, "failregex: found "
			    "\"%s\", which is no option of the filter: it is taken as "
			    "text", text);
	}
}

int
filter_finish(struct jail_reading *jr, struct definition *d, struct err *e)
{
	struct conf_options flt = { 0 };
	struct conf_filter *f = &jr->jail->filter;
	struct filling q = { .arena = jr->r->arena, .flt = &flt, .jail = &jr->opts,
		.in_jail = { .sheet = jr->r->jails, .section = jr->jail->name } };
	const char *usedns, *own = options_get(&jr->opts, "maxlines");
	int rc = 0;

	if (d) {
		rc = definition_read(d, &jr->opts, false, e);
		if (rc == 0)
			rc = definition_combine(d, NULL, &flt, e);
	}
	if (rc < 0)
		return rc;
	if (d) {
		struct place at = jail_place(jr, "filter");

		q.in_filter = origin_source(d, f);
		q.in_filter.otherwise = (struct conf_place){ at.file, at.line };
		q.in_jail.known = &q.in_filter;
	}
	fill(&q, f);
	warn_left(jr, f);
	if (own && fill_maxlines(f, own, e) < 0) {
		struct place at = jail_place(jr, "maxlines");

		reader_tell(jr->r, CONF_ERROR, &at, "%s", e->text);
		jr->jail->refused = true;
		return 0;
	}
	usedns = options_get(&flt, "usedns");
	if (usedns)
		options_set(jr->r->arena, &jr->opts, "usedns", usedns);
	return fill_numbers(jr->r->arena, d, f,
	    first_of(&flt, &jr->opts, "maxlines"), e);
}

int
conf_filter_read(const struct conf_filter_request *q, struct conf_filter *f,
    struct err *e)
{
	struct definition d = { .arena = q->arena, .names = filter_names };
	struct conf_options none = { 0 }, flt = { 0 };
	enum conf_layout layout = LAYOUT_BANNER;
	const char *dir = q->dir ? q->dir : ".";
	bool path = strchr(spec_name(q->arena, q->spec), '/') != NULL;
	int rc = layout_find(dir, &layout, e);

	*f = (struct conf_filter){ .name = spec_name(q->arena, q->spec),
		.ours = rc == 0 && layout == LAYOUT_BANNER };
	if (rc < 0 && !path)
		return rc;
	rc = open_spec(&d, files_new(q->arena), arena_printf(q->arena, "%s/%s", dir,
	    layout_filters(layout)), q->spec, e);
	if (rc < 0)
		return definition_where(&d, rc, e);
	f->file = d.sheet->file;
	default_logtype(&d, q->logtype ? q->logtype : "file");
	rc = definition_read(&d, &none, true, e);
	if (rc == 0)
		rc = definition_combine(&d, NULL, &f->options, e);
	if (rc == 0)
		rc = definition_read(&d, &none, false, e);
	if (rc == 0)
		rc = definition_combine(&d, NULL, &flt, e);
	if (rc == 0) {
		struct filling all = { .arena = q->arena, .flt = &flt, .jail = &none,
			.in_filter = origin_source(&d, f) };

		fill(&all, f);
		rc = fill_numbers(q->arena, &d, f, options_get(&flt, "maxlines"), e);
	}
	return rc < 0 ? definition_where(&d, rc, e) : 0;
}
