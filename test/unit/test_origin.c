/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_origin.c - the line of each regex, however a filter puts them together.
 */
#include "conf_rig.h"

#include <glob.h>

static const char sshd[] =
    "[Definition]\n"
    "_pre = ^x\n"
    "_more = ^more 1 <HOST>\n"		/* 3 */
    "\n"
    "    # a comment\n"
    "    %(_pre)s 2 <HOST>\n"		/* 6 */
    "rules-normal = ^normal <HOST>\n"	/* 7 */
    "rules-all = <rules-normal>\n"
    "    ^100%% all <HOST>\n"		/* 9 */
    "failregex = %(_more)s\n"
    "    <rules-<mode>>\n"
    "    <HOST>\n"			/* 12 */
    "    ^last <ADDR> <F-USER>u</F-USER>\n";	/* 13 */

static const char sshd_local[] =
    "[Definition]\n"
    "failregex = %(known/failregex)s\n"
    "    ^local <HOST>\n";		/* 3 */

static void
expect(const struct conf_filter *f, size_t number, const char *file, int line)
{
	struct conf_place at = conf_filter_place(f, "failregex", number);
	const char *slash = at.file ? strrchr(at.file, '/') : NULL;

	assert_non_null(slash);
	assert_string_equal(slash + 1, file);
	assert_int_equal(at.line, line);
}

static void
expect_all(const struct conf *c)
{
	static const int lines[] = { 3, 6, 7, 9, 12, 13 };
	const struct conf_filter *f = &conf_jail_find(c, "sshd")->filter;

	assert_int_equal(f->failregex.n, N(lines) + 2);
	for (size_t i = 0; i < N(lines); i++)
		expect(f, i + 1, "sshd.conf", lines[i]);
	expect(f, N(lines) + 1, "sshd.local", 3);
	expect(f, N(lines) + 2, "a.conf", 5);
	expect(f, 0, "a.conf", 4);
	expect(f, 99, "a.conf", 4);
}

static void
each_line_has_its_place(void **state)
{
	const struct folder *folder = *state;
	struct buf image = { 0 };
	struct conf *c, *copy;
	struct err e;

	folder_write(folder, "filters/sshd.conf", sshd);
	folder_write(folder, "filters/sshd.local", sshd_local);
	folder_write(folder, "jails.d/a.conf", "[sshd]\nenabled = yes\nmode = all\n"
	    "failregex = %(known/failregex)s\n   ^jail <HOST>\n");
	c = folder_read(folder);
	expect_all(c);
	conf_pack(c, &image);
	assert_int_equal(conf_unpack(buf_view(&image), CONF_WHOLE, &copy, &e), 0);
	expect_all(copy);
	conf_free(copy);
	buf_fini(&image);
	conf_free(c);
}

/* Two lines in the middle of one: which is which cannot be told, so nothing is. */
static void
what_cannot_be_told_is_the_option(void **state)
{
	const struct folder *folder = *state;
	struct conf *c;

	folder_write(folder, "filters/sshd.conf", "[Definition]\n"
	    "_two = a <HOST>\n    b <HOST>\nfailregex = ^first <HOST>\n"
	    "    ^x %(_two)s\n");
	folder_write(folder, "jails.d/a.conf", "[sshd]\nenabled = yes\n");
	c = folder_read(folder);
	for (size_t i = 1; i <= 3; i++)
		expect(&conf_jail_find(c, "sshd")->filter, i, "sshd.conf", 4);
	conf_free(c);
}

static bool
is_exact(const struct conf_filter *f, size_t number)
{
	for (size_t i = 0; i < f->origins.n; i++) {
		const struct conf_origin *o = &f->origins.v[i];

		if (!strcmp(o->option, "failregex") && o->number &&
		    number >= o->number && number < o->number + o->n)
			return true;
	}
	return false;
}

static void
our_own_filters_are_told_exactly(void **state)
{
	glob_t all;
	size_t rules = 0;

	(void)state;
	assert_int_equal(glob(TEST_DIR "/../filters/*.conf", 0, NULL, &all), 0);
	for (size_t i = 0; i < all.gl_pathc; i++) {
		struct conf_filter_request q = { .spec = all.gl_pathv[i],
			.dir = TEST_DIR "/..", .arena = arena_new() };
		struct conf_filter f;
		struct err e;

		if (conf_filter_read(&q, &f, &e) == 0)
			for (size_t n = 1; n <= f.failregex.n; n++, rules++)
				if (!is_exact(&f, n))
					fail_msg("%s: failregex %zu", q.spec, n);
		arena_free(q.arena);
	}
	globfree(&all);
	assert_true(rules > 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    each_line_has_its_place, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(
		    what_cannot_be_told_is_the_option, folder_setup, folder_teardown),
		cmocka_unit_test(our_own_filters_are_told_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
