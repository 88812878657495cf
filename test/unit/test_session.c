/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_session.c - what a session keeps, what it drops and says so.
 */
#include "test/unit/unit.h"

#include "banner/base/buf.h"
#include "banner/core/session.h"

#define NOW INT64_C(1000000)

struct rig {
	struct capture_names names;
	struct sessions *ss;
};

static int
setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	capture_names_init(&r->names);
	r->ss = sessions_new(&r->names);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	sessions_free(r->ss);
	capture_names_fini(&r->names);
	free(r);
	return 0;
}

static struct session *
hit(struct rig *r, const char *id, const char *user, const char *nofail, int64_t now)
{
	struct captures c = { 0 };
	static const struct str line = { "the line", 8 };

	c.v[CAP_MLFID] = str_of(id);
	c.v[CAP_USER] = str_of(user);
	c.v[CAP_NOFAIL] = str_of(nofail);
	return session_merge(r->ss, &c, &line, 1, now);
}

/* Lines of a session that is never reported pile up to the cap and no further. */
static void
test_lines_cap(void **state)
{
	struct rig *r = *state;
	const struct str *lines;
	struct session *s = NULL;

	for (int i = 0; i < SESSION_LINES + 5; i++)
		assert_null(hit(r, "a", NULL, "yes", NOW));
	assert_int_equal(sessions_stats(r->ss)->lines_dropped, 5);
	s = hit(r, "a", NULL, NULL, NOW);
	assert_non_null(s);
	assert_int_equal(session_lines(s, &lines), SESSION_LINES);
	assert_int_equal(sessions_stats(r->ss)->lines_dropped, 6);
}

static void
test_bytes_cap(void **state)
{
	struct rig *r = *state;
	char *big = malloc(SESSION_LINES_BYTES);
	struct str line = { big, SESSION_LINES_BYTES / 2 };
	struct captures c = { .v[CAP_MLFID] = STR("a"), .v[CAP_NOFAIL] = STR("x") };

	memset(big, 'x', SESSION_LINES_BYTES);
	for (int i = 0; i < 3; i++)
		session_merge(r->ss, &c, &line, 1, NOW);
	assert_int_equal(sessions_stats(r->ss)->lines_dropped, 1);
	free(big);
}

static void
test_users(void **state)
{
	struct rig *r = *state;
	const struct str *users;
	struct session *s = NULL;
	char name[16];

	for (int i = 0; i < SESSION_USERS + 3; i++) {
		snprintf(name, sizeof(name), "u%d", i);
		s = hit(r, "a", name, NULL, NOW);
	}
	assert_int_equal(session_users(s, &users), SESSION_USERS);
	assert_int_equal(sessions_stats(r->ss)->users_dropped, 3);
	assert_true(str_is(users[0], "u0"));
	s = hit(r, "a", "u1", NULL, NOW);
	assert_int_equal(session_users(s, &users), SESSION_USERS);
}

/* Values and ids that are too long are refused, not cut. */
static void
test_long(void **state)
{
	struct rig *r = *state;
	char *big = malloc(SESSION_KEY + 2);
	struct session *s;

	memset(big, 'x', SESSION_KEY + 1);
	big[SESSION_KEY + 1] = '\0';
	s = hit(r, "a", big, NULL, NOW);
	assert_null(session_captures(s)->v[CAP_USER].s);
	assert_int_equal(sessions_stats(r->ss)->values_dropped, 1);
	assert_non_null(hit(r, big, "u", NULL, NOW));
	assert_int_equal(sessions_stats(r->ss)->keys_refused, 1);
	assert_int_equal(sessions_count(r->ss), 1);
	free(big);
}

static void
test_five_minutes(void **state)
{
	struct rig *r = *state;
	const struct str *lines;

	hit(r, "a", "u", "x", NOW);
	assert_int_equal(session_lines(hit(r, "a", "u", NULL, NOW + SESSION_TTL_MS - 1),
	    &lines), 2);
	assert_int_equal(session_lines(hit(r, "a", "u", NULL, NOW + SESSION_TTL_MS),
	    &lines), 1);
	assert_int_equal(sessions_stats(r->ss)->expired, 1);
}

