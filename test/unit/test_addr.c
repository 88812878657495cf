/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_addr.c - addresses: what is accepted, one value per client, classes.
 */
#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "banner/base/addr.h"

static const struct {
	const char *in, *out;	/* out NULL: refused */
} singles[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "2001:DB8:0:0:0::1", "2001:db8::1" },
	{ "::", "::" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::ffff:c000:0201", "192.0.2.1" },
	{ "::fffe:192.0.2.1", "::fffe:c000:201" },
	{ "2001:db8:0:1:0:0:0:1", "2001:db8:0:1::1" },
	{ "2001:0:0:1:0:0:1:1", "2001::1:0:0:1:1" },
	{ "", NULL }, { "1", NULL }, { "1.2.3", NULL }, { "1.2.3.4.5", NULL },
	{ "256.1.1.1", NULL }, { "01.2.3.4", NULL }, { "1.2.3.4 ", NULL },
	{ " 1.2.3.4", NULL }, { "1.2.3.4/32", NULL }, { "[::1]", NULL },
	{ "fe80::1%eth0", NULL }, { ":::", NULL }, { "1::2::3", NULL },
	{ "12345::", NULL }, { "1:2:3:4:5:6:7:8:9", NULL }, { "x", NULL },
	{ "1111:2222:3333:4444:5555:6666:123.123.123.1234", NULL },
};

static void
parses_singles(void **state)
{
	char text[ADDR_TEXT];
	struct addr a;

	for (size_t i = 0; i < N(singles); i++) {
		int rc = addr_parse(str_of(singles[i].in), &a);

		assert_int_equal(rc, singles[i].out ? 0 : -EINVAL);
		if (rc == 0) {
			assert_string_equal(addr_print(&a, text), singles[i].out);
			assert_true(addr_is_single(&a));
		}
	}
	assert_int_equal(addr_parse((struct str){ "1.2.3.4\0x", 9 }, &a), -EINVAL);
	assert_int_equal(addr_parse((struct str){ "1.2.3.45", 7 }, &a), 0);
	assert_string_equal(addr_print(&a, text), "1.2.3.4");
}

static const struct {
	const char *in, *out;
} prefixes[] = {
	{ "192.0.2.77/24", "192.0.2.0/24" },
	{ "192.0.2.77/255.255.255.0", "192.0.2.0/24" },
	{ "192.0.2.77/255.255.254.0", "192.0.2.0/23" },
	{ "192.0.2.77/32", "192.0.2.77" },
	{ "192.0.2.77", "192.0.2.77" },
	{ "192.0.2.77/0", "0.0.0.0/0" },
	{ "192.0.2.77/0.0.0.0", "0.0.0.0/0" },
	{ "2001:db8:ffff::/33", "2001:db8:8000::/33" },
	{ "2001:db8::1/ffff:ffff::", "2001:db8::/32" },
	{ "::/0", "::/0" },
	{ "::ffff:192.0.2.77/120", "192.0.2.0/24" },
	{ "::ffff:192.0.2.77/64", "::/64" },
	{ "::ffff:192.0.2.77/96", "0.0.0.0/0" },
	{ "192.0.2.1/33", NULL }, { "::1/129", NULL }, { "192.0.2.1/", NULL },
	{ "192.0.2.1/-1", NULL }, { "192.0.2.1/+1", NULL }, { "192.0.2.1/ 8", NULL },
	{ "192.0.2.1/255.0.255.0", NULL }, { "192.0.2.1/ffff::", NULL },
	{ "::1/255.0.0.0", NULL }, { "192.0.2.1/24/24", NULL }, { "/24", NULL },
	{ "192.0.2.1/4294967304", NULL }, { "192.0.2.1/00000024", NULL },
	{ "", NULL },
};

static void
parses_prefixes(void **state)
{
	char text[ADDR_TEXT];
	struct addr a;

	for (size_t i = 0; i < N(prefixes); i++) {
		int rc = addr_parse_prefix(str_of(prefixes[i].in), &a);

		assert_int_equal(rc, prefixes[i].out ? 0 : -EINVAL);
		if (rc == 0)
			assert_string_equal(addr_print(&a, text), prefixes[i].out);
	}
	assert_int_equal(addr_parse_prefix((struct str){ NULL, 0 }, &a), -EINVAL);
}

