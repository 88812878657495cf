/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_pattern.c - tags, Python's dialect, the two programs, the limits.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "banner/core/pattern_int.h"

static bool
is_ascii(const char *s)
{
	for (; *s; s++)
		if (*s & 0x80)
			return false;
	return true;
}

/* The span of a group as text, NULL when there is no match or the group is unset. */
static const char *
search(const char *regex, unsigned flags, const char *text, const char *group)
{
	static char out[256];
	struct pattern_run *run = pattern_run_new();
	struct pattern *p;
	struct err e;
	size_t from, to;
	unsigned g;
	const char *result = NULL;

	if (pattern_new(regex, flags, &p, &e) < 0) {
		print_message("%s: %s\n", regex, e.text);
		fail();
	}
	g = group ? pattern_group(p, group) : 0;
	assert_true(!group || g > 0);
	if (pattern_search(run, p, str_of(text), 0, is_ascii(text)) == PATTERN_YES &&
	    pattern_span(run, g, &from, &to)) {
		snprintf(out, sizeof(out), "%.*s", (int)(to - from), text + from);
		result = out;
	}
	pattern_free(p);
	pattern_run_free(run);
	return result;
}

static void
tags(void **state)
{
	assert_string_equal(
	    search("from <HOST>$", 0, "x from 192.0.2.7", "ip4"), "192.0.2.7");
	assert_string_equal(
	    search("from <HOST>$", 0, "from [2001:db8::1]", "ip6"), "2001:db8::1");
	assert_string_equal(
	    search("from <HOST>$", 0, "from a.example", "dns"), "a.example");
	assert_null(search("from <HOST>$", PATTERN_NO_DNS, "from a.example", NULL));
	assert_string_equal(
	    search("^<F-USER>\\S+|.*?</F-USER> <ADDR>", 0, "joe 1.2.3.4", "user"),
	    "joe");
	assert_string_equal(
	    search("id <F-ID/>:<F-PORT>\\d+</F-PORT>", 0, "id a:22", "fport"), "22");
	assert_string_equal(search("^<SUBNET>", 0, "10.0.0.0/24", "cidr"), "24");
	assert_string_equal(
	    search("^a<SKIPLINES>b <HOST>", 1, "a\nx\nb 1.2.3.4", "skiplines0"), "x\n");
	/* Unknown tags and closing tags never opened are text. */
	assert_non_null(search("<foo></F-X><HOST>", 0, "<foo></F-X>1.2.3.4", NULL));
	assert_non_null(search("((?i)ABC) <HOST>", 0, "abc 1.2.3.4", NULL));
}

