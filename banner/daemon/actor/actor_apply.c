/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor_apply.c - batches of changes to the plugin, and what became of them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/daemon/actor/actor_int.h"

/* So many batches in a turn: the loop has others to hear. */
enum { BATCH = 1024, TURN_BATCHES = 8, REMOVE_TRIES = 3 };

void
instance_in_force(struct instance *in, struct want *w, bool in_force)
{
	if (w->in_force == in_force)
		return;
	w->in_force = in_force;
	in->wants.nin_force += in_force ? 1 : UINT64_MAX;
	if (in_force)
		w->applied_ms = in->o.host.now_ms(in->o.host.arg);
}

void
instance_report(struct instance *in, const struct holder *h, enum bn_verb verb, int err,
    int64_t when_ms)
{
	in->o.host.outcome(in->o.host.arg, &(struct actor_outcome){ .number = h->number,
	    .ban = h->id, .verb = verb, .target = "", .err = err, .when_ms = when_ms });
}

/* Tell every holder what is news to it; the leaving ones go when they got their way. */
static void
tell(struct instance *in, struct want *w, int err)
{
	int64_t when = in->o.host.now_ms(in->o.host.arg);
	bool gone = !w->in_force || want_needed(w);

	for (uint32_t i = w->nholders; i-- > 0;) {
		struct holder *h = &w->holders[i];

		if (h->leaving && gone) {
			instance_report(in, h, BN_DEL, 0, when);
			want_leave(&in->wants, w, h);
		} else if (h->leaving ? err < 0 && h->told != err :
		    !w->refused && h->told != err) {
			h->told = err;
			instance_report(in, h, h->leaving ? BN_DEL : BN_ADD, err, when);
		}
	}
}

/* Evidence is only needed for the first try that works; captures are small and stay,
 * because a removal may name them. */
static void
drop_matches(struct want *w)
{
	for (uint32_t i = 0; i < w->nholders; i++)
		want_fields_trim(w->holders[i].fields);
}

static void
log_failure(struct instance *in, const struct want *w, int err)
{
	int64_t when = in->o.host.now_ms(in->o.host.arg);
	const char *what = w->verb == BN_DEL ? "remove" : "apply";

	snprintf(in->stats.error, sizeof(in->stats.error), "%s: %s", what,
	    err_change(-err));
	in->stats.error_ms = when;
	if (strcmp(in->said, in->stats.error) == 0 && when - in->said_ms < MS_PER_MIN)
		return;
	memcpy(in->said, in->stats.error, sizeof(in->said));
	in->said_ms = when;
	instance_say(in, BN_ERROR, "%s; it is tried again", in->said);
}

/* A removal that keeps failing where nothing can be listed is given up: most likely
 * the entry is gone, and nobody could ever tell us. */
static void
failed(struct instance *in, struct want *w, int err)
{
	w->tries++;
	if (w->err != err)
		in->stats.conflicts += (err == -EEXIST) - (uint64_t)(w->err == -EEXIST);
	w->err = err;
	/* the answer may be lost and the entry there all the same */
	w->unsure |= w->verb == BN_ADD && in->ops->list && in->flags & BN_STATE;
	log_failure(in, w, err);
	if (w->verb == BN_DEL && !in->ops->list && w->tries >= REMOVE_TRIES) {
		tell(in, w, err);
		for (uint32_t i = w->nholders; i-- > 0;)
			if (w->holders[i].leaving)
				want_leave(&in->wants, w, &w->holders[i]);
		instance_in_force(in, w, false);
		wants_queue(&in->wants, w, QUEUE_DIRTY);
		return;
	}
	w->prolong |= w->verb == BN_PROLONG;
	tell(in, w, err);
	wants_queue(&in->wants, w, QUEUE_FAILED);
	/* here, not in instance_work: the outcome may come long after the call */
	if (in->o.host.now_ms(in->o.host.arg) >= in->retry_at)
		instance_back_off(in);
}

/* Who removes them may go on for ever. */
static void
put_back(struct instance *in)
{
	int64_t when = in->o.host.now_ms(in->o.host.arg);

	in->stats.repaired++;
	if (in->repaired_ms && when - in->repaired_ms < MS_PER_MIN)
		return;
	in->repaired_ms = when;
	instance_say(in, BN_INFO, "somebody removes what is in force; %llu entries put "
	    "back so far", (unsigned long long)in->stats.repaired);
}