/* A random text that is often nearly, and sometimes wholly, an address. */
static size_t
random_text(uint64_t *seed, char *out)
{
	static const char letters[] = "0123456789abcdefF:::...1 %/";
	uint8_t ip[16];
	size_t len;

	for (size_t i = 0; i < sizeof(ip); i++)
		ip[i] = unit_random(seed) % 3 ? (uint8_t)unit_random(seed) : 0;
	if (unit_random(seed) % 4 == 0)
		memcpy(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	inet_ntop(unit_random(seed) % 2 ? AF_INET : AF_INET6, ip, out, 64);
	len = strlen(out);
	while (unit_random(seed) % 2)
		out[unit_random(seed) % len] =
		    letters[unit_random(seed) % (sizeof(letters) - 1)];
	return unit_random(seed) % 8 ? len : unit_random(seed) % len;
}

static void
agrees_with_libc(void **state)
{
	unsigned good = 0, bad = 0;
	uint64_t seed = 1;

	for (int i = 0; i < 200000; i++) {
		char text[64], cut[64], mine[ADDR_TEXT], theirs[64];
		struct addr a;
		uint8_t ip[16];
		size_t n = random_text(&seed, text);
		int family, rc = addr_parse((struct str){ text, n }, &a);

		snprintf(cut, sizeof(cut), "%.*s", (int)n, text);
		family = strchr(cut, ':') ? AF_INET6 : AF_INET;
		if (inet_pton(family, cut, ip) != 1) {
			assert_int_equal(rc, -EINVAL);
			bad++;
			continue;
		}
		assert_int_equal(rc, 0);
		if (family == AF_INET6 &&
		    memcmp(ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0)
			inet_ntop(AF_INET, ip + 12, theirs, sizeof(theirs));
		else
			inet_ntop(family, ip, theirs, sizeof(theirs));
		assert_string_equal(addr_print(&a, mine), theirs);
		good++;
	}
	assert_true(good > 50000 && bad > 50000);
}

static void
from_sockaddr(void **state)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr other = { .sa_family = AF_UNIX };
	struct addr a, b;

	inet_pton(AF_INET, "192.0.2.1", &four.sin_addr);
	inet_pton(AF_INET6, "::ffff:192.0.2.1", &six.sin6_addr);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&four, &a), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&six, &b), 0);
	assert_true(addr_eq(&a, &b));
	assert_int_equal(addr_from_sockaddr(&other, &a), -EAFNOSUPPORT);
}

static struct addr
net(const char *text)
{
	struct addr a;

	if (addr_parse_prefix(str_of(text), &a) < 0)
		fail_msg("%s", text);
	return a;
}

static bool
inside(const char *outer, const char *inner)
{
	struct addr o = net(outer), i = net(inner);

	return addr_contains(&o, &i);
}

static void
contains(void **state)
{
	struct addr none = { 0 }, a = net("10.0.0.1");

	assert_true(inside("10.0.0.0/8", "10.255.0.1"));
	assert_true(inside("10.0.0.0/8", "10.0.0.0/8"));
	assert_true(inside("0.0.0.0/0", "10.0.0.0/8"));
	assert_false(inside("10.0.0.0/8", "10.0.0.0/7"));
	assert_false(inside("10.0.0.0/8", "11.0.0.1"));
	assert_false(inside("::/0", "10.0.0.1"));
	assert_true(inside("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(inside("2001:db8::/33", "2001:db8:8000::1"));
	assert_false(addr_contains(&none, &a) || addr_contains(&none, &none));
}

static void
orders(void **state)
{
	static const char *const sorted[] = {
		"0.0.0.0/0", "9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/9", "10.0.0.0",
		"::/0", "::1", "2001:db8::/32", "ff00::/8",
	};

	for (size_t i = 0; i < N(sorted); i++)
		for (size_t k = 0; k < N(sorted); k++) {
			struct addr a = net(sorted[i]), b = net(sorted[k]);

			assert_int_equal(addr_cmp(&a, &b), (i > k) - (i < k));
			assert_int_equal(addr_eq(&a, &b), i == k);
		}
}

static void
masks(void **state)
{
	struct addr a = net("10.1.2.0/24"), want = net("10.0.0.0/12");
	struct addr m = addr_mask(&a, 12);

	assert_true(addr_eq(&m, &want));
	m = addr_mask(&a, 30);
	assert_true(addr_eq(&m, &a));
}

typedef bool (class_fn)(const struct addr *);

static const struct {
	class_fn *fn;
	const char *yes, *no;
} classes[] = {
	{ addr_is_loopback, "127.9.9.9", "128.0.0.1" },
	{ addr_is_loopback, "::1", "::2" },
	{ addr_is_loopback, "0.0.0.0/0", "10.0.0.0/8" },
	{ addr_is_multicast, "239.255.255.255", "240.0.0.0" },
	{ addr_is_multicast, "ff02::1", "fe80::1" },
	{ addr_is_unspecified, "0.1.2.3", "1.0.0.0" },
	{ addr_is_unspecified, "::", "::1" },
	{ addr_is_unspecified, "::/64", "0:0:0:1::/64" },
	{ addr_is_broadcast, "255.255.255.255", "239.0.0.1" },
	{ addr_is_broadcast, "240.0.0.1", "::f000:1" },
};

static void
classifies(void **state)
{
	for (size_t i = 0; i < N(classes); i++) {
		struct addr yes = net(classes[i].yes), no = net(classes[i].no);

		if (!classes[i].fn(&yes) || classes[i].fn(&no))
			fail_msg("%s, %s", classes[i].yes, classes[i].no);
	}
}

static void
longest_text_fits(void **state)
{
	char text[ADDR_TEXT];
	struct addr a = net("fff1:fff1:fff1:fff1:fff1:fff1:fff1:fff2/127");
	struct addr none = { 0 };

	assert_string_equal(addr_print(&a, text),
	    "fff1:fff1:fff1:fff1:fff1:fff1:fff1:fff2/127");
	assert_string_equal(addr_print(&none, text), "-");
	assert_int_equal(sizeof(struct addr), 18);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_singles),
		cmocka_unit_test(parses_prefixes),
		cmocka_unit_test(agrees_with_libc),
		cmocka_unit_test(from_sockaddr),
		cmocka_unit_test(contains),
		cmocka_unit_test(orders),
		cmocka_unit_test(masks),
		cmocka_unit_test(classifies),
		cmocka_unit_test(longest_text_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
