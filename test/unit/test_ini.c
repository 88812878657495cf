/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_ini.c - configuration files: configparser's lines, behind libinih's limits.
 */
#include "test/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "banner/base/buf.h"
#include "banner/conf/ini.h"

static struct arena *arena;

static const struct ini *
parse(const char *text)
{
	return ini_parse_text(arena, "t.conf", str_of(text));
}

static const char *
value(const struct ini *ini, const char *section, const char *name)
{
	const struct ini_section *s = ini_section_find(ini, section);
	const struct ini_option *o = s ? ini_option_find(s, name) : NULL;

	return o ? o->value : NULL;
}

static const struct {
	const char *text, *name, *value;
} lines[] = {
	{ "a=b", "a", "b" }, { "  A_b :\tc = d  ", "a_b", "c = d" },
	{ "url = http://x:1", "url", "http://x:1" }, { "a =", "a", "" },
	{ "a = b ; comment", "a", "b" }, { "a = b;c", "a", "b;c" },
	{ "a = b # c", "a", "b # c" }, { "a = ;b", "a", "" },
	{ "a = b\n  c\n\td ; x\n", "a", "b\nc\nd" },
	{ "a = b\n  # comment\n  c", "a", "b\nc" },
	{ "a = b\n; comment\n  c", "a", "b\nc" },
	{ "a = b\n\n  c\n\n\n", "a", "b\n\nc" },
	{ "a =\n  b\n  c", "a", "\nb\nc" },
	{ "a = b\n [c]\n", "a", "b\n[c]" }, { "  a = b\n    c\n", "a", "b\nc" },
	{ "a = b\r\n  c\r\n", "a", "b\nc" }, { "a = b\n  c = d\n", "a", "b\nc = d" },
	{ "a = \"x ; y\"", "a", "\"x" }, { "a = 100%% %(b)s", "a", "100%% %(b)s" },
	{ "a = \xc3\xa4 \xe2\x82\xac", "a", "\xc3\xa4 \xe2\x82\xac" },
	{ "a=x%25y%", "a", "x%25y%" },
};

static void
reads_lines_as_configparser(void **state)
{
	char text[256];

	for (size_t i = 0; i < N(lines); i++) {
		const struct ini *ini;

		snprintf(text, sizeof(text), "[S]\n%s", lines[i].text);
		ini = parse(text);
		assert_int_equal(ini->nproblems, 0);
		assert_non_null(value(ini, "S", lines[i].name));
		assert_string_equal(value(ini, "S", lines[i].name), lines[i].value);
	}
}

static void
reads_sections(void **state)
{
	const struct ini *ini =
	    parse("# x\n[One]  \na=1\n[ two ] tail\nb=2\n[Init?a=b]\n"
		  "c=3\n[DEFAULT]\nd=4\n[DEFAULT]\ne=5\n[a]b]\nf=6\n");

	assert_int_equal(ini->nproblems, 0);
	assert_string_equal(value(ini, "One", "a"), "1");
	assert_string_equal(value(ini, " two ", "b"), "2");
	assert_string_equal(value(ini, "Init?a=b", "c"), "3");
	assert_string_equal(value(ini, "DEFAULT", "d"), "4");
	assert_string_equal(value(ini, "DEFAULT", "e"), "5");
	assert_string_equal(value(ini, "a]b", "f"), "6");
}

static void
keeps_line_numbers(void **state)
{
	const struct ini *ini = parse("\n[S]\n# c\na = b\n  c\n\nd = e\n");
	const struct ini_section *s = ini_section_find(ini, "S");

	assert_int_equal(s->line, 2);
	assert_int_equal(ini_option_find(s, "a")->line, 4);
	assert_int_equal(ini_option_find(s, "d")->line, 7);
}

static const struct {
	const char *text;
	int line;
	const char *says;
} mistakes[] = {
	{ "a = b\n", 1, "[DEFAULT]" },
	{ "[S]\njust words\n", 2, "name = value" },
	{ "[S]\n= x\n", 2, "name before" },
	{ "[S]\na = 1\nb = 2\na = 3\n", 4, "first in line 2" },
	{ "[S]\na = 1\n[T]\n[S]\nb = 2\n", 4, "first in line 1" },
	{ "[S]\na = \xff\n", 2, "UTF-8" },
	{ "[S]\n[]\n", 2, "such as [name]" },
	{ "[S\na = 1\n", 1, "such as [name]" },
};