void
instance_result(struct instance *in, struct want *w, int err)
{
	if (err == -ECANCELED && !want_needed(w)) {
		wants_queue(&in->wants, w, QUEUE_DIRTY);
		return;
	}
	if (err < 0) {
		failed(in, w, err);
		return;
	}
	if (w->err == -EEXIST)
		in->stats.conflicts--;
	w->err = 0;
	w->tries = 0;
	w->unsure = false;
	if (w->verb != BN_PROLONG)
		instance_in_force(in, w, w->verb == BN_ADD);
	in->stats.applied++;
	if (!in->wants.nfailed)
		in->retry_ms = 0;
	if (w->repair && w->verb == BN_ADD)
		put_back(in);
	w->repair = false;
	if (w->verb == BN_ADD)
		drop_matches(w);
	tell(in, w, 0);
	/* The wish may have turned round meanwhile; if not, this does nothing. */
	wants_queue(&in->wants, w, QUEUE_DIRTY);
}

/* What has to be done for the want now; false: nothing. */
static bool
next_verb(const struct instance *in, const struct want *w, enum bn_verb *verb)
{
	if (want_needed(w)) {
		*verb = w->in_force ? BN_PROLONG : BN_ADD;
		return !w->in_force || w->prolong;
	}
	*verb = BN_DEL;
	return (w->in_force || w->unsure) && (in->settled || w->nholders > 0);
}

static void
fill_change(struct instance *in, struct want *w, struct bn_change *c)
{
	const struct holder *h = want_first(w);

	w->op = h ? h->id : in->synthetic++;
	w->prolong = false;
	*c = (struct bn_change){ .verb = w->verb, .id = w->op, .subject = w->subject,
	    .jail = h ? h->jail : "", .scope = in->o.conf->scope };
	if (!h)
		return;
	c->since_ms = h->since_ms;
	c->until_ms = want_until(w);
	c->failures = h->failures;
	c->count = h->count;
	c->restored = h->restored;
	c->fields = h->fields ? h->fields->v : NULL;
}

/* Others still hold it: these may go. The end, and the ban it goes by, may be others.
 */
static void
fewer_holders(struct instance *in, struct want *w)
{
	uint32_t was = w->nholders;

	tell(in, w, 0);
	if (w->nholders == was || !(in->flags & BN_PROLONGS))
		return;
	w->prolong = true;
	wants_queue(&in->wants, w, QUEUE_DIRTY);
}

/* Neither needed nor in force: forget it. An event's removal is only that. */
static void
settle(struct instance *in, struct want *w)
{
	if (want_needed(w)) {
		if (w->in_force)
			fewer_holders(in, w);
		return;
	}
	if (w->in_force && !(in->flags & BN_EVENT))
		return;
	instance_in_force(in, w, false);
	w->err = w->err == -EEXIST ? (in->stats.conflicts--, 0) : 0;
	tell(in, w, 0);
	if (!w->nholders)
		wants_drop(&in->wants, w);
}

/* Take dirty wants that need a change, up to a batch. */
static size_t
fill_batch(struct instance *in)
{
	struct want *w;
	size_t n = 0;

	while (n < BATCH && (w = TAILQ_FIRST(&in->wants.dirty))) {
		wants_queue(&in->wants, w, QUEUE_NONE);
		if (w->busy)
			continue;
		if ((in->flags & BN_EVENT && w->in_force) ||
		    !next_verb(in, w, &w->verb)) {
			settle(in, w);
			continue;
		}
		fill_change(in, w, &in->batch[n]);
		in->batch_want[n++] = w;
	}
	return n;
}

static void
apply_batch(struct instance *in, size_t n)
{
	int rc;

	for (size_t i = 0; i < n; i++) {
		/* done() may come from inside apply, before it returns. */
		in->batch_want[i]->busy = true;
		in->batch[i].err = 0;
	}
	rc = in->ops->apply(in->self, in->batch, n);
	for (size_t i = 0; i < n; i++) {
		struct want *w = in->batch_want[i];
		int err = in->batch[i].err;

		if (rc < 0 && err == 0)
			err = rc;
		if (err == -EINPROGRESS || !w->busy)
			continue;
		w->busy = false;
		instance_result(in, w, err);
	}
}

/* The plugin could not be opened: that is the outcome of everything for now. */
static void
fail_dirty(struct instance *in)
{
	struct want *w;

	while ((w = TAILQ_FIRST(&in->wants.dirty))) {
		w->verb = want_needed(w) ? BN_ADD : BN_DEL;
		w->err = -ENOTCONN;
		tell(in, w, -ENOTCONN);
		wants_queue(&in->wants, w, QUEUE_FAILED);
	}
}

void
instance_apply(struct instance *in)
{
	size_t n;

	if (!in->open) {
		fail_dirty(in);
		return;
	}
	if (!in->batch) {
		in->batch = xcalloc(BATCH, sizeof(*in->batch));
		in->batch_want = xcalloc(BATCH, sizeof(struct want *));
	}
	for (int i = 0; i < TURN_BATCHES && (n = fill_batch(in)) > 0; i++)
		apply_batch(in, n);
}
