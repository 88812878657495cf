/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_copied.c - logs that are copies: synchronised, edited, restored. What was read
 * before is not read again, and old lines are not taken for new ones.
 */
#include "source_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
shell(struct rig *r, const char *what)
{
	char command[512];

	snprintf(command, sizeof(command), "cd %s && %s", r->dir, what);
	assert_int_equal(system(command), 0);
}

/* rsync writes a new file and renames it over the old one, each time. */
static void
copy_with_more_takes_the_name(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 a line\n2 a line\n");
	rig_follow(r, "a.log");
	rig_until(r, "2 a line\n");
	for (int i = 3; i < 8; i++) {
		char text[64];

		snprintf(text, sizeof(text),
		    "cp a.log new && echo '%d a line' >>new && mv new a.log", i);
		shell(r, text);
		snprintf(text, sizeof(text), "%d a line\n", i);
		rig_until(r, text);
	}
	rig_each_once(r, 1, 8);
}

/* The old one has lines that nobody read yet. */
static void
copy_of_a_file_with_unread_lines(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 a line\n2 a line\n");
	rig_follow(r, "a.log");
	rig_until(r, "2 a line\n");
	rig_write(r, "a.log", "3 a line\n");
	shell(r, "cp a.log new && echo '4 a line' >>new && mv new a.log");
	rig_until(r, "4 a line\n");
	rig_each_once(r, 1, 5);
}

static void
copy_while_we_were_away(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 a line\n2 a line\n");
	rig_follow(r, "a.log");
	rig_until(r, "2 a line\n");
	rig_stop(r);
	shell(r, "cp a.log new && echo '3 a line' >>new && mv new a.log");
	rig_new(r);
	rig_follow(r, "a.log");
	rig_until(r, "3 a line\n");
	rig_each_once(r, 1, 4);
	assert_int_equal(r->events[SOURCE_LOST], 0);
}

/* Another text than we read: whatever is there at the start is old. */
static void
another_file_while_we_were_away(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 a line\n2 a line\n");
	rig_follow(r, "a.log");
	rig_until(r, "2 a line\n");
	rig_stop(r);
	rig_remove(r, "a.log");
	rig_write(r, "a.log", "3 b line\n4 b line\n");
	r->dead = 0;
	rig_new(r);
	rig_follow(r, "a.log");
	rig_until(r, "4 b line\n");
	assert_int_equal(r->dead, 18);
	rig_gives(r, "a.log", "5 b line\n");
	assert_int_equal(r->dead, 18);
}

static void
edited(struct rig *r, const char *how)
{
	rig_write(r, "a.log", "1 a line\n2 a line\n3 a line\n4 a line\n");
	rig_follow(r, "a.log");
	rig_until(r, "4 a line\n");
	buf_clear(&r->text);
	r->dead = 0;
	shell(r, how);
	rig_until(r, "4 a line\n");
	assert_int_equal(r->dead, r->text.len);
	/* Up to the length that the text had, nobody knows. */
	rig_gives(r, "a.log", "5 longer than a line\n");
	rig_gives(r, "a.log", "6 new\n");
	assert_in_range(r->dead, 27, r->text.len - 6);
}

static void
edited_in_place(void **state)
{
	edited(*state, "sed /2/d a.log >new; cat new >a.log");
}

static void
edited_in_place_slowly(void **state)
{
	edited(*state, ": >a.log; (sleep 0.1; "
	    "printf '1 a line\\n3 a line\\n4 a line\\n' >>a.log) &");
}

static void
edited_anew(void **state)
{
	edited(*state, "sed /2/d a.log >new; mv new a.log");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		TEST(copy_with_more_takes_the_name),
		TEST(copy_of_a_file_with_unread_lines),
		TEST(copy_while_we_were_away),
		TEST(another_file_while_we_were_away),
		TEST(edited_in_place),
		TEST(edited_in_place_slowly),
		TEST(edited_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
