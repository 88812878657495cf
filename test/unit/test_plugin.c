/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_plugin.c - what is loaded, and what is refused with which words.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "banner/daemon/actor/plugin.h"

/* A folder that holds one plugin as odd.so. */
struct folder {
	char dir[64], file[80];
};

static int
setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_plugin.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof(f->file), "%s/odd.so", f->dir);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct folder *f = *state;

	unlink(f->file);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void
put(const struct folder *f, int odd)
{
	char from[512], part[4096];
	FILE *in, *out;
	size_t n;

	snprintf(from, sizeof(from), "%s/odd_%d.so", getenv("ODD_PLUGINS"), odd);
	in = fopen(from, "re");
	out = fopen(f->file, "we");
	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(part, 1, sizeof(part), in)) > 0)
		assert_int_equal(fwrite(part, 1, n, out), n);
	fclose(in);
	fclose(out);
	chmod(f->file, 0644);
}

static void
refused(const struct folder *f, const char *name, int code, const char *text)
{
	struct plugin p;
	struct err e = { 0 };

	assert_int_equal(plugin_load(&p, f->dir, name, &e), code);
	if (!strstr(e.text, text))
		fail_msg("\"%s\" does not say \"%s\"", e.text, text);
	assert_null(p.handle);
}

static void
test_loads(void **state)
{
	struct plugin p;
	struct err e = { 0 };

	put(*state, 0);
	assert_int_equal(plugin_load(&p, ((struct folder *)*state)->dir, "odd", &e), 0);
	assert_string_equal(p.ops.name, "odd");
	plugin_unload(&p);
	/* An older plugin: what it does not describe is not there. */
	put(*state, 9);
	assert_int_equal(plugin_load(&p, ((struct folder *)*state)->dir, "odd", &e), 0);
	assert_null(p.ops.mode);
	assert_null(p.ops.same);
	plugin_unload(&p);
}

static void
test_description(void **state)
{
	static const struct { int odd, code; const char *text; } cases[] = {
		{ 1, -EPROTO, "built for version 2" }, { 2, -EPROTO, "40 bytes" },
		{ 3, -EPROTO, "calls itself \"other\"" }, { 4, -ENOEXEC, "no symbol" },
		{ 5, -EPROTO, "lacks open" }, { 6, -EPROTO, "flags 0x3" },
		{ 7, -EPROTO, "carry out nothing" }, { 8, -EPROTO, "\"needed\" twice" },
		{ 11, -EPROTO, "only one of poll_fd and run" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		put(*state, cases[i].odd);
		refused(*state, "odd", cases[i].code, cases[i].text);
	}
}

static void
test_file(void **state)
{
	struct folder *f = *state;
	char elsewhere[80];

	refused(f, "odd", -ENOENT, "no action plugin \"odd\"");
	refused(f, "../odd", -EINVAL, "cannot be the name");
	refused(f, "", -EINVAL, "cannot be the name");
	put(f, 0);
	chmod(f->file, 0664);
	refused(f, "odd", -EPERM, "writable by others");
	chmod(f->file, 0646);
	refused(f, "odd", -EPERM, "writable by others");
	chmod(f->file, 0644);
	chmod(f->dir, 0777);
	refused(f, "odd", -EPERM, "writable by others");
	chmod(f->dir, 0755);
	if (geteuid() == 0) {
		assert_int_equal(chown(f->file, 12345, 0), 0);
		refused(f, "odd", -EPERM, "belongs to user 12345");
		assert_int_equal(chown(f->file, 0, 0), 0);
		assert_int_equal(chown(f->dir, 12345, 0), 0);
		refused(f, "odd", -EPERM, "belongs to user 12345");
		assert_int_equal(chown(f->dir, 0, 0), 0);
	}
	snprintf(elsewhere, sizeof(elsewhere), "%s.so", f->dir);
	assert_int_equal(rename(f->file, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, f->file), 0);
	refused(f, "odd", -EPERM, "no plain file");
	unlink(elsewhere);
	unlink(f->file);
	assert_int_equal(close(open(f->file, O_CREAT | O_WRONLY, 0644)), 0);
	refused(f, "odd", -ENOEXEC, "odd.so");
}

static int
options(const struct plugin *p, struct conf_option *v, size_t n, struct err *e)
{
	return plugin_check_options(&p->ops, &(struct conf_options){ v, n }, e);
}

static void
test_options(void **state)
{
	struct conf_option v[] = { { "needed", "x" }, { "color", "blue" },
	    { "colour", "x" }, { "color", "red" } };
	struct plugin p;
	struct err e = { 0 };

	put(*state, 0);
	assert_int_equal(plugin_load(&p, ((struct folder *)*state)->dir, "odd", &e), 0);
	assert_int_equal(options(&p, v, 2, &e), 0);
	assert_string_equal(
	    plugin_option(&p.ops, &(struct conf_options){ v, 2 }, "color"), "blue");
	assert_string_equal(
	    plugin_option(&p.ops, &(struct conf_options){ v, 1 }, "color"), "red");
	assert_int_equal(options(&p, v, 0, &e), -EINVAL);
	assert_non_null(strstr(e.text, "needs the option \"needed\": must be given"));
	assert_int_equal(options(&p, v, 3, &e), -EINVAL);
	assert_non_null(
	    strstr(e.text, "no option \"colour\"; it knows: needed, color"));
	v[2] = v[3];
	assert_int_equal(options(&p, v, 3, &e), -EINVAL);
	assert_non_null(strstr(e.text, "given twice"));
	plugin_unload(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_loads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_description, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_options, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