static void
names_mistakes(void **state)
{
	for (size_t i = 0; i < N(mistakes); i++) {
		const struct ini *ini = parse(mistakes[i].text);

		assert_int_equal(ini->nproblems, 1);
		assert_int_equal(ini->problems[0].line, mistakes[i].line);
		assert_non_null(strstr(ini->problems[0].text, mistakes[i].says));
	}
}

static void
goes_on_after_mistakes(void **state)
{
	const struct ini *ini = parse("[S]\nbad\na = 1\nworse\n[T]\nb = 2\n");

	assert_int_equal(ini->nproblems, 2);
	assert_string_equal(ini->problems[0].section, "S");
	assert_string_equal(value(ini, "S", "a"), "1");
	assert_string_equal(value(ini, "T", "b"), "2");
}

static void
loses_only_the_section_with_bad_bytes(void **state)
{
	const struct ini *ini = parse("\xef\xbb\xbf[S]\n# J\xfcrg\na = 1\r"
	    "[T]\r\nb = \xfc\n\xfc\n[U]\nd = 2\n");

	(void)state;
	assert_int_equal(ini->nproblems, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(ini->problems[i].section, "T");
		assert_int_equal(ini->problems[i].line, 5 + (int)i);
	}
	assert_int_equal(ini->nnotes, 2);
	assert_non_null(strstr(ini->notes[0].text, "byte order mark"));
	assert_int_equal(ini->notes[1].line, 2);
	assert_string_equal(value(ini, "S", "a"), "1");
	assert_string_equal(value(ini, "U", "d"), "2");
}

static void
a_section_that_is_not_closed_is_one(void **state)
{
	const struct ini *ini = parse("[S]\na = 1\n[T\nb = 2\n");

	(void)state;
	assert_int_equal(ini->nproblems, 1);
	assert_string_equal(ini->problems[0].section, "T");
	assert_string_equal(value(ini, "S", "a"), "1");
	assert_string_equal(value(ini, "T", "b"), "2");
}

/* Far beyond libinih's 200-byte lines and 50-byte names, with everything in it that
 * libinih would strip, split or take for a comment. */
static void
long_things_survive(void **state)
{
	static const char mix[] = "^a ;b = c : %d; [x] \\S+ \"'  # ";
	char name[301], regex[5001];
	struct buf text = { 0 };
	const struct ini *ini;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < sizeof(regex) - 1; i++)
		regex[i] = mix[i % (sizeof(mix) - 1)] == ';' ? ',' :
		    mix[i % (sizeof(mix) - 1)];
	regex[sizeof(regex) - 2] = '$';
	regex[sizeof(regex) - 1] = '\0';
	buf_printf(&text, "[%s]\n%s = %s\nshort = 1\n  %s\n", name, name, regex, regex);
	ini = parse(text.p);
	assert_int_equal(ini->nproblems, 0);
	assert_string_equal(value(ini, name, name), regex);
	assert_int_equal(strlen(value(ini, name, "short")), 2 + strlen(regex));
	buf_fini(&text);
}

/* Whatever the bytes are, reading ends and stays inside them. */
static void
survives_noise(void **state)
{
	static const char alphabet[] = "[]=:;#% \t\n\r\\\"<>()sa\xc3\xa4\xff";
	uint64_t seed = 42;
	char text[400];

	for (int round = 0; round < 2000; round++) {
		size_t n = unit_random(&seed) % sizeof(text);

		for (size_t i = 0; i < n; i++)
			text[i] = alphabet[unit_random(&seed) % (sizeof(alphabet) - 1)];
		assert_non_null(ini_parse_text(arena, "x", (struct str){ text, n }));
	}
}

static void
refuses_what_is_no_file(void **state)
{
	struct ini *ini;
	struct err e;

	assert_int_equal(ini_load(arena, "/no/such/file", &ini, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/no/such/file"));
	assert_int_equal(ini_load(arena, "/", &ini, &e), -EINVAL);
}

static int
setup(void **state)
{
	arena = arena_new();
	return 0;
}

static int
teardown(void **state)
{
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lines_as_configparser),
		cmocka_unit_test(reads_sections),
		cmocka_unit_test(keeps_line_numbers),
		cmocka_unit_test(names_mistakes),
		cmocka_unit_test(goes_on_after_mistakes),
		cmocka_unit_test(loses_only_the_section_with_bad_bytes),
		cmocka_unit_test(a_section_that_is_not_closed_is_one),
		cmocka_unit_test(long_things_survive),
		cmocka_unit_test(survives_noise),
		cmocka_unit_test(refuses_what_is_no_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
