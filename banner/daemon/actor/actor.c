/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor.c - one action instance: what shall be in force, and making it so.
 *
 * An actor does not replay orders; it holds what is wanted and moves the outside
 * towards it. Each want (actor_want.h) knows whether it is needed (a ban that is not
 * leaving holds it and the guard does not refuse it) and whether it is in force (the
 * plugin said so). Whatever changes either puts it on the dirty list, and there is
 * one rule for what happens then:
 *
 *	needed, not in force	add
 *	in force, not needed	remove
 *	both, a longer ban	prolong, if the plugin cares
 *	neither			forget
 *
 * A failed change waits on the failed list until the back-off (0.2 s doubling to one
 * minute) makes it dirty again. A change in flight (-EINPROGRESS) is busy, and looked
 * at again when it is done: meanwhile the wish may have turned round.
 *
 * Restart, reconnect, a flushed table and "banctl sync" are the same path. BEGIN opens
 * a round, every CHANGE marks its holder with it, COMPLETE makes all other holders
 * leave. Rounds are counted here: each engine counts its generations from 1 again.
 * list() tells what is in force: what we believed in and do not see is repaired, what
 * we see and do not know is an orphan, a want without holders. Orphans are only removed
 * once settled, after the first COMPLETE: until then they may belong to bans that the
 * engine has not named yet, and removing them would open a door.
 * Without list() nothing is believed after the plugin opened, and all is added again.
 *
 * Event actions use the same machine: a want per ban, whose removal calls nobody. Bans
 * that are restored or named between BEGIN and COMPLETE count as in force already, so
 * no mail is sent twice.
 */
#include "banner/daemon/actor/actor_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

enum { RETRY_FIRST_MS = 200, RETRY_MAX_MS = 60000 };

void
instance_say(struct instance *in, enum bn_level level, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&text, fmt, ap);
	va_end(ap);
	in->o.host.log(in->o.host.arg, level, in->o.conf->name, text.p);
	buf_fini(&text);
}

void
instance_known(struct instance *in, uint64_t ticket, bool yes)
{
	if (in->open && in->ops->known)
		in->ops->known(in->self, ticket, yes);
}

static int64_t
now(const struct instance *in)
{
	return in->o.host.now_ms(in->o.host.arg);
}

void
instance_back_off(struct instance *in)
{
	in->retry_ms = in->retry_ms ? in->retry_ms * 2 : RETRY_FIRST_MS;
	if (in->retry_ms > RETRY_MAX_MS)
		in->retry_ms = RETRY_MAX_MS;
	in->retry_at = now(in) + in->retry_ms;
}

void
instance_error(struct instance *in, const char *what, int err)
{
	snprintf(
	    in->stats.error, sizeof(in->stats.error), "%s: %s", what, strerror(-err));
	in->stats.error_ms = now(in);
}

static void
count_target(void *arg, const char *name, const char *state)
{
	++*(uint32_t *)arg;
}

static void
instance_open(struct instance *in)
{
	int rc = in->ops->open(&in->host, &in->self);

	if (rc < 0) {
		instance_error(in, "cannot start", rc);
		instance_say(in, BN_ERROR, "cannot start: %s", strerror(-rc));
		instance_back_off(in);
		return;
	}
	in->open = true;
	in->retry_ms = 0;
	in->flags = in->ops->mode ? in->ops->mode(in->self) : in->ops->flags;
	in->list_due = in->ops->list != NULL;
	in->stats.targets = 0;
	if (in->ops->targets)
		in->ops->targets(in->self, count_target, &in->stats.targets);
}

int
instance_new(const struct instance_options *o, struct instance **out, struct err *e)
{
	const struct bn_action_ops *ops = &o->plugin->ops;
	struct instance *in;
	int rc;

	rc = plugin_check_options(ops, &o->conf->options, e);
	if (rc < 0)
		return rc;
	in = xcalloc(1, sizeof(*in));
	in->o = *o;
	in->ops = ops;
	in->flags = ops->flags;
	in->synthetic = UINT64_C(1) << 63;
	in->host = instance_host(in);
	wants_init(&in->wants);
	instance_open(in);
	*out = in;
	return 0;
}

void
instance_free(struct instance *in)
{
	if (!in)
		return;
	if (in->open)
		in->ops->close(in->self);
	wants_fini(&in->wants);
	free(in->batch);
	free(in->batch_want);
	free(in);
}

bool
instance_same(struct instance *a, struct instance *b)
{
	return a->ops == b->ops && a->ops->same && a->open && b->open &&
	    strcmp(a->o.conf->scope, b->o.conf->scope) == 0 &&
	    a->ops->same(a->self, b->self);
}

/* A jail's name and a user's are C strings for the plugin. */
static bool
to_subject(const struct subject *s, struct bn_subject *out)
{
	*out = (struct bn_subject){ .kind = (enum bn_kind)s->kind };
	out->addr.family = s->addr.family;
	out->addr.plen = s->addr.plen;
	memcpy(out->addr.ip, s->addr.ip, sizeof(out->addr.ip));
	if (s->kind == SUBJECT_USER || s->kind == SUBJECT_ID)
		out->text = s->text.s;
	return strlen(s->text.s) == s->text.len;
}

