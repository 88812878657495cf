/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_expand.c - interpolation, tags, brackets.
 */
#include "test/unit/unit.h"

#include <errno.h>

#include "banner/conf/expand.h"

static struct arena *arena;

/* A sheet of several files, each one text. */
static struct sheet *
sheet_of(const char *const *texts, size_t n)
{
	struct sheet *sh = sheet_new(arena);

	for (size_t i = 0; i < n; i++) {
		struct ini *ini = ini_parse_text(arena, "t.conf", str_of(texts[i]));

		assert_int_equal(ini->nproblems, 0);
		sheet_merge(sh, ini);
	}
	return sh;
}

static const char *
get(const struct sheet *sh, const char *name)
{
	struct interp in = { sh, "S", NULL, arena };
	const char *v = NULL;
	struct err e;

	return interp_get(&in, name, &v, &e) == 0 ? v : NULL;
}

static void
interpolates(void **state)
{
	static const char *const text[] = {
		"[DEFAULT]\nd = dd\nonly = O\n[S]\n"
		"a = 1\nb = <%(a)s>\nc = %(b)s%%%(D)s\ne = %(other/x)s\nf = "
		"%(other/only)s\n"
		"g = %(__name__)s\nh = %(missing)s\ni = 5 %% 3\nj = 5 % 3\nk = %(k)s\n"
		"d = own\nl = %(default/d)s\nm = %(known/d)s\nn = %(Default/D)s\n"
		"[other]\nx = %(d)s\n"
	};
	const struct sheet *sh = sheet_of(text, 1);

	assert_string_equal(get(sh, "b"), "<1>");
	assert_string_equal(get(sh, "c"), "<1>%own");
	assert_string_equal(get(sh, "e"), "own");
	assert_string_equal(get(sh, "f"), "O");
	assert_string_equal(get(sh, "g"), "S");
	assert_null(get(sh, "h"));
	assert_string_equal(get(sh, "i"), "5 % 3");
	assert_null(get(sh, "j"));
	assert_null(get(sh, "k"));
	assert_string_equal(get(sh, "l"), "dd");
	assert_string_equal(get(sh, "m"), "dd");
	assert_string_equal(get(sh, "n"), "dd");
}

static void
known_goes_back_step_by_step(void **state)
{
	static const char *const texts[] = { "[DEFAULT]\nx = d0\n[S]\ny = y0\n",
	    "[DEFAULT]\nx = %(known/x)s d1\n[S]\nx = %(known/x)s s1\n",
	    "[S]\nx = %(known/x)s s2\ny = %(known/y)s y1 %(known/x)s\n",
	    "[S]\nx = %(known/x)s s3\n" };
	const struct sheet *sh = sheet_of(texts, N(texts));

	assert_string_equal(get(sh, "x"), "d0 d1 s1 s2 s3");
	assert_string_equal(get(sh, "y"), "y0 y1 d0 d1 s1 s2");
}

static void
vars_come_first(void **state)
{
	static const char *const text[] = { "[S]\na = 1\nb = %(a)s%(New)s\n" };
	struct conf_option v[] = { { "A", "x" }, { "new", "%(a)s" } };
	struct conf_options vars = { v, N(v) };
	struct interp in = { sheet_of(text, 1), "S", &vars, arena };
	const char *out;

	assert_int_equal(interp_get(&in, "b", &out, NULL), 0);
	assert_string_equal(out, "xx");
	assert_int_equal(interp_get(&in, "zz", &out, NULL), -ENOENT);
}

/* A definition that grows without end is refused in time. */
static void
growth_is_capped(void **state)
{
	struct buf text = { 0 };
	const struct sheet *sh;
	const char *whole;

	buf_puts(&text, "[S]\na0 = x\n");
	for (int i = 1; i < 9; i++) {
		buf_printf(&text, "a%d =", i);
		for (int k = 0; k < 20; k++)
			buf_printf(&text, " %%(a%d)s", i - 1);
		buf_putc(&text, '\n');
	}
	whole = arena_dup(arena, buf_view(&text));
	sh = sheet_of(&whole, 1);
	assert_null(get(sh, "a8"));
	assert_non_null(get(sh, "a2"));
	buf_fini(&text);
}

