/* SPDX-License-Identifier: GPL-2.0-or-later
 * sheet.c - several files merged into one.
 */
#include "banner/conf/sheet.h"

#include <string.h>

struct sheet *
sheet_new(struct arena *a)
{
	struct sheet *s = arena_alloc(a, sizeof(*s));

	s->arena = a;
	s->defaults.name = "DEFAULT";
	return s;
}

const struct value *
section_find(const struct section *s, const char *name)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (strcmp(s->entries[i].name, name) == 0)
			return s->entries[i].value;
	return NULL;
}

const struct section *
sheet_section(const struct sheet *sh, const char *name)
{
	if (strcmp(name, "DEFAULT") == 0)
		return &sh->defaults;
	for (size_t i = 0; i < sh->n; i++)
		if (strcmp(sh->sections[i].name, name) == 0)
			return &sh->sections[i];
	return NULL;
}

const struct value *
sheet_find(const struct sheet *sh, const char *section, const char *name)
{
	const struct value *v = section_find(sheet_section(sh, section), name);

	return v ? v : section_find(&sh->defaults, name);
}

const struct value *
sheet_option(const struct sheet *sh, const char *section, const char *name)
{
	const struct value *v = sheet_find(sh, section, name);

	return v ? v : section_find(sheet_section(sh, "Init"), name);
}

int
value_line(const struct value *v, int i)
{
	int last = 0;

	for (const char *p = v->text; (p = strchr(p, '\n')); p++)
		last++;
	if (i > last)
		i = last;
	return v->lines ? v->lines[i] : v->line + i;
}

static struct section *
section_make(struct sheet *sh, const char *name, const char *file, int line)
{
	struct section *s = (struct section *)(uintptr_t)sheet_section(sh, name);

	if (s)
		return s;
	sh->sections = vec_room(sh->arena, sh->sections, sh->n, sizeof(*sh->sections));
	s = &sh->sections[sh->n++];
	*s = (struct section){ .name = name, .file = file, .line = line };
	return s;
}

static void
section_set(struct sheet *sh, struct section *s, const char *name,
    const struct value *value)
{
	struct value *v = arena_alloc(sh->arena, sizeof(*v));
	struct entry *en = NULL;

	*v = *value;
	for (size_t i = 0; i < s->n && !en; i++)
		if (strcmp(s->entries[i].name, name) == 0)
			en = &s->entries[i];
	if (!en) {
		s->entries = vec_room(sh->arena, s->entries, s->n, sizeof(*s->entries));
		en = &s->entries[s->n++];
		*en = (struct entry){ .name = name };
	}
	v->prev = en->value;
	en->value = v;
}

void
sheet_set(struct sheet *sh, const char *section, const char *name, const char *value)
{
	struct value v = { .text = arena_strdup(sh->arena, value),
		.file = SHEET_BUILT_IN };

	section_set(sh, section_make(sh, arena_strdup(sh->arena, section), v.file, 0),
	    arena_strdup(sh->arena, name), &v);
}

size_t
sheet_word(const char *s)
{
	size_t n = 0;

	while ((s[n] >= 'a' && s[n] <= 'z') || (s[n] >= 'A' && s[n] <= 'Z') ||
	    (s[n] >= '0' && s[n] <= '9') || s[n] == '_')
		n++;
	return n;
}

/* [Init?family=inet6] gives options "x?family=inet6" of section Init. */
static void
merge_section(struct sheet *sh, const struct ini *ini, const struct ini_section *is)
{
	size_t word = sheet_word(is->name);
	const char *cond = word && is->name[word] == '?' && is->name[word + 1] ?
	    is->name + word : "";
	const char *name = *cond ?
	    arena_dup(sh->arena, (struct str){ is->name, word }) : is->name;
	struct section *s = section_make(sh, name, ini->path, is->line);

	for (size_t i = 0; i < is->n; i++) {
		const struct ini_option *o = &is->options[i];
		struct value v = { .text = o->value, .file = ini->path,
			.line = o->line, .lines = o->lines };

		section_set(sh, s, *cond ?
		    arena_printf(sh->arena, "%s%s", o->name, cond) : o->name, &v);
	}
}

static void
add_note(struct sheet *sh, const struct sheet_problem *p)
{
	sh->notes = vec_room(sh->arena, sh->notes, sh->nnotes, sizeof(*sh->notes));
	sh->notes[sh->nnotes++] = *p;
}

static void
merge_notes(struct sheet *sh, const struct ini *ini)
{
	for (size_t i = 0; i < ini->nnotes; i++)
		add_note(sh, &(struct sheet_problem){ .file = ini->path,
		    .line = ini->notes[i].line, .text = ini->notes[i].text });
}

void
sheet_note(struct sheet *sh, const char *file, const char *text)
{
	add_note(sh, &(struct sheet_problem){ .file = file, .text = text });
}

static void
add_problem(struct sheet *sh, const struct sheet_problem *p)
{
	sh->problems = vec_room(sh->arena, sh->problems, sh->nproblems,
	    sizeof(*sh->problems));
	sh->problems[sh->nproblems++] = *p;
}

bool
sheet_problem_is_common(const struct sheet_problem *p)
{
	return !p->section || strcmp(p->section, "DEFAULT") == 0 ||
	    strcmp(p->section, "INCLUDES") == 0;
}

void
sheet_problem(struct sheet *sh, const char *file, const char *text)
{
	add_problem(sh, &(struct sheet_problem){ .file = file, .text = text });
}

void
sheet_merge(struct sheet *sh, const struct ini *ini)
{
	sh->nfiles++;
	merge_notes(sh, ini);
	for (size_t i = 0; i < ini->nsections; i++)
		merge_section(sh, ini, &ini->sections[i]);
	for (size_t i = 0; i < ini->nproblems; i++) {
		const struct ini_problem *p = &ini->problems[i];

		add_problem(sh, &(struct sheet_problem){ .file = ini->path,
		    .section = p->section, .line = p->line, .text = p->text });
	}
}