static void
check_guard(struct instance *in, struct want *w)
{
	enum guard_by by = GUARD_AUTO;
	struct addr a = { w->subject.addr.family, w->subject.addr.plen, { 0 } };
	const char *why;

	if (w->subject.kind != BN_ADDR)
		return;
	memcpy(a.ip, w->subject.addr.ip, sizeof(a.ip));
	for (uint32_t i = 0; i < w->nholders; i++)
		if (w->holders[i].manual)
			by = GUARD_ADMIN;
	why = in->o.guard ? guard_refuses(in->o.guard, &a, by) : NULL;
	if (why && !w->refused) {
		char text[ADDR_TEXT];

		instance_say(
		    in, BN_WARNING, "%s is not banned: %s", addr_print(&a, text), why);
	}
	in->wants.nrefused += (why != NULL) - w->refused;
	w->refused = why != NULL;
}

/* Fill the holder from what the engine says now. True if the ban became longer. */
static bool
hold(struct instance *in, struct want *w, unsigned number, const struct wire_ban *b)
{
	int64_t was = w->nholders ? want_until(w) : -1, is;
	struct holder *h = want_hold(&in->wants, w, b->ban.id);

	h->round = in->round;
	h->since_ms = b->ban.since_ms;
	h->until_ms = b->ban.until_ms;
	h->failures = b->ban.failures;
	h->count = b->ban.count;
	h->number = number;
	h->leaving = false;
	/* neither was decided by lines of a log: block lists count as the admin's */
	h->manual = b->ban.manual || b->ban.failures == 0;
	h->restored = b->ban.restored || in->resync;
	h->jail = wants_jail(&in->wants, b->ban.jail);
	if (in->flags & BN_FIELDS && !h->fields && !h->restored)
		h->fields = want_fields_new(b);
	is = want_until(w);
	return is != was && (is == 0 || (was > 0 && is > was));
}

static void
change_ban(struct instance *in, unsigned number, const struct wire_ban *b,
    const struct want_name *name)
{
	bool known, adopted, longer;
	struct want *w = wants_by_id(&in->wants, b->ban.id);
	struct holder *h;

	if (!w)
		w = wants_get(&in->wants, name, true);
	in->flushed = false;
	known = w->in_force;
	/* Listed, from an earlier life: its end may be another by now. */
	adopted = known && !w->nholders;
	longer = hold(in, w, number, b);
	check_guard(in, w);
	h = want_holder(w, b->ban.id);
	if (in->flags & BN_EVENT && h->restored)
		instance_in_force(in, w, true);
	if (w->refused)
		instance_report(in, h, BN_ADD, -EPERM, now(in));
	else if (w->in_force)
		instance_report(in, h, BN_ADD, 0, w->applied_ms);
	/* Asked again, answered again: the engine may be a new one. */
	h->told = w->in_force ? 0 : 1;
	w->prolong |= known && (longer || adopted) && in->flags & BN_PROLONGS;
	if (w->queue != QUEUE_FAILED || !want_needed(w))
		wants_queue(&in->wants, w, QUEUE_DIRTY);
}

/* Without list() nobody knows whether a ban from an earlier life is in force: it is
 * removed once, and the outcome told. */
static void
unban_unknown(struct instance *in, unsigned number, const struct wire_ban *b,
    const struct want_name *name)
{
	struct want *w;
	struct holder *h;

	if (in->flags & BN_STATE && !in->ops->list) {
		w = wants_get(&in->wants, name, true);
		if (!w->nholders && !w->busy) {
			hold(in, w, number, b);
			want_holder(w, b->ban.id)->leaving = true;
			instance_in_force(in, w, true);
			wants_queue(&in->wants, w, QUEUE_DIRTY);
			return;
		}
	}
	h = &(struct holder){ .id = b->ban.id, .number = number, .told = 1 };
	instance_report(in, h, BN_DEL, 0, now(in));
}

static void
change_unban(struct instance *in, unsigned number, const struct wire_ban *b,
    const struct want_name *name)
{
	struct want *w = wants_by_id(&in->wants, b->ban.id);
	struct holder *h;

	if (!w) {
		unban_unknown(in, number, b, name);
		return;
	}
	h = want_holder(w, b->ban.id);
	h->leaving = true;
	h->told = 1;
	h->round = in->round;
	wants_queue(&in->wants, w, QUEUE_DIRTY);
}

void
instance_change(struct instance *in, unsigned number, const struct wire_ban *b)
{
	struct want_name name = { .jail = in->flags & BN_PER_JAIL ? b->ban.jail : "",
	    .id = in->flags & BN_EVENT ? b->ban.id : 0 };
	struct holder none = { .id = b->ban.id, .number = number, .told = 1 };
	bool text = to_subject(&b->ban.subject, &name.subject), removal;

	removal = b->verb == VERB_UNBAN;
	if (!(in->ops->kinds & 1U << name.subject.kind)) {
		instance_report(in, &none, removal ? BN_DEL : BN_ADD,
		    removal ? 0 : -ENOTSUP, now(in));
		return;
	}
	if (!text || strlen(b->ban.jail) > SUBJECT_TEXT) {
		instance_report(in, &none, removal ? BN_DEL : BN_ADD,
		    removal ? 0 : -EINVAL, now(in));
		return;
	}
	switch (b->verb) {
	case VERB_BAN:
	case VERB_PROLONG:
		change_ban(in, number, b, &name);
		break;
	case VERB_UNBAN:
		change_unban(in, number, b, &name);
		break;
	}
}