/* Pending: there was a failure, but nobody to blame; the next line is one too. */
static void
test_pending(void **state)
{
	struct rig *r = *state;
	const struct str *lines;
	struct session *s = hit(r, "a", "u", NULL, NOW);

	session_pending(r->ss, s);
	s = hit(r, "a", NULL, "no failure", NOW);
	assert_non_null(s);
	assert_int_equal(session_lines(s, &lines), 2);
	assert_null(hit(r, "a", NULL, "no failure", NOW));
}

/* The lines of a failure that waits are those of a block that is gone by then. */
static void
test_pending_copies(void **state)
{
	struct rig *r = *state;
	char text[] = "what was read";
	struct str line = str_of(text);
	struct captures c = { 0 };
	const struct str *lines;

	c.v[CAP_MLFID] = STR("a");
	session_pending(r->ss, session_merge(r->ss, &c, &line, 1, NOW));
	memset(text, 'x', sizeof(text) - 1);
	line = (struct str){ 0 };
	assert_int_equal(session_lines(hit(r, "a", NULL, NULL, NOW), &lines), 2);
	assert_true(str_is(lines[0], "what was read"));
}

/* The memory of a session that ended serves the next one, which knows nothing of it. */
static void
test_nothing_left(void **state)
{
	struct rig *r = *state;
	const struct str *v;
	struct session *s;
	char id[300];

	for (int i = 0; i < 3 * SESSION_MAX; i++) {
		snprintf(id, sizeof(id), "%0*d", 1 + i % 290, i);
		s = hit(r, id, i % 2 ? id : NULL, NULL, NOW);
		assert_int_equal(session_lines(s, &v), 1);
		assert_int_equal(session_users(s, &v), i % 2);
		assert_int_equal(session_captures(s)->v[CAP_USER].len > 0, i % 2);
		assert_true(str_is(session_captures(s)->v[CAP_MLFID], id));
	}
	assert_int_equal(sessions_count(r->ss), SESSION_MAX);
	/* a second user */
	assert_non_null(hit(r, id, "other", "no failure", NOW));
}

static void
copy(void *arg, struct str key, struct str record)
{
	assert_int_equal(sessions_put(arg, key, record), 0);
	assert_int_equal(sessions_put(arg, key, record), -22);	/* there already */
}

static void
collect(void *arg, struct str key, struct str record)
{
	buf_str(arg, key);
	buf_str(arg, record);
}

static void
test_records(void **state)
{
	struct rig *r = *state;
	struct sessions *to = sessions_new(&r->names);
	struct buf a = { 0 }, b = { 0 };

	hit(r, "one", "ann", "x", NOW);
	hit(r, "one", "bob", NULL, NOW);
	session_pending(r->ss, hit(r, "two\n \"", "c:d 3:", NULL, NOW + 1));
	sessions_each(r->ss, copy, to);
	sessions_each(r->ss, collect, &a);
	sessions_each(to, collect, &b);
	assert_true(a.len > 50);
	assert_string_equal(a.p, b.p);
	buf_fini(&a);
	buf_fini(&b);
	sessions_free(to);
}

static void
test_bad_records(void **state)
{
	struct rig *r = *state;
	static const char *const bad[] = { "x", "user 5", "user 5:abcd", "user -1:",
	    "=since 3:abc", "=unknown 0:", "user 99999999999999999999:", "user :x" };

	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(sessions_put(r->ss, STR("k"), str_of(bad[i])), -22);
	assert_int_equal(sessions_count(r->ss), 0);
	assert_int_equal(sessions_put(r->ss, STR("k"), STR("gone 1:xuser 1:y")), 0);
}

/* "Invalid user" counts for the "Failed password" behind it, for one of them. */
static void
test_ahead(void **state)
{
	struct rig *r = *state;
	struct captures c = { .v[CAP_MLFID] = STR("a"), .v[CAP_AHEAD] = STR("x") };
	struct str line = STR("the line");

	assert_non_null(session_merge(r->ss, &c, &line, 1, NOW));
	assert_null(hit(r, "a", NULL, "yes", NOW));
	assert_non_null(hit(r, "b", NULL, NULL, NOW));
	assert_null(hit(r, "a", NULL, NULL, NOW));
	assert_non_null(hit(r, "a", NULL, NULL, NOW));
	assert_non_null(session_merge(r->ss, &c, &line, 1, NOW));
	assert_non_null(session_merge(r->ss, &c, &line, 1, NOW));
	assert_null(hit(r, "a", NULL, NULL, NOW));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bytes_cap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_users, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_five_minutes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pending, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pending_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nothing_left, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_records, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_records, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
