/* SPDX-License-Identifier: GPL-2.0-or-later
 * lists.c - reading file: lists, applying guard groups.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/engine_state.h"
#include "banner/core/guard.h"
#include "banner/daemon/context.h"
#include "banner/daemon/lists.h"

#define NAME "banner.engine"
enum { LIST_MAX = 1000000, GUARD_MAX = 8192 };

struct lines {
	char **v;
	size_t n, cap;
};

static void
lines_fini(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
}

/* First word of each line; '#' and ';' begin comments. */
static int
read_lines(const char *path, struct lines *l)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0 && l->n < LIST_MAX) {
		struct str rest = str_of(line), word;

		if (!str_word(&rest, &word) || word.s[0] == '#' || word.s[0] == ';')
			continue;
		if (l->n == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 64;
			l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
		}
		l->v[l->n++] = xstrndup(word.s, word.len);
	}
	free(line);
	fclose(f);
	return 0;
}

static void
load_allow(struct jail *j, const char *entry)
{
	struct lines l = { 0 };
	int rc = read_lines(entry + 5, &l);

	if (rc < 0)
		log_error(
		    NAME, "[%s] ignoreip %s: %s", jail_name(j), entry, strerror(-rc));
	else
		jail_allow_set(j, entry, (const char *const *)l.v, l.n);
	lines_fini(&l);
}

static void
load_block(struct engined *d, struct jail *j, const char *entry)
{
	struct lines l = { 0 };
	struct addr *v;
	size_t n = 0, refused;
	int rc = read_lines(strncmp(entry, "file:", 5) ? entry : entry + 5, &l);

	if (rc < 0) {
		log_error(
		    NAME, "[%s] blocklist %s: %s", jail_name(j), entry, strerror(-rc));
		lines_fini(&l);
		return;
	}
	v = xcalloc(l.n + 1, sizeof(*v));
	for (size_t i = 0; i < l.n; i++)
		n += addr_parse_prefix(str_of(l.v[i]), &v[n]) == 0;
	refused = engine_blocklist_set(d->engine, j, v, n, engined_now());
	log_info(NAME,
	    "[%s] blocklist %s: %zu entries, %zu not understood, %zu refused",
	    jail_name(j), entry, n, l.n - n, refused);
	free(v);
	lines_fini(&l);
}

void
lists_load(struct engined *d)
{
	for (size_t i = 0; i < engine_jails(d->engine); i++) {
		struct jail *j = engine_jail_at(d->engine, i);
		const struct conf_jail *c = jail_conf(j);

		for (size_t n = 0; c && n < c->ignoreip.n; n++)
			if (!strncmp(c->ignoreip.v[n], "file:", 5))
				load_allow(j, c->ignoreip.v[n]);
		if (c && c->blocklist && c->blocklist[0])
			load_block(d, j, c->blocklist);
	}
}

static void
apply_group(struct engined *d, const char *group, const struct guard_part *p)
{
	size_t released;

	guard_set(engine_guard(d->engine), group, p->v, p->n);
	released = engine_guard_changed(d->engine, engined_now());
	if (released)
		log_warn(NAME, "%zu bans lifted: they hit what is never banned (%s)",
		    released, group);
}

void
lists_guard(
    struct engined *d, const char *group, bool more, uint32_t n, struct wire_in *in)
{
	struct guard_part *p = &d->guard_part;

	for (uint32_t i = 0; i < n && !in->bad && p->n < GUARD_MAX; i++) {
		p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
		p->v[p->n].net = wire_get_addr(in);
		p->v[p->n++].reason = xstrdup(wire_get_text(in));
	}
	if (more)
		return;
	apply_group(d, group, p);
	for (size_t i = 0; i < p->n; i++)
		free((void *)(uintptr_t)p->v[i].reason);
	free(p->v);
	*p = (struct guard_part){ 0 };
	engined_turn(d);
}
