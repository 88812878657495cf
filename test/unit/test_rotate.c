/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_rotate.c - rotation: no line missed, none twice, losses said.
 *
 * The forms are those of logrotate, log4j, cronolog and hasty administrators, first one
 * by one, then by a child process that writes and rotates as fast as it can.
 */
#include "source_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
rename_and_create(void **state)
{
	struct rig *r = *state;

	rig_start(r, "a.log", "1 a\n");
	rig_write(r, "a.log", "2 a\n");
	rig_rename(r, "a.log", "a.log.1");
	rig_write(r, "a.log", "3 b\n");
	rig_write(r, "a.log.1", "4 late\n");
	rig_until(r, "3 b\n");
	assert_string_equal(rig_text(r), "1 a\n2 a\n4 late\n3 b\n");
	rig_gives(r, "a.log.1", "5 later\n");
	rig_gives(r, "a.log", "6 b\n");
	rig_each_once(r, 1, 7);
	assert_int_equal(r->events[SOURCE_ROTATED], 1);
}

static void
rename_long_before_create(void **state)
{
	struct rig *r = *state;

	rig_start(r, "a.log", "1 a\n");
	rig_rename(r, "a.log", "a.log.1");
	rig_until_event(r, SOURCE_GONE, 1);
	rig_run(r, 150);
	rig_gives(r, "a.log.1", "2 a\n");
	rig_gives(r, "a.log", "3 b\n");
	rig_each_once(r, 1, 4);
}

static void
old_file_is_left_after_a_while(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 a\n2 no end");
	rig_follow(r, "a.log");
	rig_until(r, "1 a\n");
	rig_rename(r, "a.log", "a.log.1");
	rig_write(r, "a.log", "");
	rig_until(r, "2 no end");
	rig_run(r, 150);
	assert_null(strchr(source_place(rig_source(r, "a.log")), ' '));
}

static void
deleted_and_recreated(void **state)
{
	struct rig *r = *state;

	rig_start(r, "a.log", "1 a\n");
	/* Twice without a look: the inode number may come back at once. */
	rig_write(r, "a.log", "2 a\n");
	rig_remove(r, "a.log");
	rig_gives(r, "a.log", "3 b\n");
	rig_run(r, 150);
	rig_remove(r, "a.log");
	rig_run(r, 20);
	rig_gives(r, "a.log", "4 c\n");
	rig_each_once(r, 1, 5);
}

/* Nobody may hold the space of a deleted log for ever. */
static void
deleted_file_is_left(void **state)
{
	struct rig *r = *state;

	rig_start(r, "a.log", "1 a\n");
	assert_true(source_place(rig_source(r, "a.log"))[0]);
	rig_remove(r, "a.log");
	rig_until_event(r, SOURCE_GONE, 1);
	for (int i = 0; i < 100 && source_place(rig_source(r, "a.log"))[0]; i++)
		rig_run(r, r->linger_ms);
	assert_string_equal(source_place(rig_source(r, "a.log")), "");
	rig_gives(r, "a.log", "2 b\n");
	rig_each_once(r, 1, 3);
}

/* Moved away and back, while its writer went on. */
static void
name_comes_back(void **state)
{
	struct rig *r = *state;

	rig_start(r, "a.log", "1 a\n");
	rig_rename(r, "a.log", "a.log.1");
	rig_gives(r, "a.log", "2 b\n");
	rig_rename(r, "a.log", "x");
	rig_rename(r, "a.log.1", "a.log");
	rig_gives(r, "a.log", "3 a\n");
	rig_gives(r, "x", "4 b\n");
	rig_run(r, 4 * r->linger_ms);
	rig_gives(r, "a.log", "5 a\n");
	rig_each_once(r, 1, 6);
}

static void
truncated_in_place(void **state)
{
	struct rig *r = *state;
	struct source_stats st;

	rig_write(r, "a.log", "1 aaaa\n2 aaaa\n3 part");
	rig_follow(r, "a.log");
	rig_until(r, "2 aaaa\n");
	assert_int_equal(truncate(rig_path(r, "a.log"), 0), 0);
	rig_until_event(r, SOURCE_TRUNCATED, 1);
	rig_gives(r, "a.log", "4 bbbb\n");
	source_stats(rig_source(r, "a.log"), &st);
	assert_int_equal(st.lost_bytes, 6);
	assert_int_equal(r->events[SOURCE_LOST], 1);
	/* And to the same size between two looks. */
	assert_int_equal(truncate(rig_path(r, "a.log"), 0), 0);
	rig_gives(r, "a.log", "5 cccc\n");
	assert_int_equal(r->events[SOURCE_TRUNCATED], 2);
	rig_each_once(r, 4, 6);
	/* Only the incomplete last line is cut off: the text before is as it was. */
	rig_write(r, "a.log", "6 part");
	rig_run(r, 20);
	assert_int_equal(truncate(rig_path(r, "a.log"), 7), 0);
	rig_until_event(r, SOURCE_TRUNCATED, 3);
}

