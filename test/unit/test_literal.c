/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_literal.c - a match must hold a member of every set.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "banner/base/buf.h"
#include "banner/core/literal.h"

static bool
holds(struct str text, const struct literal *l)
{
	for (size_t at = 0; at + l->text.len <= text.len; at++)
		if (!literal_digits(text, at, l->digits))
			continue;
		else if (l->nocase ? !strncasecmp(text.s + at, l->text.s, l->text.len) :
		    !memcmp(text.s + at, l->text.s, l->text.len))
			return true;
	return false;
}

static bool
set_holds(struct str text, const struct literal_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		if (holds(text, &set->v[i]))
			return true;
	return false;
}

/* The sets as text: "a|b & c"; ~ no case, # behind a digit. */
static void
expect_sets(const char *regex, enum literal_cut cut, const char *expected)
{
	struct arena *a = arena_new();
	struct literals l;
	struct buf b = { 0 };

	literal_extract(regex, cut, a, &l);
	for (size_t i = 0; i < l.sets.n; i++) {
		const struct literal_set *set = &l.sets.v[i];

		for (size_t k = 0; k < set->n; k++) {
			buf_puts(&b, k ? "|" : i ? " & " : "");
			buf_puts(&b, set->v[k].nocase ? "~" : "");
			for (int d = 0; d < set->v[k].digits; d++)
				buf_putc(&b, '#');
			buf_str(&b, set->v[k].text);
		}
	}
	assert_string_equal(b.p ? b.p : "", expected);
	buf_fini(&b);
	arena_free(a);
}

static void
test_examples(void **state)
{
	(void)state;
	expect_sets("Failed password for", CUT_NONE, "Failed password for");
	expect_sets("Failed (?:password|publickey) for .* from (?P<ip4>\\d+)", CUT_NONE,
	    "Failed password for |Failed publickey for  &  from ");
	expect_sets("foo(?:barbar)?quux", CUT_NONE, "foobarbarquux|fooquux");
	expect_sets("foo(?:barbar)*quux", CUT_NONE, "quux & foo");
	expect_sets("(?:abc)+def", CUT_NONE, "abc & def");
	expect_sets("[aA]bcdef", CUT_NONE, "abcdef|Abcdef");
	expect_sets("abc[^x]def", CUT_NONE, "abc & def");
	expect_sets("(?:alpha|\\d+)x", CUT_NONE, "");
	expect_sets("(?i:Quite) Right", CUT_NONE, "~quite right");
	expect_sets("(?i)user", CUT_NONE, "");	/* s is vague, the rest short */
	expect_sets("(?=look)ahead", CUT_NONE, "ahead");
	expect_sets("^start\\[\\d{1,3}\\]: end$", CUT_NONE, "#]: end & start[");
	expect_sets("\\d{3}0[12] \\S", CUT_WORD, "###01 |###02 ");
	expect_sets("\\d\\d{2,}end", CUT_WORD, "###end");
	expect_sets("\\d-\\dend", CUT_WORD, "#end");
	expect_sets("\\d* end", CUT_NONE, " end");
	expect_sets("\\d+ end", CUT_WORD, " end");	/* the cut may be there */
	expect_sets("\\dx?end", CUT_NONE, "#xend|#end");
	expect_sets("\\dend", CUT_ANY, "");
	expect_sets("caf\xc3\xa9 noir", CUT_NONE, "caf &  noir");
	expect_sets("(?(user)one|two)three", CUT_NONE, "onethree|twothree|three");
	expect_sets("a\\x62c\\.d", CUT_NONE, "abc.d");
	expect_sets("(?x) white space", CUT_NONE, "");
	expect_sets("(?P<n>abc)(?P=n)", CUT_NONE, "abc");
	expect_sets("(unbalanced", CUT_NONE, "");
	expect_sets("x{3}", CUT_NONE, "xxx");
	expect_sets("x{,3}yyyy", CUT_NONE, "x{,3}yyyy");
}

static void
test_cut(void **state)
{
	(void)state;
	expect_sets("host sshd: \\[\\] failed", CUT_WORD, "host sshd: &  failed");
	expect_sets("one  two three", CUT_WORD, " two three & one ");
	expect_sets("\"GET /(?:cat|dog)/ HTTP", CUT_WORD,
	    "\"GET  &  HTTP & /cat/|/dog/");
	expect_sets("failed: (?:cats|dogs)", CUT_WORD, "failed: &  cats| dogs");
	expect_sets("password for", CUT_WORD, "password for");
	expect_sets("the \"password\" for", CUT_BEFORE, "\"password &  for & the");
	expect_sets("password for", CUT_ANY, "rd for|passwo");
	expect_sets("abcd", CUT_ANY, "");
	expect_sets("first\\nsecond line", CUT_NONE, "second line & first");
}

