/* SPDX-License-Identifier: GPL-2.0-or-later
 * plan.c - which children a configuration needs, as whom, and how they are connected.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/daemon/parent/caps.h"
#include "banner/daemon/parent/parent.h"
#include "banner/daemon/parent/spawn.h"

/* Users and capabilities of the plugins that ship; others get _banner and none. */
static const struct plugin_rights {
	const char *plugin, *user, *caps;
} plugin_rights[] = {
	{ "route", "_banner", "net_admin" }, { "nft", "_banner", "net_admin" },
	{ "ssh", "_bannerssh", "" }, { "mail", "_bannermail", "" },
	{ "exec", "", NULL }, /* as configured; root keeps what root has */
};

static void
actor_rights(struct kid *k, const struct conf_action *a)
{
	k->user = "_banner";
	k->caps = "";
	for (size_t i = 0; i < sizeof(plugin_rights) / sizeof(plugin_rights[0]); i++)
		if (!strcmp(a->plugin, plugin_rights[i].plugin)) {
			k->user = plugin_rights[i].user;
			k->caps = plugin_rights[i].caps;
		}
	if (a->user && a->user[0]) {
		k->user = a->user;
		if (!k->caps && strcmp(a->user, "root") != 0)
			k->caps = "";
	}
	if (a->caps && a->caps[0])
		k->caps = a->caps;
}

/* Everything an actor reads from the configuration, as one text. */
static char *
actor_signature(const struct conf *c, unsigned number)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < c->nactions; i++) {
		const struct conf_action *a = &c->actions[i];

		if (a->actor != number)
			continue;
		buf_printf(&b, "%s\x1f%s\x1f%s\x1f%s\x1f%s", a->name, a->plugin,
		    a->user ? a->user : "", a->caps ? a->caps : "",
		    a->scope ? a->scope : "");
		for (size_t n = 0; n < a->options.n; n++)
			buf_printf(&b, "\x1f%s\x1e%s", a->options.v[n].key,
			    a->options.v[n].value);
		buf_putc(&b, '\n');
	}
	buf_printf(&b, "%s", c->daemon.sandbox);
	return b.p;
}

static const struct conf_action *
actor_first(const struct conf *c, unsigned number)
{
	for (size_t i = 0; i < c->nactions; i++)
		if (c->actions[i].actor == number)
			return &c->actions[i];
	return NULL;
}

static struct kid *
find_signature(struct parent *p, const char *signature)
{
	for (struct kid *k = p->kids; k; k = k->next)
		if (k->role == ROLE_ACTOR && k->unwanted && !k->stopping &&
		    !strcmp(k->signature, signature))
			return k;
	return NULL;
}

/* An actor that is already there and whose part of the configuration is the same is
 * kept, under its new number. */
static void
plan_actor(struct parent *p, unsigned number, const struct conf_action *first)
{
	char *signature = actor_signature(p->conf, number);
	struct kid *k = find_signature(p, signature);

	if (k) {
		free(signature);
		k->number = number;
		k->unwanted = false;
	} else {
		k = kid_new(p, ROLE_ACTOR, number);
		k->signature = signature;
	}
	actor_rights(k, first);
}

bool
plan_needs_helper(const struct conf *c)
{
	struct addr a;

	for (size_t i = 0; i < c->njails; i++) {
		const struct conf_jail *j = &c->jails[i];

		if (!j->enabled || j->refused)
			continue;
		if ((j->ignorecommand && j->ignorecommand[0]) ||
		    j->usedns == DNS_YES || j->usedns == DNS_WARN)
			return true;
		for (size_t n = 0; n < j->ignoreip.n; n++)
			if (addr_parse_prefix(str_of(j->ignoreip.v[n]), &a) < 0 &&
			    strncmp(j->ignoreip.v[n], "file:", 5) != 0)
				return true;
	}
	return false;
}

static void
plan_single(struct parent *p, enum role role, const char *user, const char *caps)
{
	struct kid *k = NULL;

	for (struct kid *i = p->kids; i; i = i->next)
		if (i->role == role && !i->stopping)
			k = i;
	if (!k)
		k = kid_new(p, role, 0);
	k->unwanted = false;
	k->user = user;
	k->caps = caps;
}

static void
say_rights(const struct kid *k)
{
	struct identity id;
	char why[128];

	spawn_identity(k->user, &id, why, sizeof(why));
	if (why[0])
		log_warn(k->name, "runs as the user of bannerd: %s", why);
}

