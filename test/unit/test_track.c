/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_track.c - the sliding window: edges, order, the cap, memory, records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "banner/core/track.h"

static const struct hash_key secret = { { 1, 2 } };

static struct track *
make(unsigned maxretry, int64_t findtime_ms, size_t max_keys, bool distinct)
{
	struct track_limits l = { .maxretry = maxretry, .findtime_ms = findtime_ms,
	    .max_keys = max_keys, .distinct = distinct };

	return track_new(&l, &secret);
}

static struct track_key
key_of(uint32_t n)
{
	struct track_key k = { { 0 } };

	memcpy(k.b, &n, sizeof(n));
	return k;
}

static bool
hit(struct track *t, uint32_t key, int64_t when_ms, uint32_t what)
{
	struct track_hit h = { .key = key_of(key), .when_ms = when_ms, .weight = 1,
	    .what = what };
	struct track_sum sum;

	return track_add(t, &h, &sum);
}

static unsigned
count(struct track *t, uint32_t key, int64_t now_ms)
{
	struct track_key k = key_of(key);
	struct track_sum sum;

	track_find(t, &k, now_ms, &sum);
	return sum.count;
}

static void
window_is_exact(void **state)
{
	struct track *t = make(3, 1000, 100, false);

	assert_false(hit(t, 1, 5000, 0));
	assert_false(hit(t, 1, 5500, 0));
	assert_false(hit(t, 1, 6001, 0));	/* the first is 1001 ms old */
	assert_int_equal(count(t, 1, 6001), 2);
	assert_true(hit(t, 1, 6500, 0));
	assert_int_equal(count(t, 1, 7001), 1);	/* as time goes by */
	assert_int_equal(count(t, 1, 7002), 0);
	track_free(t);
}

static void
late_failures_count(void **state)
{
	struct track *t = make(4, 1000, 100, false);

	assert_false(hit(t, 1, 9000, 0));
	assert_false(hit(t, 1, 7999, 0));	/* too old for the window of 9000 */
	assert_false(hit(t, 1, 8500, 0));
	assert_false(hit(t, 1, 8200, 0));
	assert_true(hit(t, 1, 8000, 0));
	track_free(t);
}

static void
long_windows(void **state)
{
	const int64_t day = INT64_C(86400000);
	struct track *t = make(3, 7 * day, 100, false);
	struct track *years = make(2, 3650 * day, 100, false);

	assert_false(hit(t, 1, 0, 0));
	assert_false(hit(t, 1, 7 * day, 0));
	assert_true(hit(t, 1, 7 * day - 1, 0));
	assert_false(hit(years, 1, 0, 0));
	assert_true(hit(years, 1, 3649 * day, 0));
	track_free(t);
	track_free(years);
}

static void
many_retries_fall_into_buckets(void **state)
{
	struct track *t = make(1000, 64000, 100, false);

	for (int i = 0; i < 999; i++)
		assert_false(hit(t, 1, 1000000 + i * 64, 0));
	assert_true(hit(t, 1, 1000000 + 63999, 0));
	assert_int_equal(count(t, 1, 1064000), 999);
	assert_true(track_bytes(t) < 1000000);
	track_free(t);
}

static void
distinct_values(void **state)
{
	struct track *t = make(3, 1000, 100, true);

	assert_false(hit(t, 1, 1000, 7));
	assert_false(hit(t, 1, 1100, 7));
	assert_false(hit(t, 1, 1200, 8));
	assert_false(hit(t, 1, 1150, 8));
	assert_false(hit(t, 1, 2100, 7));	/* seen anew */
	assert_true(hit(t, 1, 2150, 9));
	assert_int_equal(count(t, 1, 2201), 1);
	track_free(t);
}

/* At the cap the key silent for longest goes, not the oldest one. */
static void
cap_forgets_the_silent(void **state)
{
	struct track *t = make(5, 1000000, 3, false);

	hit(t, 1, 1, 0);
	hit(t, 2, 2, 0);
	hit(t, 3, 3, 0);
	hit(t, 1, 4, 0);
	hit(t, 4, 5, 0);
	assert_int_equal(track_count(t), 3);
	assert_int_equal(track_evicted(t), 1);
	assert_int_equal(count(t, 2, 5), 0);
	assert_int_equal(count(t, 1, 5), 2);
	track_free(t);
}

