/* SPDX-License-Identifier: GPL-2.0-or-later
 * folder.c - which files make up a sheet, and in which order.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
	ini->unreadable = true;
	ini->problems = arena_alloc(f->arena, sizeof(*ini->problems));
	ini->nproblems = 1;
	ini->problems[0].text = arena_printf(f->arena, "cannot be read: %s", why);
	return ini;
}

/* A name other than before and after serves at most %(name)s in those. */
static void
check_includes(struct files *f, struct ini *ini)
{
	const struct ini_section *s = ini_section_find(ini, "INCLUDES");
	const struct ini_option *lists[2];

	if (!s)
		return;
	lists[0] = ini_option_find(s, "before");
	lists[1] = ini_option_find(s, "after");
	for (size_t i = 0; i < s->n; i++) {
		const struct ini_option *o = &s->options[i];
		const char *reference = arena_printf(f->arena, "%%(%s)s", o->name);
		bool used = o == lists[0] || o == lists[1];

		for (size_t k = 0; k < 2; k++)
			used |= lists[k] && strstr(lists[k]->value, reference);
		if (!used)
			ini_note(f->arena, ini, o->line, arena_printf(f->arena,
			    "[INCLUDES] has no option \"%s\", expected before or "
			    "after: it has no effect", o->name));
	}
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
	if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR && rc != -ENAMETOOLONG)
		ini = unreadable(f, arena_strdup(f->arena, path),
		    rc == -EINVAL ? "not a file" :
		    rc == -EFBIG ? "more than 4 MB" : strerror(-rc));
	if (ini)
		check_includes(f, ini);
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

/* fail2ban passes over a file that is missing. A .local is there for who wants one.
 * False: nothing can be read there. */
static bool
check_included(struct files *f, struct ini *ini, int line, const char *path)
{
	const struct ini *it = parsed(f, path);

	if (!it && !str_ends(str_of(path), ".local"))
		ini_note(f->arena, ini, line, arena_printf(f->arena,
		    "[INCLUDES] names %.300s, which does not exist", path));
	if (it && it->unreadable)
		ini_problem(f->arena, ini, line, arena_printf(f->arena,
		    "[INCLUDES] names %.300s, which %s", path, it->problems[0].text));
	return !it || !it->unreadable;
}

/* The names, or NULL: there are none, or what stands for them is wrong. */
static const char *
included(struct files *f, struct ini *ini, struct sheet *sh, const char *which)
{
	struct interp in = { .sheet = sh, .section = "INCLUDES", .arena = f->arena };
	const struct value *set;
	const char *list;
	struct err e;

	if (!sheet_section(sh, "INCLUDES"))
		return NULL;
	if (interp_get(&in, which, &list, &e) == 0)
		return list;
	set = sheet_find(sh, "INCLUDES", which);
	if (set)
		ini_note(f->arena, ini, set->line, arena_printf(f->arena,
		    "[INCLUDES] %s: %s: nothing is read for it", which, e.text));
	return NULL;
}

static void
collect_includes(struct files *f, const char *which, struct paths *out,
    const struct chain *me)
{
	struct sheet *sh = sheet_new(f->arena);
	const char *slash = strrchr(me->path, '/'), *list;
	struct ini *ini = parsed(f, me->path);
	const struct value *set;
	struct str rest, name;

	sheet_merge(sh, ini);
	list = included(f, ini, sh, which);
	if (!list)
		return;
	set = sheet_find(sh, "INCLUDES", which);
	rest = str_of(list);
	while (str_cut(&rest, '\n', &name)) {
		const char *path = name.len && name.s[0] == '/' ?
		    arena_dup(f->arena, name) :
		    arena_printf(f->arena, "%.*s%.*s", slash ?
		    (int)(slash - me->path + 1) : 0, me->path, (int)name.len, name.s);
		struct paths one = { &path, 1 };

		if (!name.len)
			continue;
		if (check_included(f, ini, set ? set->line : 0, path) &&
		    !in_chain(me->up, path))
			collect_list(f, &one, out, me);
	}
}

/* before-list, the file itself, after-list; loops are cut. */
static void
collect(struct files *f, const char *path, struct paths *out, const struct chain *up)
{
	struct chain me = { path, up, up ? up->depth + 1 : 0 };

	if (!parsed(f, path))
		return;
	if (me.depth > MAX_DEPTH) {
		ini_note(f->arena, parsed(f, up->path), 0, arena_printf(f->arena,
		    "[INCLUDES] names %s, but files include others more than %d deep: "
		    "it is not read", path, MAX_DEPTH));
		return;
	}
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
	if (all.n == MAX_FILES)
		sheet_problem(sh, v[0], arena_printf(f->arena,
		    "more than %d files are to be read with this one", MAX_FILES - 1));
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What cannot say anything is passed over, and told. */
static bool
may_be_file(struct sheet *sh, const char *path)
{
	struct stat st;
	int rc = stat(path, &st) < 0 ? -errno : 0;
	const char *why = rc == -ELOOP ? "a link that leads to itself" :
	    rc == -ENOENT ? "a link to a file that does not exist" : "not a file";

	if (rc == 0 ? S_ISREG(st.st_mode) : rc != -ENOENT && rc != -ELOOP)
		return true;
	sheet_note(sh, arena_strdup(sh->arena, path), arena_printf(sh->arena,
	    "%s: it is passed over", why));
	return false;
}

/* Names in byte order, as Python sorts them. */
static void
add_glob(struct files *f, struct sheet *sh, struct paths *list, const char *folder,
    const char *tail)
{
	const char *pattern = arena_printf(sh->arena, "%s/*%s", folder, tail);
	glob_t g = { 0 };

	if (glob(pattern, GLOB_NOSORT, NULL, &g) == 0) {
		qsort(g.gl_pathv, g.gl_pathc, sizeof(*g.gl_pathv), by_bytes);
		for (size_t i = 0; i < g.gl_pathc; i++)
			if (may_be_file(sh, g.gl_pathv[i]))
				paths_add(f, list,
				    arena_strdup(sh->arena, g.gl_pathv[i]));
	}
	globfree(&g);
}

void
sheet_merge_folder(struct sheet *sh, struct files *f, const char *folder)
{
	struct paths list = { 0 };

	add_glob(f, sh, &list, folder, ".conf");
	add_glob(f, sh, &list, folder, ".local");
	sheet_merge_list(sh, f, list.v, list.n);
}

void
sheet_merge_base(struct sheet *sh, struct files *f, const char *dir, const char *base)
{
	const char *path = arena_printf(f->arena, "%s/%s", dir, base);
	const char *sub = arena_printf(f->arena, "%s.d", path);
	struct paths list = { 0 };

	paths_add(f, &list, arena_printf(f->arena, "%s.conf", path));
	add_glob(f, sh, &list, sub, ".conf");
	paths_add(f, &list, arena_printf(f->arena, "%s.local", path));
	add_glob(f, sh, &list, sub, ".local");
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