static const char *
tag(struct conf_option *v, size_t n, const char *condition, struct err *e)
{
	struct tag_job job = {
		.arena = arena, .tags = { v, n }, .condition = condition
	};

	return tags_resolve(&job, e) == 0 ? job.tags.v[0].value : NULL;
}

static void
replaces_tags(void **state)
{
	struct conf_option v[] = {
		{ "out", "<a> <mdre-<mode>> <HOST> <F-USER>x</F-USER> <" },
		{ "a", "1<b>" }, { "b", "2" }, { "mode", "x" }, { "mdre-x", "M<a>" },
		{ "b?family=inet6", "six" }
	};
	struct conf_option loop[] = { { "out", "<a>" }, { "a", "<b>" },
		{ "b", "<a>" } };
	struct conf_option self[] = { { "out", "<out>" } };
	struct conf_option grow[] = { { "out", "<a>" }, { "a", "x<a>" } };
	struct err e;

	assert_string_equal(tag(v, N(v), NULL, &e),
	    "12 M12 <HOST> <F-USER>x</F-USER> <");
	assert_string_equal(tag(v, N(v), "family=inet6", &e),
	    "1six M1six <HOST> <F-USER>x</F-USER> <");
	assert_null(tag(loop, N(loop), NULL, &e));
	assert_null(tag(self, N(self), NULL, &e));
	assert_null(tag(grow, N(grow), NULL, &e));
	assert_non_null(strstr(e.text, "itself"));
}

static const struct {
	const char *text, *name, *key, *value;
	size_t n;
} brackets[] = {
	{ "sshd", "sshd", "x", NULL, 0 },
	{ "sshd[mode=aggressive]", "sshd", "mode", "aggressive", 1 },
	{ "a[b=\"x,y]\", c='z\"', d=e,]", "a", "b", "x,y]", 3 },
	{ "a[b=1][c=\"2\"] ", "a", "c", "2", 2 },
	{ "a[b=1]  [c=2]", "a", "c", "2", 2 },
	{ "a[b=\"x\n y\"]", "a", "b", "x\n y", 1 },
	{ "a[Bar=1, bar=2]", "a", "Bar", "1", 2 },
	{ "a[b?family=inet6=\"x\"]", "a", "b?family=inet6", "x", 1 },
	{ "a[b=]", "a", "b", "", 1 }, { "a[]", "a", "b", NULL, 0 },
	{ "a[x=1=2]", "a", "x", "1=2", 1 },
};

static void
reads_brackets(void **state)
{
	const char *name;
	struct conf_options o;
	struct err e;

	for (size_t i = 0; i < N(brackets); i++) {
		assert_int_equal(
		    bracket_parse(arena, str_of(brackets[i].text), &name, &o, &e), 0);
		assert_string_equal(name, brackets[i].name);
		assert_int_equal(o.n, brackets[i].n);
		if (brackets[i].value)
			assert_string_equal(options_get(&o, brackets[i].key),
			    brackets[i].value);
	}
}

static void
refuses_bad_brackets(void **state)
{
	static const char *const bad[] = { "a[x]", "a[ x = 1 ]", "a[x=\"1\"2]", "[x=1]",
		"", "a[x=1", "a[x=1]b", "a[x=1,,y=2]", "a[=1]" };
	const char *name;
	struct conf_options o;
	struct err e;

	for (size_t i = 0; i < N(bad); i++)
		assert_int_equal(bracket_parse(arena, str_of(bad[i]), &name, &o, &e),
		    -EINVAL);
}

static void
splits_lists(void **state)
{
	static const char *const want[] = { "a", "b[c=\"d e\", f=g]", "h[x=1][y=\"]\"]",
	    "i [z=1]", "j" };
	struct str rest = STR("a b[c=\"d e\", f=g]\n  h[x=1][y=\"]\"] i [z=1]\nj\n "),
		   one;

	for (size_t i = 0; i < N(want); i++) {
		assert_true(bracket_split(&rest, &one));
		assert_true(str_is(one, want[i]));
	}
	assert_false(bracket_split(&rest, &one));
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
		cmocka_unit_test(interpolates),
		cmocka_unit_test(known_goes_back_step_by_step),
		cmocka_unit_test(vars_come_first),
		cmocka_unit_test(growth_is_capped),
		cmocka_unit_test(replaces_tags),
		cmocka_unit_test(reads_brackets),
		cmocka_unit_test(refuses_bad_brackets),
		cmocka_unit_test(splits_lists),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