static const struct {
	const char *regex, *text, *match; /* match NULL: none */
} dialect[] = {
	{ "a{,3}b", "aaaab", "aaab" },
	{ "a{,}b", "aaaab", "aaaab" },
	{ "a{x}", "a{x}", "a{x}" },
	{ "a{}", "a{}", "a{}" },
	{ "a{ 1,2}", "a{ 1,2}", "a{ 1,2}" },
	{ "(?iu)MAY", "may", "may" },
	{ "a\\Z", "a\n", NULL },
	{ "a$", "a\n", "a" },
	{ "\\u0041\\x42\\103\\U00000044", "ABCD", "ABCD" },
	{ "\\u00e9", "\xc3\xa9", "\xc3\xa9" },
	{ "^\xc3\xa9?x", "x", "x" },
	{ "[\xc3\xa0-\xc3\xbc]", "\xc3\xa9", "\xc3\xa9" },
	{ "[[:alpha:]]", "l]", "l]" },
	{ "[[:alpha:]]", "z]", NULL },
	{ "a\\sb",
	    "a\x1c"
	    "b",
	    "a\x1c"
	    "b" },
	{ "a\\Sb",
	    "a\x1c"
	    "b",
	    NULL },
	{ "[\\sx]+", "\x1fx", "\x1fx" },
	{ "[\\S\\n]+", "ab\nc d", "ab\nc" },
	{ "[^\\S\\n]+", "a \x1c\nb", " \x1c" },
	{ "[\\s\\S]+", "a\n\x1c", "a\n\x1c" },
	{ "\\v", "\x0b", "\x0b" },
	{ "\\v", "\n", NULL },
	{ "[\\b]", "\b", "\b" },
	{ "(?P<R>a)?(?(R)b|c)", "ab", "ab" },
	{ "^(?P<R>a)?(?(R)b|c)$", "c", "c" },
	{ "(?P<name_of_more_than_thirty_two_characters>a)(?P=name_of_more_than_thirty_"
	  "two_"
	  "characters)",
	    "aa", "aa" },
	{ "(?x) a b # comment\n c", "abc", "abc" },
	{ "(?x: a [ ] b ) c", "a b c", "a b c" },
	{ "(?a)\\w+", "a\xc3\xa9", "a" },
	{ "\\w+", "a\xc3\xa9", "a\xc3\xa9" },
	{ "\\d", "\xd9\xa3", "\xd9\xa3" },
	{ "a(?#note)*b", "aab", "aab" },
	{ "(?s:.)x", "\nx", "\nx" },
	{ "(?>a+)b", "aab", "aab" },
	{ "(a)(b)\\2", "abb", "abb" },
	{ "a.b", "a\rb", "a\rb" },
	{ "[]a]+", "a]", "a]" },
	{ "[^]]+", "]ab", "ab" },
	{ "[a\\]-]+", "]-a", "]-a" },
	{ "[a\\x1c-\\x1f]+", "x\034a", "\034a" },
	{ "(?a)\\s", "\034", NULL },
	{ "(?a)\\S", "\034", "\034" },
	{ "(?a)[\\s]+", "\034 \011", " \011" },
	{ "(?a)[\\S]+", " ab", "ab" },
	{ "[\\x41-\\u0043]+", "xABCD", "ABC" },
	{ "[\\101]+", "BA", "A" },
	{ "\\0101", "\0101", "\0101" },
	{ "[^\\S\\s]", "a", NULL },
	{ "[^\\S]+", "a b", " " },
	{ "[^\\s]+", " ab", "ab" },
	{ "[\\S]+", " ab", "ab" },
	{ "[\\a\\f\\r\\t\\v\\n]+", "x\014\011", "\014\011" },
	{ "[\\W]+", "a-b", "-" },
	{ "[\\D\\d]+", "1a", "1a" },
	{ "[+--]+", "x,+-", ",+-" },
	{ "(?i-s:a.)b", "A\012b", NULL },
	{ "(?s-i:a.)b", "a\012b", "a\012b" },
	{ "(?x-i: a b )c", "abc", "abc" },
	{ "(?x)(?-x:a b) c", "a bc", "a bc" },
	{ "(?i)(?-i:a)B", "ab", "ab" },
	{ "a{2,3}?", "aaa", "aa" },
	{ "a{2}+b", "aab", "aab" },
	{ "a++b", "aab", "aab" },
	{ "a*+b", "aab", "aab" },
	{ "(a)\\1{2}", "aaa", "aaa" },
	{ "\\141", "a", "a" },
	{ "\\07", "\007", "\007" },
	{ "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)\\10", "abcdefghijj", "abcdefghijj" },
	{ "(?x) a # no end", "a", "a" },
	{ "a(?#x)b", "ab", "ab" },
	{ "(?!a)b", "ab", "b" },
	{ "(?<!a)b", "cb", "b" },
	{ "(a)?b(?(1)c|d)", "bd", "bd" },
	{ "(a)?b(?(1)c)", "abc", "abc" },
	{ "\\.\\-\\ \\/\\#", ".- /#", ".- /#" },
	{ "\\\303\251", "\303\251", "\303\251" },
	{ "[\\u00e9]", "\303\251", "\303\251" },
	{ "\\D\\W", "a-", "a-" },
	{ "(?s).", "\012", "\012" },
	{ "(?m)^b", "a\012b", "b" },
	{ "x{0}y", "xy", "y" },
	{ "(?:){3}a", "a", "a" },
	{ "x{10}", "xxxxxxxxxx", "xxxxxxxxxx" },
	{ "(?P<a>x)(?P=a)", "xx", "xx" },
	{ "\360\237\230\200+", "a\360\237\230\200\360\237\230\200",
	    "\360\237\230\200\360\237\230\200" },
	/* The JIT of PCRE2 10.42 finds one here. */
	{ "(?>\\B\\-*?(?:(?:\\[|\\W*+|\\[)b{0,2}|[^x])(?!c++)).", "A\x1c\x1c\n-/",
	  NULL },
};

