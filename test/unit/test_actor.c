/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_actor.c - the wanted set against a plugin that can lose, fail and be slow.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "banner/daemon/actor/actor.h"

enum { ENTRIES = 64 };

/* The outside, and everything that is seen of the instance. */
struct rig {
	int64_t now;
	struct bn_addr there[ENTRIES];
	size_t n;
	int fail;			/* answer to each change */
	unsigned adds, dels, prolongs;
	uint64_t pending[ENTRIES];	/* ids answered with -EINPROGRESS */
	size_t npending;
	const struct bn_host *host;
	struct plugin plugin;
	struct conf_action conf;
	struct guard *guard;
	struct instance *in;
	struct actor_outcome last;
	unsigned outcomes;
};

/* The plugin is opened by host->ctx, which is not the rig; so there is one at a time.
 */
static struct rig *the_rig;

static int
fake_open(const struct bn_host *host, void **self)
{
	if (the_rig->fail == -ENOTCONN)
		return -EPERM;
	the_rig->host = host;
	*self = the_rig;
	return 0;
}

static bool
there(struct rig *r, const struct bn_addr *a, size_t *at)
{
	for (*at = 0; *at < r->n; (*at)++)
		if (memcmp(&r->there[*at], a, sizeof(*a)) == 0)
			return true;
	return false;
}

static void
carry_out(struct rig *r, const struct bn_change *c)
{
	size_t at;
	bool is = there(r, &c->subject.addr, &at);

	if (c->verb == BN_ADD && !is)
		r->there[r->n++] = c->subject.addr;
	if (c->verb == BN_DEL && is)
		r->there[at] = r->there[--r->n];
	r->adds += c->verb == BN_ADD;
	r->dels += c->verb == BN_DEL;
	r->prolongs += c->verb == BN_PROLONG;
}

static int
fake_apply(void *self, struct bn_change *v, size_t n)
{
	struct rig *r = self;

	for (size_t i = 0; i < n; i++) {
		v[i].err = r->fail;
		if (r->fail == -EINPROGRESS)
			r->pending[r->npending++] = v[i].id;
		if (r->fail == 0 || r->fail == -EINPROGRESS)
			carry_out(r, &v[i]);
	}
	return 0;
}

static int
fake_list(void *self, bn_seen_fn *fn, void *arg)
{
	struct rig *r = self;

	for (size_t i = 0; i < r->n; i++)
		fn(arg, &(struct bn_subject){ BN_ADDR, r->there[i], NULL }, NULL);
	return 0;
}

static void
fake_close(void *self)
{
}

static const struct bn_key no_keys[] = { { NULL, NULL, NULL } };

static int64_t
rig_now(void *arg)
{
	return ((struct rig *)arg)->now;
}

static void
rig_outcome(void *arg, const struct actor_outcome *o)
{
	struct rig *r = arg;

	r->last = *o;
	r->outcomes++;
}

static void
rig_log(void *arg, enum bn_level level, const char *action, const char *text)
{
}

static void
rig_start(struct rig *r, uint32_t flags, bool lists)
{
	struct instance_options o = { .conf = &r->conf, .plugin = &r->plugin,
	    .guard = r->guard, .host = { r, rig_now, rig_outcome, rig_log } };

	r->plugin.ops = (struct bn_action_ops){ .abi = BN_ACTION_ABI, .name = "fake",
	    .flags = flags, .kinds = 1 << BN_ADDR, .keys = no_keys, .open = fake_open,
	    .apply = fake_apply, .close = fake_close,
	    .list = lists ? fake_list : NULL };
	assert_int_equal(instance_new(&o, &r->in, NULL), 0);
}

static int
setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->now = 1000000;
	r->conf = (struct conf_action){ .name = "fake", .scope = "" };
	r->guard = guard_new();
	*state = the_rig = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	instance_free(r->in);
	guard_free(r->guard);
	free(r);
	return 0;
}

static void
tell(struct rig *r, enum verb verb, uint64_t id, const char *who, int64_t until)
{
	struct wire_ban b = { .verb = verb,
		.ban = { .id = id,
		    .jail = id % 2 ? "a" : "b",
		    .until_ms = until,
		    .subject = { .kind = SUBJECT_ADDR, .text = STR("") } } };

	assert_int_equal(addr_parse_prefix(str_of(who), &b.ban.subject.addr), 0);
	instance_change(r->in, 0, &b);
	instance_work(r->in);
}

static void
ban(struct rig *r, uint64_t id, const char *who)
{
	tell(r, VERB_BAN, id, who, 0);
}

static void
unban(struct rig *r, uint64_t id, const char *who)
{
	tell(r, VERB_UNBAN, id, who, 0);
}

static void
answered(struct rig *r, uint64_t id, enum bn_verb verb, int err)
{
	assert_true(r->outcomes > 0);
	assert_int_equal(r->last.ban, id);
	assert_int_equal(r->last.verb, verb);
	assert_int_equal(r->last.err, err);
	r->outcomes = 0;
}

static void
resync(struct rig *r, uint64_t generation, bool end)
{
	if (end)
		instance_complete(r->in, generation, false);
	else
		instance_begin(r->in, generation);
	instance_work(r->in);
}

