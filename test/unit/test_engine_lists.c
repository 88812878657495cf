/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_engine_lists.c - allow lists, block lists and what is asked of the ban table.
 */
#include "test/unit/engine_rig.h"

#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/core/allow.h"
#include "banner/core/engine_state.h"
#include "banner/core/ignorecache.h"
#include "banner/core/known.h"
#include "test/explained.h"

static void
add_line(void *arg, const char *entry)
{
	buf_printf(arg, "%s\n", entry);
}

static void
expect_allowed(const struct jail *j, const char *want)
{
	struct buf b = { 0 };

	jail_allow_each(j, add_line, &b);
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

/* Names are asked for once, however many lists have them; what cannot be a name is not.
 */
static void
allowed_names(void **state)
{
	static const char *const one[] = { "mail.example.com", "who are you", "", "b@x",
		"192.0.2.0/24", "file:/other" };
	static const char *const two[] = { "mail.example.com", "a-b.example.com" };
	struct world *w = *state;
	struct jail *j;
	struct err e;

	w->jails[0].maxretry = 1;
	start(w);
	j = engine_jail(w->en, "sshd");
	jail_allow_set(j, "file:/1", one, 6);
	jail_allow_set(j, "file:/2", two, 2);
	expect_allowed(j,
	    "mail.example.com\nwho are you\nb@x\n192.0.2.0/24\n"
	    "mail.example.com\na-b.example.com\n");
	failure(w, 1000, "198.51.100.1", "u");
	expect(w, "ask sshd <mail.example.com a-b.example.com> -\n");
	engine_answer(w->en, w->ticket, true, 1000000);
	expect(w, "ignored sshd by dns\n");
	jail_allow_set(j, "file:/1", NULL, 0);
	jail_allow_set(j, "file:/2", NULL, 0);
	assert_int_equal(jail_allow_add(j, "", &e), -EINVAL);
	assert_int_equal(jail_allow_add(j, "192.0.2.7", &e), 0);
	assert_int_equal(jail_allow_add(j, "bob", &e), 0);
	expect_allowed(j, "192.0.2.7\nbob\n");
	assert_int_equal(jail_allow_del(j, "192.0.2.7"), 0);
	expect_allowed(j, "bob\n");
	failure(w, 1001, "192.0.2.7", "u");
	assert_non_null(strstr(w->log, "<bob>"));
}

static void
count_entry(void *arg, const char *entry)
{
	(void)entry;
	++*(size_t *)arg;
}

static void
allowed_list_is_capped(void **state)
{
	const char **many = xcalloc(ALLOW_MAX + 1, sizeof(*many));
	struct world *w = *state;
	struct jail *j;
	struct err e;
	size_t n = 0;

	for (size_t i = 0; i <= ALLOW_MAX; i++)
		many[i] = "bob";
	start(w);
	j = engine_jail(w->en, "sshd");
	jail_allow_set(j, "runtime", many, ALLOW_MAX + 1);
	jail_allow_each(j, count_entry, &n);
	assert_int_equal(n, ALLOW_MAX);
	assert_int_equal(jail_allow_add(j, "ann", &e), -ENOSPC);
	free(many);
}

/* Bans for ever of what the list has; others are lifted, but not those of people. */
static void
block_list(void **state)
{
	struct world *w = *state;
	struct addr v[3] = { host("192.0.2.1").addr, host("192.0.2.2").addr,
		host("127.0.0.1").addr };
	struct ban_request r = { .jail = "sshd",
		.subject = host("192.0.2.2"),
		.now_ms = 1000000,
		.until_ms = 2000000,
		.cause = CAUSE_ADMIN };
	struct ban_request always = { .jail = "sshd",
		.subject = host("192.0.2.9"),
		.now_ms = 1000000,
		.cause = CAUSE_ADMIN };
	const struct ban *ban;
	struct jail *j;
	struct err e;

	w->conf.daemon.max_bans = 3;
	start(w);
	j = engine_jail(w->en, "sshd");
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	assert_int_equal(engine_ban(w->en, &always, &ban, &e), 0);
	w->log[0] = '\0';
	assert_int_equal(engine_blocklist_set(w->en, j, v, 3, 1000000), 1);
	expect(w,
	    "ban sshd 192.0.2.1 -1 c5 f0 n1\nprolong sshd 192.0.2.2 -1 c5 f0 n1\n"
	    "cap  max_bans reached: block list cut\n");
	assert_int_equal(engine_blocklist_set(w->en, j, v, 2, 1000001), 0);
	expect(w, "");
	assert_int_equal(engine_blocklist_set(w->en, j, NULL, 0, 1000002), 0);
	expect(w,
	    "unban sshd 192.0.2.1 -1 c5 f0 n1\nprolong sshd 192.0.2.2 2000 c5 f0 n1\n");
	/* Its own end passes while it is in the list. */
	assert_int_equal(engine_blocklist_set(w->en, j, v + 1, 1, 1000003), 0);
	expect(w, "prolong sshd 192.0.2.2 -1 c5 f0 n1\n");
	engine_step(w->en, -500000);
	assert_int_equal(engine_blocklist_set(w->en, j, NULL, 0, 1500001), 0);
	expect(w, "unban sshd 192.0.2.2 -1 c5 f0 n1\n");
}

/* One that failures made is the list's while it is in it, as the store has it. */
static void
listed_later(void **state)
{
	struct world *w = *state;
	struct addr v = host("192.0.2.1").addr;
	struct jail *j;

	w->jails[0].maxretry = 1;
	start(w);
	j = engine_jail(w->en, "sshd");
	failure(w, 1000, "192.0.2.1", "u");
	expect(w, "ban sshd 192.0.2.1 1600 c0 f1 n1 [u]\n");
	assert_int_equal(engine_blocklist_set(w->en, j, &v, 1, 1000001), 0);
	expect(w, "prolong sshd 192.0.2.1 -1 c5 f0 n1\n");
	assert_int_equal(engine_blocklist_set(w->en, j, NULL, 0, 1000002), 0);
	expect(w, "prolong sshd 192.0.2.1 1600 c5 f0 n1\n");
	assert_int_equal(engine_expire(w->en, 1600000), INT64_MAX);
	expect(w, "unban sshd 192.0.2.1 1600 c3 f0 n1\n");
}

/* bantime = -1 */
static void
for_ever(void **state)
{
	struct world *w = *state;

	w->jails[0].maxretry = 1;
	w->jails[0].bantime_ms = -1;
	start(w);
	failure(w, 1000, "192.0.2.1", "u");
	expect(w, "ban sshd 192.0.2.1 -1 c0 f1 n1 [u]\n");
	assert_int_equal(engine_expire(w->en, INT64_C(4000000000000)), INT64_MAX);
	expect(w, "");
}

static bool
until_two(void *arg, const struct ban *ban)
{
	int *n = arg;

	(void)ban;
	return ++*n < 2;
}

/* Asked by jail, address and id; lifted from one jail and all at once. */
static void
looked_up(void **state)
{
	struct ban_request r = { .now_ms = 1000000, .cause = CAUSE_ADMIN };
	struct world *w = *state;
	struct subject s = host("192.0.2.1");
	const struct ban *ban;
	struct err e;
	int n = 0;

	w->conf.njails = 2;
	start(w);
	for (int i = 0; i < 6; i++) {
		static const char *const hosts[] = { "192.0.2.1", "192.0.2.2",
			"192.0.2.3" };

		r.jail = i < 3 ? "sshd" : "mail";
		r.subject = host(hosts[i % 3]);
		assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	}
	assert_ptr_equal(engine_ban_by_id(w->en, w->last_id), ban);
	assert_null(engine_ban_by_id(w->en, w->last_id + 1));
	assert_non_null(engine_ban_attached(w->en, w->last_id));
	assert_null(engine_ban_attached(w->en, w->last_id + 1));
	assert_string_equal(engine_ban_find(w->en, "mail", &s)->jail, "mail");
	assert_null(engine_ban_find(w->en, "none", &s));
	engine_applied(w->en, w->last_id + 1, 1000000);
	engine_bans_each(w->en, "mail", until_two, &n);
	assert_int_equal(n, 2);
	w->log[0] = '\0';
	assert_int_equal(engine_unban(w->en, "mail", NULL, CAUSE_ADMIN, 1000001), 3);
	assert_null(engine_ban_find(w->en, "mail", &s));
	assert_non_null(engine_ban_find(w->en, "sshd", &s));
	assert_int_equal(engine_unban(w->en, NULL, NULL, CAUSE_ADMIN, 1000001), 3);
	assert_null(engine_ban_find(w->en, "sshd", &s));
}

/* A ban whose subject cannot be one. */
static void
odd_subjects(void **state)
{
	static char text[5000];
	struct subject v[] = { { .kind = SUBJECT_USER, .text = { text, 0 } },
		{ .kind = SUBJECT_ID, .text = { text, sizeof(text) } },
		{ .kind = SUBJECT_NONE }, { .kind = SUBJECT_ADDR } };
	struct ban_request r = { .jail = "sshd", .now_ms = 1, .cause = CAUSE_ADMIN };
	struct world *w = *state;
	const struct ban *ban;
	struct err e;

	memset(text, 'x', sizeof(text));
	start(w);
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		r.subject = v[i];
		assert_int_equal(engine_ban(w->en, &r, &ban, &e), -EINVAL);
	}
	expect(w, "");
	r.subject = (struct subject){ .kind = SUBJECT_ID, .text = STR("x") };
	assert_int_equal(engine_ban(w->en, &r, &ban, &e), 0);
	/* the guard has nothing to say of a name */
	assert_int_equal(engine_guard_changed(w->en, 2), 0);
	assert_non_null(engine_ban_find(w->en, "sshd", &r.subject));
}