/* ---- random regexes with a string that each matches ---- */

struct gen { struct buf re, text; unsigned seed; };

static unsigned
rnd(struct gen *g, unsigned n)
{
	return (unsigned)rand_r(&g->seed) % n;
}

static void	gen_alternatives(struct gen *g, int depth, bool keep);

static void
gen_atom(struct gen *g, int depth, bool keep)
{
	static const char *const groups[] = { "(?:", "(", "(?i:", "(?P<g>", "(?>" };
	char c = (char)('a' + rnd(g, 6));

	switch (rnd(g, depth > 0 ? 6 : 4)) {
	case 0:
		buf_printf(&g->re, "[%c%c-%c]", 'x', 'a', c);
		if (keep)
			buf_putc(&g->text, c);
		break;
	case 1:
		buf_puts(&g->re, "\\d");
		if (keep)
			buf_putc(&g->text, '7');
		break;
	case 2: case 3:
		for (unsigned n = 1 + rnd(g, 5); n; n--) {
			c = (char)('a' + rnd(g, 20));
			buf_putc(&g->re, c);
			if (keep)
				buf_putc(&g->text, c);
		}
		break;
	default:
		/* One named group at most: names must not repeat. */
		buf_puts(&g->re, groups[strstr(g->re.p ? g->re.p : "", "<g>") ?
		    rnd(g, 3) : rnd(g, 4)]);
		gen_alternatives(g, depth - 1, keep);
		buf_putc(&g->re, ')');
	}
}

/* A quantified group: the pattern once, the text as often as the quantifier says. */
static void
gen_repeat(struct gen *g, int depth, bool keep)
{
	static const struct { const char *q; unsigned low, high; } q[] = {
		{ "*", 0, 3 }, { "+", 1, 3 }, { "?", 0, 1 }, { "{2}", 2, 2 },
		{ "{1,3}", 1, 3 }, { "*?", 0, 2 },
	};
	unsigned k = rnd(g, 6), times = q[k].low + rnd(g, q[k].high - q[k].low + 1);
	size_t from = g->text.len, len;
	char once[4096];

	buf_puts(&g->re, "(?:");
	gen_alternatives(g, depth - 1, keep);
	buf_printf(&g->re, ")%s", q[k].q);
	len = g->text.len - from;
	if (!keep || len > sizeof(once))
		return;
	memcpy(once, g->text.p + from, len);
	g->text.len = from;
	for (; times; times--)
		buf_add(&g->text, once, len);
}

static void
gen_alternatives(struct gen *g, int depth, bool keep)
{
	unsigned branches = depth > 0 ? 1 + rnd(g, 3) : 1, taken = rnd(g, branches);

	for (unsigned b = 0; b < branches; b++) {
		if (b)
			buf_putc(&g->re, '|');
		for (unsigned n = 1 + rnd(g, 4); n; n--) {
			if (depth > 0 && rnd(g, 3) == 0)
				gen_repeat(g, depth, keep && b == taken);
			else
				gen_atom(g, depth, keep && b == taken);
		}
	}
}

static bool
matches(const char *regex, struct str text)
{
	int code;
	PCRE2_SIZE at;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED, 0,
	    &code, &at, NULL);
	pcre2_match_data *md;
	int rc;

	if (!re)
		fail_msg("%s: error %d at %zu", regex, code, at);
	md = pcre2_match_data_create_from_pattern(re, NULL);
	rc = pcre2_match(re, (PCRE2_SPTR)text.s, text.len, 0, 0, md, NULL);
	pcre2_match_data_free(md);
	pcre2_code_free(re);
	return rc > 0;
}

static void
test_random(void **state)
{
	size_t with_sets = 0, matched = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 4000; seed++) {
		struct gen g = { .seed = seed };
		struct arena *a = arena_new();
		struct literals l;

		gen_alternatives(&g, 3, true);
		buf_puts(&g.text, "");
		literal_extract(g.re.p, CUT_NONE, a, &l);
		with_sets += l.sets.n > 0;
		if (matches(g.re.p, buf_view(&g.text))) {
			matched++;
			for (size_t i = 0; i < l.sets.n; i++)
				if (!set_holds(buf_view(&g.text), &l.sets.v[i]))
					fail_msg("seed %u: %s on %s", seed, g.re.p,
					    g.text.p);
		}
		buf_fini(&g.re);
		buf_fini(&g.text);
		arena_free(a);
	}
	assert_true(matched > 3000);
	if (with_sets < 1000)
		fail_msg("only %zu have sets", with_sets);
}

