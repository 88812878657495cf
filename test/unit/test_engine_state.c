/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_engine_state.c - what an engine hands on to the next, for every kind of count;
 * what explain says of each; logins that went well; answers that are kept.
 */
#include "test/unit/engine_rig.h"

#include "banner/core/engine_state.h"
#include "banner/core/ignorecache.h"
#include "test/explained.h"

enum { RECORDS = 64 };

/* The counters as the store keeps them. */
struct kept {
	char jail[RECORDS][16];
	char text[RECORDS][1024];
	size_t len[RECORDS], n, deleted;
};

static void
keep(void *arg, const char *jail, struct str key, struct str record)
{
	struct kept *k = arg;

	(void)key;
	if (!record.len) {
		k->deleted++;
		return;
	}
	assert_true(k->n < RECORDS && record.len <= sizeof(k->text[0]));
	snprintf(k->jail[k->n], sizeof(k->jail[0]), "%s", jail);
	memcpy(k->text[k->n], record.s, record.len);
	k->len[k->n++] = record.len;
}

/* The end of this engine; another one is told what it knew. */
static void
next_engine(struct world *w)
{
	static struct kept k;

	memset(&k, 0, sizeof(k));
	engine_counters(w->en, true, keep, &k);
	engine_free(w->en);
	start(w);
	for (size_t i = 0; i < k.n; i++)
		assert_int_equal(engine_restore_counter(w->en, k.jail[i],
				     (struct str){ k.text[i], k.len[i] }), 0);
	engine_restored(w->en, w->now);
}

static void
expect_explained(struct world *w, const struct subject *s, const char *want)
{
	struct buf b = { .len = 0 };

	engine_explain(w->en, s, w->now, &b);
	buf_putc(&b, '\0');
	if (!strstr(b.p, want))
		fail_msg("\"%s\" is not in:\n%s", want, b.p);
	buf_fini(&b);
}

static struct subject
user(const char *name)
{
	return (struct subject){ .kind = SUBJECT_USER, .text = str_of(name) };
}

static void
counts_of_hosts(void **state)
{
	struct world *w = *state;
	struct subject s = host("192.0.2.1");

	start(w);
	expect_explained(w, &s, "not banned: no failures known in any jail");
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.1", "b");
	next_engine(w);
	expect_explained(w, &s, "2 of 3 failures within 10m");
	failure(w, 1002, "192.0.2.1", "c");
	expect(w, "ban sshd 192.0.2.1 1602 c0 f3 n1 [c]\n");
	expect_explained(w, &s, "sshd: banned: 192.0.2.1 since");
	expect_explained(w, &s, "after 3 failures, ban 1 here");
	w->now = 1602000;
	engine_expire(w->en, w->now);
	expect_explained(w, &s, "banned 1 time before");
	failure(w, 1700, "192.0.2.1", "c");
	next_engine(w);
	assert_int_equal(engine_unban(w->en, NULL, &s, CAUSE_ADMIN, w->now), 0);
	expect_explained(w, &s, "not banned: no failures known in any jail");
}

static void
counts_of_users(void **state)
{
	struct world *w = *state;
	struct subject bob = user("bob");

	w->jails[0].count = COUNT_USER;
	start(w);
	failure(w, 1000, "192.0.2.1", "bob");
	failure(w, 1001, "192.0.2.2", "bob");
	failure(w, 1001, "192.0.2.2", "");	/* no user: nothing to count */
	expect_explained(w, &bob, "2 of 3 failures of the user within 10m");
	next_engine(w);
	failure(w, 1002, "192.0.2.3", "bob");
	expect(w, "ban sshd bob 1602 c0 f3 n1 [bob]\n");
	expect_explained(w, &bob, "banned: user bob");
}

static void
counts_of_a_host_and_its_users(void **state)
{
	struct world *w = *state;
	struct subject s = host("192.0.2.1");

	w->jails[0].count = COUNT_HOST_USER;
	start(w);
	failure(w, 1000, "192.0.2.1", "");
	expect_explained(w, &s, "of this host without a user name");
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.1", "b");
	next_engine(w);
	failure(w, 1002, "192.0.2.1", "a");
	expect(w, "ban sshd 192.0.2.1 1602 c0 f3 n1 [a]\n");
}