static void
put_flush(struct kid *k)
{
	size_t at = wire_start(&k->out, WIRE_FLUSH);

	wire_u32(&k->out, WIRE_ALL);
	wire_finish(&k->out, at);
}

/* No jail names its actions any more, or not with these options: what it put in force
 * must not stay for ever. A new one of the same kind repairs what this takes away. */
void
plan_retire(struct parent *p)
{
	for (struct kid *k = p->kids; k; k = k->next)
		if (k->unwanted && kid_runs(k) && !k->stopping) {
			put_flush(k);
			kid_stop(k);
		}
}

void
plan_flush(struct parent *p)
{
	for (struct kid *k = p->kids; k; k = k->next)
		if (k->role == ROLE_ACTOR && kid_runs(k)) {
			put_flush(k);
			kid_send(k);
		}
}

/* Keep, make and start the children for p->conf; the engine is last. Actors that are
 * not wanted any more stay until their followers had time to put everything in force
 * (plan_retire). */
int
plan_kids(struct parent *p, struct err *e)
{
	const struct conf_action *a;
	struct kid *k, *next;
	int rc = 0;

	for (k = p->kids; k; k = k->next)
		k->unwanted = true;
	plan_single(p, ROLE_STORE, "_banner", "");
	for (unsigned n = 0; !p->opt->dry_run && (a = actor_first(p->conf, n)); n++)
		plan_actor(p, n, a);
	if (p->helper && !p->opt->expire)
		plan_single(p, ROLE_HELPER, "_banner", "");
	plan_single(p, ROLE_ENGINE, "_banner", "dac_read_search");
	for (k = p->kids; k; k = next) {
		next = k->next;
		if (k->unwanted && !kid_runs(k))
			kid_remove(k);
		else if (k->unwanted && k->role != ROLE_ACTOR)
			kid_stop(k);
	}
	for (k = p->kids; k && rc == 0; k = k->next)
		if (!k->unwanted && !kid_runs(k) && k->role != ROLE_ENGINE) {
			say_rights(k);
			rc = kid_start(k, e);
		}
	k = kid_find(p, ROLE_ENGINE, 0);
	if (rc == 0 && !kid_runs(k))
		rc = kid_start(k, e);
	if (rc == 0)
		plan_connect_engine(p);
	return rc;
}

/* A new pair of sockets between the engine and one other child. */
void
plan_connect(struct parent *p, struct kid *k)
{
	static const char *const peers[] = {
		[ROLE_STORE] = "store", [ROLE_ACTOR] = "actor", [ROLE_HELPER] = "helper"
	};
	struct kid *engine = kid_find(p, ROLE_ENGINE, 0);
	int sv[2], rc;

	if (k->unwanted || !kid_runs(k))
		return;
	if (k->role == ROLE_ACTOR)
		guardfeed_send(p->guard, k);
	if (!engine || !kid_runs(engine) || engine->stopping)
		return;
	rc = spawn_pair(sv);
	if (rc < 0) {
		log_error("banner.parent", "socket pair: %s", strerror(-rc));
		return;
	}
	kid_send_socket(k, "engine", p->generation, sv[0]);
	kid_send_socket(engine, peers[k->role], k->number, sv[1]);
	close(sv[0]);
	close(sv[1]);
}

int
plan_helper(struct parent *p, struct err *e)
{
	struct kid *k;
	int rc;

	p->helper = true;
	plan_single(p, ROLE_HELPER, "_banner", "");
	for (k = p->kids; k->role != ROLE_HELPER || k->stopping; k = k->next)
		continue;
	if (kid_runs(k))
		return 0;
	say_rights(k);
	rc = kid_start(k, e);
	if (rc == 0)
		plan_connect(p, k);
	return rc;
}

void
plan_connect_engine(struct parent *p)
{
	struct kid *engine = kid_find(p, ROLE_ENGINE, 0);

	p->generation++;
	if (p->panic) {
		wire_empty(&engine->out, WIRE_PANIC);
		kid_send(engine);
	}
	for (struct kid *k = p->kids; k; k = k->next)
		if (k->role != ROLE_ENGINE)
			plan_connect(p, k);
	if (p->control >= 0)
		kid_send_socket(engine, "control", p->generation, p->control);
	guardfeed_send(p->guard, engine);
	size_t at = wire_start(&engine->out, WIRE_END);
	wire_u64(&engine->out, p->generation);
	wire_finish(&engine->out, at);
	kid_send(engine);
}
