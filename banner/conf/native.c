/* SPDX-License-Identifier: GPL-2.0-or-later
 * native.c - action files that one of our plugins can stand in for.
 */
#include "banner/conf/native.h"

#include <errno.h>
#include <string.h>

/* A command of the stock file; "<x>" stands for option x of the action. */
struct command {
	const char *key, *text;
};

struct native {
	const char *action, *plugin;
	const struct command *commands;		/* all others must be empty */
	const char *const *options;		/* that the plugin takes over */
	const char *check, *const *values;	/* option with few allowed values */
};

static const struct command route_commands[] = {
	{ "actionban", "ip route add <blocktype> <ip>" },
	{ "actionunban", "ip route del <blocktype> <ip>" },
	{ NULL, NULL }
};
static const char *const route_options[] = { "blocktype", NULL };
static const char *const route_types[] = { "blackhole", "unreachable", "prohibit",
	NULL };

static const struct native natives[] = {
	{ "route", "route", route_commands, route_options, "blocktype", route_types },
};

static bool
among(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

bool
native_is_plugin(const char *name)
{
	struct str rest = STR(NATIVE_PLUGINS), one;

	while (str_cut(&rest, ',', &one))
		if (str_is(str_trim(one), name))
			return true;
	return false;
}

const char *
native_scope(struct arena *a, const char *plugin, const struct conf_options *o)
{
	const char *port = options_get(o, "port");
	const char *protocol = options_get(o, "protocol");

	if (strcmp(plugin, "nft") != 0 || !port || !*port)
		return "";
	return arena_printf(a, "%s/%s", protocol && *protocol ? protocol : "tcp", port);
}

static int
option_value(void *arg, const char *name, const char **value, struct err *e)
{
	(void)e;
	*value = options_get(arg, name);
	return *value ? 0 : -ENOENT;
}

/* Does the resolved command say what the table says? */
static bool
same_command(struct native_choice *c, const char *key, const char *text)
{
	struct conf_options copy = *c->options;
	struct conf_option one = { key, text };
	struct tag_job job = { .arena = c->arena, .tags = { &one, 1 },
		.find = option_value, .arg = &copy };
	const char *found = options_get(c->options, key);

	if (!*text)
		return !found || !str_trim(str_of(found)).len;
	return found && tags_resolve(&job, NULL) == 0 &&
	    strcmp(job.tags.v[0].value, found) == 0;
}

/* The first thing that is not as in the stock file, or NULL. */
static const char *
difference(struct native_choice *c, const struct native *n)
{
	const char *checked = options_get(c->options, n->check);

	if (!checked || !among(checked, n->values))
		return n->check;
	for (const struct command *k = n->commands; k->key; k++)
		if (!same_command(c, k->key, k->text))
			return k->key;
	for (size_t i = 0; i < c->options->n; i++) {
		const char *key = c->options->v[i].key;
		bool known = false;

		if (strncmp(key, "action", 6) != 0)
			continue;
		for (const struct command *k = n->commands; k->key; k++)
			known |= strcmp(k->key, key) == 0;
		if (!known && c->options->v[i].value[0])
			return key;
	}
	return NULL;
}

static void
take_over(struct native_choice *c, const struct native *n)
{
	c->plugin = n->plugin;
	for (const char *const *o = n->options; *o; o++) {
		const char *value = options_get(c->options, *o);

		if (value)
			options_set(c->arena, &c->plugin_options, *o, value);
	}
}

void
native_choose(struct native_choice *c)
{
	const struct native *n = NULL;
	const char *differs = NULL, *because;

	for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++)
		if (strcmp(natives[i].action, c->name) == 0)
			n = &natives[i];
	if (n)
		differs = difference(c, n);
	if (n && (strcmp(c->native, "yes") == 0 ||
	    (!differs && strcmp(c->native, "auto") == 0))) {
		take_over(c, n);
		c->why = differs ? arena_printf(c->arena, "plugin %s: native = yes, "
		    "although %s is not as in the stock file", n->plugin, differs) :
		    arena_printf(c->arena, "plugin %s: %s has the stock commands",
		    n->plugin, c->file);
		return;
	}
	because = !n ? "no plugin of ours stands in for it" :
	    strcmp(c->native, "no") == 0 ? "native = no" :
	    arena_printf(c->arena, "%s is not as in the stock file", differs);
	c->plugin = "exec";
	c->why = arena_printf(c->arena, "exec: runs the commands of %s as %s (%s)",
	    c->file, c->user, because);
}
