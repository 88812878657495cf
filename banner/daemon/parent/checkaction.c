/* SPDX-License-Identifier: GPL-2.0-or-later
 * checkaction.c - bannerd -t: would the actors start? Plugins are loaded as an actor
 * loads them, and asked whether they take the options they are given.
 */
#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "banner/daemon/actor/plugin.h"
#include "banner/daemon/parent/caps.h"
#include "banner/daemon/parent/checkaction.h"
#include "banner/daemon/parent/proc.h"

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

/* What the plugin may ask of us, and the first thing that it complained about. */
struct asking {
	const struct bn_action_ops *ops;
	const struct conf_options *options;
	struct err said;
};

static const char *
ask_get(void *ctx, const char *key)
{
	struct asking *a = ctx;

	return plugin_option(a->ops, a->options, key);
}

static const char *
ask_each(void *ctx, size_t i, const char **value)
{
	struct asking *a = ctx;

	if (i >= a->options->n)
		return NULL;
	*value = a->options->v[i].value;
	return a->options->v[i].key;
}

static void
ask_log(void *ctx, enum bn_level level, const char *text)
{
	struct asking *a = ctx;

	if (level == BN_ERROR && !a->said.text[0])
		err_set(&a->said, -EINVAL, "%s", text);
}

static int
check_values(const struct bn_action_ops *ops, const struct conf_options *o,
    struct err *e)
{
	struct asking a = { .ops = ops, .options = o };
	struct bn_host host = {
		.ctx = &a, .get = ask_get, .log = ask_log, .each = ask_each
	};
	int rc = ops->check ? ops->check(&host) : 0;

	if (rc < 0)
		err_set(e, rc, "%s", a.said.text[0] ? a.said.text : strerror(-rc));
	return rc;
}

static int
check_action(const struct conf_action *a, const char *folder, struct err *e)
{
	struct plugin p = { 0 };
	int rc = plugin_load(&p, folder, a->plugin, e);

	if (rc < 0)
		return rc;
	rc = plugin_check_options(&p.ops, &a->options, e);
	if (rc == 0)
		rc = check_values(&p.ops, &a->options, e);
	plugin_unload(&p);
	if (rc == 0 && a->user && a->user[0] && !getpwnam(a->user))
		return err_set(e, -ENOENT, "user: there is no user \"%s\"", a->user);
	if (rc == 0 && a->caps)
		rc = caps_check(a->caps, e);
	return rc;
}

/* The actor finds its plugins beside itself. */
static int
actor_plugins(char out[PATH_MAX], struct err *e)
{
	int rc = proc_find("banner-actor", out, PATH_MAX - sizeof(PLUGIN_FOLDER), e);

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
	for (size_t i = 0; i < c->nactions; i++) {
		const struct conf_action *a = &c->actions[i];
		const struct conf_jail *j = named_by(c, i);

		if (!is_used(c, i) || check_action(a, folder, &e) == 0)
			continue;
		if (j && j->file)
			buf_printf(b, "%s:%d: ", j->file, j->line);
		buf_printf(b, "error: [%s] action %s", j ? j->name : "", a->name);
		if (a->file)
			buf_printf(b, " (%s:%d)", a->file, a->line);
		buf_printf(b, ": %s\n", e.text);
		errors++;
	}
	warn_same_table(c, b);
	return errors;
}