static void
python_dialect(void **state)
{
	for (size_t i = 0; i < sizeof(dialect) / sizeof(*dialect); i++) {
		const char *got =
		    search(dialect[i].regex, PATTERN_PLAIN, dialect[i].text, NULL);

		if (!got != !dialect[i].match ||
		    (got && strcmp(got, dialect[i].match))) {
			print_message("%s on %s: %s\n", dialect[i].regex,
			    dialect[i].text, got ? got : "(none)");
			fail();
		}
	}
}

static const struct {
	const char *regex, *reason;
} refused[] = {
	{ "ab(c", "column 3: missing )" },
	{ "ab)c", "column 3: unbalanced parenthesis" },
	{ "a\\Kb", "column 2: bad escape \\K" },
	{ "a\\Cb", "column 2: bad escape \\C" },
	{ "\\Qa\\E", "column 1: bad escape \\Q" },
	{ "a\\N{BULLET}", "column 2: characters by name" },
	{ "*a", "column 1: nothing to repeat" },
	{ "(*UTF)a", "column 2: nothing to repeat" },
	{ "a**", "column 3: multiple repeat" },
	{ "a{2}{3}", "column 5: multiple repeat" },
	{ "^*", "column 2: nothing to repeat" },
	{ "(?R)", "column 1: unknown flag 'R'" },
	{ "(?|a)", "column 1: unknown extension ?|" },
	{ "(?<n>a)", "column 1: unknown extension ?<" },
	{ "(?P>n)", "column 1: unknown extension ?P>" },
	{ "(?P<a>x)(?P<a>y)", "column 9: group name 'a' used again" },
	{ "(?P<1a>x)", "column 1: group name '1a' begins with a digit" },
	{ "(?P<a-b>x)", "column 5: bad character in group name" },
	{ "(?P=no)", "column 1: unknown group name 'no'" },
	{ "(a\\1)", "column 3: cannot refer to an open group" },
	{ "\\2(a)", "column 1: invalid group reference 2" },
	{ "a(?i)b", "column 2: global flags (?i) not at the start" },
	{ "a(?a:b)", "column 2: (?a:...) for a part" },
	{ "[a", "unterminated character set" },
	{ "[z-a]", "column 3: bad character range" },
	{ "[\\d-z]", "column 4: bad character range" },
	{ "x\\u12", "incomplete escape \\u" },
	{ "\xff", "column 1: not valid UTF-8" },
	{ "(?<=a+)b", "lookbehind" },
	{ "a{3,2}", "column" },
	{ "(?-:a)", "column 1: flags turned off" },
	{ "(?i-i:a)", "column 1: flags turned off" },
	{ "[\\400]", "column 5: octal escape beyond 0o377" },
	{ "\\400", "column 1: octal escape beyond 0o377" },
	{ "[\\q]", "column 2: bad escape \\q" },
	{ "a\\", "column 2: backslash at the end" },
	{ "[a\\", "column 3: backslash at the end" },
	{ "\\x4", "column 3: incomplete escape \\x" },
	{ "\\xg0", "column 3: incomplete escape \\x" },
	{ "\\U00110000", "column 3: escape \\U is no character" },
	{ "[\\u12]", "column 4: incomplete escape \\u" },
	{ "(?P<a", "column 5: missing >, unterminated name" },
	{ "(?(1", "column 4: missing ), unterminated name" },
	{ "(?(9)a)", "column 1: reference to non-existent subpattern" },
	{ "(?#", "column 1: missing ), unterminated comment" },
	{ "(?ix", "column 1: missing : after flags" },
	{ "(?i-)", "column 1: flags turned off: none" },
	{ "(?-x-i:a)", "column 1: missing : after flags" },
	{ "(?x-x:a)", "column 1: flags turned off: none" },
	{ "(?P<>a)", "column 5: missing group name" },
	{ "(?Pa)", "column 1: unknown extension ?Pa" },
	{ "(?(a)b)", "column 1: unknown group 'a' in condition" },
	{ "(?(1)a|b|c)(x)", "column 1: conditional subpattern contains more" },
	{ "(?z)", "column 1: unknown flag 'z'" },
	{ "(?i", "column 1: missing : after flags" },
	{ "a{1}{2}", "column 5: multiple repeat" },
	{ "(?", "column 1: unknown extension ?" },
	{ "(?P=", "column 5: missing ), unterminated name" },
	{ "(?P", "column 1: unknown extension ?P" },
	{ "a|*", "column 3: nothing to repeat" },
	{ "[]", "column 2: unterminated character set" },
	{ "[^]", "column 3: unterminated character set" },
	{ "(?(0)a)", "column 1: unknown group '0' in condition" },
	{ "(?(101)a)", "column 1: reference to non-existent subpattern" },
	{ "\\777", "column 1: octal escape beyond 0o377" },
	{ "(?<=a", "column 1: missing ), unterminated group" },
	{ "(?<a", "column 1: unknown extension ?<" },
};

