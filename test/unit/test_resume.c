/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_resume.c - going on from a stored place, whatever happened meanwhile.
 */
#include "source_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read 1 and 2, then stop. */
static void
first_run(struct rig *r, const char *glob)
{
	rig_write(r, "a.log", "1 a line\n2 a line\n");
	rig_follow(r, glob);
	rig_until(r, "2 a line\n");
	rig_stop(r);
	rig_write(r, "a.log", "3 a line\n");
}

static void
second_run(struct rig *r, const char *glob, const char *tail)
{
	rig_new(r);
	rig_follow(r, glob);
	rig_until(r, tail);
	rig_run(r, 20);
}

static void
same_file(void **state)
{
	struct rig *r = *state;

	first_run(r, "a.log");
	second_run(r, "a.log", "3 a line\n");
	rig_each_once(r, 1, 4);
}

static void
rotated_twice_meanwhile(void **state)
{
	struct rig *r = *state;

	first_run(r, "a.log");
	rig_rename(r, "a.log", "a.log.2");
	rig_write(r, "a.log.1", "4 b line\n");
	rig_write(r, "a.log", "5 c line\n");
	second_run(r, "a.log", "5 c line\n");
	rig_each_once(r, 1, 6);
	assert_non_null(strstr(rig_text(r), "3 a line\n4 b line\n5 c line\n"));
	assert_int_equal(r->events[SOURCE_LOST], 0);
}

static void
rotated_and_not_made_again(void **state)
{
	struct rig *r = *state;

	first_run(r, "a.log");
	rig_rename(r, "a.log", "a.log-20261121");
	second_run(r, "a.log", "3 a line\n");
	rig_gives(r, "a.log", "4 b line\n");
	rig_each_once(r, 1, 5);
}

static void
rotated_below_one_glob(void **state)
{
	struct rig *r = *state;

	first_run(r, "a.log*");
	rig_rename(r, "a.log", "a.log.1");
	rig_write(r, "a.log", "4 b line\n");
	second_run(r, "a.log*", "");
	rig_run(r, 30);
	rig_each_once(r, 1, 5);
}

static void
copied_and_truncated(void **state)
{
	struct rig *r = *state;
	char command[256];

	first_run(r, "a.log");
	snprintf(
	    command, sizeof(command), "cd %s && cp a.log a.log.1 && : >a.log", r->dir);
	assert_int_equal(system(command), 0);
	rig_write(r, "a.log", "4 b line\n5 b line\n6 b line\n");
	second_run(r, "a.log", "6 b line\n");
	rig_each_once(r, 1, 7);
}

static void
gone_without_trace_is_said(void **state)
{
	struct rig *r = *state;

	first_run(r, "a.log");
	/* The same inode number may be given again: the text tells. */
	rig_remove(r, "a.log");
	rig_write(r, "a.log", "4 b line\n5 b line\n6 b line\n");
	second_run(r, "a.log", "6 b line\n");
	assert_int_equal(r->events[SOURCE_LOST], 1);
	rig_each_once(r, 4, 7);
}

static void
stopped_while_two_files_are_open(void **state)
{
	struct rig *r = *state;

	rig_start(r, "a.log", "1 a\n");
	rig_rename(r, "a.log", "a.log.1");
	rig_gives(r, "a.log", "2 b\n");
	rig_stop(r);
	rig_write(r, "a.log.1", "3 late\n");
	rig_write(r, "a.log", "4 b\n");
	second_run(r, "a.log", "4 b\n");
	rig_each_once(r, 1, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		TEST(same_file),
		TEST(rotated_twice_meanwhile),
		TEST(rotated_and_not_made_again),
		TEST(rotated_below_one_glob),
		TEST(copied_and_truncated),
		TEST(gone_without_trace_is_said),
		TEST(stopped_while_two_files_are_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
