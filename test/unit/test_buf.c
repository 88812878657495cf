/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_buf.c - growing buffers, JSON strings, log text made safe.
 */
#include "test/unit/unit.h"

#include "banner/base/buf.h"

static void
grows(void **state)
{
	struct buf b = { 0 };

	assert_string_equal(buf_view(&b).s, "");
	buf_clear(&b);
	for (int i = 0; i < 5000; i++)
		buf_printf(&b, "%04d", i);
	assert_int_equal(b.len, 20000);
	assert_int_equal(strlen(b.p), 20000);
	assert_memory_equal(b.p + 19996, "4999", 4);
	buf_drop(&b, 19992);
	assert_string_equal(b.p, "49984999");
	buf_drop(&b, 100);
	assert_string_equal(b.p, "");
	buf_puts(&b, "a");
	buf_putc(&b, 'b');
	buf_str(&b, STR("cd"));
	buf_add(&b, NULL, 0);
	assert_true(str_is(buf_view(&b), "abcd"));
	buf_clear(&b);
	assert_string_equal(b.p, "");
	buf_fini(&b);
	assert_null(b.p);
	buf_drop(&b, 3);
	buf_fini(&b);
}

/* What is added at one end and taken at the other comes out in order. */
static void
drops_from_the_front(void **state)
{
	struct buf b = { 0 };
	unsigned in = 0, out = 0;

	for (unsigned turn = 0; turn < 2000; turn++) {
		for (unsigned i = 0; i < turn * 7 % 50; i++)
			buf_putc(&b, (char)in++);
		for (unsigned i = turn * 11 % 52; i > 0 && b.len > 0; i--) {
			assert_int_equal((uint8_t)b.p[0], (uint8_t)out++);
			buf_drop(&b, 1);
		}
		assert_int_equal(b.len, in - out);
		if (b.p)
			assert_int_equal(b.p[b.len], 0);
	}
	assert_true(out > 10000);
	buf_fini(&b);
}

/* A long buffer is taken apart without moving it at each step: that would take
 * minutes. */
static void
drops_a_long_one(void **state)
{
	enum { LONG = 64 << 20 };
	struct buf b = { 0 };

	buf_reserve(&b, LONG);
	memset(b.p, 'x', LONG);
	b.len = LONG;
	b.p[LONG] = '\0';
	for (int i = 0; i < LONG / 1024 - 1; i++)
		buf_drop(&b, 1024);
	assert_int_equal(b.len, 1024);
	buf_puts(&b, "y");
	assert_memory_equal(b.p + 1023, "xy", 3);
	buf_fini(&b);
}

static void
prints_what_does_not_fit_at_first(void **state)
{
	struct buf b = { 0 };

	for (int n = 0; n < 300; n++) {
		buf_clear(&b);
		buf_printf(&b, "%*d", n + 1, 7);
		assert_int_equal(b.len, n + 1);
		assert_int_equal(strlen(b.p), n + 1);
		assert_true(b.p[n] == '7');
		buf_fini(&b);
	}
}

#define FFFD	"\xef\xbf\xbd"

static const struct {
	struct str in;
	const char *json, *safe;
} texts[] = {
	{ { "", 0 }, "\"\"", "" },
	{ { "a\"b\\c/", 6 }, "\"a\\\"b\\\\c/\"", "a\"b\\c/" },
	{ { "\b\f\n\r\t\x1f\0", 7 }, "\"\\b\\f\\n\\r\\t\\u001f\\u0000\"",
	  "\\x08\\x0c\\x0a\\x0d\\x09\\x1f\\x00" },
	{ { "\x7f", 1 }, "\"\x7f\"", "\\x7f" },
	{ { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9 },
	  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
	  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ { "\xc2\x9bx\xc2\xa0", 5 }, "\"\xc2\x9bx\xc2\xa0\"", "\\xc2\\x9bx\xc2\xa0" },
	{ { "\x1b[2J", 4 }, "\"\\u001b[2J\"", "\\x1b[2J" },
	/* Lone bytes, overlong forms, surrogates, beyond U+10FFFF, cut short: the
	 * examples of Unicode 15, section 3.9, tables 3-8 to 3-11. */
	{ { "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", 9 },
	  "\"" FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A\"",
	  "\\xc0\\xaf\\xe0\\x80\\xbf\\xf0\\x81\\x82" "A" },
	{ { "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", 9 },
	  "\"" FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A\"",
	  "\\xed\\xa0\\x80\\xed\\xbf\\xbf\\xed\\xaf" "A" },
	{ { "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", 9 },
	  "\"" FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B\"",
	  "\\xf4\\x91\\x92\\x93\\xff" "A\\x80\\xbf" "B" },
	{ { "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9 },
	  "\"" FFFD FFFD FFFD FFFD "A\"",
	  "\\xe1\\x80\\xe2\\xf0\\x91\\x92\\xf1\\xbf" "A" },
	{ { "a\xe2\x82", 3 }, "\"a" FFFD "\"", "a\\xe2\\x82" },
};

static void
escapes(void **state)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < N(texts); i++) {
		buf_clear(&b);
		buf_json(&b, texts[i].in);
		assert_string_equal(b.p, texts[i].json);
		buf_clear(&b);
		buf_puts(&b, "");
		buf_safe(&b, texts[i].in, 100);
		assert_string_equal(b.p, texts[i].safe);
	}
	buf_fini(&b);
}

static void
shows_that_text_was_cut(void **state)
{
	struct buf b = { 0 };

	buf_safe(&b, STR("abcdef"), 6);
	buf_putc(&b, '|');
	buf_safe(&b, STR("abcdef"), 5);
	buf_putc(&b, '|');
	buf_safe(&b, STR("ab\xe2\x82\xac"), 4);		/* no half characters */
	assert_string_equal(b.p, "abcdef|abcde...|ab...");
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(drops_from_the_front),
		cmocka_unit_test(drops_a_long_one),
		cmocka_unit_test(prints_what_does_not_fit_at_first),
		cmocka_unit_test(escapes),
		cmocka_unit_test(shows_that_text_was_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
