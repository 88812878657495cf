/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_resume.c - going on from a stored place, whatever happened meanwhile; also the
 * line cap, refusals, first positions, groups, descriptors and the socket.
 */
#include "source_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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

static void
pipe_gives_its_last_line(void **state)
{
	struct rig *r = *state;
	struct source_stats st;
	struct err e;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(sources_add_fd(r->set, p[0], "stdin", NULL, &e), 0);
	sources_start(r->set);
	assert_int_equal(write(p[1], "1 x\n", 4), 4);
	rig_until(r, "1 x\n");
	for (int i = 0; i < 4; i++) {
		char part[600];

		memset(part, 'x', sizeof(part));
		part[599] = i == 3 ? '\n' : 'x';
		assert_int_equal(write(p[1], part, sizeof(part)), sizeof(part));
		rig_run(r, 5);
	}
	assert_int_equal(write(p[1], "2", 1), 1);
	rig_run(r, 5);
	source_stats(r->last, &st);
	assert_int_equal(st.long_lines, 1);
	close(p[1]);
	rig_until_event(r, SOURCE_GONE, 1);
	assert_string_equal(rig_text(r), "1 x\n2");
	close(p[0]);
}

static void
socket_line_and_origin(void **state)
{
	struct rig *r = *state;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	const char *text[] = { "<38>Nov 21 21:52:05 mx1 sshd[7]: a\nb\n",
		"<38>1 2026-11-21T21:52:05Z mx2 sshd 7 - - c",
		"<38>Nov 21 21:52:05 su: d" };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct err e;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/sock", r->dir);
	assert_int_equal(sources_add_socket(r->set, sa.sun_path, NULL, &e), 0);
	assert_true(sources_add_socket(r->set, sa.sun_path, NULL, &e) < 0);
	sources_start(r->set);
	for (size_t i = 0; i < 3; i++)
		assert_true(sendto(fd, text[i], strlen(text[i]), 0,
		    (struct sockaddr *)&sa, sizeof(sa)) > 0);
	rig_until(r, "su: d\n");
	assert_string_equal(rig_text(r), "Nov 21 21:52:05 mx1 sshd[7]: a\\nb\n"
	    "2026-11-21T21:52:05Z mx2 sshd[7]: c\nNov 21 21:52:05 su: d\n");
	assert_non_null(strstr(r->log.p, "origin mx1\norigin mx2\n"));
	close(fd);
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
		TEST(long_lines_are_skipped_whole),
		TEST(only_regular_files),
		TEST(link_of_another_user),
		TEST(first_read_begins_by_time),
		TEST(tail_begins_at_the_end),
		TEST(two_globs_and_a_link_are_one_source),
		TEST(polled_file),
		TEST(polled_file_that_comes_later),
		TEST(pipe_gives_its_last_line),
		TEST(socket_line_and_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
