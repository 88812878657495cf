/* SPDX-License-Identifier: GPL-2.0-or-later
 * checkaction.c - bannerd -t: would the actors start? Plugins are loaded as an actor
 * loads them, and asked whether they take the options they are given.
 */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/daemon/actor/plugin.h"
#include "banner/daemon/parent/caps.h"
#include "banner/daemon/parent/checkaction.h"
#include "banner/daemon/parent/spawn.h"

static bool
is_used(const struct conf *c, size_t action)
{
	for (size_t i = 0; i < c->njails; i++) {
		const struct conf_jail *j = &c->jails[i];

		for (size_t n = 0; j->enabled && !j->refused && n < j->naction; n++)
			if (j->action[n] == action)
				return true;
	}
	return false;
}

/* What the plugin may ask of us, and the first thing of that level that it said. */
struct asking {
	const struct bn_action_ops *ops;
	struct conf_options options;
	enum bn_level level;
	struct err said;
};

static const char *
ask_get(void *ctx, const char *key)
{
	struct asking *a = ctx;

	return plugin_option(a->ops, &a->options, key);
}

static const char *
ask_each(void *ctx, size_t i, const char **value)
{
	struct asking *a = ctx;

	if (i >= a->options.n)
		return NULL;
	*value = a->options.v[i].value;
	return a->options.v[i].key;
}

static void
ask_log(void *ctx, enum bn_level level, const char *text)
{
	struct asking *a = ctx;

	if (level == a->level && !a->said.text[0])
		err_set(&a->said, -EINVAL, "%s", text);
}

static int
ask(struct asking *a)
{
	struct bn_host host = {
		.ctx = a, .get = ask_get, .log = ask_log, .each = ask_each
	};

	a->said.text[0] = '\0';
	return a->ops->check(&host);
}

static bool
must_be_given(const struct bn_action_ops *ops, const char *key)
{
	for (const struct bn_key *k = ops->keys; k->name; k++)
		if (strcmp(k->name, key) == 0)
			return !k->fallback;
	return false;
}

/* "x?family=inet6" is x, too. */
static bool
same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "?");

	return n == strcspn(b, "?") && strncmp(a, b, n) == 0;
}

/* The option without which the plugin would have nothing to say, or something else. */
static const char *
to_blame(const struct asking *a)
{
	const struct conf_options *o = &a->options;
	struct asking less = { .ops = a->ops, .level = a->level };
	const char *key = NULL;
	bool quiet = false;

	less.options.v = xcalloc(o->n + 1, sizeof(*o->v));
	for (size_t i = 0; !quiet && i < o->n; i++) {
		less.options.n = 0;
		for (size_t k = 0; k < o->n; k++)
			if (!same_name(o->v[k].key, o->v[i].key))
				less.options.v[less.options.n++] = o->v[k];
		if (must_be_given(a->ops, o->v[i].key))
			continue;
		quiet = ask(&less) == 0 && !less.said.text[0];
		if (quiet || (!key && strcmp(less.said.text, a->said.text) != 0))
			key = o->v[i].key;
	}
	free(less.options.v);
	return key;
}

static int
check_values(const struct bn_action_ops *ops, const struct conf_options *o,
    enum bn_level level, struct err *e)
{
	struct asking a = { .ops = ops, .options = *o, .level = level };
	int rc = ops->check ? ask(&a) : 0;

	if (rc == 0 && !a.said.text[0])
		return 0;
	if (!a.said.text[0])
		return err_set(e, rc, "%s", strerror(-rc));
	err_set(e, -EINVAL, "%s", a.said.text);
	return err_about(e, -EINVAL, to_blame(&a), 0);
}

/* Errors, and below them what the plugin warns of. */
static int
check_action(const struct conf_action *a, const char *folder, enum conf_level *level,
    struct err *e)
{
	struct plugin p = { 0 };
	int rc = plugin_load(&p, folder, a->plugin, e);

