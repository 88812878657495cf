/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_table.c - the table against an array; memory per key; no stalls.
 */
#include "test/unit/unit.h"

#include <malloc.h>
#include <time.h>

#include "banner/base/table.h"

enum { KEYS = 3000 };

struct seen {
	const int *values;
	size_t n;
	bool stop;
};

static int
see(void *arg, const void *key, size_t len, void *value)
{
	struct seen *s = arg;
	unsigned i;

	assert_int_equal(len, sizeof(i));
	memcpy(&i, key, sizeof(i));
	assert_ptr_equal(value, &s->values[i]);
	s->n++;
	return !s->stop;
}

static void
random_changes(void **state)
{
	static bool there[KEYS];
	static int values[KEYS];
	struct table *t = table_new();
	uint64_t seed = 1;
	size_t count = 0;

	for (int step = 0; step < 200000; step++) {
		unsigned i = (unsigned)(unit_random(&seed) % KEYS);
		void *was = there[i] ? &values[i] : NULL;
		/* Waves: first mostly additions, then mostly deletions. */
		bool add = unit_random(&seed) % 8 < (step / 40000 % 2 ? 1 : 7);

		assert_ptr_equal(table_find(t, &i, sizeof(i)), was);
		if (add)
			assert_ptr_equal(table_set(t, &i, sizeof(i), &values[i]), was);
		else
			assert_ptr_equal(table_del(t, &i, sizeof(i)), was);
		count = count + (add && !was) - (!add && was);
		there[i] = add;
		assert_int_equal(table_count(t), count);
		if (step % 5000 == 0) {
			struct seen s = { .values = values };

			table_each(t, see, &s);
			assert_int_equal(s.n, count);
		}
	}
	table_free(t);
}

static void
keys_are_bytes(void **state)
{
	struct table *t = table_new();
	struct seen s = { .stop = true };
	int a, b, c;

	assert_null(table_set(t, "", 0, &a));
	assert_null(table_set(t, "x\0y", 3, &b));
	assert_null(table_set(t, "x", 1, &c));
	assert_ptr_equal(table_find(t, NULL, 0), &a);
	assert_ptr_equal(table_find(t, "x\0y", 3), &b);
	assert_ptr_equal(table_find(t, "x", 1), &c);
	assert_null(table_find(t, "x\0z", 3));
	assert_ptr_equal(table_set(t, "x", 1, &b), &c);
	assert_ptr_equal(table_find(t, "x", 1), &b);
	assert_ptr_equal(table_del(t, "x", 1), &b);
	assert_null(table_del(t, "x", 1));
	assert_int_equal(table_count(t), 2);
	table_free(t);
	table_free(NULL);

	t = table_new();
	s.values = (int[1]){ 0 };
	for (unsigned i = 0; i < 1; i++)
		table_set(t, &i, sizeof(i), (void *)(uintptr_t)&s.values[i]);
	table_each(t, see, &s);
	assert_int_equal(s.n, 1);
	table_free(t);
}

/* The leak checker sees what is forgotten, free() itself what is given twice. */
static void
values_may_go_with_it(void **state)
{
	struct table *t = table_new();

	for (unsigned i = 0; i < 5000; i++)
		table_set(t, &i, sizeof(i), strdup("value"));
	table_free_with(t, free);
	table_free_with(NULL, free);
}

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

enum { MANY = 300000, KEY = 18, TRIES = 5, STEADY_US = 20000 };

/* All keys into the table: the slowest single insertion, in CPU time. */
static int64_t
fill(struct table *t)
{
	int64_t worst = 0;

	for (unsigned i = 0; i < MANY; i++) {
		char key[KEY] = { 0 };
		int64_t start, took;

		memcpy(key, &i, sizeof(i));
		start = now_us();
		table_set(t, key, KEY, t);
		took = now_us() - start;
		if (took > worst)
			worst = took;
	}
	return worst;
}

/* Bytes per key with malloc's own, and no insertion that stands out. Rehashing all at
 * once would take tens of ms here, in each try; the machine is slow now and then. */
static void
is_tight_and_steady(void **state)
{
	size_t before = mallinfo2().uordblks, used;
	struct table *t = table_new();
	int64_t worst = fill(t);

	used = mallinfo2().uordblks - before;
	for (int i = 1; i < TRIES && worst >= STEADY_US; i++) {
		table_free(t);
		t = table_new();
		worst = fill(t);
	}
	print_message("%zu bytes per key, slowest insertion %lld us\n", used / MANY,
	    (long long)worst);
	if (used > 0)	/* a sanitizer's malloc counts nothing here */
		assert_in_range(used / MANY, KEY + 16, 72);
	assert_true(unit_slow() || worst < STEADY_US);
	for (unsigned i = 0; i < MANY; i++) {
		char key[KEY] = { 0 };

		memcpy(key, &i, sizeof(i));
		assert_ptr_equal(table_del(t, key, KEY), t);
	}
	assert_int_equal(table_count(t), 0);
	if (used > 0)
		assert_in_range(mallinfo2().uordblks - before, 0, 16384);
	table_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes),
		cmocka_unit_test(keys_are_bytes),
		cmocka_unit_test(values_may_go_with_it),
		cmocka_unit_test(is_tight_and_steady),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