static void
counts_of_networks(void **state)
{
	struct world *w = *state;
	struct subject s = host("192.0.2.77");

	w->jails[0].count = COUNT_NET;
	start(w);
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.2", "a");
	expect_explained(w, &s, "2 of 3 failures of its network within 10m");
	next_engine(w);
	failure(w, 1002, "192.0.2.3", "a");
	expect(w, "ban sshd 192.0.2.0/24 1602 c0 f3 n1 [a]\n");
	expect_explained(w, &s, "banned: 192.0.2.0/24");
	failure(w, 1003, "2001:db8:0:1::1", "a");
	failure(w, 1003, "2001:db8:0:2::1", "a");
	failure(w, 1003, "2001:db8:0:3::1", "a");
	expect(w, "ban sshd 2001:db8::/56 1603 c0 f3 n1 [a] [a] [a]\n");
}

static void
counts_of_everyone(void **state)
{
	struct world *w = *state;
	struct subject all = { .kind = SUBJECT_NONE, .text = STR("") };

	w->jails[0].count = COUNT_TOTAL;
	start(w);
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.2", "b");
	expect_explained(w, &all, "2 of 3 failures of everyone within 10m");
	next_engine(w);
	failure(w, 1002, "192.0.2.3", "c");
	expect(w, "ban sshd  1602 c0 f3 n1 [c]\n");
	expect_explained(w, &all, "banned: everyone");
}

static void
counts_of_different_ones(void **state)
{
	struct world *w = *state;
	struct subject s = host("192.0.2.1");

	w->jails[0].distinct = 'u';
	start(w);
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.1", "b");
	expect_explained(w, &s, "2 of 3 users within 10m");
	next_engine(w);
	failure(w, 1002, "192.0.2.1", "b");
	expect(w, "");
	failure(w, 1003, "192.0.2.1", "c");
	expect(w, "ban sshd 192.0.2.1 1603 c0 f3 n1 [b] [c]\n");
	/* the next one counts otherwise: what it is told means nothing to it */
	w->now = 2000000;
	failure(w, 2000, "192.0.2.9", "a");
	w->jails[0].distinct = 0;
	next_engine(w);
	s = host("192.0.2.9");
	expect_explained(w, &s, "no failures known");
}

/* Only what changed is told, and what is gone. */
static void
told_by_changes(void **state)
{
	static struct kept k;
	struct world *w = *state;

	memset(&k, 0, sizeof(k));
	w->host.session = 7;
	start(w);
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1000, "192.0.2.2", "a");
	engine_counters(w->en, false, keep, &k);
	assert_int_equal(k.n, 4);	/* the secret, two keys, the totals */
	k.n = 0;
	engine_counters(w->en, false, keep, &k);
	assert_int_equal(k.n + k.deleted, 0);
	failure(w, 1001, "192.0.2.1", "a");
	failure(w, 1001, "192.0.2.1", "a");	/* banned: the counter goes */
	engine_counters(w->en, false, keep, &k);
	assert_int_equal(k.deleted, 1);
}

/* Totals go on in the engines of one bannerd, and begin anew with another. */
static void
totals_go_on(void **state)
{
	struct world *w = *state;
	struct engine_stats st;
	struct kept k = { .n = 0 };

	w->host.session = 7;
	start(w);
	failure(w, 1000, "192.0.2.1", "a");
	failure(w, 1000, "192.0.2.1", "a");
	next_engine(w);
	engine_stats(w->en, "sshd", &st);
	assert_int_equal(st.failures, 2);
	engine_counters(w->en, true, keep, &k);
	engine_free(w->en);
	w->host.session = 8;
	start(w);
	for (size_t i = 0; i < k.n; i++)
		engine_restore_counter(
		    w->en, k.jail[i], (struct str){ k.text[i], k.len[i] });
	engine_stats(w->en, "sshd", &st);
	assert_int_equal(st.failures, 0);
}

