/* SPDX-License-Identifier: GPL-2.0-or-later
 * tags.c - <name> in the values of filters and actions, innermost first.
 */
#include <errno.h>
#include <string.h>

#include "banner/conf/expand.h"

/* How often a name was replaced in one value. */
struct count {
	const char *name;
	unsigned n;
};

/* What is remembered of one value between rounds. */
struct progress {
	struct count *counts;
	size_t n;
	bool done;
};

struct tag {
	const char *start;	/* of '<' */
	struct str name;
};

static bool
tag_search(const char *from, struct tag *t)
{
	for (const char *p = from; (p = strchr(p, '<')); p++) {
		size_t n = strcspn(p + 1, " <>");

		if (n && p[1 + n] == '>') {
			*t = (struct tag){ p, { p + 1, n } };
			return true;
		}
	}
	return false;
}

void
options_set(struct arena *a, struct conf_options *o, const char *key, const char *value)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].key, key) == 0) {
			o->v[i].value = value;
			return;
		}
	o->v = vec_room(a, o->v, o->n, sizeof(*o->v));
	o->v[o->n++] = (struct conf_option){ .key = key, .value = value };
}

static bool
ignored(const struct tag_job *job, const char *name)
{
	for (const char *const *i = job->ignore; i && *i; i++)
		if (strcmp(*i, name) == 0)
			return true;
	return false;
}

static int
tag_value(const struct tag_job *job, const char *name, const char **value,
    struct err *e)
{
	*value = NULL;
	if (job->condition)
		*value = options_get(&job->tags, arena_printf(job->arena, "%s?%s", name,
		    job->condition));
	if (!*value)
		*value = options_get(&job->tags, name);
	if (*value || !job->find)
		return *value ? 0 : -ENOENT;
	return job->find(job->arg, name, value, e);
}

static unsigned *
counter(struct arena *a, struct progress *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->counts[i].name, name) == 0)
			return &p->counts[i].n;
	p->counts = vec_room(a, p->counts, p->n, sizeof(*p->counts));
	p->counts[p->n] = (struct count){ name, 0 };
	return &p->counts[p->n++].n;
}

/* All "<name>" in text become value. */
static const char *
replace_all(struct arena *a, const char *text, const char *tag, const char *value)
{
	struct buf out = { 0 };
	size_t len = strlen(tag);
	const char *hit, *done;

	for (; (hit = strstr(text, tag)) && out.len <= EXPAND_MAX; text = hit + len) {
		buf_add(&out, text, (size_t)(hit - text));
		buf_puts(&out, value);
	}
	buf_puts(&out, text);
	done = arena_dup(a, buf_view(&out));
	buf_fini(&out);
	return done;
}

/* One round over the value of tag number i. */
static int
resolve_one(struct tag_job *job, size_t i, struct progress *p, struct err *e)
{
	const char *self = job->tags.v[i].key, *text = job->tags.v[i].value;
	const char *at = text;
	struct tag t;

	while (tag_search(at, &t)) {
		const char *name = arena_dup(job->arena, t.name), *value;
		size_t from = (size_t)(t.start - text);
		unsigned *n;
		int rc;

		at = t.start + t.name.len + 2;
		if (ignored(job, name))
			continue;
		n = counter(job->arena, p, name);
		if (strcmp(name, self) == 0 || *n > TAG_MAX)
			return err_set(e, -EINVAL, "option %s: <%s> refers to itself",
			    self, name);
		rc = tag_value(job, name, &value, e);
		if (rc == -ENOENT)
			continue;
		if (rc < 0)
			return rc;
		text = replace_all(job->arena, text,
		    arena_printf(job->arena, "<%s>", name), value);
		if (strlen(text) > EXPAND_MAX)
			return err_set(e, -EINVAL, "option %s: more than %d bytes when "
			    "unfolded", self, EXPAND_MAX);
		++*n;
		job->watched |= job->watch && strcmp(name, job->watch) == 0;
		at = text + from;
	}
	job->tags.v[i].value = text;
	return 0;
}

static void
copy_tags(struct tag_job *job)
{
	struct conf_option *v = arena_alloc(job->arena, (job->tags.n + 1) * sizeof(*v));

	if (job->tags.n)
		memcpy(v, job->tags.v, job->tags.n * sizeof(*v));
	job->tags.v = v;
}

/* Values change as rounds go on and later ones see it, exactly as in fail2ban: which
 * of two definitions is unfolded first can be seen in the result. */
int
tags_resolve(struct tag_job *job, struct err *e)
{
	struct progress *all;
	struct tag t;
	bool again = true;

	copy_tags(job);
	all = arena_alloc(job->arena, (job->tags.n + 1) * sizeof(*all));
	while (again) {
		again = false;
		for (size_t i = 0; i < job->tags.n; i++) {
			const char *before = job->tags.v[i].value;
			int rc;

			if (all[i].done || ignored(job, job->tags.v[i].key))
				continue;
			rc = resolve_one(job, i, &all[i], e);
			if (rc < 0) {
				job->failed = job->tags.v[i].key;
				return rc;
			}
			if (job->tags.v[i].value != before &&
			    tag_search(job->tags.v[i].value, &t))
				again = true;
			all[i].done = !strchr(job->tags.v[i].value, '<');
		}
	}
	return 0;
}
