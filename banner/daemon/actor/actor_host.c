/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor_host.c - what a plugin may ask and tell of its host, which is an instance.
 */
#include <errno.h>
#include <string.h>

#include "banner/daemon/actor/actor_int.h"

/* The schema's fallback counts as a value. */
static const char *
host_get(void *ctx, const char *key)
{
	struct instance *in = ctx;

	return plugin_option(in->ops, &in->o.conf->options, key);
}

static const char *
host_each(void *ctx, size_t i, const char **value)
{
	struct instance *in = ctx;
	const struct conf_options *v = &in->o.conf->options;

	if (i >= v->n)
		return NULL;
	*value = v->v[i].value;
	return v->v[i].key;
}

static void
host_log(void *ctx, enum bn_level level, const char *text)
{
	instance_say(ctx, level, "%s", text);
}

/* News of one target: told to every ban that holds the entry. */
static void
target_news(struct instance *in, const struct want *w, const char *target, int err)
{
	int64_t when = in->o.host.now_ms(in->o.host.arg);

	for (uint32_t i = 0; w && i < w->nholders; i++)
		in->o.host.outcome(in->o.host.arg, &(struct actor_outcome){
		    .number = w->holders[i].number, .ban = w->holders[i].id,
		    .verb = w->verb, .target = target, .err = err, .when_ms = when });
}

static void
host_done(void *ctx, uint64_t id, const char *target, int err)
{
	struct instance *in = ctx;
	struct want *w = wants_by_id(&in->wants, id);

	if (target && *target) {
		target_news(in, w, target, err);
		return;
	}
	/* answered twice, or we gave it up: nothing to learn */
	if (!w || !w->busy || w->op != id)
		return;
	w->busy = false;
	instance_result(in, w, err == -EINPROGRESS ? -EIO : err);
}

static void
lost(struct instance *in, struct want *w)
{
	if (!w->in_force || w->busy)
		return;
	instance_in_force(in, w, false);
	w->repair = true;
	wants_queue(&in->wants, w, QUEUE_DIRTY);
}

static int
lost_all(void *arg, const void *key, size_t len, void *value)
{
	lost(arg, value);
	return 1;
}

/* Without list() all that can be done is to apply everything again. */
static void
host_drifted(void *ctx)
{
	struct instance *in = ctx;

	in->retry_at = 0;
	if (in->ops->list)
		in->list_due = true;
	else if (in->flags & BN_STATE)
		table_each(in->wants.table, lost_all, in);
}

static void
host_lost(void *ctx, const struct bn_subject *s)
{
	struct instance *in = ctx;
	struct want *w = wants_get(&in->wants,
	    &(struct want_name){ .subject = *s, .jail = "" }, false);

	if (w)
		lost(in, w);
}

static int
host_known(void *ctx, uint64_t ticket, const char *user, const struct bn_addr *from)
{
	struct instance *in = ctx;
	struct actor_question q = { .conf = in->o.conf, .ticket = ticket, .user = user,
	    .from = { .family = from->family, .plen = from->plen } };

	memcpy(q.from.ip, from->ip, sizeof(q.from.ip));
	return in->o.host.known(in->o.host.arg, &q);
}

struct bn_host
instance_host(struct instance *in)
{
	return (struct bn_host){ .ctx = in, .get = host_get, .log = host_log,
	    .done = host_done, .drifted = host_drifted, .each = host_each,
	    .lost = host_lost, .loop = in->o.host.loop,
	    .known = in->o.host.known ? host_known : NULL };
}
