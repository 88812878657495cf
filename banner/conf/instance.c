/* SPDX-License-Identifier: GPL-2.0-or-later
 * instance.c - the same action of several jails is one; who shares a process.
 */
#include <string.h>

#include "banner/conf/reader.h"

static bool
same_options(const struct conf_options *a, const struct conf_options *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const char *other = options_get(b, a->v[i].key);

		if (!other || strcmp(other, a->v[i].value) != 0)
			return false;
	}
	return true;
}

/* Equal rights and options; all commands of one user share a process, and so do all
 * sets, because every list of ports makes another instance. */
static bool
same_actor(const struct conf_action *a, const struct conf_action *b)
{
	if (strcmp(a->plugin, b->plugin) || strcmp(a->user, b->user))
		return false;
	if (strcmp(a->plugin, "exec") == 0)
		return true;
	return strcmp(a->caps, b->caps) == 0 && (strcmp(a->plugin, "nft") == 0 ||
	    same_options(&a->options, &b->options));
}

static bool
same_action(const struct conf_action *a, const struct conf_action *b)
{
	return same_actor(a, b) && strcmp(a->name, b->name) == 0 &&
	    strcmp(a->command_name, b->command_name) == 0 &&
	    strcmp(a->scope, b->scope) == 0 && same_options(&a->options, &b->options);
}

unsigned
action_add(struct reader *r, const struct conf_action *action)
{
	struct conf *c = r->conf;
	struct conf_action *new;
	unsigned next = 0;

	for (size_t i = 0; i < c->nactions; i++)
		if (same_action(&c->actions[i], action))
			return (unsigned)i;
	c->actions = vec_room(r->arena, c->actions, c->nactions, sizeof(*c->actions));
	new = &c->actions[c->nactions];
	*new = *action;
	for (size_t i = 0; i < c->nactions; i++) {
		if (same_actor(&c->actions[i], action)) {
			new->actor = c->actions[i].actor;
			return (unsigned)c->nactions++;
		}
		if (c->actions[i].actor >= next)
			next = c->actions[i].actor + 1;
	}
	new->actor = next;
	return (unsigned)c->nactions++;
}
