/* SPDX-License-Identifier: GPL-2.0-or-later
 * origin.c - which line of which file each entry of a list comes from.
 */
#include "banner/conf/origin.h"

#include <string.h>
#include <strings.h>

#include "banner/conf/expand.h"

struct walk {
	const struct origin_job *job;
	const char *option;
	struct str rest;	/* resolved lines that have no place yet */
	size_t number;		/* of the next of them */
	unsigned depth;
};

/* A value of an option, and whose it is. */
struct held {
	const struct origin_source *from;
	const char *name;
	const struct value *value;
};

static void
append(const struct origin_job *j, const struct conf_origin *o)
{
	struct conf_origins *out = j->out;
	struct conf_origin *last = out->n ? &out->v[out->n - 1] : NULL;

	if (last && last->number && o->number == last->number + last->n &&
	    !strcmp(last->option, o->option) && !strcmp(last->file, o->file) &&
	    o->line == last->line + (int)last->n) {
		last->n++;
		return;
	}
	out->v = vec_room(j->arena, out->v, out->n, sizeof(*out->v));
	out->v[out->n++] = *o;
}

/* The next resolved line begins with all that is the same in every unfolding. */
static bool
take(struct walk *w, const struct value *v, int i, struct str raw)
{
	struct str line = { 0 };
	size_t n = 0;

	while (!line.len)
		if (!str_cut(&w->rest, '\n', &line))
			return false;
	while (n < raw.len && raw.s[n] != '%' && raw.s[n] != '<')
		n++;
	if (line.len < n || memcmp(line.s, raw.s, n) != 0)
		return false;
	append(w->job, &(struct conf_origin){ w->option, v->file, w->number++, 1,
	    value_line(v, i) });
	return true;
}

const struct value *
origin_find(const struct origin_source *s, const char *name)
{
	for (size_t i = 0; i < s->given.n; i++)
		if (strcmp(s->given.v[i].key, name) == 0)
			return NULL;
	return sheet_option(s->sheet, s->section, name);
}

/* "known/x": what x was before. */
static struct held
find_known(const struct held *h, const char *name)
{
	struct held to = { h->from->known, name, NULL };

	if (to.from && (to.value = origin_find(to.from, name)))
		return to;
	to.from = h->from;
	to.value = strcmp(h->name, name) ? origin_find(h->from, name) : h->value;
	if (to.value)
		to.value = to.value->prev;
	return to;
}

static struct held
find_held(const struct walk *w, const struct held *h, struct str name)
{
	char *low = arena_dup(w->job->arena, name);
	struct held to = { h->from, low, NULL };

	for (char *c = low; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 0x20);
	if (strncmp(low, "known/", 6) == 0)
		return find_known(h, low + 6);
	to.value = origin_find(h->from, low);
	return to;
}

/* "<rules-<mode>>" is <rules-normal>. Unfolded innermost first, as tags are. */
static struct str
tag_name(const struct walk *w, const struct held *h, struct str text)
{
	struct arena *a = w->job->arena;
	const char *name = arena_dup(a, (struct str){ text.s + 1, text.len - 2 });
	const char *open;

	for (int i = 0; (open = strrchr(name, '<')) && i < EXPAND_DEPTH; i++) {
		size_t n = strcspn(open + 1, ">");
		const char *value = open[1 + n] ? options_get(h->from->tags,
		    arena_dup(a, (struct str){ open + 1, n })) : NULL;

		if (!value)
			break;
		name = arena_printf(a, "%.*s%s%s", (int)(open - name), name, value,
		    open + 2 + n);
	}
	return str_of(name);
}

/* Is the whole line a reference, and to which value? */
static bool
follow(const struct walk *w, const struct held *h, struct str line, struct held *to)
{
	struct str name = { line.s + 2, line.len - 4 };

	to->value = NULL;
	if (line.len > 4 && str_starts(line, "%(") && str_ends(line, ")s") &&
	    !memchr(name.s, ')', name.len))
		*to = find_held(w, h, name);
	else if (h->from->tags && line.len > 2 && line.s[0] == '<' &&
	    line.s[line.len - 1] == '>')
		*to = find_held(w, h, tag_name(w, h, line));
	return to->value != NULL;
}

static bool
walk(struct walk *w, const struct held *h)
{
	struct str rest = str_of(h->value->text), line;
	bool ok = ++w->depth <= EXPAND_DEPTH * 4;

	for (int i = 0; ok && str_cut(&rest, '\n', &line); i++) {
		struct held to;

		line = str_trim(line);
		if (!line.len)
			continue;
		ok = follow(w, h, line, &to) ? walk(w, &to) :
		    take(w, h->value, i, line);
	}
	w->depth--;
	return ok;
}

static bool
is_used_up(struct str rest)
{
	struct str line;

	while (str_cut(&rest, '\n', &line))
		if (line.len)
			return false;
	return true;
}

void
origin_add(const struct origin_job *j, const char *option, const char *text,
    size_t first)
{
	struct held h = { j->from, option, origin_find(j->from, option) };
	struct walk w = { .job = j, .option = option, .rest = str_of(text),
		.number = first };
	struct conf_place at = j->from->otherwise;
	size_t n;

	if (!text || !*text)
		return;
	if (h.value)
		at = (struct conf_place){ h.value->file, h.value->line };
	if (!at.file)
		return;
	append(j, &(struct conf_origin){ option, at.file, 0, 0, at.line });
	n = j->out->n;
	if (h.value && (!walk(&w, &h) || !is_used_up(w.rest)))
		j->out->n = n;
}
