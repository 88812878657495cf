/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor_sync.c - generations of the wanted set, and what is there outside.
 */
#include <errno.h>
#include <string.h>

#include "banner/daemon/actor/actor_int.h"

void
instance_begin(struct instance *in, uint64_t generation)
{
	in->generation = generation;
	in->round++;
	in->resync = true;
	in->list_due |= in->open && in->ops->list;
	in->retry_at = 0;
}

static int
leave_stale(void *arg, const void *key, size_t len, void *value)
{
	struct instance *in = arg;
	struct want *w = value;

	for (uint32_t i = 0; i < w->nholders; i++)
		if (w->holders[i].round != in->round)
			w->holders[i].leaving = true;
	if (!want_needed(w))
		wants_queue(&in->wants, w, QUEUE_DIRTY);
	return 1;
}

void
instance_complete(struct instance *in, uint64_t generation, bool force)
{
	if (generation != in->generation)
		return;
	in->resync = false;
	in->settled = in->complete_due = true;
	in->force |= force;
	table_each(in->wants.table, leave_stale, in);
}

void
instance_completed(struct instance *in)
{
	int rc = 0;

	if (!in->complete_due || !in->open)
		return;
	if (in->ops->complete)
		rc = in->ops->complete(in->self, in->force);
	if (rc < 0)
		instance_say(in, BN_ERROR, "resync: %s", strerror(-rc));
	in->complete_due = in->force = false;
}

int
instance_where(struct instance *in, uint64_t ban, bn_target_fn *fn, void *arg)
{
	const struct want *w = wants_by_id(&in->wants, ban);

	/* the plugin knows the entry by the ban that asked for it last */
	return w && in->open && in->ops->where ?
	    in->ops->where(in->self, w->op, fn, arg) : 0;
}

bool
instance_has(struct instance *in, const struct bn_subject *s)
{
	const struct want *w = wants_get(&in->wants,
	    &(struct want_name){ .subject = *s, .jail = "" }, false);

	return w && w->in_force;
}

static void
seen(void *arg, const struct bn_subject *s, const char *scope)
{
	struct instance *in = arg;
	struct want *w;

	if (scope && strcmp(scope, in->o.conf->scope) != 0)
		return;
	w = wants_get(
	    &in->wants, &(struct want_name){ .subject = *s, .jail = "" }, true);
	if (!w)
		return;
	w->listed = true;
	if (w->in_force || w->busy)
		return;
	instance_in_force(in, w, true);
	for (uint32_t i = 0; i < w->nholders; i++)
		if (!w->holders[i].leaving && !w->refused)
			instance_report(in, &w->holders[i], BN_ADD, 0, w->applied_ms);
	wants_queue(&in->wants, w, QUEUE_DIRTY);
}

static int
unsee(void *arg, const void *key, size_t len, void *value)
{
	((struct want *)value)->listed = false;
	return 1;
}

static int
compare(void *arg, const void *key, size_t len, void *value)
{
	struct instance *in = arg;
	struct want *w = value;

	if (!w->in_force || w->listed || w->busy)
		return 1;
	instance_in_force(in, w, false);
	w->repair = true;
	wants_queue(&in->wants, w, QUEUE_DIRTY);
	return 1;
}

void
instance_list(struct instance *in)
{
	int rc;

	table_each(in->wants.table, unsee, NULL);
	rc = in->ops->list(in->self, seen, in);
	if (rc < 0) {
		instance_error(in, "list", rc);
		instance_say(in, BN_ERROR, "cannot list what is in force: %s",
		    strerror(-rc));
		instance_back_off(in);
		return;
	}
	in->list_due = false;
	table_each(in->wants.table, compare, in);
}

struct look {
	const struct instance *in;
	const struct bn_subject *wanted;
	bool found;
};

static void
look_seen(void *arg, const struct bn_subject *s, const char *scope)
{
	struct look *l = arg;
	const struct bn_subject *w = l->wanted;

	if (scope && strcmp(scope, l->in->o.conf->scope) != 0)
		return;
	l->found |= s->kind == BN_ADDR && s->addr.family == w->addr.family &&
	    s->addr.plen == w->addr.plen &&
	    !memcmp(s->addr.ip, w->addr.ip, sizeof(w->addr.ip));
}

int
instance_look(struct instance *in, const struct subject *s)
{
	struct bn_subject wanted = { .kind = BN_ADDR };
	struct look l = { .in = in, .wanted = &wanted };
	struct want *w;
	int rc;

	if (s->kind != SUBJECT_ADDR || !in->ops->list)
		return -ENOTSUP;
	if (!in->open)
		return -ENOTCONN;
	wanted.addr.family = s->addr.family;
	wanted.addr.plen = s->addr.plen;
	memcpy(wanted.addr.ip, s->addr.ip, sizeof(wanted.addr.ip));
	w = wants_get(&in->wants, &(struct want_name){ .subject = wanted, .jail = "" },
	    false);
	if (w && (w->busy || w->queue == QUEUE_DIRTY))
		return -EAGAIN;
	rc = in->ops->list(in->self, look_seen, &l);
	return rc < 0 ? rc : l.found;
}

struct unnamed {
	struct instance *in;
	instance_unnamed_fn *fn;
	void *arg;
};

static void
unnamed_seen(void *arg, const struct bn_subject *s, const char *scope)
{
	struct unnamed *u = arg;
	struct want *w;

	if (scope && strcmp(scope, u->in->o.conf->scope) != 0)
		return;
	w = wants_get(&u->in->wants, &(struct want_name){ .subject = *s, .jail = "" },
	    false);
	if (!w || !want_needed(w))
		u->fn(u->arg, s);
}

int
instance_unnamed(struct instance *in, instance_unnamed_fn *fn, void *arg)
{
	struct unnamed u = { in, fn, arg };

	if (!(in->flags & BN_STATE))
		return 0;
	if (!in->ops->list)
		return -ENOTSUP;
	return in->open ? in->ops->list(in->self, unnamed_seen, &u) : -ENOTCONN;
}

static void
listed(void *arg, const struct bn_subject *s, const char *scope)
{
}

int
instance_remove(struct instance *in, struct bn_change *v, size_t n)
{
	int rc = in->open ? 0 : -ENOTCONN;

	if (rc == 0 && in->ops->list)
		rc = in->ops->list(in->self, listed, NULL);
	return rc < 0 ? rc : in->ops->apply(in->self, v, n);
}
