/* SPDX-License-Identifier: GPL-2.0-or-later
 * lognames.c - numbers for the names of logs.
 */
#include "banner/daemon/engine/lognames.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"

struct lognames {
	struct table *numbers;
	char **v;		/* v[0] has number 1 */
	size_t n;
};

struct lognames *
lognames_new(void)
{
	struct lognames *l = xcalloc(1, sizeof(*l));

	l->numbers = table_new();
	return l;
}

void
lognames_free(struct lognames *l)
{
	if (!l)
		return;
	table_free(l->numbers);
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	free(l);
}

uint16_t
lognames_number(struct lognames *l, const char *name)
{
	size_t len = strlen(name);
	uintptr_t number = (uintptr_t)table_find(l->numbers, name, len);

	if (number || l->n == LOGNAMES_MAX)
		return (uint16_t)number;
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = xstrdup(name);
	table_set(l->numbers, name, len, (void *)(uintptr_t)l->n);
	return (uint16_t)l->n;
}

const char *
lognames_of(const struct lognames *l, uint16_t number)
{
	return number && number <= l->n ? l->v[number - 1] : NULL;
}