	*level = CONF_ERROR;
	if (rc < 0)
		return err_about(e, rc, "plugin", 0);
	rc = plugin_check_options(&p.ops, &a->options, e);
	if (rc == 0)
		rc = check_values(&p.ops, &a->options, BN_ERROR, e);
	if (rc == 0 && a->user && a->user[0] && !getpwnam(a->user)) {
		rc = err_set(e, -ENOENT, "user: there is no user \"%s\"", a->user);
		err_about(e, rc, "user", 0);
	}
	if (rc == 0 && a->caps)
		rc = err_about(e, caps_check(a->caps, e), "caps", 0);
	if (rc == 0) {
		*level = CONF_WARNING;
		rc = check_values(&p.ops, &a->options, BN_WARNING, e);
	}
	plugin_unload(&p);
	return rc;
}

/* The actor finds its plugins beside itself. */
static int
actor_plugins(char out[PATH_MAX], struct err *e)
{
	int rc = spawn_find("banner-actor", out, PATH_MAX - sizeof(PLUGIN_FOLDER), e);

	if (rc == 0)
		strcpy(strrchr(out, '/') + 1, PLUGIN_FOLDER);
	return rc;
}

/* The jail that names it first, and the section or file it comes from, tell where to
 * look. */
static const struct conf_jail *
named_by(const struct conf *c, size_t action)
{
	for (size_t i = 0; i < c->njails; i++)
		for (size_t n = 0; n < c->jails[i].naction; n++)
			if (c->jails[i].enabled && c->jails[i].action[n] == action)
				return &c->jails[i];
	return NULL;
}

static const char *
route_table(const struct conf *c, size_t action)
{
	const struct conf_action *a = &c->actions[action];

	return strcmp(a->plugin, "route") == 0 && is_used(c, action) ?
	    conf_option(&a->options, "table", "main") : NULL;
}

/* Ours are known by table and protocol: each of two would clear away the other's. */
static void
warn_same_table(const struct conf *c, struct buf *b)
{
	for (size_t i = 0; i < c->nactions; i++) {
		const char *one = route_table(c, i), *two = NULL;
		size_t n = i + 1;

		for (; one && n < c->nactions; n++)
			if ((two = route_table(c, n)) && strcmp(one, two) == 0)
				break;
		if (one && n < c->nactions) {
			const struct conf_jail *x = named_by(c, i), *y = named_by(c, n);

			buf_printf(b, "warning: [%s] and [%s]: their actions route "
			    "differ, but not in the table (%s): each takes the bans of "
			    "the other for left-overs and removes them for a moment; "
			    "give one of them table = NUMBER\n", x ? x->name : "",
			    y ? y->name : "", one);
			return;
		}
	}
}

/* At the option, or else where the action is defined or named. */
static struct conf_place
action_place(
    const struct conf_action *a, const struct conf_jail *j, const struct err *e)
{
	struct err named = { .option = "action" };

	for (size_t i = 0; e->option && i < a->options.n; i++)
		if (strcmp(a->options.v[i].key, e->option) == 0 && a->options.v[i].file)
			return (struct conf_place){ a->options.v[i].file,
				a->options.v[i].line };
	for (size_t i = 0; e->option && i < a->origins.n; i++)
		if (strcmp(a->origins.v[i].option, e->option) == 0)
			return (struct conf_place){ a->origins.v[i].file,
				a->origins.v[i].line };
	return a->file ? (struct conf_place){ a->file, a->line } :
	    conf_jail_place(j, &named);
}

static size_t
report_action(const struct conf *c, size_t action, const char *folder, struct buf *b)
{
	const struct conf_action *a = &c->actions[action];
	const struct conf_jail *j = named_by(c, action);
	struct conf_place at;
	enum conf_level level;
	struct err e;

	if (!j || check_action(a, folder, &level, &e) == 0)
		return 0;
	at = action_place(a, j, &e);
	buf_printf(b, "%s:%d: %s: [%s] action %s: %s\n", at.file, at.line,
	    level == CONF_ERROR ? "error" : "warning", j->name, a->name, e.text);
	return level == CONF_ERROR;
}

size_t
checkaction_report(const struct conf *c, struct buf *b)
{
	char folder[PATH_MAX];
	size_t errors = 0;
	struct err e;

	if (actor_plugins(folder, &e) < 0) {
		buf_printf(b, "error: %s\n", e.text);
		return 1;
	}
	for (size_t i = 0; i < c->nactions; i++)
		if (is_used(c, i))
			errors += report_action(c, i, folder, b);
	warn_same_table(c, b);
	return errors;
}
