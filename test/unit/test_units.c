/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_units.c - durations, times and sizes as text.
 */
#include "test/unit/unit.h"

#include <errno.h>
#include <time.h>

#include "banner/base/units.h"

static const struct {
	int64_t ms;
	const char *text;
} durations[] = {
	{ -1, "for ever" }, { 0, "0s" }, { 999, "0s" }, { 45 * MS_PER_S, "45s" },
	{ MS_PER_MIN, "1m" }, { 61 * MS_PER_S, "1m 1s" }, { 10 * MS_PER_MIN, "10m" },
	{ 2 * MS_PER_DAY + 3 * MS_PER_HOUR + 59 * MS_PER_MIN, "2d 3h" },
	{ MS_PER_DAY + 5 * MS_PER_MIN, "1d" },
	{ MS_PER_HOUR + 30 * MS_PER_MIN, "1h 30m" },
	{ INT64_MAX, "106751991167d 7h" },
};

static void
prints_durations(void **state)
{
	char text[UNITS_TEXT];

	for (size_t i = 0; i < N(durations); i++)
		assert_string_equal(units_duration(durations[i].ms, text),
		    durations[i].text);
}

static void
prints_times(void **state)
{
	char text[UNITS_TEXT];

	setenv("TZ", "UTC-2", 1);	/* POSIX: two hours east */
	tzset();
	assert_string_equal(units_time(0, text), "1970-01-01 02:00:00");
	assert_string_equal(units_time(-1, text), "1970-01-01 01:59:59");
	assert_string_equal(units_time(INT64_C(1700000000999), text),
	    "2023-11-15 00:13:20");
	assert_true(strlen(units_time(INT64_MAX, text)) > 5);
	assert_true(strlen(units_time(INT64_MIN, text)) > 5);
}

static void
reads_bytes(void **state)
{
	static const char *const wrong[] = {
		"", "K", "4k", "4KB", "-1", "4 K", "4.5M", "x",
	};
	uint64_t v;

	assert_int_equal(units_bytes(STR("4096"), &v), 0);
	assert_int_equal(v, 4096);
	assert_int_equal(units_bytes(STR("16K"), &v), 0);
	assert_int_equal(v, 16384);
	assert_int_equal(units_bytes(STR("4M"), &v), 0);
	assert_int_equal(v, 4194304);
	assert_int_equal(units_bytes(STR("1G"), &v), 0);
	assert_int_equal(v, 1073741824);
	assert_int_equal(units_bytes(STR("17179869183G"), &v), 0);
	assert_int_equal(units_bytes(STR("17179869184G"), &v), -ERANGE);
	for (size_t i = 0; i < N(wrong); i++)
		assert_int_equal(units_bytes(str_of(wrong[i]), &v), -EINVAL);
	assert_int_equal(units_bytes((struct str){ "4\0", 2 }, &v), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_durations),
		cmocka_unit_test(prints_times),
		cmocka_unit_test(reads_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
