/* SPDX-License-Identifier: GPL-2.0-or-later
 * options.c - what is asked of a configuration once it is read.
 *
 * Apart from all that reads, for the processes that only get it packed.
 */
#include "banner/conf/conf.h"

#include <string.h>

#include "banner/conf/expand.h"

void
conf_free(struct conf *c)
{
	if (c)
		arena_free(c->arena);
}

const struct conf_jail *
conf_jail_find(const struct conf *c, const char *name)
{
	for (size_t i = 0; i < c->njails; i++)
		if (strcmp(c->jails[i].name, name) == 0)
			return &c->jails[i];
	return NULL;
}

const char *
options_get(const struct conf_options *o, const char *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].key, key) == 0)
			return o->v[i].value;
	return NULL;
}

const char *
conf_option(const struct conf_options *o, const char *key, const char *fallback)
{
	const char *v = options_get(o, key);

	return v ? v : fallback;
}