static void
explained(struct world *w, const struct subject *s, const char *want)
{
	struct buf b = { 0 };

	engine_explain(w->en, s, w->now, &b);
	buf_putc(&b, '\0');
	if (!strstr(b.p, want))
		fail_msg("\"%s\" is not in:\n%s", want, b.p);
	buf_fini(&b);
}

/* What explain says of a ban that was restored, that leaks, of an allowed and of an own
 * address, of one that was banned twice, and while a command is asked. */
static void
explained_oddities(void **state)
{
	struct guard_entry own = { host("198.51.100.1").addr, "own address" };
	struct subject s = host("192.0.2.1"),
		       id = { .kind = SUBJECT_ID, .text = STR("x") };
	struct ban ban = { .id = 7,
		.jail = "sshd",
		.subject = s,
		.since_ms = 999000,
		.until_ms = 2000000,
		.count = 1 };
	struct world *w = *state;
	struct err e;

	w->conf.njails = 2;
	w->jails[0].maxretry = 1;
	w->jails[1].ignorecommand = "/bin/ask";
	w->jails[1].maxretry = 1;
	start(w);
	engine_restore_ban(w->en, &ban, 1000000);
	ban.id = 8;
	ban.subject = id;
	engine_restore_ban(w->en, &ban, 1000000);
	engine_restored(w->en, 1000000);
	explained(w, &s, "ban 1 here, restored from before a restart");
	explained(w, &id, "sshd: banned:");
	engine_applied(w->en, 7, 1000000);
	failure(w, 1001, "192.0.2.1", "u");
	explained(w, &s, "1 failures while banned, 0 of them after");
	for (int i = 0; i < 3; i++)
		failure(w, 1010, "192.0.2.1", "u");
	explained(w, &s, "3 of them after the ban was in force: it does not hold");
	for (int i = 0; i < 2; i++) {
		engine_unban(w->en, "sshd", &s, CAUSE_EXPIRED, w->now);
		failure(w, 1011, "192.0.2.1", "u");
	}
	engine_unban(w->en, "sshd", &s, CAUSE_EXPIRED, w->now);
	explained(w, &s, "sshd: banned 3 times before");
	assert_int_equal(
	    jail_allow_add(engine_jail(w->en, "sshd"), "192.0.2.0/24", &e), 0);
	explained(w, &s, "sshd: never counted: ignoreip has 192.0.2.0/24");
	guard_set(engine_guard(w->en), "own", &own, 1);
	s = host("198.51.100.1");
	explained(w, &s, "sshd: never counted: own address (ignoreself)");
	explained(w, &s, "never banned: own address");
	s = host("192.0.2.5");
	struct failure f = { .jail = engine_jail(w->en, "mail"),
		.subject = s,
		.addr = s.addr,
		.when_ms = w->now,
		.weight = 1 };
	engine_failure(w->en, &f, w->now);
	explained(w, &s, "mail: the limit is reached; waiting for the answer");
}

