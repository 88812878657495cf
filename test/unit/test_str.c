/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_str.c - borrowed text: cutting, words, numbers, patterns.
 */
#include "test/unit/unit.h"

#include <errno.h>

#include "banner/base/str.h"

static void
compares(void **state)
{
	assert_true(str_eq(STR("abc"), STR("abc")));
	assert_false(str_eq(STR("abc"), STR("abd")));
	assert_false(str_eq(STR("abc"), STR("ab")));
	assert_true(str_eq(STR(""), (struct str){ NULL, 0 }));
	assert_true(str_is(str_of(NULL), ""));
	assert_true(str_starts(STR("abc"), "ab"));
	assert_true(str_starts(STR("abc"), ""));
	assert_false(str_starts(STR("a"), "ab"));
	assert_true(str_ends(STR("abc"), "bc"));
	assert_true(str_ends(STR(""), ""));
	assert_false(str_ends(STR("c"), "bc"));
	assert_false(str_ends(STR("abd"), "bc"));
}

static void
trims(void **state)
{
	assert_true(str_is(str_trim(STR(" \t\v\f\r\n a b \n")), "a b"));
	assert_true(str_is(str_trim(STR("a")), "a"));
	assert_true(str_is(str_trim(STR("   ")), ""));
	assert_true(str_is(str_trim(STR("\xa0")), "\xa0"));	/* ASCII only */
}

static void
cuts(void **state)
{
	struct str rest = STR("a,,b,"), part;

	assert_true(str_cut(&rest, ',', &part) && str_is(part, "a"));
	assert_true(str_cut(&rest, ',', &part) && str_is(part, ""));
	assert_true(str_cut(&rest, ',', &part) && str_is(part, "b"));
	assert_non_null(rest.s);
	assert_true(str_cut(&rest, ',', &part) && str_is(part, ""));
	assert_null(rest.s);
	assert_false(str_cut(&rest, ',', &part));

	rest = STR("");
	assert_true(str_cut(&rest, ',', &part) && str_is(part, ""));
	assert_false(str_cut(&rest, ',', &part));
}

static void
finds_words(void **state)
{
	struct str rest = STR("  one\ttwo\n three"), word;

	assert_true(str_word(&rest, &word) && str_is(word, "one"));
	assert_true(str_word(&rest, &word) && str_is(word, "two"));
	assert_true(str_word(&rest, &word) && str_is(word, "three"));
	assert_false(str_word(&rest, &word));
	rest = STR("  ");
	assert_false(str_word(&rest, &word));
}

static void
reads_numbers(void **state)
{
	static const char *const wrong[] = {
		"", "-", "+1", " 1", "1 ", "0x1", "1.0", "--1", "1a", "a",
		"99999999999999999999x",
	};
	uint64_t u = 7;
	int64_t i = 7;

	assert_int_equal(str_u64(STR("18446744073709551615"), &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(str_u64(STR("18446744073709551616"), &u), -ERANGE);
	assert_int_equal(str_u64(STR("99999999999999999999999999"), &u), -ERANGE);
	assert_int_equal(str_u64(STR("-1"), &u), -EINVAL);
	assert_int_equal(str_i64(STR("-9223372036854775808"), &i), 0);
	assert_true(i == INT64_MIN);
	assert_int_equal(str_i64(STR("9223372036854775807"), &i), 0);
	assert_true(i == INT64_MAX);
	assert_int_equal(str_i64(STR("9223372036854775808"), &i), -ERANGE);
	assert_int_equal(str_i64(STR("-9223372036854775809"), &i), -ERANGE);
	for (size_t k = 0; k < N(wrong); k++) {
		assert_int_equal(str_u64(str_of(wrong[k]), &u), -EINVAL);
		assert_int_equal(str_i64(str_of(wrong[k]), &i), -EINVAL);
	}
	assert_int_equal(str_u64((struct str){ "12345", 3 }, &u), 0);
	assert_int_equal(u, 123);
}

static void
reads_booleans(void **state)
{
	assert_true(str_bool(STR("1")) && str_bool(STR("on")));
	assert_true(str_bool(STR("True")) && str_bool(STR("YES")));
	assert_false(str_bool(STR("")) || str_bool(STR("0")) || str_bool(STR("2")));
	assert_false(str_bool(STR("y")) || str_bool(STR("yes ")));
	assert_false(str_bool(STR("off")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares),
		cmocka_unit_test(trims),
		cmocka_unit_test(cuts),
		cmocka_unit_test(finds_words),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(reads_booleans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
