/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_file.c - following files: lines, caps, globs, links, refusals.
 */
#include "source_rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
reads_what_is_there_and_what_comes(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 old\n2 old\n");
	rig_follow(r, "a.log");
	rig_until(r, "2 old\n");
	rig_until_event(r, SOURCE_CAUGHT_UP, 1);
	assert_true(sources_caught_up(r->set));
	assert_int_equal(r->dead, 12);
	rig_write(r, "a.log", "3 n\0ew\r\n");
	rig_write(r, "a.log", "\r\n4 new\n");
	rig_until(r, "4 new\n");
	assert_int_equal(r->dead, 12);
}

static void
incomplete_line_waits(void **state)
{
	struct rig *r = *state;

	rig_follow(r, "a.log");
	rig_write(r, "a.log", "1 x\n2 ha");
	rig_until(r, "1 x\n");
	rig_run(r, 20);
	assert_string_equal(rig_text(r), "1 x\n");
	rig_write(r, "a.log", "lf\n");
	rig_until(r, "2 half\n");
}

static void
missing_file_waits(void **state)
{
	struct rig *r = *state;
	struct source_stats st;

	rig_follow(r, "sub/deep/a.log");
	assert_int_equal(r->events[SOURCE_MISSING], 1);
	source_stats(rig_source(r, "sub/deep/a.log"), &st);
	assert_true(st.waiting);
	mkdir(rig_path(r, "sub"), 0700);
	rig_run(r, 20);
	mkdir(rig_path(r, "sub/deep"), 0700);
	rig_run(r, 20);
	rig_gives(r, "sub/deep/a.log", "1 came\n");
	assert_int_equal(r->dead, 0);
	assert_int_equal(r->events[SOURCE_MISSING], 1);
	source_stats(rig_source(r, "sub/deep/a.log"), &st);
	assert_false(st.waiting);
}

static void
glob_finds_later_files(void **state)
{
	struct rig *r = *state;

	rig_follow(r, "*/log/x*.log");
	assert_int_equal(r->events[SOURCE_MISSING], 1);
	mkdir(rig_path(r, "site"), 0700);
	rig_run(r, 10);
	mkdir(rig_path(r, "site/log"), 0700);
	rig_run(r, 10);
	rig_write(r, "site/log/y.log", "1 no\n");
	rig_gives(r, "site/log/x1.log", "2 yes\n");
	rig_gives(r, "site/log/x2.log", "3 yes\n");
	assert_null(strstr(rig_text(r), "no"));
	assert_null(rig_source(r, "*/log/x*.log"));
}

static void
only_old_lines_are_held(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 old\n");
	rig_write(r, "b.log", "");
	sources_hold(r->set, true);
	rig_follow(r, "*.log");
	rig_run(r, 20);
	rig_gives(r, "b.log", "2 new\n");
	rig_write(r, "a.log", "3 behind it\n");
	rig_run(r, 20);
	assert_string_equal(rig_text(r), "2 new\n");
	assert_false(sources_caught_up(r->set));
	sources_hold(r->set, false);
	rig_until(r, "1 old\n3 behind it\n");
	rig_until_event(r, SOURCE_CAUGHT_UP, 2);
	/* caught up, a source is held no more */
	sources_hold(r->set, true);
	rig_gives(r, "a.log", "4 new\n");
}

static void
ends_while_held(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 old\n");
	rig_write(r, "b.log", "2 old\n");
	sources_hold(r->set, true);
	rig_follow(r, "*.log");
	rig_run(r, 20);
	assert_string_equal(rig_text(r), "");
	rig_stop(r);
	rig_new(r);
	rig_follow(r, "*.log");
	rig_until_event(r, SOURCE_CAUGHT_UP, 2);
	rig_each_once(r, 1, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		TEST(reads_what_is_there_and_what_comes),
		TEST(incomplete_line_waits),
		TEST(missing_file_waits),
		TEST(glob_finds_later_files),
		TEST(only_old_lines_are_held),
		TEST(ends_while_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