static void
keep_attempts(void *arg, const struct order *o)
{
	for (size_t i = 0; i < o->nfields; i++)
		if (str_is(o->fields[i].name, "attempts"))
			buf_str(arg, o->fields[i].value);
}

/* Actions that report are told of every attempt: a row each, of what the log says. */
static void
attempts_told(void **state)
{
	struct field one[] = { { STR("service"), STR("imap\t\n") } };
	struct field two[] = { { STR("mech"), STR("LOGIN") },
		{ STR("service"), STR("") } };
	struct world *w = *state;
	struct buf rows = { 0 };
	unsigned acts[] = { 0 };
	struct failure f = { .subject = host("192.0.2.1"),
		.weight = 1,
		.user = STR("ann"),
		.fields = one,
		.nfields = 1 };

	w->jails[0].action = acts;
	w->jails[0].naction = w->conf.nactions = 1;
	w->host =
	    (struct engine_host){ .arg = &rows, .emit = keep_attempts, .seed = 1 };
	start(w);
	f.jail = engine_jail(w->en, "sshd");
	f.addr = f.subject.addr;
	f.when_ms = 1000000;
	engine_failure(w->en, &f, f.when_ms);
	f.fields = two;
	f.nfields = 2;
	f.when_ms++;
	engine_failure(w->en, &f, f.when_ms);
	f.nfields = 0;
	f.user = STR("");
	f.when_ms++;
	engine_failure(w->en, &f, f.when_ms);
	buf_putc(&rows, '\0');
	assert_string_equal(rows.p,
	    "1000000\t192.0.2.1\timap\\x09\\x0a\tann\n"
	    "1000001\t192.0.2.1\tLOGIN\tann\n1000002\t192.0.2.1\t-\t-\n");
	buf_fini(&rows);
	/* as many as fit, the last ones, in pieces */
	engine_free(w->en);
	w->jails[0].maxretry = 500;
	w->jails[0].findtime_ms = 100000000;
	start(w);
	f.jail = engine_jail(w->en, "sshd");
	f.user = STR("somebody.with.a.name.of.fifty.characters@example.com");
	for (int i = 0; i < 500; i++, f.when_ms++)
		engine_failure(w->en, &f, f.when_ms);
	assert_in_range(rows.len, 4000, 40000);
	assert_int_equal(rows.p[rows.len - 1], '\n');
	assert_non_null(memmem(rows.p, rows.len, "\n1000501\t", 9));
	assert_null(memmem(rows.p, rows.len, "1000002\t", 8));
	buf_fini(&rows);
}

