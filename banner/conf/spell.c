/* SPDX-License-Identifier: GPL-2.0-or-later
 * spell.c - options that nobody knows and nothing refers to: likely misspellings.
 *
 * A jail may have any variable of its own, so an unknown name is no error; one that
 * no %(..)s mentions has no effect at all, and that is worth saying.
 */
#include <string.h>
#include <strings.h>

#include "banner/base/table.h"
#include "banner/conf/reader.h"

enum { LONGEST = 40, MOST = 100 };	/* of a word; of warnings in one reading */

/* Edits (insert, delete, change, swap of neighbours) between two short words. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned d[LONGEST + 1][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[n][m];
}

const char *
spell_nearest(const char *word, const char *const *known)
{
	const char *best = NULL;
	unsigned least = strlen(word) < 5 ? 2 : 3;

	for (; *known; known++) {
		unsigned d = distance(word, *known);

		if (d < least) {
			least = d;
			best = *known;
		}
	}
	return best;
}

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