static void
refusals(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct pattern *p;
		struct err e = { "" };

		if (pattern_new(refused[i].regex, PATTERN_PLAIN, &p, &e) == 0 ||
		    !strstr(e.text, refused[i].reason)) {
			print_message("%s: %s\n", refused[i].regex, e.text);
			fail();
		}
	}
}

/* Columns are those of the text the user wrote, not of what tags became. */
static void
own_columns(void **state)
{
	struct pattern *p;
	struct err e;

	assert_true(pattern_new("<HOST> (x", 0, &p, &e) < 0);
	assert_non_null(strstr(e.text, "column 8:"));
	assert_true(pattern_new("<HOST> <HOST>", 0, &p, &e) < 0);
	assert_non_null(strstr(e.text, "column 8: group name 'ip4' used again"));
	assert_true(pattern_new("no id", 0, &p, &e) < 0);
	assert_non_null(strstr(e.text, "nothing to ban"));
	assert_true(pattern_new("  ", PATTERN_PREFIX, &p, &e) < 0);
	assert_int_equal(pattern_new("no id", PATTERN_PREFIX, &p, &e), 0);
	pattern_free(p);
}

static void
multiline(void **state)
{
	assert_string_equal(
	    search("^b$", PATTERN_PLAIN | PATTERN_MULTILINE, "a\nb\n", NULL), "b");
	assert_null(search("^b$", PATTERN_PLAIN, "a\nb\n", NULL));
	/* After a final newline too: PCRE2 alone would not. */
	assert_non_null(
	    search("\\n^\\Z", PATTERN_PLAIN | PATTERN_MULTILINE, "a\n", NULL));
}

static void
names(void **state)
{
	struct pattern *p;
	struct err e;

	assert_int_equal(pattern_new("(x)<F-USER>a</F-USER><ADDR>", 0, &p, &e), 0);
	assert_int_equal(pattern_groups(p), 4);
	assert_null(pattern_group_name(p, 1));
	assert_string_equal(pattern_group_name(p, 2), "user");
	assert_int_equal(pattern_group(p, "ip6"), 4);
	assert_int_equal(pattern_group(p, "dns"), 0);
	assert_null(pattern_group_name(p, 99));
	pattern_free(p);
}

/* A hopeless regex ends soon, and is not taken for "no match". */
static void
limits(void **state)
{
	struct pattern_run *run = pattern_run_new();
	struct pattern *p;
	struct err e;
	size_t from, to;

	assert_int_equal(pattern_new("^(?:a+)+$", PATTERN_PLAIN, &p, &e), 0);
	assert_int_equal(
	    pattern_search(
		run, p, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), 0, true),
	    PATTERN_LIMIT);
	assert_false(pattern_span(run, 0, &from, &to));
	/* 2^14 and 2^20 decisions: the limit is 100,000. */
	assert_int_equal(pattern_search(run, p, STR("aaaaaaaaaaaaaab"), 0, true),
	    PATTERN_NO);
	assert_int_equal(pattern_search(run, p, STR("aaaaaaaaaaaaaaaaaaaab"), 0, true),
	    PATTERN_LIMIT);
	pattern_free(p);
	pattern_run_free(run);
}

/* At 45,000 bytes the 1 MiB that JIT gets is too little and the interpreter answers;
 * at 75,000 it gives up as well. */