/* Bans by hand are carried out by every action that some jail has. */
static void
actions_by_hand(void **state)
{
	struct world *w = *state;
	unsigned one[] = { 1 }, both[] = { 1, 0 };
	const struct conf_jail *c;

	w->conf.nactions = 3;
	w->conf.njails = 2;
	w->jails[0].action = one;
	w->jails[0].naction = 1;
	w->jails[1].action = both;
	w->jails[1].naction = 2;
	start(w);
	c = jail_conf(engine_jail(w->en, "manual"));
	assert_int_equal(c->naction, 2);
	assert_int_equal(c->action[0], 1);
	assert_int_equal(c->action[1], 0);
	engine_free(w->en);
	w->jails[1].refused = true;
	start(w);
	c = jail_conf(engine_jail(w->en, "manual"));
	assert_int_equal(c->naction, 1);
	assert_null(engine_jail(w->en, "mail"));
	assert_null(engine_jail_at(w->en, 2));
}

static void
keep_last(void *arg, const struct known_record *r)
{
	*(struct known_record *)arg = *r;
}

/* More logins of one place than there is room for: the newest are kept, and the store
 * is told which went. */
static void
stored_logins(void **state)
{
	static const struct hash_key key;
	struct known *k = known_new(&key);
	struct known_record r = { 0 }, last = { 0 };
	enum { SAME = 1 << 20 }; /* a multiple of what they are spread over */

	(void)state;
	for (int i = 1; i <= 20; i++) {
		r = (struct known_record){ (uint64_t)i * SAME, 1000 * i, false };
		known_restore(k, &r);
	}
	r.when_ms = 1;
	r.hash = 99 * (uint64_t)SAME;
	known_restore(k, &r); /* older than all: not taken */
	known_records(k, false, keep_last, &last);
	assert_true(last.gone);
	assert_int_equal(last.hash, 99 * (uint64_t)SAME);
	r.hash = 20 * (uint64_t)SAME;
	known_restore(k, &r); /* older than what is known of it */
	known_records(k, true, keep_last, &last);
	assert_false(last.gone);
	known_free(k);
}