static void
test_first_adds_last_removes(void **state)
{
	struct rig *r = *state;

	rig_start(r, BN_STATE, true);
	ban(r, 1, "192.0.2.1");
	answered(r, 1, BN_ADD, 0);
	ban(r, 2, "192.0.2.1");
	answered(r, 2, BN_ADD, 0);
	assert_int_equal(r->adds, 1);
	unban(r, 1, "192.0.2.1");
	answered(r, 1, BN_DEL, 0);
	assert_int_equal(r->n, 1);
	unban(r, 2, "192.0.2.1");
	answered(r, 2, BN_DEL, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->dels, 1);
	unban(r, 3, "192.0.2.9");	/* never heard of */
	answered(r, 3, BN_DEL, 0);
}

static void
test_per_jail(void **state)
{
	struct rig *r = *state;

	rig_start(r, BN_STATE | BN_PER_JAIL, false);
	ban(r, 1, "192.0.2.1");
	ban(r, 2, "192.0.2.1");		/* another jail */
	ban(r, 3, "192.0.2.1");		/* the first jail again */
	assert_int_equal(r->adds, 2);
}

static void
test_back_off(void **state)
{
	struct rig *r = *state;
	int64_t next;

	rig_start(r, BN_STATE, true);
	r->fail = -EIO;
	ban(r, 1, "192.0.2.1");
	answered(r, 1, BN_ADD, -EIO);
	next = instance_work(r->in);
	assert_in_range(next, r->now + 1, r->now + 1000);
	for (int i = 0; i < 30; i++) {
		r->now = instance_work(r->in);
		next = instance_work(r->in);
		assert_in_range(next, r->now + 1, r->now + 60000);
	}
	assert_int_equal(next, r->now + 60000);
	assert_int_equal(r->outcomes, 0);	/* the same failure is told once */
	r->fail = 0;
	r->now = next;
	assert_int_equal(instance_work(r->in), INT64_MAX);
	answered(r, 1, BN_ADD, 0);
}

static void
test_resync(void **state)
{
	struct rig *r = *state;
	struct instance_stats s;

	r->there[r->n++] = (struct bn_addr){ 4, 32, { 192, 0, 2, 1 } };
	r->there[r->n++] = (struct bn_addr){ 4, 32, { 192, 0, 2, 2 } };
	rig_start(r, BN_STATE, true);
	resync(r, 7, false);
	ban(r, 1, "192.0.2.1");
	ban(r, 3, "192.0.2.3");
	assert_int_equal(r->adds, 1);	/* .1 was there */
	assert_int_equal(r->n, 3);	/* .2 stays until all are named */
	resync(r, 6, true);		/* of another generation: no end */
	assert_int_equal(r->n, 3);
	resync(r, 7, true);
	assert_int_equal(r->n, 2);
	/* A new engine that knows .3 only; it counts its generations from 1 again and
	 * may come to the number of the last one. */
	resync(r, 7, false);
	ban(r, 3, "192.0.2.3");
	answered(r, 3, BN_ADD, 0);
	assert_int_equal(r->n, 2);
	resync(r, 7, true);
	assert_int_equal(r->n, 1);
	instance_stats(r->in, &s);
	assert_int_equal(s.in_force, 1);
	assert_int_equal(s.wanted, 1);
}

static void
test_drift(void **state)
{
	struct rig *r = *state;
	struct instance_stats s;

	rig_start(r, BN_STATE, true);
	resync(r, 1, true);
	ban(r, 1, "192.0.2.1");
	ban(r, 2, "192.0.2.2");
	r->n = 0;
	r->host->lost(r->host->ctx, &(struct bn_subject){ BN_ADDR,
	    { 4, 32, { 192, 0, 2, 1 } }, NULL });
	instance_work(r->in);
	assert_int_equal(r->n, 1);
	r->host->drifted(r->host->ctx);
	instance_work(r->in);
	assert_int_equal(r->n, 2);
	instance_stats(r->in, &s);
	assert_int_equal(s.repaired, 2);
}

static void
test_without_list(void **state)
{
	struct rig *r = *state;

	rig_start(r, BN_STATE, false);
	ban(r, 1, "192.0.2.1");
	r->n = 0;
	r->host->drifted(r->host->ctx);
	instance_work(r->in);
	assert_int_equal(r->n, 1);
	/* A ban of an earlier life ended: removed once, to be sure. */
	unban(r, 9, "192.0.2.9");
	answered(r, 9, BN_DEL, 0);
	assert_int_equal(r->dels, 1);
	/* A removal that never works is given up. */
	r->fail = -EIO;
	unban(r, 1, "192.0.2.1");
	for (int i = 0; i < 5; i++) {
		r->now += 60000;
		instance_work(r->in);
	}
	answered(r, 1, BN_DEL, -EIO);
	assert_int_equal(instance_work(r->in), INT64_MAX);
}