/* A record that was damaged is refused, not believed. */
static void
damaged_records(void **state)
{
	struct kept k = { .n = 0 };
	struct world *w = *state;

	start(w);
	failure(w, 1000, "192.0.2.1", "a");
	engine_counters(w->en, true, keep, &k);
	for (size_t i = 0; i < k.n; i++) {
		if (strcmp(k.jail[i], "sshd") != 0)
			continue;
		for (size_t n = 0; n < k.len[i]; n++)
			assert_int_equal(engine_restore_counter(w->en, "sshd",
					     (struct str){ k.text[i], n }), -EINVAL);
		for (size_t n = 0; n < k.len[i]; n++) {
			k.text[i][n] = (char)~k.text[i][n];
			engine_restore_counter(
			    w->en, "sshd", (struct str){ k.text[i], k.len[i] });
			k.text[i][n] = (char)~k.text[i][n];
		}
	}
	failure(w, 1001, "192.0.2.2", "a");	/* and it still counts */
	failure(w, 1001, "192.0.2.2", "a");
	failure(w, 1001, "192.0.2.2", "a");
	assert_non_null(strstr(w->log, "ban sshd 192.0.2.2"));
}

/* Wrong passwords from where the same user logged in well do not count. */
static void
known_logins(void **state)
{
	struct world *w = *state;
	struct str line = STR("well");
	struct failure f = { .subject = host("2001:db8::7"), .user = STR("Anna"),
	    .when_ms = 1000000, .weight = 1, .gained = true, .lines = &line,
	    .nlines = 1 };

	w->jails[0].maxretry = 1;
	w->jails[0].known_ms = 600000;
	start(w);
	f.jail = engine_jail_at(w->en, 0);
	f.addr = f.subject.addr;
	engine_failure(w->en, &f, 1000000);
	f.user = STR("");		/* nobody logged in: nothing is noted */
	engine_failure(w->en, &f, 1000000);
	expect(w, "");
	failure(w, 1100, "2001:db8::8", "anna");	/* of the same /64 */
	expect(w, "ignored sshd by known login\n");
	failure(w, 1100, "2001:db8:1::7", "anna");
	assert_non_null(strstr(w->log, "ban sshd 2001:db8:1::"));
	w->log[0] = '\0';
	failure(w, 1601, "2001:db8::8", "anna");	/* long ago */
	assert_non_null(strstr(w->log, "ban sshd 2001:db8::"));
}

/* Who is banned gets in where he did before, and nowhere else. */
static void
a_ban_spares_known_places(void **state)
{
	struct world *w = *state;
	struct subject anna = { .kind = SUBJECT_USER, .text = STR("anna") };
	struct failure f = { .subject = host("2001:db8::7"), .user = STR("Anna"),
	    .when_ms = 1000000, .gained = true };
	struct addr near = host("2001:db8::8").addr, far = host("192.0.2.1").addr;
	const struct ban *ban;

	w->jails[0].maxretry = 1;
	w->jails[0].known_ms = 600000;
	w->jails[0].count = COUNT_USER;
	start(w);
	f.jail = engine_jail_at(w->en, 0);
	f.addr = f.subject.addr;
	engine_failure(w->en, &f, 1000000);
	failure(w, 1100, "192.0.2.1", "anna");
	ban = engine_ban_find(w->en, "sshd", &anna);
	assert_non_null(ban);
	assert_true(engine_ban_spares(w->en, ban, &near, 1200000));
	assert_false(engine_ban_spares(w->en, ban, &far, 1200000));
	assert_false(engine_ban_spares(w->en, ban, &near, 1600001));
	w->jails[0].known_ms = 0;
	assert_false(engine_ban_spares(w->en, ban, &near, 1200000));
}