static int
recheck_guard(void *arg, const void *key, size_t len, void *value)
{
	struct instance *in = arg;
	struct want *w = value;
	bool was = w->refused;

	if (!w->nholders)
		return 1;
	check_guard(in, w);
	if (was == w->refused)
		return 1;
	for (uint32_t i = 0; w->refused && i < w->nholders; i++)
		instance_report(in, &w->holders[i], BN_ADD, -EPERM, now(in));
	wants_queue(&in->wants, w, QUEUE_DIRTY);
	return 1;
}

void
instance_guard(struct instance *in)
{
	table_each(in->wants.table, recheck_guard, in);
}

void
instance_jail(struct instance *in, const char *jail, bool started)
{
	int (*fn)(void *, const char *) =
	    started ? in->ops->jail_start : in->ops->jail_stop;
	int rc = in->open && fn ? fn(in->self, jail) : 0;

	if (rc < 0) {
		instance_error(in, started ? "jail start" : "jail stop", rc);
		instance_say(in, BN_ERROR, "%s of jail %s: %s",
		    started ? "start" : "stop", jail, strerror(-rc));
	}
}

static int
leave_all(void *arg, const void *key, size_t len, void *value)
{
	struct instance *in = arg;
	struct want *w = value;

	for (uint32_t i = 0; i < w->nholders; i++)
		w->holders[i].leaving = true;
	wants_queue(&in->wants, w, QUEUE_DIRTY);
	return 1;
}

static int
forget_in_force(void *arg, const void *key, size_t len, void *value)
{
	struct want *w = value;

	if (!w->busy)
		instance_in_force(arg, w, false);
	return 1;
}

int
instance_flush(struct instance *in)
{
	int rc = -ENOTSUP;

	in->settled = in->flushed = true;
	/* first: what the plugin gives up because of it is wanted no more */
	table_each(in->wants.table, leave_all, in);
	if (in->open && in->ops->flush)
		rc = in->ops->flush(in->self);
	if (rc == 0)
		table_each(in->wants.table, forget_in_force, in);
	instance_work(in);
	return rc == -ENOTSUP ? 0 : rc;
}

size_t
instance_unflushed(const struct instance *in)
{
	if (!in->flushed || !in->open || in->ops->list || !(in->flags & BN_STATE))
		return 0;
	return table_count(in->wants.table) - in->wants.nfailed;
}

int
instance_targets(struct instance *in, bn_target_fn *fn, void *arg)
{
	return in->open && in->ops->targets ? in->ops->targets(in->self, fn, arg) : 0;
}

static void
retry_failed(struct instance *in)
{
	struct want *w;

	while ((w = TAILQ_FIRST(&in->wants.failed)))
		wants_queue(&in->wants, w, QUEUE_DIRTY);
}

bool
instance_busy(const struct instance *in)
{
	return in->open && !TAILQ_EMPTY(&in->wants.dirty);
}

int64_t
instance_work(struct instance *in)
{
	uint64_t failed = in->wants.nfailed;
	bool due;

	/* the clock went back */
	if (in->retry_at - now(in) > RETRY_MAX_MS)
		in->retry_at = now(in);
	due = now(in) >= in->retry_at;

	if (!in->open && due)
		instance_open(in);
	if (in->open && in->list_due && due)
		instance_list(in);
	if (due && failed)
		retry_failed(in);
	instance_apply(in);
	if (instance_busy(in))
		return now(in);
	instance_completed(in);
	if ((!in->open || in->list_due) && now(in) >= in->retry_at)
		instance_back_off(in);
	if (in->wants.nfailed || !in->open || in->list_due)
		return in->retry_at;
	return INT64_MAX;
}

int64_t
instance_work_off(struct instance *in)
{
	int64_t due;

	do
		due = instance_work(in);
	while (instance_busy(in));
	return due;
}

int
instance_poll_fd(struct instance *in)
{
	return in->open && in->ops->poll_fd ? in->ops->poll_fd(in->self) : -1;
}

void
instance_run(struct instance *in)
{
	int rc = in->open && in->ops->run ? in->ops->run(in->self) : 0;

	if (rc < 0) {
		instance_error(in, "notices", rc);
		in->list_due |= in->ops->list != NULL;
	}
}

void
instance_stats(const struct instance *in, struct instance_stats *out)
{
	*out = in->stats;
	out->in_force = in->wants.nin_force;
	out->wanted = table_count(in->wants.table);
	out->failing = in->wants.nfailed;
	out->refused = in->wants.nrefused;
	out->open = in->open;
	out->bare = !(in->flags & BN_FIELDS);
}
