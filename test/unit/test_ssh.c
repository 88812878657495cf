/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_ssh.c - the ssh action against proxies that answer as the test wants.
 */
#include "test/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "test/unit/ssh_rig.h"
#include "test/unit/unit.h"

static char text[RIG_TEXT];

/* Host i says hello and takes whatever set it gets; its S line stays in text. */
static void
take_set(struct ssh_rig *r, size_t i)
{
	char *set;

	rig_read(r, i, text, sizeof(text));
	if (strncmp(text, "HELLO 1 banner\n", 15) == 0) {
		rig_say(r, i, "HELLO 1 plugin=route in_force=0 version=0\n");
		rig_read(r, i, text, sizeof(text));
	}
	set = strstr(text, "S ");
	assert_non_null(set);
	assert_non_null(strstr(set, "\nE "));
	rig_say(r, i, "SYNCED %lu added=0 removed=0 kept=0 refused=0\n",
	    strtoul(set + 2, NULL, 10));
}

static void
open_up(struct ssh_rig *r, const char *hosts, size_t n)
{
	assert_int_equal(rig_open(r, hosts, "banner-edge"), 0);
	rig_wait(r);
	for (size_t i = 0; i < n; i++)
		take_set(r, i);
	for (size_t i = 0; i < n; i++)
		rig_read(r, i, text, sizeof(text));
}

static bool
got(struct ssh_rig *r, size_t i, const char *what)
{
	rig_read(r, i, text, sizeof(text));
	return strstr(text, what) != NULL;
}

static struct host *
host(struct ssh_rig *r, size_t i)
{
	return &((struct ssh *)r->self)->hosts[i];
}

/* Each host has its own place in the log, and none waits for another. */
static void
test_cursors(void **state)
{
	struct ssh_rig r;

	open_up(&r, "one two", 2);
	rig_change(&r, BN_ADD, 5);
	rig_change(&r, BN_DEL, 6);
	assert_true(got(&r, 0, "A 1 192.0.0.5\nD 2 192.0.0.6\n"));
	assert_true(got(&r, 1, "A 1 192.0.0.5\nD 2 192.0.0.6\n"));
	rig_say(&r, 0, "OK 2\n");
	assert_int_equal(host(&r, 0)->acked, 2);
	assert_int_equal(host(&r, 1)->acked, 0);
	assert_int_equal(rig_told(&r, 5, ""), 1);	/* the other may be quick */
	rig_say(&r, 1, "OK 1\n");
	assert_int_equal(rig_told(&r, 5, ""), 0);
	assert_int_equal(rig_told(&r, 5, "two"), 1);	/* nothing to be named */
	rig_change(&r, BN_ADD, 7);
	assert_true(got(&r, 1, "A 3 192.0.0.7\n"));
	rig_say(&r, 0, "OK 3\n");
	usleep((LAG_MS + 50) * 1000);
	rig_run(&r);
	assert_int_equal(rig_told(&r, 7, ""), 0);
	assert_int_equal(rig_told(&r, 7, "two"), -ETIMEDOUT);
	rig_say(&r, 1, "OK 3\n");
	assert_int_equal(rig_told(&r, 7, "two"), 0);
	rig_close(&r);
}

/* Refused by the proxy: told with the ban, and again when it is mended. */
static void
test_errors(void **state)
{
	struct ssh_rig r;

	open_up(&r, "one", 1);
	rig_change(&r, BN_ADD, 5);
	rig_say(&r, 0, "ERR 1 192.0.0.5 refused: protected\nOK 1\n");
	assert_int_equal(rig_told(&r, 5, "one"), -EPERM);
	rig_say(&r, 0, "FIXED 1 192.0.0.5\n");
	assert_int_equal(rig_told(&r, 5, "one"), 0);
	rig_say(&r, 0, "ERR 1 192.0.0.5 conflict: somebody else's entry is there\n");
	assert_int_equal(rig_told(&r, 5, "one"), -EEXIST);
	for (unsigned i = 0; i < 3000; i++)
		rig_say(&r, 0, "ERR 1 10.0.%u.%u limit\n", i >> 8, i & 255);
	assert_true(host(&r, 0)->nfails <= FAILS_MAX);
	assert_int_equal(host(&r, 0)->state, HOST_UP);
	rig_close(&r);
}

/* A proxy that does not read falls off the log and gets the whole set. */
static void
test_falls_off(void **state)
{
	enum { MORE = LOG_OPS + 5000 };
	struct ssh_rig r;
	unsigned long lines = 0;

	if (unit_slow())
		skip(); /* the proxy that reads must keep up */
	open_up(&r, "one two", 2);
	for (unsigned i = 0; i < MORE; i++) {
		rig_change(&r, i % 2 ? BN_DEL : BN_ADD, i / 2 % 1000);
		if (i % 500 == 0) {
			rig_read(&r, 0, text, sizeof(text));
			rig_say(&r, 0, "OK %lu\n",
			    (unsigned long)host(&r, 0)->sent);
		}
	}
	rig_change(&r, BN_ADD, 1);
	rig_change(&r, BN_ADD, 2);
	assert_int_equal(host(&r, 0)->state, HOST_UP);
	/* what was in the pipe, then a set with the two that are left */
	for (int i = 0; i < 20 && !strstr(text, "\nE "); i++)
		lines += rig_read(&r, 1, text, sizeof(text));
	assert_non_null(strstr(text, "\nS "));
	assert_non_null(strstr(text, "\n192.0.0.1\n"));
	assert_non_null(strstr(text, "\n192.0.0.2\n"));
	assert_true(lines < MORE * 12);
	rig_say(&r, 1, "SYNCED %lu added=2 removed=0 kept=0 refused=0\n",
	    strtoul(strstr(text, "\nS ") + 3, NULL, 10));
	assert_int_equal(host(&r, 1)->state, HOST_UP);
	assert_int_equal(host(&r, 1)->acked, MORE + 2);
	rig_close(&r);
}