/* More users than there is room for: the one that was there longest ago goes. */
static void
known_logins_are_capped(void **state)
{
	struct world *w = *state;
	struct failure f = { .subject = host("192.0.2.7"), .weight = 1,
		.gained = true };
	struct engine_stats st;
	char name[16];

	w->jails[0].known_ms = 600000;
	start(w);
	f.jail = engine_jail_at(w->en, 0);
	f.addr = f.subject.addr;
	for (int i = 0; i < 200000; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		f.user = str_of(name);
		f.when_ms = 1000000 + i / 1000;
		engine_failure(w->en, &f, f.when_ms);
	}
	for (int i = 199990; i < 200000; i++) {
		snprintf(name, sizeof(name), "U%d", i);
		failure(w, 1001, "192.0.2.7", name);
	}
	engine_stats(w->en, "sshd", &st);
	assert_true(st.ignored >= 8);	/* the newest are known, all or nearly */
}

static void
answers_are_kept(void **state)
{
	static const struct field fields[] = { { STR("user"), STR("anna") } };
	struct failure f = { .subject = host("192.0.2.1"), .weight = 1,
		.fields = fields,
	    .nfields = 1 };
	struct ignorecache *c;
	char text[5000];
	struct err e;

	(void)state;
	f.addr = f.subject.addr;
	assert_int_equal(ignorecache_new(
		"key=\"<F-USER>@<ip>/<fid> <x\", max-count=2, max-time=1m", &c, &e), 0);
	assert_int_equal(ignorecache_find(c, &f, 1000), IGNORE_UNKNOWN);
	ignorecache_set(c, &f, true, 1000);
	assert_int_equal(ignorecache_find(c, &f, 2000), IGNORE_YES);
	ignorecache_set(c, &f, false, 2000);
	assert_int_equal(ignorecache_find(c, &f, 2000), IGNORE_NO);
	/* Its time is over. */
	assert_int_equal(ignorecache_find(c, &f, 62000), IGNORE_UNKNOWN);
	ignorecache_set(c, &f, true, 70000);
	/* two others: the first gives way */
	for (int i = 2; i < 4; i++) {
		f.addr.ip[3] = f.subject.addr.ip[3] = (uint8_t)i;
		ignorecache_set(c, &f, true, 70000);
	}
	f.addr.ip[3] = f.subject.addr.ip[3] = 1;
	assert_int_equal(ignorecache_find(c, &f, 70000), IGNORE_UNKNOWN);
	/* an id in place of an address; one that is too long is not kept */
	f.addr.family = 0;
	f.subject = (struct subject){ .kind = SUBJECT_ID, .text = STR("who") };
	ignorecache_set(c, &f, true, 70000);
	assert_int_equal(ignorecache_find(c, &f, 70000), IGNORE_YES);
	memset(text, 'x', sizeof(text));
	f.subject.text = (struct str){ text, sizeof(text) };
	ignorecache_set(c, &f, true, 70000);
	assert_int_equal(ignorecache_find(c, &f, 70000), IGNORE_UNKNOWN);
	ignorecache_free(c);
	/* options without quotes; no key at all */
	assert_int_equal(ignorecache_new("key='<ip>' max-count=1", &c, &e), 0);
	ignorecache_free(c);
	assert_int_equal(ignorecache_new("", &c, &e), -EINVAL);
	assert_int_equal(ignorecache_new("max-time=never, key='x'", &c, &e), -EINVAL);
	assert_int_equal(ignorecache_new("key=x, what", &c, &e), -EINVAL);
}