static void
long_subject(void **state)
{
	size_t n = 75000;
	char *text = malloc(n);
	struct pattern_run *run = pattern_run_new();
	struct pattern *p;
	struct err e;

	memset(text, 'a', n);
	assert_int_equal(pattern_new("^(?:a|b|cc)*$", PATTERN_PLAIN, &p, &e), 0);
	assert_int_equal(
	    pattern_search(run, p, (struct str){ text, 45000 }, 0, true), PATTERN_YES);
	assert_int_equal(
	    pattern_search(run, p, (struct str){ text, n }, 0, true), PATTERN_LIMIT);
	pattern_free(p);
	pattern_run_free(run);
	free(text);
}

/* What asks for the time on long texts: before every repetition without an end. */
static void
guarded(void **state)
{
	static const struct { const char *regex, *want; } v[] = {
		{ "ab*c+", "a(?C)b*(?C)c+" }, { "(?:ab)*c?", "(?:ab)*c?" },
		{ "\\x{41}+\\x41*\\xq+", "(?C)\\x{41}+(?C)\\x41*\\x(?C)q+" },
		{ "\\012*\\1b*\\p{L}+\\s*", "(?C)\\012*\\1(?C)b*(?C)\\p{L}+(?C)\\s*" },
		{ "[a\\]b]+[^]]*x", "(?C)[a\\]b]+(?C)[^]]*x" },
		{ "\xc3\xa9+\xf0\x9f\x98\x80*", "(?C)\xc3\xa9+(?C)\xf0\x9f\x98\x80*" },
		{ "a{63}b{64}", "a{63}(?C)b{64}" },
		{ "a{2,}b{2,63}c{2,64}d{,9}", "(?C)a{2,}b{2,63}(?C)c{2,64}d{,9}" },
		{ "a{x}b{1;}c{1,x}d{", "a{x}b{1;}c{1,x}d{" },
		{ "a{12345678901}", "a{12345678901}" },
		{ "^*$+a\\", "^*$+a\\" }, { "\\x{41", "\\x{41" }, { "[a", "[a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct buf b = { 0 };

		pattern_guarded(v[i].regex, &b);
		if (strcmp(b.p, v[i].want) != 0)
			fail_msg("%s: %s", v[i].regex, b.p);
		buf_fini(&b);
	}
}

/* More of something than a regex may have. */
static void
too_large(void **state)
{
	static const struct { const char *each; int n; const char *why; } v[] = {
		{ "(", 2000, "nested deeper than 200" },
		{ "(a)", 2000, "more than 250 groups" },
		{ "xxxxxxxxxx", 10000, "longer than 65536 bytes" },
	};
	struct pattern *p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct buf b = { 0 };

		for (int n = 0; n < v[i].n; n++)
			buf_puts(&b, v[i].each);
		assert_int_equal(pattern_new(b.p, PATTERN_PLAIN, &p, &e), -EINVAL);
		if (!strstr(e.text, v[i].why))
			fail_msg("%s", e.text);
		buf_fini(&b);
	}
	pattern_free(NULL);
	pattern_run_free(NULL);
}

static void
bad_subject(void **state)
{
	struct pattern_run *run = pattern_run_new();
	struct pattern *p;
	struct err e;

	assert_int_equal(pattern_new("a", PATTERN_PLAIN, &p, &e), 0);
	assert_int_equal(pattern_search(run, p,
			     STR("\xff"
				 "a"),
			     0, false),
	    PATTERN_ERROR);
	assert_int_equal(pattern_search(run, p, STR("a"), 2, true), PATTERN_ERROR);
	assert_int_equal(pattern_search(run, p, STR("ba"), 1, true), PATTERN_YES);
	pattern_free(p);
	pattern_run_free(run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags),
		cmocka_unit_test(python_dialect),
		cmocka_unit_test(refusals),
		cmocka_unit_test(own_columns),
		cmocka_unit_test(multiline),
		cmocka_unit_test(names),
		cmocka_unit_test(limits),
		cmocka_unit_test(long_subject),
		cmocka_unit_test(guarded),
		cmocka_unit_test(too_large),
		cmocka_unit_test(bad_subject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
