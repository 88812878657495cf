/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_engine.c - failures in, orders out; restore, questions, caps, the guard.
 */
#include "test/explained.h"
#include "test/unit/engine_rig.h"

static void
bans_and_expires(void **state)
{
	struct world *w = *state;

	start(w);
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.1", "b");
	failure(w, 1001, "192.0.2.2", "x");
	expect(w, "");
	failure(w, 1002, "192.0.2.1", "c");
	expect(w, "ban sshd 192.0.2.1 1602 c0 f3 n1 [a] [b] [c]\n");
	assert_int_equal(engine_expire(w->en, 1601999), 1602000);
	expect(w, "");
	assert_true(engine_expire(w->en, 1602000) == INT64_MAX);
	expect(w, "unban sshd 192.0.2.1 1602 c3 f3 n1\n");
}

/* More questions than may wait: not decided, not forgotten, counted. */
static void
parking_is_capped(void **state)
{
	struct world *w = *state;
	struct engine_stats st;
	char addr[32];

	w->jails[0].ignorecommand = "/bin/true";
	w->jails[0].maxretry = 1;
	start(w);
	for (int i = 0; i < 1030; i++) {
		w->log[0] = '\0';
		snprintf(addr, sizeof(addr), "10.0.%d.%d", i / 256, i % 256);
		failure(w, 1000, addr, "u");
	}
	expect(w, "");
	engine_stats(w->en, NULL, &st);
	assert_int_equal(st.parked_now, 1024);
	assert_int_equal(st.park_dropped, 6);
	engine_answer(w->en, w->ticket, false, 1001000);
	expect(w, "ban sshd 10.0.3.255 1600 c0 f1 n1 [u]\n");
	engine_answer(w->en, w->ticket, false, 1001000);	/* answered already */
	expect(w, "");
	failure(w, 1002, "10.0.4.5", "u");	/* there is room again */
	expect(w, "ask sshd <> /bin/true\n");
}

static void
nobody_to_ask(void **state)
{
	struct world *w = *state;

	w->jails[0].ignorecommand = "/bin/true";
	w->jails[0].maxretry = 1;
	w->host.ask = NULL;
	start(w);
	failure(w, 1000, "192.0.2.1", "u");
	expect(w, "ban sshd 192.0.2.1 1600 c0 f1 n1 [u]\n");
}

/* A file of ignoreip is a group of its own, replaced whole. */
static void
allow_groups(void **state)
{
	static const char *const one[] = { "192.0.2.0/24" }, *const two[] = { "bob@x" };
	struct world *w = *state;
	struct jail *j;
	struct err e;

	w->jails[0].maxretry = 1;
	start(w);
	j = engine_jail(w->en, "sshd");
	failure(w, 1000, "192.0.2.1", "u");
	expect(w, "ban sshd 192.0.2.1 1600 c0 f1 n1 [u]\n");
	jail_allow_set(j, "file:/list", one, 1);
	expect(w, "unban sshd 192.0.2.1 1600 c7 f1 n1\n");
	failure(w, 1001, "192.0.2.1", "u");
	expect(w, "ignored sshd by ip\n");
	assert_int_equal(jail_allow_del(j, "192.0.2.0/24"), -ENOENT);
	assert_int_equal(jail_allow_add(j, "192.0.2.0/24", &e), -EEXIST);
	assert_int_equal(jail_allow_add(j, "a b", &e), -EINVAL);
	jail_allow_set(j, "file:/list", two, 1);
	failure(w, 1002, "192.0.2.1", "u");
	expect(w, "ban sshd 192.0.2.1 1602 c0 f1 n2 [u]\n");
}

static void
restore_refuses(void **state)
{
	struct world *w = *state;
	struct ban ban = { .id = 7, .jail = "gone", .subject = host("192.0.2.1"),
	    .until_ms = 2000000, .failures = 3, .count = 1 };

	start(w);
	engine_restore_ban(w->en, &ban, 1000000);
	expect(w, "unban gone 192.0.2.1 2000 c7 f3 n1\n");
	ban.jail = "sshd";
	engine_restore_ban(w->en, &ban, 2000000);
	expect(w, "unban sshd 192.0.2.1 2000 c3 f3 n1\n");
	ban.subject = host("127.0.0.1");
	engine_restore_ban(w->en, &ban, 1000000);
	expect(w, "unban sshd 127.0.0.1 2000 c6 f3 n1\n");
	ban.subject = host("192.0.2.1");
	engine_restore_ban(w->en, &ban, 1000000);
	expect(w, "ban sshd 192.0.2.1 2000 c2 f3 n1\n");
	assert_true(engine_ban_by_id(w->en, 7)->restored);
	ban.id = 8;	/* a second one of the same subject */
	engine_restore_ban(w->en, &ban, 1000000);
	expect(w, "unban sshd 192.0.2.1 2000 c7 f3 n1\n");
	assert_int_equal(engine_restore_counter(w->en, "gone", STR("x")), -ENOENT);
	assert_int_equal(engine_restore_counter(w->en, "sshd", STR("x")), -EINVAL);
	assert_int_equal(engine_restore_counter(w->en, "", STR("x")), -EINVAL);
}

