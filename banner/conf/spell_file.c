/* SPDX-License-Identifier: GPL-2.0-or-later
 * spell_file.c - what nothing reads in a filter's or action's file and brackets.
 *
 * Any name may stand there, for %(name)s and <name>; one that none of them mentions,
 * and that is no option either, is a slip of the pen. In fail2ban's files only those
 * are told that look like an option: it has some that nothing uses.
 */
#include <fnmatch.h>
#include <string.h>

#include "banner/base/spell.h"
#include "banner/conf/reader.h"

enum { LONGEST = 200 };		/* name of a tag */

struct spelling {
	struct jail_reading *jr;
	const struct spell_request *q;
	struct conf_list names;		/* mentioned; "*" for a tag within a tag */
	struct conf_list sections;
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static void
mention(struct spelling *sp, struct buf *name)
{
	struct arena *a = sp->jr->r->arena;
	const char *slash;

	if (!name->len)
		return;
	slash = strrchr(name->p, '/');
	if (slash)
		list_add(a, &sp->sections, arena_dup(a, (struct str){ name->p,
		    (size_t)(slash - name->p) }));
	list_add(a, &sp->names, arena_strdup(a, slash ? slash + 1 : name->p));
}

/* The name in "<name>" at p; "<a-<b>>" gives "a-*". */
static bool
tag_name(const char *p, struct buf *out)
{
	const char *end = p + LONGEST;
	unsigned depth = 1;

	buf_clear(out);
	for (p++; depth && *p && p < end && *p != ' ' && *p != '\n'; p++) {
		if (*p == '<' && depth++ == 1)
			buf_putc(out, '*');
		else if (*p == '>')
			depth--;
		else if (*p != '<' && depth == 1)
			buf_putc(out, lower(*p));
	}
	return !depth;
}

static void
collect_text(struct spelling *sp, const char *text)
{
	struct buf name = { 0 };
	const char *end;

	for (const char *p = text; (p = strpbrk(p, "<%")); p++) {
		if (*p == '<' && tag_name(p, &name))
			mention(sp, &name);
		if (*p != '%' || p[1] != '(' || !(end = strchr(p, ')')))
			continue;
		buf_clear(&name);
		for (p += 2; p < end; p++)
			buf_putc(&name, lower(*p));
		mention(sp, &name);
	}
	buf_fini(&name);
}

static void
collect_section(struct spelling *sp, const struct section *s)
{
	for (size_t i = 0; i < s->n; i++)
		for (const struct value *v = s->entries[i].value; v; v = v->prev)
			collect_text(sp, v->text);
}

static bool
is_in(const struct conf_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (fnmatch(l->v[i], name, 0) == 0)
			return true;
	return false;
}

/* "x?family=inet6" is x. Without its "=" it is nothing, but what comes of a line
 * "x?family=inet6 = ..." outside of [Init?family=inet6]. */
static const char *
plain(const struct spelling *sp, const char *name)
{
	char *p = arena_strdup(sp->jr->r->arena, name);

	if (strchr(p, '='))
		p[strcspn(p, "?")] = '\0';
	for (char *c = p; *c; c++)
		*c = lower(*c);
	return p;
}

static bool
is_known(const struct spelling *sp, const char *name)
{
	for (const char *const *k = sp->q->known; *k; k++)
		if (strcmp(*k, name) == 0)
			return true;
	return is_in(&sp->names, name);
}

static void
check_options(struct spelling *sp, const char *section)
{
	const struct section *s = sheet_section(sp->q->sheet, section);

	for (size_t i = 0; s && i < s->n; i++) {
		const char *name = plain(sp, s->entries[i].name), *near;
		const struct value *v = s->entries[i].value;
		struct place at = { v->file, v->line, NULL };

		if (is_known(sp, name))
			continue;
		near = spell_nearest(name, sp->q->known);
		if (str_ends(str_of(name), "?family"))
			reader_tell(sp->jr->r, CONF_WARNING, &at, "option \"%s\" has "
			    "no effect: what differs for a family stands in a section "
			    "such as [Init?family=inet6]", name);
		else if (near)
			reader_tell(sp->jr->r, CONF_WARNING, &at, "option \"%s\" is "
			    "not known and nothing refers to it; is it \"%s\"?", name,
			    near);
		else if (sp->q->all)
			reader_tell(sp->jr->r, CONF_WARNING, &at, "option \"%s\" is "
			    "not known and nothing refers to it: it has no effect",
			    name);
	}
}

static void
check_sections(struct spelling *sp)
{
	static const char *const known[] = { "INCLUDES", "Definition", "Init", NULL };
	const struct sheet *sh = sp->q->sheet;

	for (size_t i = 0; i < sh->n; i++) {
		const struct section *s = &sh->sections[i];
		struct place at = { s->file, s->line, NULL };
		const char *near = spell_nearest(s->name, known);

		if ((near && strcmp(near, s->name) == 0) ||
		    is_in(&sp->sections, plain(sp, s->name)))
			continue;
		reader_tell(sp->jr->r, CONF_WARNING, &at, "nothing refers to section "
		    "[%s]: it has no effect%s%s%s", s->name, near ? "; is it [" : "",
		    near ? near : "", near ? "]?" : "");
	}
}

/* All that may be given in brackets; NULL at its end. */
static const char *const *
may_be_given(struct spelling *sp)
{
	static const char *const sections[] = { "Definition", "Init" };
	struct arena *a = sp->jr->r->arena;
	struct conf_list all = { 0 };

	for (const char *const *k = sp->q->known; *k; k++)
		list_add(a, &all, *k);
	for (size_t i = 0; i < 2; i++) {
		const struct section *s = sheet_section(sp->q->sheet, sections[i]);

		for (size_t k = 0; s && k < s->n; k++)
			list_add(a, &all, plain(sp, s->entries[k].name));
	}
	list_add(a, &all, NULL);
	return all.v;
}

static void
check_brackets(struct spelling *sp)
{
	const char *const *all = may_be_given(sp);
	struct place at = jail_place(sp->jr, sp->q->option);

	for (size_t i = 0; i < sp->q->brackets->n; i++) {
		const char *name = plain(sp, sp->q->brackets->v[i].key);
		const char *near = spell_nearest(name, all);

		if ((near && strcmp(near, name) == 0) || is_known(sp, name) ||
		    (!near && !sp->q->all))
			continue;
		reader_tell(sp->jr->r, CONF_WARNING, &at, "%s: %s has no option \"%s\""
		    "%s%s%s", sp->q->option, sp->q->sheet->file, name, near ?
		    "; is it \"" : ": it has no effect", near ? near : "",
		    near ? "\"?" : "");
	}
}

/* Those of the section above the file; words of commands stand only there. */
static void
check_own(struct spelling *sp, const struct section *own)
{
	static const char *const fields[] = { "plugin", "user", "caps", "argv_ban",
		"argv_unban", "argv_prolong" };

	for (size_t i = 0; i < own->n; i++) {
		const struct value *v = own->entries[i].value;
		struct place at = { v->file, v->line, NULL };
		bool known = is_known(sp, plain(sp, own->entries[i].name));

		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			known |= strcmp(own->entries[i].name, fields[k]) == 0;
		if (!known)
			reader_tell(sp->jr->r, CONF_WARNING, &at, "option \"%s\" is "
			    "not known and nothing in %s refers to it: it has no "
			    "effect", own->entries[i].name, sp->q->sheet->file);
	}
}

void
spell_file(struct jail_reading *jr, const struct spell_request *q)
{
	struct spelling sp = { .jr = jr, .q = q };

	collect_section(&sp, &q->sheet->defaults);
	for (size_t i = 0; i < q->sheet->n; i++)
		collect_section(&sp, &q->sheet->sections[i]);
	for (size_t i = 0; i < q->brackets->n; i++)
		collect_text(&sp, q->brackets->v[i].value);
	if (q->own)
		collect_section(&sp, q->own);
	check_sections(&sp);
	check_options(&sp, "Definition");
	check_options(&sp, "Init");
	check_brackets(&sp);
	if (q->own)
		check_own(&sp, q->own);
}
