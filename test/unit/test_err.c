/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_err.c - error texts: one line, never cut in silence.
 */
#include "test/unit/unit.h"

#include <errno.h>

#include "banner/base/err.h"

static void
sets_and_prefixes(void **state)
{
	struct err e;

	assert_int_equal(err_set(&e, -EINVAL, "bad %s %d", "number", 7), -EINVAL);
	assert_string_equal(e.text, "bad number 7");
	assert_int_equal(err_prefix(&e, -ERANGE, "%s:%d", "jail.conf", 3), -ERANGE);
	assert_string_equal(e.text, "jail.conf:3: bad number 7");
	assert_int_equal(err_set(NULL, -ENOENT, "x"), -ENOENT);
	assert_int_equal(err_prefix(NULL, -ENOENT, "x"), -ENOENT);
}

static void
is_one_line(void **state)
{
	struct err e;

	err_set(&e, -EINVAL, "a\nb\r\nc");
	assert_string_equal(e.text, "a b  c");
}

static void
shows_that_it_was_cut(void **state)
{
	char text[3000], *end;
	struct err e;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&e, -EINVAL, "%s", text);
	end = e.text + sizeof(e.text) - 1 - 5;
	assert_string_equal(end, "xx...");
	err_prefix(&e, -EINVAL, "file");
	assert_memory_equal(e.text, "file: xx", 8);
	assert_string_equal(end, "xx...");
	err_prefix(&e, -EINVAL, "%s", text);
	assert_string_equal(end, "xx...");

	/* Exactly full is not cut. */
	text[sizeof(e.text) - 1] = '\0';
	err_set(&e, -EINVAL, "%s", text);
	assert_string_equal(e.text, text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_and_prefixes),
		cmocka_unit_test(is_one_line),
		cmocka_unit_test(shows_that_it_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
