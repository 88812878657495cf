/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_guard.c - what must never be banned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "banner/core/guard.h"
#include "banner/core/netset.h"

static struct addr
net(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse_prefix(str_of(text), &a), 0);
	return a;
}

static bool
refused(const struct guard *g, const char *text, enum guard_by by)
{
	struct addr a = net(text);

	return guard_refuses(g, &a, by) != NULL;
}

static void
builtin_set(void **state)
{
	static const char *const never[] = { "127.0.0.1", "0.0.0.0", "0.1.2.3",
		"224.0.0.251", "255.255.255.255", "169.254.1.1", "::1", "::", "ff02::1",
		"fe80::1", "::ffff:127.0.0.1" };
	static const char *const may[] = { "10.0.0.1", "192.168.1.1", "172.16.0.1",
		"192.0.2.1", "2001:db8::1", "fd00::1", "100.64.0.1" };
	struct guard *g = guard_new();

	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		assert_true(refused(g, never[i], GUARD_ADMIN));
	for (size_t i = 0; i < sizeof(may) / sizeof(*may); i++)
		assert_false(refused(g, may[i], GUARD_AUTO));
	guard_free(g);
}

static void
prefix_limits(void **state)
{
	struct guard *g = guard_new();

	assert_false(refused(g, "192.0.2.0/24", GUARD_AUTO));
	assert_true(refused(g, "192.0.2.0/23", GUARD_AUTO));
	assert_false(refused(g, "198.51.0.0/16", GUARD_ADMIN));
	assert_true(refused(g, "198.50.0.0/15", GUARD_ADMIN));
	assert_false(refused(g, "2001:db8::/56", GUARD_AUTO));
	assert_true(refused(g, "2001:db8::/55", GUARD_AUTO));
	assert_false(refused(g, "2001:db8::/48", GUARD_ADMIN));
	assert_true(refused(g, "2001:db8::/47", GUARD_ADMIN));
	assert_true(refused(g, "0.0.0.0/0", GUARD_ADMIN));
	assert_true(refused(g, "::/0", GUARD_ADMIN));
	guard_free(g);
}

static void
overlap_both_ways(void **state)
{
	struct guard *g = guard_new();
	struct guard_entry v[] = { { net("192.0.2.77"), "gateway" },
		{ net("198.51.100.0/28"), "proxies" },
		{ net("2001:db8:0:5::1"), "mine" } };
	struct addr in = net("198.51.100.3"), out = net("198.51.100.16");

	guard_set(g, "trusted", v, 3);
	assert_true(refused(g, "192.0.2.77", GUARD_ADMIN));
	assert_true(refused(g, "192.0.2.0/24", GUARD_AUTO));
	assert_true(refused(g, "192.0.2.64/26", GUARD_ADMIN));
	assert_false(refused(g, "192.0.2.128/25", GUARD_ADMIN));
	assert_true(refused(g, "198.51.100.15", GUARD_AUTO));
	assert_false(refused(g, "198.51.100.16", GUARD_AUTO));
	assert_true(refused(g, "2001:db8::/56", GUARD_AUTO));
	assert_true(refused(g, "2001:db8:0:5::/64", GUARD_AUTO));
	assert_false(refused(g, "2001:db8:0:6::/64", GUARD_AUTO));
	assert_true(guard_has(g, "trusted", &in));
	assert_false(guard_has(g, "trusted", &out));
	assert_string_equal(guard_refuses(g, &in, GUARD_AUTO),
	    "proxies (198.51.100.0/28)");
	guard_free(g);
}

static void
groups_are_replaced(void **state)
{
	struct guard *g = guard_new();
	struct guard_entry a = { net("192.0.2.1"), NULL },
			   b = { net("192.0.2.2"), "b" };
	size_t before = guard_count(g);

	guard_set(g, "own", &a, 1);
	guard_set(g, "admin", &b, 1);
	assert_int_equal(guard_count(g), before + 2);
	guard_set(g, "own", &b, 1);
	assert_false(refused(g, "192.0.2.1", GUARD_AUTO));
	guard_set(g, "own", NULL, 0);
	assert_true(refused(g, "192.0.2.2", GUARD_AUTO));
	guard_set(g, "admin", NULL, 0);
	assert_false(refused(g, "192.0.2.2", GUARD_AUTO));
	assert_int_equal(guard_count(g), before);
	guard_free(g);
}

/* Random prefixes: the sorted search says what a plain loop says. */
static void
search_is_right(void **state)
{
	struct netset s = { .n = 0 };
	unsigned seed = 7;

	for (int i = 0; i < 200; i++) {
		struct addr a = { .family = 4, .plen = 32 };

		a.ip[0] = 10;
		a.ip[2] = (uint8_t)(rand_r(&seed) % 4);
		a.ip[3] = (uint8_t)rand_r(&seed);
		a = addr_mask(&a, 20 + (unsigned)rand_r(&seed) % 13);
		if (i < 100)
			netset_add(&s, &a, (uint32_t)i);
		bool covers = false, inside = false;
		for (size_t k = 0; k < s.n; k++) {
			covers |= addr_contains(&s.v[k].net, &a);
			inside |= addr_contains(&a, &s.v[k].net);
		}
		assert_int_equal(netset_covers(&s, &a) != NULL, covers);
		assert_int_equal(netset_inside(&s, &a) != NULL, inside);
	}
	netset_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builtin_set),
		cmocka_unit_test(prefix_limits),
		cmocka_unit_test(overlap_both_ways),
		cmocka_unit_test(groups_are_replaced),
		cmocka_unit_test(search_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