static void
test_in_flight(void **state)
{
	struct rig *r = *state;

	rig_start(r, BN_STATE, false);
	r->fail = -EINPROGRESS;
	ban(r, 1, "192.0.2.1");
	assert_int_equal(r->outcomes, 0);
	unban(r, 1, "192.0.2.1");	/* waits for the first to end */
	assert_int_equal(r->npending, 1);
	r->host->done(r->host->ctx, 1, "mx1", -EIO);
	answered(r, 1, BN_ADD, -EIO);	/* news of one target */
	r->host->done(r->host->ctx, 1, "", 0);
	instance_work(r->in);
	assert_int_equal(r->npending, 2);
	r->outcomes = 0;
	r->host->done(r->host->ctx, 1, "", 0);
	instance_work(r->in);
	answered(r, 1, BN_DEL, 0);
	r->host->done(r->host->ctx, 1, "", 0);	/* once too often */
	assert_int_equal(r->n, 0);
}

static void
test_events(void **state)
{
	struct rig *r = *state;

	rig_start(r, BN_EVENT, false);
	resync(r, 1, false);
	ban(r, 1, "192.0.2.1");		/* named at resync: sent in an earlier life */
	answered(r, 1, BN_ADD, 0);
	resync(r, 1, true);
	assert_int_equal(r->adds, 0);
	ban(r, 2, "192.0.2.1");
	ban(r, 2, "192.0.2.1");
	ban(r, 3, "192.0.2.1");
	assert_int_equal(r->adds, 2);	/* once per ban */
	unban(r, 2, "192.0.2.1");
	answered(r, 2, BN_DEL, 0);
	assert_int_equal(r->dels, 0);
	resync(r, 2, false);
	ban(r, 3, "192.0.2.1");
	resync(r, 2, true);
	assert_int_equal(r->adds, 2);
}

static void
test_prolong(void **state)
{
	struct rig *r = *state;

	rig_start(r, BN_STATE | BN_PROLONGS, true);
	tell(r, VERB_BAN, 1, "192.0.2.1", 5000);
	tell(r, VERB_PROLONG, 1, "192.0.2.1", 9000);
	assert_int_equal(r->prolongs, 1);
	tell(r, VERB_BAN, 3, "192.0.2.1", 7000);	/* ends sooner: no matter */
	assert_int_equal(r->prolongs, 1);
	tell(r, VERB_BAN, 5, "192.0.2.1", 0);		/* for ever */
	assert_int_equal(r->prolongs, 2);
}

static void
test_guard(void **state)
{
	struct rig *r = *state;
	struct guard_entry own = { { 4, 32, { 192, 0, 2, 1 } }, "own address" };

	rig_start(r, BN_STATE, true);
	ban(r, 1, "192.0.2.1");
	ban(r, 2, "127.0.0.1");
	answered(r, 2, BN_ADD, -EPERM);
	assert_int_equal(r->n, 1);
	guard_set(r->guard, "own", &own, 1);
	instance_guard(r->in);
	instance_work(r->in);
	answered(r, 1, BN_ADD, -EPERM);
	assert_int_equal(r->n, 0);
	guard_set(r->guard, "own", NULL, 0);
	instance_guard(r->in);
	instance_work(r->in);
	assert_int_equal(r->n, 1);
}

static void
test_late_open(void **state)
{
	struct rig *r = *state;

	r->fail = -ENOTCONN;
	rig_start(r, BN_STATE, true);
	ban(r, 1, "192.0.2.1");
	answered(r, 1, BN_ADD, -ENOTCONN);
	r->fail = 0;
	r->now += 60000;
	instance_work(r->in);
	answered(r, 1, BN_ADD, 0);
	assert_int_equal(r->n, 1);
}

/* A look sees what is there, not what the plugin said. */
static void
test_look(void **state)
{
	struct rig *r = *state;
	struct subject s = { .kind = SUBJECT_ADDR };

	addr_parse_prefix(STR("192.0.2.1"), &s.addr);
	rig_start(r, BN_STATE, true);
	assert_int_equal(instance_look(r->in, &s), 0);
	ban(r, 1, "192.0.2.1");
	assert_int_equal(instance_look(r->in, &s), 1);
	r->n = 0;
	assert_int_equal(instance_look(r->in, &s), 0);
	ban(r, 3, "192.0.2.2");
	r->fail = -EINPROGRESS;
	unban(r, 1, "192.0.2.1");
	assert_int_equal(instance_look(r->in, &s), -EAGAIN);
	r->host->done(r->host->ctx, r->pending[0], NULL, 0);
	instance_work(r->in);
	assert_int_equal(instance_look(r->in, &s), 0);
}

static void
test_look_without_list(void **state)
{
	struct rig *r = *state;
	struct subject s = { .kind = SUBJECT_ADDR };

	rig_start(r, BN_STATE, false);
	assert_int_equal(instance_look(r->in, &s), -ENOTSUP);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_first_adds_last_removes),
		T(test_per_jail),
		T(test_back_off),
		T(test_resync),
		T(test_drift),
		T(test_without_list),
		T(test_in_flight),
		T(test_events),
		T(test_prolong),
		T(test_guard),
		T(test_late_open),
		T(test_look),
		T(test_look_without_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
