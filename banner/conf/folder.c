/* SPDX-License-Identifier: GPL-2.0-or-later
 * folder.c - which files make up a sheet, and in which order.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/conf/expand.h"
#include "banner/conf/sheet.h"

enum { MAX_FILES = 4096, MAX_DEPTH = 16 };

struct cached {
	const char *name;
	void *what;
};

struct files {
	struct arena *arena;
	struct cached *parsed, *sheets;
	size_t nparsed, nsheets;
};

struct paths {
	const char **v;
	size_t n;
};

/* A chain on the stack: who includes whom, so that loops are cut. */
struct chain {
	const char *path;
	const struct chain *up;
	size_t depth;
};

struct files *
files_new(struct arena *a)
{
	struct files *f = arena_alloc(a, sizeof(*f));

	f->arena = a;
	return f;
}

static void
paths_add(struct files *f, struct paths *p, const char *path)
{
	if (p->n >= MAX_FILES)
		return;
	p->v = vec_room(f->arena, p->v, p->n, sizeof(*p->v));
	p->v[p->n++] = path;
}

static bool
paths_has(const struct paths *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i], path) == 0)
			return true;
	return false;
}

static struct ini *
unreadable(struct files *f, const char *path, const char *why)
{
	struct ini *ini = arena_alloc(f->arena, sizeof(*ini));

	ini->path = path;
	ini->problems = arena_alloc(f->arena, sizeof(*ini->problems));
	ini->nproblems = 1;
	ini->problems[0].text = arena_printf(f->arena, "cannot be read: %s", why);
	return ini;
}

/* NULL when the file does not exist. A file that exists and cannot be read is a
 * file with one problem. */
static struct ini *
parsed(struct files *f, const char *path)
{
	struct ini *ini;
	struct err e;
	int rc;

	for (size_t i = 0; i < f->nparsed; i++)
		if (strcmp(f->parsed[i].name, path) == 0)
			return f->parsed[i].what;
	rc = ini_load(f->arena, path, &ini, &e);
	if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
		ini = unreadable(f, arena_strdup(f->arena, path),
		    rc == -EINVAL ? "not a file" : strerror(-rc));
	f->parsed = vec_room(f->arena, f->parsed, f->nparsed, sizeof(*f->parsed));
	f->parsed[f->nparsed++] = (struct cached){ arena_strdup(f->arena, path), ini };
	return ini;
}

static void collect(struct files *, const char *, struct paths *, const struct chain *);

/* The .local twin of a .conf file; NULL when the name has none. */
static const char *
twin(struct files *f, const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	size_t n = dot && (!slash || dot > slash + 1) ? (size_t)(dot - path) :
	    strlen(path);

	return arena_printf(f->arena, "%.*s.local", (int)n, path);
}

static bool
in_chain(const struct chain *c, const char *path)
{
	for (; c; c = c->up)
		if (strcmp(c->path, path) == 0)
			return true;
	return false;
}

/* Files of one list, each followed by its twin. */
static void
collect_list(struct files *f, const struct paths *list, struct paths *out,
    const struct chain *up)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *local = twin(f, list->v[i]);

		collect(f, list->v[i], out, up);
		if (!paths_has(list, local) && access(local, F_OK) == 0)
			collect(f, local, out, up);
	}
}

static void
collect_includes(struct files *f, const char *which, struct paths *out,
    const struct chain *me)
{
	struct sheet *sh = sheet_new(f->arena);
	struct interp in = { .sheet = sh, .section = "INCLUDES", .arena = f->arena };
	const char *slash = strrchr(me->path, '/'), *list;
	struct str rest, name;

	sheet_merge(sh, parsed(f, me->path));
	if (!sheet_section(sh, "INCLUDES") || interp_get(&in, which, &list, NULL) < 0)
		return;
	rest = str_of(list);
	while (str_cut(&rest, '\n', &name)) {
		const char *path = name.len && name.s[0] == '/' ?
		    arena_dup(f->arena, name) :
		    arena_printf(f->arena, "%.*s%.*s", slash ?
		    (int)(slash - me->path + 1) : 0, me->path, (int)name.len, name.s);
		struct paths one = { &path, 1 };

		if (name.len && !in_chain(me->up, path))
			collect_list(f, &one, out, me);
	}
}

/* before-list, the file itself, after-list; loops are cut. */
static void
collect(struct files *f, const char *path, struct paths *out, const struct chain *up)
{
	struct chain me = { path, up, up ? up->depth + 1 : 0 };

	if (me.depth > MAX_DEPTH || !parsed(f, path))
		return;
	collect_includes(f, "before", out, &me);
	paths_add(f, out, path);
	collect_includes(f, "after", out, &me);
}

void
sheet_merge_list(struct sheet *sh, struct files *f, const char *const *v, size_t n)
{
	struct paths list = { 0 }, all = { 0 };

	for (size_t i = 0; i < n; i++) {
		paths_add(f, &list, v[i]);
		if (!sh->file && parsed(f, v[i]))
			sh->file = v[i];
	}
	collect_list(f, &list, &all, NULL);
	for (size_t i = 0; i < all.n; i++)
		sheet_merge(sh, parsed(f, all.v[i]));
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names in byte order, as Python sorts them. */
static void
add_glob(struct files *f, struct paths *list, const char *folder, const char *tail)
{
	const char *pattern = arena_printf(f->arena, "%s/*%s", folder, tail);
	glob_t g = { 0 };

	if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0) {
		qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_bytes);
		for (size_t i = 0; i < g.gl_pathc; i++)
			paths_add(f, list, arena_strdup(f->arena, g.gl_pathv[i]));
	}
	globfree(&g);
}

void
sheet_merge_folder(struct sheet *sh, struct files *f, const char *folder)
{
	struct paths list = { 0 };

	add_glob(f, &list, folder, ".conf");
	add_glob(f, &list, folder, ".local");
	sheet_merge_list(sh, f, list.v, list.n);
}

void
sheet_merge_base(struct sheet *sh, struct files *f, const char *dir, const char *base)
{
	const char *path = arena_printf(f->arena, "%s/%s", dir, base);
	const char *sub = arena_printf(f->arena, "%s.d", path);
	struct paths list = { 0 };

	paths_add(f, &list, arena_printf(f->arena, "%s.conf", path));
	add_glob(f, &list, sub, ".conf");
	paths_add(f, &list, arena_printf(f->arena, "%s.local", path));
	add_glob(f, &list, sub, ".local");
	sheet_merge_list(sh, f, list.v, list.n);
}

const struct sheet *
sheet_read(struct files *f, const char *dir, const char *base)
{
	const char *path = arena_printf(f->arena, "%s/%s", dir, base);
	struct sheet *sh;

	for (size_t i = 0; i < f->nsheets; i++)
		if (strcmp(f->sheets[i].name, path) == 0)
			return f->sheets[i].what;
	sh = sheet_new(f->arena);
	sheet_merge_base(sh, f, dir, base);
	if (!sh->nfiles)
		sh = NULL;
	f->sheets = vec_room(f->arena, f->sheets, f->nsheets, sizeof(*f->sheets));
	f->sheets[f->nsheets++] = (struct cached){ path, sh };
	return sh;
}