/* What an option of ignorecache can be, and what its key makes of a failure. */
static void
cached_answers(void **state)
{
	static const struct {
		const char *option;
		int rc;
	} v[] = {
		{ "key=x, max-count=0", -EINVAL },
		{ "key=x, max-count=no", -EINVAL },
		{ "key=x, max-count=99999999999", -EINVAL },
		{ "key=\"x", -EINVAL },
		{ "key", -EINVAL },
		{ "key=", -EINVAL },
		{ "key=x, max-time=0", -EINVAL },
		{ "key='<fid>' max-time=1m", 0 },
		{ "key=a, key=b, max-count=7", 0 },
	};
	struct failure f = { .subject = host("192.0.2.1"), .weight = 1 };
	struct ignorecache *c;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		int rc = ignorecache_new(v[i].option, &c, &e);

		if (rc != v[i].rc)
			fail_msg("%s: %d", v[i].option, rc);
		if (rc == 0)
			ignorecache_free(c);
	}
	/* without an address, and with a key of nothing: one answer for all */
	assert_int_equal(ignorecache_new("key='<ip>'", &c, &e), 0);
	ignorecache_set(c, &f, true, 1000);
	f.subject = host("192.0.2.2");
	assert_int_equal(ignorecache_find(c, &f, 1000), IGNORE_YES);
	ignorecache_free(c);
	/* of this address each has its own; what comes after the tag is of the key */
	assert_int_equal(ignorecache_new("key='<F-ID> of x'", &c, &e), 0);
	ignorecache_set(c, &f, true, 1000);
	assert_int_equal(ignorecache_find(c, &f, 1000), IGNORE_YES);
	f.subject = host("192.0.2.3");
	assert_int_equal(ignorecache_find(c, &f, 1000), IGNORE_UNKNOWN);
	ignorecache_free(c);
}

/* Whoever gives nothing back need not ask whether there was anything. */
static void
nothing_is_freed(void **state)
{
	(void)state;
	engine_free(NULL);
	guard_free(NULL);
	known_free(NULL);
	ignorecache_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(allowed_names, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    allowed_list_is_capped, setup, teardown),
		cmocka_unit_test_setup_teardown(block_list, setup, teardown),
		cmocka_unit_test_setup_teardown(listed_later, setup, teardown),
		cmocka_unit_test_setup_teardown(for_ever, setup, teardown),
		cmocka_unit_test_setup_teardown(looked_up, setup, teardown),
		cmocka_unit_test_setup_teardown(odd_subjects, setup, teardown),
		cmocka_unit_test_setup_teardown(explained_oddities, setup, teardown),
		cmocka_unit_test_setup_teardown(attempts_told, setup, teardown),
		cmocka_unit_test_setup_teardown(actions_by_hand, setup, teardown),
		cmocka_unit_test(stored_logins),
		cmocka_unit_test(cached_answers),
		cmocka_unit_test(nothing_is_freed),
	};

	return cmocka_run_group_tests_name("engine_lists", tests, NULL, NULL);
}