static void
test_order(void **state)
{
	struct arena *a = arena_new();
	struct literals l;

	(void)state;
	literal_extract("one(?:two|2)\\d+three", CUT_NONE, a, &l);
	assert_true(literal_in_order(&l.order, STR("a one2 and onetwo7three")));
	assert_true(literal_in_order(&l.order, STR("one2, three")));
	assert_false(literal_in_order(&l.order, STR("three one2")));
	assert_false(literal_in_order(&l.order, STR("one three")));
	literal_extract("(?i)one\\d+two", CUT_NONE, a, &l);
	assert_true(literal_in_order(&l.order, STR("TWO one")));
	literal_extract("a|b", CUT_NONE, a, &l);
	assert_true(literal_in_order(&l.order, STR("b")));
	assert_false(literal_in_order(&l.order, STR("")));
	/* what is repeated once is there once */
	literal_extract("^(?:one|two)+ \\d+(?:abc)+$", CUT_NONE, a, &l);
	assert_true(literal_in_order(&l.order, STR("one 7abc")));
	assert_false(literal_in_order(&l.order, STR("abc one")));
	/* too many together to be put together: still each once */
	literal_extract("^(?:a|b|c|d|e|f|g|h|i)(?:1|2|3|4|5|6|7|8)x", CUT_NONE, a, &l);
	assert_true(literal_in_order(&l.order, STR("a1x")));
	arena_free(a);
}

/* A search up to the last text finds the groups that a search of all finds. */
static void
test_end(void **state)
{
	static const struct { const char *regex, *last;
	} v[] = {
		{ ".*ip=(?:a|b)(?<=b);.*failed for .*$", "failed for " },
		{ "a failed.*", "a failed" },
		{ "\\d{3}failed.*$", "failed" },
		{ "a\\x41bcdefg.*$", "cdefg" },
		{ "failed$", "" },
		{ "failed for .+$", "" },
		{ "b|failed.*$", "" },
		{ "(?:b|failed.*)", "" },
		{ "(?>b*)failed.*", "" },
		{ "b*+failed.*$", "" },
		{ "(?i)failed.*$", "" },
		{ "(?=b)failed.*", "" },
		{ "(?(1)b)failed.*$", "" },
		{ "\\Kfailed.*$", "" },
		{ "[b.*", "" },
		{ "ed?for.*$", "for" },
		{ "\\Gfailed.*", "" },
		{ "ed.*$", "" },
	};
	struct str text = STR("x failed y failed for z");

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct str last = literal_end(v[i].regex);

		if (!str_is(last, v[i].last))
			fail_msg("%s: \"%.*s\"", v[i].regex, (int)last.len,
			    last.s ? last.s : "");
	}
	assert_int_equal(literal_until(text, STR("failed")).len, 17);
	assert_int_equal(literal_until(text, STR("nothing")).len, 0);
}

