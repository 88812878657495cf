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

#include "banner/source/inner.h"

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

/* What a glob found and what was deleted leaves no trace, and room for others. */
static void
deleted_files_are_forgotten(void **state)
{
	struct rig *r = *state;
	struct source_stats st;
	void *const *groups;

	rig_write(r, "named.log", "");
	rig_follow(r, "named.log");
	r->set->files_max = 3;
	assert_int_equal(sources_add_glob(r->set,
	    &(struct glob_request){ .glob = rig_path(r, "x*.log") }, (void *)2,
	    NULL), 0);
	rig_write(r, "x1.log", "1 a\n");
	rig_until(r, "1 a\n");
	rig_write(r, "x2.log", "2 b\n");
	rig_until(r, "2 b\n");
	assert_int_equal(sources_refused(r->set), 0);
	rig_write(r, "x3.log", "3 c\n");
	rig_until_event(r, SOURCE_ERROR, 1);
	assert_int_equal(sources_refused(r->set), 1);
	rig_remove(r, "named.log");
	rig_remove(r, "x1.log");
	rig_until(r, "3 c\n");
	assert_int_equal(sources_refused(r->set), 0);
	assert_null(rig_source(r, "x1.log"));
	assert_int_equal(source_groups(rig_source(r, "x3.log"), &groups), 1);
	assert_ptr_equal(groups[0], (void *)2);
	source_stats(rig_source(r, "x3.log"), &st);
	assert_int_equal(st.lines, 1);
	/* what a path names is waited for, and who forgot it knows it again */
	source_stats(rig_source(r, "named.log"), &st);
	assert_true(st.waiting);
	rig_remove(r, "x2.log");
	rig_run(r, 16 * (int)r->linger_ms);
	assert_null(rig_source(r, "x2.log"));
	rig_write(r, "x2.log", "4 d\n");
	rig_until(r, "4 d\n");
	rig_write(r, "named.log", "5 e\n");
	rig_until(r, "5 e\n");
	assert_non_null(rig_source(r, "x2.log"));
	rig_each_once(r, 1, 6);
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
		TEST(deleted_files_are_forgotten),
		TEST(only_old_lines_are_held),
		TEST(ends_while_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
