/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_ssh_set.c - the ssh action's set, its log of operations, its texts.
 */
#include "test/unit/unit.h"

#include "actions/ssh/set.h"

static struct bn_addr
addr(unsigned n)
{
	if (n % 3)
		return (struct bn_addr){ 4, n % 3 == 1 ? 32 : 24,
			{ 10, (uint8_t)(n >> 16), (uint8_t)(n >> 8),
			    n % 3 == 1 ? (uint8_t)n : 0 } };
	return (struct bn_addr){ 6, 64,
		{ 0x20, 1, 0xd, 0xb8, 0, (uint8_t)(n >> 16), (uint8_t)(n >> 8),
		    (uint8_t)n } };
}

enum { ADDRS = 3000 };

/* Any order of changes against an array: what is there, how many, and the digest. */
static void
test_set(void **state)
{
	static bool there[ADDRS];
	struct set s;
	uint64_t dice = 1, again = 0;
	size_t n = 0;

	assert_int_equal(set_init(&s), 0);
	for (int i = 0; i < 60000; i++) {
		unsigned k = (unsigned)(unit_random(&dice) % ADDRS) * 768;
		struct bn_addr a = addr(k);
		bool *is = &there[k / 768];
		struct entry *e = set_find(&s, &a);

		assert_int_equal(e != NULL, *is);
		if (unit_random(&dice) & 1) {
			e = set_put(&s, &a);
			assert_non_null(e);
			if (*is)
				assert_int_equal(e->id, k);
			e->id = k;
			n += !*is;
			*is = true;
		} else {
			set_del(&s, &a);
			n -= *is;
			*is = false;
		}
		assert_int_equal(s.n, n);
	}
	for (size_t i = 0; i < s.cap; i++)
		if (s.v[i].addr.family)
			assert_ptr_equal(set_find(&s, &s.v[i].addr), &s.v[i]);
	for (unsigned i = 0; i < ADDRS; i++) {
		struct bn_addr a = addr(i * 768);

		set_del(&s, &a);
		again += there[i];
	}
	assert_int_equal(again, n);
	assert_int_equal(s.n, 0);
	assert_int_equal(s.digest, 0);
	set_fini(&s);
}

/* The example of banner-edge(7). */
static void
test_digest(void **state)
{
	struct bn_addr four = { 4, 32, { 192, 0, 2, 1 } };
	struct bn_addr six = { 6, 64, { 0x20, 1, 0xd, 0xb8, 0, 7 } };
	struct set s, t;

	set_init(&s);
	set_init(&t);
	set_put(&s, &four);
	set_put(&s, &six);
	set_put(&t, &six);
	assert_true(t.digest != s.digest);
	set_put(&t, &four);
	set_put(&t, &four);
	assert_int_equal(s.digest, UINT64_C(0xe9dd8e9c201faf18));
	assert_int_equal(t.digest, s.digest);
	set_fini(&s);
	set_fini(&t);
}

/* It keeps the last LOG_OPS, and says of older ones that it has not got them. */
static void
test_log(void **state)
{
	struct oplog l = { 0 };
	uint64_t seq;

	assert_null(oplog_at(&l, 0));
	for (uint64_t i = 1; i <= 3 * LOG_OPS + 17; i++) {
		struct op *op = oplog_add(&l, &seq);

		assert_non_null(op);
		assert_int_equal(seq, i);
		op->id = seq;
	}
	assert_int_equal(l.next - l.first, LOG_OPS);
	assert_null(oplog_at(&l, l.first - 1));
	assert_null(oplog_at(&l, l.next));
	for (uint64_t i = l.first; i < l.next; i++)
		assert_int_equal(oplog_at(&l, i)->id, i);
	free(l.v);
}

/* What goes in at the end comes out at the start, whatever the steps. */
static void
test_text(void **state)
{
	struct text t = { 0 };
	uint64_t dice = 7;
	uint8_t in = 0, out = 0;
	char part[9000];

	for (int i = 0; i < 20000; i++) {
		size_t n = unit_random(&dice) % (i % 100 ? 300 : sizeof(part));

		for (size_t k = 0; k < n; k++)
			part[k] = (char)in++;
		assert_int_equal(text_add(&t, part, n), 0);
		n = unit_random(&dice) % 2 ? t.len - t.at
					   : unit_random(&dice) % (t.len - t.at + 1);
		for (size_t k = 0; k < n; k++)
			assert_int_equal((uint8_t)t.p[t.at + k], out++);
		text_drop(&t, n);
		assert_true(t.at <= t.len && t.len <= t.cap);
		if (t.at == t.len)
			assert_true(t.cap <= 4096);
	}
	assert_int_equal(text_printf(&t, "%s", part[0] ? "x" : "x"), 0);
	memset(part, 'y', 300);
	part[300] = '\0';
	assert_int_not_equal(text_printf(&t, "%s", part), 0);
	text_fini(&t);
}

static void
test_address(void **state)
{
	static const char *const good[] = { "192.0.2.1", "192.0.2.0/24", "0.0.0.0/0",
		"2001:db8::1", "2001:db8:7::/64", "::/0" };
	static const char *const bad[] = { "", "192.0.2", "192.0.2.1/33", "192.0.2.1/",
		"192.0.2.1/x", "2001:db8::/129", "192.0.2.1/8/8", "host",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd" };
	struct bn_addr a;
	char text[64];

	for (size_t i = 0; i < N(good); i++) {
		assert_int_equal(addr_read(good[i], &a), 0);
		assert_int_equal(addr_text(&a, text), strlen(good[i]));
		assert_string_equal(text, good[i]);
	}
	for (size_t i = 0; i < N(bad); i++)
		assert_int_not_equal(addr_read(bad[i], &a), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_log),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
