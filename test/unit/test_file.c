/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_file.c - following files: lines, caps, globs, links, refusals, where to begin.
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

static void
long_lines_are_skipped_whole(void **state)
{
	struct rig *r = *state;
	char longer[3000];
	struct source_stats st;

	rig_follow(r, "a.log");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	rig_write(r, "a.log", "1 x\n");
	rig_write(r, "a.log", longer);
	rig_run(r, 20);
	rig_write(r, "a.log", "9 end of it\n2 x\n");
	rig_until(r, "2 x\n");
	assert_string_equal(rig_text(r), "1 x\n2 x\n");
	/* Exactly the cap is no more than the cap. */
	longer[1000] = '\n';
	longer[1001] = '\0';
	rig_write(r, "a.log", longer);
	rig_until(r, "xxx\n");
	source_stats(rig_source(r, "a.log"), &st);
	assert_int_equal(st.long_lines, 1);
	assert_int_equal(st.lines, 3);
	assert_int_equal(r->events[SOURCE_LONG_LINE], 1);
	/* One that never ends counts when its file is left. */
	longer[1000] = longer[1001] = 'x';
	rig_write(r, "a.log", longer);
	rig_rename(r, "a.log", "a.log.1");
	rig_gives(r, "a.log", "3 x\n");
	rig_run(r, 4 * r->linger_ms);
	source_stats(rig_source(r, "a.log"), &st);
	assert_int_equal(st.long_lines, 2);
	assert_int_equal(st.lines, 4);
}

static void
only_regular_files(void **state)
{
	struct rig *r = *state;
	const char *names[] = { "fifo", "dir", "null", "proc" };
	struct err e;

	assert_int_equal(mkfifo(rig_path(r, "fifo"), 0600), 0);
	mkdir(rig_path(r, "dir"), 0700);
	assert_int_equal(symlink("/dev/null", rig_path(r, "null")), 0);
	assert_int_equal(symlink("/proc/self/status", rig_path(r, "proc")), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    sources_add_glob(r->set,
			&(struct glob_request){ rig_path(r, names[i]), false, false },
			NULL, &e),
		    0);
	sources_start(r->set);
	rig_run(r, 20);
	assert_int_equal(r->events[SOURCE_ERROR], 4);
	assert_int_equal(r->text.len, 0);
	assert_true(sources_add_glob(r->set,
	    &(struct glob_request){ "relative", false, false }, NULL, &e) < 0);
}

/* Whoever can make links in a log folder must not choose what is read. */
static void
link_of_another_user(void **state)
{
	struct rig *r = *state;

	if (geteuid() != 0)
		skip();
	rig_write(r, "secret", "1 x\n");
	assert_int_equal(symlink("secret", rig_path(r, "a.log")), 0);
	assert_int_equal(lchown(rig_path(r, "a.log"), 65534, 65534), 0);
	rig_follow(r, "a.log");
	rig_until_event(r, SOURCE_DENIED, 1);
	assert_int_equal(r->text.len, 0);
	/* To a file of his own it leads him nowhere else. */
	assert_int_equal(chown(rig_path(r, "secret"), 65534, 65534), 0);
	rig_remove(r, "a.log");
	assert_int_equal(symlink("secret", rig_path(r, "a.log")), 0);
	assert_int_equal(lchown(rig_path(r, "a.log"), 65534, 65534), 0);
	rig_until(r, "1 x\n");
}

static void
first_read_begins_by_time(void **state)
{
	struct rig *r = *state;
	char line[64];

	r->with_time = true;
	r->now_ms = 100000;
	sources_free(r->set);
	rig_new(r);
	for (int i = 0; i < 100; i++) {
		char block[64 * 1000] = "";
		size_t n = 0;

		for (int k = 0; k < 1000; k++)
			n += (size_t)snprintf(
			    block + n, 64, "%d filler filler filler\n", i * 1000 + k);
		rig_write(r, "a.log", block);
	}
	rig_follow(r, "a.log");
	rig_until(r, "99999 filler filler filler\n");
	rig_each_once(r, 99000, 100000);
	snprintf(line, sizeof(line), "%.5s", rig_text(r));
	assert_in_range(atol(line), 90000, 99000);
}

static void
tail_begins_at_the_end(void **state)
{
	struct rig *r = *state;
	struct err e;

	rig_write(r, "a.log", "1 old\n");
	assert_int_equal(sources_add_glob(r->set,
	    &(struct glob_request){ rig_path(r, "a.log"), true, false }, NULL, &e), 0);
	sources_start(r->set);
	rig_gives(r, "a.log", "2 new\n");
	assert_string_equal(rig_text(r), "2 new\n");
}

static void
two_globs_and_a_link_are_one_source(void **state)
{
	struct rig *r = *state;
	struct err e;

	rig_write(r, "a.log", "");
	assert_int_equal(symlink("a.log", rig_path(r, "b.link")), 0);
	sources_add_glob(r->set,
	    &(struct glob_request){ rig_path(r, "a.log"), false, false }, (void *)1,
	    &e);
	sources_add_glob(r->set,
	    &(struct glob_request){ rig_path(r, "*.log"), false, false }, (void *)2,
	    &e);
	sources_add_glob(r->set,
	    &(struct glob_request){ rig_path(r, "b.link"), false, false }, (void *)3,
	    &e);
	sources_start(r->set);
	rig_gives(r, "a.log", "1 x\n");
	rig_run(r, 10);
	rig_each_once(r, 1, 2);
	assert_int_equal(r->ngroups, 3);
}

static void
polled_file(void **state)
{
	struct rig *r = *state;
	struct err e;

	rig_write(r, "a.log", "1 x\n");
	sources_add_glob(r->set,
	    &(struct glob_request){ rig_path(r, "a.log"), false, true }, NULL, &e);
	sources_start(r->set);
	rig_until(r, "1 x\n");
	rig_rename(r, "a.log", "a.log.1");
	rig_gives(r, "a.log", "2 x\n");
}

static void
polled_file_that_comes_later(void **state)
{
	struct rig *r = *state;
	struct err e;

	sources_add_glob(r->set,
	    &(struct glob_request){ rig_path(r, "a.log"), false, true }, NULL, &e);
	sources_start(r->set);
	assert_int_equal(r->events[SOURCE_MISSING], 1);
	rig_gives(r, "a.log", "1 x\n");
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
		TEST(long_lines_are_skipped_whole),
		TEST(only_regular_files),
		TEST(link_of_another_user),
		TEST(first_read_begins_by_time),
		TEST(tail_begins_at_the_end),
		TEST(two_globs_and_a_link_are_one_source),
		TEST(polled_file),
		TEST(polled_file_that_comes_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
