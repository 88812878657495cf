/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge_conf.c - the policy file of a proxy.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/conf/ini.h"
#include "banner/tools/banner_edge.h"

static const char *const keys[] = { "plugin", "state", "sandbox", "protected",
	"shortest4", "shortest6", "max_bans", "rate", NULL };

static const struct ini_option *
option(const struct ini *ini, const char *key)
{
	const struct ini_section *s = ini_section_find(ini, "edge");

	return s ? ini_option_find(s, key) : NULL;
}

static const char *
value(const struct ini *ini, const char *key, const char *fallback)
{
	const struct ini_option *o = option(ini, key);

	return o ? o->value : fallback;
}

static int
number(
    const struct ini *ini, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	const struct ini_option *o = option(ini, key);

	if (!o)
		return 0;
	if (str_u64(str_trim(str_of(o->value)), out) < 0 || *out > max)
		return err_set(e, -EINVAL,
		    "%s:%d: %s = %s: a number up to %llu is expected", ini->path,
		    o->line, key, o->value, (unsigned long long)max);
	return 0;
}

static int
check_words(const struct edge_conf *c, const struct ini *ini, struct err *e)
{
	static const char *const levels[] = { "auto", "required", "off" };
	bool known = false;

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		known |= !strcmp(c->sandbox, levels[i]);
	if (!known)
		return err_set(e, -EINVAL,
		    "%s:%d: sandbox = %s: auto, required or off is expected", ini->path,
		    option(ini, "sandbox")->line, c->sandbox);
	if (c->state[0] != '/')
		return err_set(e, -EINVAL,
		    "%s:%d: state = %s: a path that begins with / is expected",
		    ini->path, option(ini, "state")->line, c->state);
	return 0;
}

static int
read_nets(struct edge_conf *c, const struct ini *ini, struct err *e)
{
	struct str rest = str_of(value(ini, "protected", "")), word;
	struct addr a;

	while (str_word(&rest, &word)) {
		if (addr_parse_prefix(word, &a) < 0)
			return err_set(e, -EINVAL,
			    "%s:%d: protected: \"%.*s\" is no address "
			    "and no prefix",
			    ini->path, option(ini, "protected")->line,
			    (int)word.len, word.s);
		c->protect.v = vec_room(
		    c->arena, c->protect.v, c->protect.n, sizeof(*c->protect.v));
		c->protect.v[c->protect.n++] = arena_dup(c->arena, word);
	}
	return 0;
}

static int
check_names(const struct ini *ini, struct err *e)
{
	for (size_t i = 0; i < ini->nproblems; i++)
		return err_set(e, -EINVAL, "%s:%d: %s", ini->path,
		    ini->problems[i].line, ini->problems[i].text);
	for (size_t i = 0; i < ini->nsections; i++) {
		const struct ini_section *s = &ini->sections[i];

		if (!strcmp(s->name, "action"))
			continue;
		if (strcmp(s->name, "edge") != 0)
			return err_set(e, -EINVAL,
			    "%s:%d: section [%s]: only [edge] and "
			    "[action] are known",
			    ini->path, s->line, s->name);
		for (size_t n = 0; n < s->n; n++) {
			const char *const *k = keys;

			while (*k && strcmp(*k, s->options[n].name) != 0)
				k++;
			if (!*k)
				return err_set(e, -EINVAL, "%s:%d: unknown option %s",
				    ini->path, s->options[n].line, s->options[n].name);
		}
	}
	return 0;
}

static void
read_action(struct edge_conf *c, const struct ini *ini)
{
	const struct ini_section *s = ini_section_find(ini, "action");

	for (size_t i = 0; s && i < s->n; i++) {
		c->options.v = vec_room(
		    c->arena, c->options.v, c->options.n, sizeof(*c->options.v));
		c->options.v[c->options.n++] =
		    (struct conf_option){ s->options[i].name, s->options[i].value };
	}
}

static int
read_values(struct edge_conf *c, const struct ini *ini, struct err *e)
{
	uint64_t plen4 = 24, plen6 = 48;
	int rc = check_names(ini, e);

	c->plugin = value(ini, "plugin", "route");
	c->state = value(ini, "state", "/var/lib/banner-edge");
	c->sandbox = value(ini, "sandbox", "auto");
	c->max_bans = 200000;
	c->rate = 20000;
	if (rc == 0)
		rc = number(ini, "shortest4", 32, &plen4, e);
	if (rc == 0)
		rc = number(ini, "shortest6", 128, &plen6, e);
	if (rc == 0)
		rc = number(ini, "max_bans", 10000000, &c->max_bans, e);
	if (rc == 0)
		rc = number(ini, "rate", 10000000, &c->rate, e);
	c->plen4 = (unsigned)plen4;
	c->plen6 = (unsigned)plen6;
	read_action(c, ini);
	if (rc == 0)
		rc = check_words(c, ini, e);
	return rc < 0 ? rc : read_nets(c, ini, e);
}

/* Whoever may write this file may have any address banned. */
static int
check_owner(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, -EPERM,
		    "%s must belong to root and be writable by "
		    "nobody else",
		    path);
	return 0;
}

int
edge_conf_read(struct edge_conf *c, const char *path, struct err *e)
{
	struct ini *ini = NULL;
	int rc;

	*c = (struct edge_conf){ .arena = arena_new() };
	rc = check_owner(path, e);
	if (rc == 0)
		rc = ini_load(c->arena, path, &ini, e);
	return rc < 0 || !ini ? rc : read_values(c, ini, e);
}

void
edge_conf_free(struct edge_conf *c)
{
	if (c->arena)
		arena_free(c->arena);
	c->arena = NULL;
}
