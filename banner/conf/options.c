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

bool
conf_reads_stdin(const struct conf *c)
{
	for (size_t i = 0; i < c->njails; i++)
		if (c->jails[i].enabled && !c->jails[i].refused &&
		    c->jails[i].backend == BACKEND_STDIN)
			return true;
	return false;
}

struct conf_place
conf_filter_place(const struct conf_filter *f, const char *option, size_t number)
{
	struct conf_place at = { NULL, 0 };

	for (size_t i = 0; i < f->options.n && !at.file; i++)
		if (strcmp(f->options.v[i].key, option) == 0)
			at = (struct conf_place){ f->options.v[i].file,
				f->options.v[i].line };
	for (size_t i = 0; i < f->origins.n; i++) {
		const struct conf_origin *o = &f->origins.v[i];

		if (strcmp(o->option, option) != 0)
			continue;
		if (!o->number)
			at = (struct conf_place){ o->file, o->line };
		else if (number >= o->number && number - o->number < o->n)
			return (struct conf_place){ o->file,
				o->line + (int)(number - o->number) };
	}
	return at;
}

struct conf_place
conf_jail_place(const struct conf_jail *j, const struct err *e)
{
	struct conf_place at = { j->file, j->line }, filter;
	const struct conf_option *o;

	if (!e->option)
		return at;
	filter = conf_filter_place(&j->filter, e->option, e->number);
	if (filter.file)
		return filter;
	for (size_t i = 0; i < j->options.n; i++) {
		o = &j->options.v[i];
		if (strcmp(o->key, e->option) == 0 && o->file)
			at = (struct conf_place){ o->file, o->line };
	}
	return at;
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