/* add until the set is known to be whole; exact the first time, force after that. */
static void
test_modes(void **state)
{
	struct ssh_rig r;

	assert_int_equal(rig_open(&r, "one", "banner-edge"), 0);
	rig_wait(&r);
	rig_change(&r, BN_ADD, 1);
	take_set(&r, 0);
	assert_non_null(strstr(text, " add\n192.0.0.1\nE "));
	bn_action.complete(r.self, 0);
	take_set(&r, 0);
	assert_non_null(strstr(text, " exact\n"));
	rig_read(&r, 0, text, sizeof(text));
	bn_action.complete(r.self, 0);
	take_set(&r, 0);
	assert_non_null(strstr(text, " force\n"));
	rig_close(&r);
}

/* A proxy that would lose most keeps it all until force; new bans go on. */
static void
test_half(void **state)
{
	struct ssh_rig r;
	char *set;

	assert_int_equal(rig_open(&r, "one", "banner-edge"), 0);
	rig_wait(&r);
	bn_action.complete(r.self, 0);
	rig_read(&r, 0, text, sizeof(text));
	rig_say(&r, 0, "HELLO 1 plugin=route in_force=20 version=0\n");
	rig_read(&r, 0, text, sizeof(text));
	set = strstr(text, "S ");
	assert_non_null(strstr(set, " exact\n"));
	rig_say(&r, 0, "REFUSED %lu half: would remove 20 of 20\n",
	    strtoul(set + 2, NULL, 10));
	assert_non_null(strstr(host(&r, 0)->error, "banctl sync --force"));
	take_set(&r, 0);
	assert_non_null(strstr(text, " add\n"));
	assert_int_equal(host(&r, 0)->state, HOST_UP);
	rig_read(&r, 0, text, sizeof(text));
	rig_change(&r, BN_ADD, 3);
	assert_true(got(&r, 0, "A 1 192.0.0.3\n"));
	bn_action.complete(r.self, 0);
	take_set(&r, 0);
	assert_non_null(strstr(text, " add\n"));
	rig_read(&r, 0, text, sizeof(text));
	bn_action.complete(r.self, 1);
	take_set(&r, 0);
	assert_non_null(strstr(text, " force\n"));
	assert_int_equal(host(&r, 0)->error[0], '\0');
	rig_close(&r);
}

/* Asked again while the answer is awaited: the same set is not sent twice, unless
 * more is allowed to go by now. */
static void
test_once(void **state)
{
	struct ssh_rig r;

	open_up(&r, "one", 1);
	bn_action.complete(r.self, 0);
	assert_true(got(&r, 0, " exact\n"));
	bn_action.complete(r.self, 0);
	assert_false(got(&r, 0, "S "));
	bn_action.complete(r.self, 1);
	assert_true(got(&r, 0, " force\n"));
	rig_close(&r);
}

/* What no banner-edge would say ends the connection, and is never believed. */
static void
test_lies(void **state)
{
	static const char *const lies[] = { "OK 99999\n", "OK x\n", "HOLA\n", "\n",
		"REFUSED 2 damaged: 0 of 0 lines\n",
		"REFUSED 1 half\nREFUSED 2 half\nREFUSED 3 half\n", "BYE tired\n" };
	struct ssh_rig r;
	char line[1200];

	for (size_t i = 0; i < N(lies); i++) {
		open_up(&r, "one", 1);
		bn_action.complete(r.self, 0);
		rig_read(&r, 0, text, sizeof(text));
		rig_say(&r, 0, "%s", lies[i]);
		if (host(&r, 0)->state != HOST_WAIT)
			fail_msg("still connected after %s", lies[i]);
		assert_int_equal(host(&r, 0)->acked, 0);
		rig_close(&r);
	}
	open_up(&r, "one", 1);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	rig_say(&r, 0, "LOG error %s\n", line);
	assert_int_equal(host(&r, 0)->state, HOST_WAIT);
	rig_close(&r);
}

/* A host that is down is named at once and not waited for; when it is back it has the
 * set, and what was named is told. */
static void
test_down(void **state)
{
	struct ssh_rig r;

	open_up(&r, "one two", 2);
	r.refuses[1] = true;
	shutdown(r.far[1], SHUT_RDWR);
	rig_run(&r);
	rig_change(&r, BN_ADD, 9);
	rig_say(&r, 0, "OK 1\n");
	assert_int_equal(rig_told(&r, 9, ""), 0);
	assert_true(rig_told(&r, 9, "two") < 0);
	r.refuses[1] = false;
	bn_action.complete(r.self, 0);
	rig_wait(&r);
	take_set(&r, 1);
	assert_non_null(strstr(text, "\n192.0.0.9\n"));
	assert_int_equal(rig_told(&r, 9, "two"), 0);
	rig_close(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursors),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_falls_off),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_half),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
