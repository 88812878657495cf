/* SPDX-License-Identifier: GPL-2.0-or-later
 * spell.c - options that nobody knows and nothing refers to: likely misspellings.
 *
 * A jail may have any variable of its own, so an unknown name is no error; one that
 * no %(..)s mentions has no effect at all, and that is worth saying.
 */
#include <string.h>
#include <strings.h>

#include "banner/base/spell.h"
#include "banner/base/table.h"
#include "banner/conf/reader.h"

enum { MOST = 100 };	/* warnings in one reading */

/* Every name inside %(..)s, with what stands before its last slash cut off. */
static void
collect(struct table *used, const char *text)
{
	const char *end;

	while ((text = strstr(text, "%(")) && (end = strchr(text, ')'))) {
		const char *slash = memrchr(text + 2, '/', (size_t)(end - text - 2));
		const char *name = slash ? slash + 1 : text + 2;

		if (end > name)
			table_set(used, name, (size_t)(end - name), used);
		text = end;
	}
}

static bool
is_known(const char *name)
{
	for (const char *const *k = jail_known; *k; k++)
		if (strcmp(*k, name) == 0)
			return true;
	return false;
}

static void
tell(struct reader *r, const struct entry *en, const char *jail)
{
	struct place at = { en->value->file, en->value->line, jail };
	const char *near = spell_nearest(en->name, jail_known);

	if (near)
		reader_tell(r, CONF_WARNING, &at, "option \"%s\" is not known and "
		    "nothing refers to it; is it \"%s\"?", en->name, near);
	else if (jail)
		reader_tell(r, CONF_WARNING, &at, "option \"%s\" is not known and "
		    "nothing refers to it: it has no effect", en->name);
}

static void
check_section(struct reader *r, const struct section *s, const struct table *used,
    const char *jail)
{
	for (size_t i = 0; i < s->n && r->conf->nproblems < MOST; i++) {
		const struct entry *en = &s->entries[i];

		if (strcmp(en->value->file, SHEET_BUILT_IN) && !is_known(en->name) &&
		    !table_find(used, en->name, strlen(en->name)))
			tell(r, en, jail);
	}
}

static void
collect_all(struct table *used, const struct sheet *sh)
{
	for (size_t i = 0; i < sh->defaults.n; i++)
		collect(used, sh->defaults.entries[i].value->text);
	for (size_t i = 0; i < sh->n; i++)
		for (size_t k = 0; k < sh->sections[i].n; k++)
			collect(used, sh->sections[i].entries[k].value->text);
}

bool
spell_mentions(const struct sheet *sh, const char *name)
{
	struct table *used = table_new();
	bool yes;

	collect_all(used, sh);
	yes = table_find(used, name, strlen(name)) != NULL;
	table_free(used);
	return yes;
}

void
spell_check(struct reader *r)
{
	const struct sheet *sh = r->jails;
	struct table *used = table_new();

	collect_all(used, sh);
	check_section(r, &sh->defaults, used, NULL);
	for (size_t i = 0; i < sh->n; i++)
		if (strcmp(sh->sections[i].name, "INCLUDES") != 0)
			check_section(r, &sh->sections[i], used, sh->sections[i].name);
	table_free(used);
}