/* Prolonged, for ever, lifted by name and in all jails. */
static void
changes_by_hand(void **state)
{
	struct world *w = *state;
	struct ban_request r = { .jail = "sshd", .subject = host("192.0.2.1"),
	    .now_ms = 1000000, .until_ms = -1, .comment = "why\033",
	    .cause = CAUSE_ADMIN };
	const struct ban *ban;
	struct subject s = host("192.0.2.1");
	struct err e;

	w->conf.njails = 2;
	start(w);
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	r.until_ms = 1000500;
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), -EEXIST);	/* shorter */
	expect(w, "ban sshd 192.0.2.1 1600 c1 f0 n1\n");
	r.until_ms = 9000000;
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), -EEXIST);
	expect(w, "prolong sshd 192.0.2.1 9000 c1 f0 n1\n");
	r.until_ms = 0;
	r.jail = "mail";
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	w->now = 1000000;
	expect_explained(w, &s, "mail: banned: 192.0.2.1 since");
	expect_explained(w, &s, " for ever, by an administrator");
	expect_explained(w, &s, "comment: why");
	w->log[0] = '\0';
	engine_step(w->en, 3600000);
	engine_expire(w->en, 1000000);
	expect(w, "");
	assert_int_equal(engine_unban(w->en, "none", &s, CAUSE_ADMIN, 1000000), 0);
	assert_int_equal(engine_unban(w->en, NULL, &s, CAUSE_ADMIN, 1000000), 2);
	assert_int_equal(engine_unban(w->en, NULL, NULL, CAUSE_ADMIN, 1000000), 0);
}

/* Numbered addresses, from the first to before the last, until then. */
static void
ban_many(struct world *w, unsigned first, unsigned last, int64_t until_ms)
{
	struct ban_request r = { .jail = "sshd", .now_ms = w->now, .until_ms = until_ms,
	    .cause = CAUSE_ADMIN };
	const struct ban *ban;
	struct err e;
	char text[40];

	for (unsigned i = first; i < last; i++) {
		snprintf(text, sizeof(text), "198.18.%u.%u", i >> 8, i & 255);
		r.subject = host(text);
		assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	}
}

static size_t
banned(struct world *w)
{
	struct engine_stats st;

	w->log[0] = '\0';
	engine_stats(w->en, NULL, &st);
	return st.banned_now;
}

/* Very many that end or are lifted do so in slices; what is banned or ends between
 * them makes no difference. */
static void
ends_in_slices(void **state)
{
	struct world *w = *state;
	struct unban_walk walk = { .cause = CAUSE_ADMIN };
	unsigned n = 2 * ENGINE_SLICE + 10;

	w->now = 1000000;
	start(w);
	ban_many(w, 0, n, 2000000);
	ban_many(w, n, n + 5, 3000000);
	assert_true(engine_expire(w->en, 2000000) <= 2000000);
	assert_int_equal(banned(w), n + 5 - ENGINE_SLICE);
	assert_true(engine_expire(w->en, 2000000) <= 2000000);
	assert_int_equal(engine_expire(w->en, 2000000), 3000000);
	assert_int_equal(banned(w), 5);

	w->now = 2000000;
	ban_many(w, 0, n, 2500000);
	assert_true(engine_unban_some(w->en, &walk, w->now));
	assert_int_equal(banned(w), 5 + n - ENGINE_SLICE);
	ban_many(w, n + 5, n + 15, 4000000);
	engine_expire(w->en, 2500000);
	while (engine_unban_some(w->en, &walk, w->now))
		;
	assert_int_equal(banned(w), 10);
	assert_int_equal(walk.lifted, 5 + n - ENGINE_SLICE);
}

/* In force when the database was lost: a ban again, unless it is guarded. */
static void
taken_over(void **state)
{
	struct world *w = *state;
	struct ban_request r = { .jail = "sshd", .subject = host("192.0.2.1"),
	    .now_ms = 1000000, .until_ms = -1, .cause = CAUSE_RESTORE };
	const struct ban *ban;
	struct err e;

	start(w);
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	expect(w, "ban sshd 192.0.2.1 1600 c2 f0 n1\n");
	assert_true(ban->restored && !ban->manual);
	r.subject = host("127.0.0.1");
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), -EPERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_of_hosts, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_in_slices, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_of_users, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    counts_of_a_host_and_its_users, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_of_networks, setup, teardown),
		cmocka_unit_test_setup_teardown(counts_of_everyone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    counts_of_different_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(told_by_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(totals_go_on, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_records, setup, teardown),
		cmocka_unit_test_setup_teardown(known_logins, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_ban_spares_known_places, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    known_logins_are_capped, setup, teardown),
		cmocka_unit_test(answers_are_kept),
		cmocka_unit_test_setup_teardown(changes_by_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(taken_over, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
