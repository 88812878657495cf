/* SPDX-License-Identifier: GPL-2.0-or-later
 * interp.c - %(name)s, %(section/name)s, %(known/name)s.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "banner/conf/expand.h"

/* One option being expanded; the chain tells depth, and where known/ goes back to. */
struct frame {
	const char *name;
	const struct value *value;	/* NULL: it came from vars */
	const struct frame *up;
	unsigned depth;
	unsigned *steps;		/* references followed so far, all in all */
};

enum { MAX_STEPS = 100000 };

static int	expand(const struct interp *, const struct frame *, const char *,
		    struct buf *, struct err *);

static const char *
lower(struct arena *a, struct str s)
{
	char *p = arena_dup(a, s);

	for (char *c = p; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	return p;
}

static const char *
vars_find(const struct conf_options *vars, const char *name)
{
	for (size_t i = vars ? vars->n : 0; i > 0; i--)
		if (strcasecmp(vars->v[i - 1].key, name) == 0)
			return vars->v[i - 1].value;
	return NULL;
}

/* What the option said before the value in force; an option that refers to its own
 * earlier value goes back from where it stands. */
static const struct value *
known_value(const struct interp *in, const struct frame *f, const char *name)
{
	const struct value *v = NULL;
	const struct section *s = sheet_section(in->sheet, in->section);

	for (; f && !v; f = f->up)
		if (f->value && strcmp(f->name, name) == 0)
			v = f->value;
	if (!v)
		v = section_find(s, name);
	if (v && v->prev)
		return v->prev;
	/* The oldest value of a section goes back to [DEFAULT]. */
	for (const struct value *d = section_find(&in->sheet->defaults, name), *k = d;
	    k; k = k->prev)
		if (k == v)
			return NULL;
	return section_find(&in->sheet->defaults, name);
}

static const struct value *
slash_value(const struct interp *in, const struct frame *f, const char *name)
{
	const char *slash = strchr(name, '/');
	const struct section *s;
	const struct value *v = NULL;
	char sec[128];

	if (!slash || (size_t)(slash - name) >= sizeof(sec))
		return NULL;
	memcpy(sec, name, (size_t)(slash - name));
	sec[slash - name] = '\0';
	if (strcasecmp(sec, "known") == 0)
		return known_value(in, f, slash + 1);
	if (strcasecmp(sec, "default") == 0)
		return section_find(&in->sheet->defaults, slash + 1);
	s = sheet_section(in->sheet, sec);
	if (s)
		v = section_find(s, slash + 1);
	return v || !s ? v : section_find(&in->sheet->defaults, slash + 1);
}

/* The raw text that a name stands for; *v is set when it comes from a file. */
static const char *
raw_find(const struct interp *in, const struct frame *f, const char *name,
    const struct value **v)
{
	const char *text = vars_find(in->vars, name);

	*v = NULL;
	if (text)
		return text;
	*v = sheet_find(in->sheet, in->section, name);
	if (!*v && strcmp(name, "__name__") == 0)
		return in->section;
	if (!*v)
		*v = slash_value(in, f, name);
	return *v ? (*v)->text : NULL;
}

static int
reference(const struct interp *in, const struct frame *f, struct str name,
    struct buf *out, struct err *e)
{
	struct frame next = { .name = arena_dup(in->arena, name), .up = f,
		.depth = f->depth + 1, .steps = f->steps };
	const char *text = raw_find(in, f, next.name, &next.value);

	if (!text) {
		next.name = lower(in->arena, name);
		text = raw_find(in, f, next.name, &next.value);
	}
	if (!text)
		return err_set(e, -EINVAL, "\"%%(%.*s)s\" refers to an option that is "
		    "not set; set it, or remove the reference", (int)name.len, name.s);
	if (strncasecmp(next.name, "known/", 6) == 0) {
		next.name += 6;		/* each step goes further back: not a loop */
		next.depth = f->depth;
	}
	if (next.depth > EXPAND_DEPTH || ++*next.steps > MAX_STEPS)
		return err_set(e, -EINVAL, "\"%%(%.*s)s\" refers to itself, or options"
		    " are nested deeper than %d", (int)name.len, name.s, EXPAND_DEPTH);
	return expand(in, &next, text, out, e);
}

/* The error is at that place of the value in force; unless one that it refers to has
 * it. One that was replaced has no name, so whoever refers to it is blamed. */
static int
blame(const struct interp *in, const struct frame *f, const char *at, struct err *e)
{
	size_t line = 1;

	if (!e || e->option || !f->value ||
	    f->value != sheet_find(in->sheet, in->section, f->name))
		return -EINVAL;
	for (const char *p = f->value->text; p < at; p++)
		line += *p == '\n';
	return err_about(e, -EINVAL, f->name, line);
}

static int
expand(const struct interp *in, const struct frame *f, const char *text,
    struct buf *out, struct err *e)
{
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "%");
		const char *end;
		int rc;

		buf_add(out, p, n);
		p += n;
		if (out->len > EXPAND_MAX) {
			err_set(e, -EINVAL, "more than %d bytes when unfolded",
			    EXPAND_MAX);
			return blame(in, f, p, e);
		}
		if (!*p)
			break;
		if (p[1] == '%') {
			buf_putc(out, '%');
			p += 2;
			continue;
		}
		end = p[1] == '(' ? strchr(p, ')') : NULL;
		if (!end || end[1] != 's' || end == p + 2) {
			err_set(e, -EINVAL, "found \"%.12s\", expected \"%%%%\" or "
			    "\"%%(name)s\" (a literal %% is written %%%%)", p);
			return blame(in, f, p, e);
		}
		rc = reference(in, f, (struct str){ p + 2, (size_t)(end - p) - 2 },
		    out, e);
		if (rc < 0)
			return blame(in, f, p, e);
		p = end + 2;
	}
	return 0;
}

static int
run(const struct interp *in, struct frame *f, const char *text, const char **value,
    struct err *e)
{
	struct buf out = { 0 };
	unsigned steps = 0;
	int rc = 0;

	/* cppcheck-suppress autoVariables; taken back below */
	f->steps = &steps;
	*value = text;
	if (strchr(text, '%')) {
		rc = expand(in, f, text, &out, e);
		*value = arena_dup(in->arena, buf_view(&out));
	}
	buf_fini(&out);
	f->steps = NULL;
	return rc;
}

int
interp_get(const struct interp *in, const char *name, const char **value, struct err *e)
{
	struct frame f = { .name = name };
	const char *text;

	text = vars_find(in->vars, name);
	if (!text) {
		f.value = sheet_find(in->sheet, in->section, name);
		if (!f.value)
			return err_set(e, -ENOENT, "option %s is not set", name);
		text = f.value->text;
	}
	return run(in, &f, text, value, e);
}

int
interp_text(const struct interp *in, const char *text, const char **value,
    struct err *e)
{
	struct frame f = { .name = "" };

	return run(in, &f, text, value, e);
}