static void
writer_without_append_leaves_a_hole(void **state)
{
	struct rig *r = *state;
	int fd = open(rig_path(r, "a.log"), O_WRONLY | O_CREAT, 0600);
	char fill[9000];

	memset(fill, 'x', sizeof(fill));
	for (int i = 99; i < 9000; i += 100)
		fill[i] = '\n';
	assert_int_equal(write(fd, fill, sizeof(fill)), sizeof(fill));
	rig_follow(r, "a.log");
	rig_until(r, "x\n");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(write(fd, "1 z\n", 4), 4);
	rig_until(r, "x\n1 z\n");
	close(fd);
}

static void
copytruncate_gives_the_rest_from_the_copy(void **state)
{
	struct rig *r = *state;
	struct source_stats st;
	char command[256];

	rig_start(r, "a.log", "1 a\n");
	rig_write(r, "a.log", "2 unread\n");
	snprintf(command, sizeof(command), "cp %s/a.log %s/a.log.1 && : >%s/a.log",
	    r->dir, r->dir, r->dir);
	assert_int_equal(system(command), 0);
	rig_gives(r, "a.log", "3 b\n");
	rig_each_once(r, 1, 4);
	source_stats(rig_source(r, "a.log"), &st);
	assert_int_equal(st.lost_bytes, 0);
}

static void
link_is_switched(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a-1", "1 a\n");
	assert_int_equal(symlink("a-1", rig_path(r, "now")), 0);
	rig_follow(r, "now");
	rig_until(r, "1 a\n");
	rig_write(r, "a-1", "2 a\n");
	rig_write(r, "a-2", "3 b\n");
	assert_int_equal(symlink("a-2", rig_path(r, "new")), 0);
	rig_rename(r, "new", "now");
	rig_until(r, "3 b\n");
	rig_each_once(r, 1, 4);
}

static void
target_of_a_link_is_rotated(void **state)
{
	struct rig *r = *state;

	mkdir(rig_path(r, "data"), 0700);
	rig_write(r, "data/a", "1 a\n");
	assert_int_equal(symlink("data/a", rig_path(r, "now")), 0);
	rig_follow(r, "now");
	rig_until(r, "1 a\n");
	rig_rename(r, "data/a", "data/a.1");
	rig_gives(r, "data/a", "2 b\n");
}

static void
folder_is_moved_and_made_again(void **state)
{
	struct rig *r = *state;

	mkdir(rig_path(r, "logs"), 0700);
	rig_start(r, "logs/a", "1 a\n");
	rig_rename(r, "logs", "logs.old");
	rig_run(r, 10);
	mkdir(rig_path(r, "logs"), 0700);
	rig_run(r, 10);
	rig_gives(r, "logs/a", "2 b\n");
	rig_gives(r, "logs/a", "3 b\n");
	rig_each_once(r, 1, 4);
}

static void
glob_that_matches_rotated_names(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 a\n");
	rig_follow(r, "a.log*");
	rig_until(r, "1 a\n");
	for (int i = 2; i < 8; i += 2) {
		char text[64];

		rig_rename(r, "a.log", "tmp");
		if (i > 2)
			rig_rename(r, "a.log.1", "a.log.2");
		rig_rename(r, "tmp", "a.log.1");
		snprintf(text, sizeof(text), "%d new\n", i);
		rig_write(r, "a.log", text);
		rig_until(r, text);
		rig_run(r, i == 4 ? 150 : 10);
		snprintf(text, sizeof(text), "%d late\n", i + 1);
		rig_write(r, "a.log.1", text);
		rig_until(r, text);
	}
	rig_each_once(r, 1, 8);
}

/* Read to its end and left under one name, and then it comes back under another. */
static void
rotated_name_comes_late(void **state)
{
	struct rig *r = *state;

	rig_write(r, "a.log", "1 a\n");
	rig_follow(r, "a.log*");
	rig_until(r, "1 a\n");
	rig_rename(r, "a.log", "tmp");
	rig_gives(r, "a.log", "2 b\n");
	rig_run(r, 4 * r->linger_ms);
	rig_write(r, "tmp", "3 c\n");
	rig_rename(r, "tmp", "a.log.1");
	rig_until(r, "3 c\n");
	rig_each_once(r, 1, 4);
}