/* Odd syntax: a text that matches holds a member of every set, in the order told. */
static void
test_syntax(void **state)
{
	static const struct { const char *regex, *text;
	} v[] = {
		{ "ab\\tcd\\nef\\rgh\\fij\\akl\\emn", "ab\tcd\nef\rgh\fij\akl\033mn" },
		{ "a\\x{62}c\\061d\\x41\\x4g\\0", NULL },
		{ "a\\x{62}cdef\\0610\\x41", "abcdef10A" },
		{ "\\bword\\B\\w\\Ad\\z|word", "word" }, { "^\\Aword\\Z", "word" },
		{ "\\Gword\\Kmore", "wordmore" },
		{ "\\p{L}bcde\\P{N}f\\pLgh\\PNij", "abcdexfXghYij" },
		{ "(abcd)\\g1", "abcdabcd" }, { "(abcd)\\g{1}x", "abcdabcdx" },
		{ "(abcd)\\g{-1}", "abcdabcd" }, { "(abcd)\\g-1e", "abcdabcde" },
		{ "(?<n>abcd)\\k<n>", "abcdabcd" },
		{ "(?<n>abcd)\\k{n}x", "abcdabcdx" },
		{ "(?<n>abcd)\\k'n'", "abcdabcd" }, { "(?<n>ab)\\g<n>cd", "ababcd" },
		{ "\\o{101}bcd", "Abcd" }, { "a\\Nbcd\\N{U+41}", NULL },
		{ "a\\Nbcd", "a-bcd" }, { "(ab)(cd)\\2\\1ef", "abcdcdabef" },
		{ "ab\\Qcd.ef\\E", "abcd.ef" }, { "ab\\cAcd", "ab\001cd" },
		{ "abcd\\", NULL }, { "[[:digit:]]bcde[[:alpha:]x]", "1bcdez" },
		{ "[\\b]bcde", "\bbcde" }, { "[]x]bcde[^]]fg", "]bcdeyfg" },
		{ "[-\\dx]bcde", "-bcde" }, { "[a\\-c]bcde[x-]fg", "-bcde-fg" },
		{ "[a-\\d]bcde", NULL }, { "[a-z]bcde[\\x41-\\x43]", "qbcdeB" },
		{ "[abc", NULL }, { "[", NULL }, { "[[:alpha", NULL }, { "[\\", NULL },
		{ "[kK]bcde[sS]", "kbcdes" }, { "(?#say)abcd(?#more)efgh", "abcdefgh" },
		{ "(?#never", NULL }, { "(?=abcd)abcdef(?!xy)z", "abcdefz" },
		{ "x(?<=x)abcd(?<!q)efg", "xabcdefg" },
		{ "(?<n>ab)?(?(<n>)cdef|ghij)kl", "ghijkl" },
		{ "(ab)?(?(1)cdef)klmn", "klmn" }, { "(?(?=ab)abcd|efgh)ij", "efghij" },
		{ "(?(?<=x)abcd)efgh", "efgh" }, { "(?(?!x)abcd|q)efgh", "abcdefgh" },
		{ "(?(1", NULL }, { "(?(1)a|b", NULL }, { "(?(R)ab|cd)efgh", "cdefgh" },
		{ "(?i)Abcd(?-i)Efgh", "aBCDEfgh" },
		{ "(?i:Abcd)(?^:Efgh)", "ABCDEfgh" },
		{ "(?m)^abcd$(?s).(?J)ef", "abcd\nef" }, { "(?x) ab cd", "abcd" },
		{ "(?i-:abcd)e", NULL }, { "(?z)ab", NULL }, { "(?i", NULL },
		{ "(?imsab", NULL }, { "(?|(ab)cd|(ef)gh)ijkl", "efghijkl" },
		{ "(?>abcd|ab)ef", "abcdef" },
		{ "(?P<n>abcd)(?P=n)(?P>n)", "abcdabcdabcd" },
		{ "(?<n>ab)(?&n)cd", "ababcd" }, { "(a|b(?1)c)defg", "bacdefg" },
		{ "(?:a(?R)?bcde)", "aabcdebcde" }, { "(ab)(?-1)cdef", "ababcdef" },
		{ "(?+1)x(abcd)", "abcdxabcd" }, { "(*UCP)abcd", "abcd" },
		{ "(?C1)abcd", "abcd" }, { "(?P<n", NULL },
		{ "(?'n'abcd)ef", "abcdef" }, { "abcd{0}efgh", "abcefgh" },
		{ "abcd{0,2}efgh", "abcddefgh" }, { "abcd{2,}efgh", "abcdddefgh" },
		{ "abcd{,2}efgh", "abcd{,2}efgh" }, { "abcd{x}efgh", "abcd{x}efgh" },
		{ "abcd{2efgh", "abcd{2efgh" }, { "abcd++efgh?+ij*+", "abcdddefghi" },
		{ "(?:abcd){99999}", NULL }, { "abcd|", "" }, { "|abcd", "abcd" },
		{ "()abcd(|x)", "abcd" }, { "a.c.e.ghij", "abcdefghij" }, { "^$", "" },
		{ "*abcd", NULL }, { ")abcd", NULL },
		{ "\\R\\hab\\vcdef\\Xgh", "\n ab\vcdefxgh" }, { "\\ia", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		struct str text = str_of(v[i].text ? v[i].text : "");
		struct arena *a = arena_new();
		struct literals l;

		/* those without a text are no regexes: only to be survived */
		literal_extract(v[i].regex, i % 2 ? CUT_NONE : CUT_ANY, a, &l);
		literal_extract(v[i].regex, CUT_NONE, a, &l);
		if (v[i].text && !matches(v[i].regex, text))
			fail_msg("%s does not match %s", v[i].regex, v[i].text);
		for (size_t k = 0; v[i].text && k < l.sets.n; k++)
			if (!set_holds(text, &l.sets.v[k]))
				fail_msg("%s: a set is missing", v[i].regex);
		if (v[i].text && !literal_in_order(&l.order, text))
			fail_msg("%s: another order", v[i].regex);
		(void)literal_end(v[i].regex);
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_syntax),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