/* Ids do not come back after a restart that remembers nothing. */
static void
ids_are_unique(void **state)
{
	struct world *w = *state;
	uint64_t first;

	w->jails[0].maxretry = 1;
	start(w);
	failure(w, 1000, "192.0.2.1", "u");
	first = w->last_id;
	failure(w, 1000, "192.0.2.2", "u");
	assert_true(w->last_id > first);
	first = w->last_id;
	engine_free(w->en);
	start(w);
	failure(w, 1001, "192.0.2.1", "u");
	assert_true(w->last_id > first);
}

static void
bad_requests(void **state)
{
	struct world *w = *state;
	struct ban_request r = { .jail = "nowhere", .subject = host("192.0.2.1"),
	    .now_ms = 1000, .until_ms = 500 };
	const struct ban *ban;
	struct err e;

	start(w);
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), -ENOENT);
	r.jail = NULL;
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), -EINVAL);	/* over */
	r.until_ms = -1;
	r.subject.kind = SUBJECT_NONE;
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), -EINVAL);
	r.subject = (struct subject){ .kind = SUBJECT_USER };
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), -EINVAL);
	r.subject.text = STR("bob");
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	assert_true(ban == engine_ban_find(w->en, "manual", &r.subject));
	expect(w, "ban manual bob -1 c0 f0 n1\n");
}

/* Lines come from strangers: what explain shows must be harmless. */
static void
explain_is_safe(void **state)
{
	struct world *w = *state;
	struct subject s = host("192.0.2.1");
	struct buf b = { .len = 0 };

	start(w);
	failure(w, 1000, "192.0.2.1", "\033[2Jevil\n");
	engine_explain(w->en, &s, 1000000, &b);
	assert_null(memchr(b.p, '\033', b.len));
	assert_non_null(strstr(b.p, "sshd: 1 of 3 failures within 10m"));
	assert_non_null(strstr(b.p, "evil"));
	buf_fini(&b);
}

static void
bad_ignorecache(void **state)
{
	static const char *const bad[] = { "key", "max-count=3", "key='x', max-count=0",
		"key='x, max-time=1m", "key='x', what=1" };
	struct world *w = *state;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		w->jails[0].ignorecache = bad[i];
		assert_int_equal(engine_new(&w->conf, &w->host, &w->en, &e), -EINVAL);
		assert_non_null(strstr(e.text, "sshd: ignorecache"));
	}
}

static void
limits_and_stop(void **state)
{
	struct world *w = *state;
	struct jail *j;
	struct err e;

	start(w);
	j = engine_jail(w->en, "sshd");
	failure(w, 1000, "192.0.2.1", "a");
	assert_int_equal(jail_set_limit(j, JAIL_MAXRETRY, 2, &e), 0);
	assert_int_equal(jail_set_limit(j, JAIL_BANTIME, 60500, &e), 0);
	assert_int_equal(jail_set_limit(j, JAIL_MAXMATCHES, 1, &e), 0);
	failure(w, 1001, "192.0.2.1", "b");
	expect(w, "ban sshd 192.0.2.1 1061 c0 f2 n1 [b]\n");
	assert_int_equal(w->jails[0].maxretry, 3);	/* the configuration's own */
	assert_int_equal(jail_set_limit(j, JAIL_FINDTIME, 5000, &e), 0);
	failure(w, 1002, "192.0.2.2", "a");
	failure(w, 1010, "192.0.2.2", "b");
	expect(w, "");
	assert_int_equal(jail_set_limit(j, JAIL_MAXRETRY, 0, &e), -ERANGE);
	assert_int_equal(jail_set_limit(j, JAIL_MAXRETRY, 65536, &e), -ERANGE);
	assert_int_equal(jail_set_limit(j, JAIL_FINDTIME, 0, &e), -ERANGE);
	assert_int_equal(jail_set_limit(j, JAIL_BANTIME, 0, &e), -ERANGE);
	assert_int_equal(jail_set_limit(j, JAIL_MAXMATCHES, -1, &e), -ERANGE);
	jail_stop(j, true);
	failure(w, 1011, "192.0.2.2", "c");
	expect(w, "");
	jail_stop(j, false);
	failure(w, 1012, "192.0.2.2", "d");
	expect(w, "ban sshd 192.0.2.2 1072 c0 f2 n1 [d]\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bans_and_expires, setup, teardown),
		cmocka_unit_test_setup_teardown(parking_is_capped, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_to_ask, setup, teardown),
		cmocka_unit_test_setup_teardown(allow_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(restore_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_are_unique, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(explain_is_safe, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_ignorecache, setup, teardown),
		cmocka_unit_test_setup_teardown(limits_and_stop, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