static void
sweep_spares_what_may_count(void **state)
{
	struct track *t = make(3, 1000, 100, false);

	hit(t, 1, 1000, 0);
	assert_int_equal(track_sweep(t, 3000, 10), 0);
	assert_int_equal(track_sweep(t, 3001, 10), 1);
	assert_int_equal(track_count(t), 0);
	track_free(t);
}

/* The promise of track.h, for keys with one and with many failures. */
static void
memory_per_key(size_t n, unsigned each)
{
	struct track *t = make(64, 1000000, n, false);

	for (unsigned k = 0; k < each; k++)
		for (size_t i = 0; i < n; i++)
			hit(t, (uint32_t)i, 1000 + k, 0);
	printf("%zu keys, %u failures each: %zu kept, %.1f bytes per key of the cap\n",
	    n, each, track_count(t), (double)track_bytes(t) / (double)n);
	assert_true(track_bytes(t) <= n * TRACK_BYTES);
	track_free(t);
}

static void
memory_is_bounded(void **state)
{
	memory_per_key(100000, 1);
	memory_per_key(1000000, 1);
	memory_per_key(100000, 5);
	memory_per_key(20000, 40);
}

static void
keep_record(void *arg, const struct track_key *key, struct str record)
{
	struct track *to = arg;

	if (record.len)
		assert_int_equal(track_restore(to, record), 0);
	else
		track_forget(to, key);
}

static void
records_come_back(void **state)
{
	struct track *t = make(5, 1000, 100, false), *to = make(5, 1000, 100, false);

	for (int i = 0; i < 4; i++)
		hit(t, 1, 1000 + i, 0);
	hit(t, 2, 1000, 0);
	track_records(t, false, keep_record, to);
	assert_int_equal(count(to, 1, 1500), 4);
	assert_int_equal(count(to, 2, 1500), 1);
	assert_true(hit(to, 1, 1500, 0));
	/* What is forgotten is told once. */
	assert_true(track_forget(t, &(struct track_key){ { 2 } }));
	track_records(t, false, keep_record, to);
	assert_int_equal(track_count(to), 1);
	track_free(t);
	track_free(to);
}

static void
bad_records_are_refused(void **state)
{
	struct track *t = make(5, 1000, 100, false);
	char bytes[200];

	memset(bytes, 0xff, sizeof(bytes));
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_true(track_restore(t, (struct str){ bytes, n }) < 0);
	assert_int_equal(track_count(t), 0);
	track_free(t);
}

/* Adding and forgetting at random against an array, through all growth. */
static void
index_keeps_its_keys(void **state)
{
	enum { KEYS = 3000, STEPS = 200000 };
	struct track *t = make(60000, 1000, KEYS, false);
	unsigned want[KEYS] = { 0 };
	unsigned seed = 1;

	for (int i = 0; i < STEPS; i++) {
		unsigned k = (unsigned)rand_r(&seed) % KEYS;
		struct track_key key = key_of(k);

		if (rand_r(&seed) % 3 == 0) {
			assert_int_equal(track_forget(t, &key), want[k] > 0);
			want[k] = 0;
		} else {
			hit(t, k, 5000, 0);
			want[k]++;
		}
	}
	for (unsigned k = 0; k < KEYS; k++)
		assert_int_equal(count(t, k, 5000), want[k]);
	assert_int_equal(track_evicted(t), 0);
	track_free(t);
}

/* Other limits while it runs: what was counted goes on, in either grain. */
static void
limits_change(void **state)
{
	struct track *t = make(3, 10000, 100, false);

	hit(t, 1, 5000, 0);
	hit(t, 1, 9000, 0);
	track_limit(t, 2, 3000);
	assert_int_equal(count(t, 1, 9000), 1);
	assert_true(hit(t, 1, 9500, 0));
	track_limit(t, 100, 64000);	/* into buckets, and back */
	assert_int_equal(count(t, 1, 9500), 1);
	assert_false(hit(t, 1, 30000, 0));
	track_limit(t, 3, 600000);
	assert_int_equal(count(t, 1, 30000), 2);
	assert_true(hit(t, 1, 30001, 0));
	track_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_is_exact),
		cmocka_unit_test(late_failures_count),
		cmocka_unit_test(long_windows),
		cmocka_unit_test(many_retries_fall_into_buckets),
		cmocka_unit_test(distinct_values),
		cmocka_unit_test(cap_forgets_the_silent),
		cmocka_unit_test(sweep_spares_what_may_count),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(records_come_back),
		cmocka_unit_test(bad_records_are_refused),
		cmocka_unit_test(index_keeps_its_keys),
		cmocka_unit_test(limits_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