/* The child writes numbers as fast as it can and rotates every so many lines. On a busy
 * machine it waits when it is `ahead` files ahead: what is deleted, or truncated twice,
 * before anybody looked is lost by nature. */
enum form { RENAME, DATED, SWITCH, COPY };

static void
rotate(struct rig *r, enum form form, int n)
{
	char a[256], b[256], command[1024];

	snprintf(a, sizeof(a), "%s/a.log", r->dir);
	snprintf(b, sizeof(b), "%s/a.log.%d", r->dir, form == DATED ? 1000 + n : 1);
	switch (form) {
	case RENAME:
		for (int i = 8; i > 0; i--) {
			snprintf(command, sizeof(command), "%s.%d", a, i);
			snprintf(b, sizeof(b), "%s/a.log.%d", r->dir, i + 1);
			rename(command, b);
		}
		rename(a, command);
		break;
	case DATED:
		rename(a, b);
		break;
	case SWITCH:
		snprintf(command, sizeof(command), "real-%d", n + 1);
		if (symlink(command, rig_path(r, "next")) == 0)
			rename(rig_path(r, "next"), a);
		break;
	case COPY:
		snprintf(
		    command, sizeof(command), "cp %s %s && truncate -s0 %s", a, b, a);
		if (system(command) != 0)
			_exit(1);
		break;
	}
}

struct writer { enum form form; int files, lines, pause_us, ahead; };

static void
await_line(const struct rig *r, long number)
{
	while ((long)r->progress[0] < number)
		usleep(500);
}

static pid_t
start_writer(struct rig *r, const struct writer *w)
{
	pid_t pid = fork();
	int number = 1;

	if (pid != 0)
		return pid;
	alarm(10);	/* a reader that gives up must not leave us behind */
	for (int i = 0; i < w->files; i++) {
		int fd =
		    open(rig_path(r, "a.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		char line[64];

		for (int k = 0; k < w->lines; k++, number++) {
			int n =
			    snprintf(line, sizeof(line), "%d line of text\n", number);

			/* A target that a link left before anybody looked is lost. */
			if (k == w->lines - 3 && w->form == SWITCH)
				await_line(r, (long)i * w->lines + 1);
			if (k == w->lines - 3 && w->form != COPY)
				rotate(r, w->form, i);	/* the last three are late */
			if (write(fd, line, (size_t)n) != n)
				_exit(1);
		}
		await_line(r, (long)(i + 1 - w->ahead) * w->lines + 1);
		if (w->form == COPY && i + 1 < w->files)
			rotate(r, COPY, i);
		close(fd);
		usleep((useconds_t)w->pause_us);
	}
	rig_write(r, "a.log", "0 the end\n");
	_exit(0);
}

static void
storm(struct rig *r, const struct writer *w)
{
	int status;
	pid_t pid;

	rig_write(r, w->form == SWITCH ? "real-0" : "a.log", "");
	rig_follow(r, "a.log");
	pid = start_writer(r, w);
	rig_until(r, "0 the end\n");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rig_each_once(r, 1, (size_t)(w->files * w->lines) + 1);
	assert_int_equal(r->events[SOURCE_LOST], 0);
}

static void
storm_of_renames(void **state)
{
	storm(*state, &(struct writer){ RENAME, 100, 500, 3000, 6 });
}

static void
storm_of_dated_renames_without_pause(void **state)
{
	storm(*state, &(struct writer){ DATED, 40, 2000, 0, 40 });
}

static void
storm_of_link_switches(void **state)
{
	struct rig *r = *state;

	assert_int_equal(symlink("real-0", rig_path(r, "a.log")), 0);
	storm(r, &(struct writer){ SWITCH, 50, 500, 3000, 50 });
}

static void
storm_of_copytruncate(void **state)
{
	storm(*state, &(struct writer){ COPY, 20, 1000, 3000, 1 });
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		TEST(rename_and_create),
		TEST(rename_long_before_create),
		TEST(old_file_is_left_after_a_while),
		TEST(deleted_and_recreated),
		TEST(deleted_file_is_left),
		TEST(name_comes_back),
		TEST(truncated_in_place),
		TEST(writer_without_append_leaves_a_hole),
		TEST(copytruncate_gives_the_rest_from_the_copy),
		TEST(link_is_switched),
		TEST(target_of_a_link_is_rotated),
		TEST(folder_is_moved_and_made_again),
		TEST(glob_that_matches_rotated_names),
		TEST(rotated_name_comes_late),
		TEST(storm_of_renames),
		TEST(storm_of_dated_renames_without_pause),
		TEST(storm_of_link_switches),
		TEST(storm_of_copytruncate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
