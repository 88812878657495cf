/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_trouble.c - what else happens to logs: too many events, rights that come and go,
 * thousands of files, inode numbers given again, bytes that are no text.
 */
#include "source_rig.h"

#include "banner/source/files.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOBODY = 65534, MANY = 2500 };

static long
queue_limit(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long n = 0;

	if (f && fscanf(f, "%ld", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

/* Two files in turn: the kernel merges equal events that follow each other. */
static int
write_in_turn(struct rig *r, int events)
{
	int fd[2], n = 0;

	for (int i = 0; i < 2; i++)
		fd[i] = open(rig_path(r, i ? "b.log" : "a.log"), O_WRONLY | O_APPEND);
	for (; n < events; n++)
		assert_true(dprintf(fd[n % 2], "%d x\n", n + 2) > 0);
	close(fd[0]);
	close(fd[1]);
	return n + 2;
}

static void
run_until_all_seen(struct rig *r, int from, int to)
{
	int n = from;

	for (int i = 0; i < 10000 && n < to; i++) {
		rig_run(r, 2);
		while (n < to && r->seen[n])
			n++;
	}
	rig_each_once(r, (size_t)from, (size_t)to);
}

static void
event_queue_overflows(void **state)
{
	struct rig *r = *state;
	long limit = queue_limit();
	int n;

	if (limit < 1 || limit > 100000)
		skip();
	rig_write(r, "a.log", "0 x\n");
	rig_write(r, "b.log", "1 x\n");
	rig_write(r, "quiet1.log", "100000 x\n");
	rig_write(r, "quiet2.log", "100001 x\n");
	rig_follow(r, "*.log");
	run_until_all_seen(r, 0, 2);
	n = write_in_turn(r, (int)limit + 100);
	/* None of this is told any more. */
	rig_rename(r, "a.log", "a.log.1");
	for (int i = 0; i < 4; i++, n++) {
		static const char *const names[] = { "a.log", "new.log", "quiet1.log",
			"quiet2.log" };
		char text[32];

		snprintf(text, sizeof(text), "%d x\n", n);
		rig_write(r, names[i], text);
	}
	run_until_all_seen(r, 0, n);
	rig_gives(r, "b.log", "100002 x\n");
}

/* Root may read everything, so become somebody who owns the folder. */
static void
be_nobody(struct rig *r)
{
	if (geteuid() == 0) {
		assert_int_equal(chown(r->dir, NOBODY, NOBODY), 0);
		assert_int_equal(seteuid(NOBODY), 0);
	}
}

static int
be_root_again(void **state)
{
	if (getuid() == 0 && seteuid(0) < 0)
		return -1;
	return rig_teardown(state);
}

static void
file_that_may_not_be_read(void **state)
{
	struct rig *r = *state;

	be_nobody(r);
	rig_write(r, "a.log", "1 a\n");
	assert_int_equal(chmod(rig_path(r, "a.log"), 0), 0);
	rig_follow(r, "a.log");
	rig_until_event(r, SOURCE_DENIED, 1);
	rig_run(r, 50);
	assert_int_equal(r->events[SOURCE_DENIED], 1);
	assert_int_equal(chmod(rig_path(r, "a.log"), 0600), 0);
	rig_until(r, "1 a\n");
	/* Its successor is unreadable for a while. */
	rig_rename(r, "a.log", "a.log.1");
	rig_write(r, "a.log", "3 b\n");
	assert_int_equal(chmod(rig_path(r, "a.log"), 0), 0);
	rig_write(r, "a.log.1", "2 a\n");
	rig_until_event(r, SOURCE_DENIED, 2);
	rig_until(r, "2 a\n");
	assert_int_equal(chmod(rig_path(r, "a.log"), 0600), 0);
	rig_until(r, "3 b\n");
	rig_each_once(r, 1, 4);
}

static void
folder_that_may_not_be_entered(void **state)
{
	struct rig *r = *state;

	be_nobody(r);
	assert_int_equal(mkdir(rig_path(r, "logs"), 0700), 0);
	rig_write(r, "logs/a.log", "1 a\n");
	assert_int_equal(chmod(rig_path(r, "logs"), 0), 0);
	rig_follow(r, "logs/*.log");
	rig_until_event(r, SOURCE_DENIED, 1);
	assert_int_equal(chmod(rig_path(r, "logs"), 0700), 0);
	rig_until(r, "1 a\n");
	rig_gives(r, "logs/b.log", "2 b\n");
	rig_each_once(r, 1, 3);
}

/* The log may be opened by its name, but nobody tells of changes in its folder. */
static void
folder_that_may_not_be_listed(void **state)
{
	struct rig *r = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(rig_path(r, "logs"), 0711), 0);
	rig_write(r, "logs/a.log", "1 a\n");
	assert_int_equal(chmod(rig_path(r, "logs/a.log"), 0644), 0);
	be_nobody(r);
	rig_follow(r, "logs/a.log");
	rig_until(r, "1 a\n");
	assert_int_equal(seteuid(0), 0);
	rig_rename(r, "logs/a.log", "logs/a.log.1");
	rig_write(r, "logs/a.log", "2 b\n");
	assert_int_equal(chmod(rig_path(r, "logs/a.log"), 0644), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	rig_until(r, "2 b\n");
	rig_each_once(r, 1, 3);
}

static struct reader *
reader_of(struct rig *r)
{
	return r->set->files->first->cur;
}

static void
read_that_fails(void **state)
{
	struct rig *r = *state;
	int good, none = open("/dev/null", O_WRONLY);

	rig_start(r, "a.log", "1 a\n");
	good = dup(reader_of(r)->fd);
	assert_true(dup2(none, reader_of(r)->fd) >= 0);
	rig_write(r, "a.log", "2 a\n");
	rig_until_event(r, SOURCE_ERROR, 1);
	rig_run(r, 1200);
	assert_int_equal(r->events[SOURCE_ERROR], 1);
	assert_true(dup2(good, reader_of(r)->fd) >= 0);
	rig_until(r, "2 a\n");
	close(good);
	close(none);
}

/* One message, however many files; they are followed when there is room again. */
static void
no_more_descriptors(void **state)
{
	struct rig *r = *state;
	struct rlimit was, few;

	for (int i = 0; i < 30; i++) {
		char name[32], text[32];

		snprintf(name, sizeof(name), "%d.log", i);
		snprintf(text, sizeof(text), "%d x\n", i);
		rig_write(r, name, text);
	}
	getrlimit(RLIMIT_NOFILE, &was);
	few = was;
	few.rlim_cur = 25;
	setrlimit(RLIMIT_NOFILE, &few);
	rig_follow(r, "*.log");
	rig_run(r, 50);
	setrlimit(RLIMIT_NOFILE, &was);
	assert_true(r->text.len > 0);
	assert_int_equal(r->events[SOURCE_ERROR], 1);
	run_until_all_seen(r, 0, 30);
	assert_int_equal(r->events[SOURCE_ERROR], 1);
}

/* A user namespace of our own has a limit of its own. There we are nobody. */
static bool
limit_watches(const char *limit)
{
	int fd;
	bool ok;

	if (geteuid() != NOBODY && unshare(CLONE_NEWUSER) < 0)
		return false;
	fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY);
	ok = fd >= 0 && write(fd, limit, strlen(limit)) > 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Said, and polled. */
static void
no_more_watches(void **state)
{
	struct rig *r = *state;
	struct err e;

	if (!limit_watches("0"))
		skip();
	rig_write(r, "a.log", "1 a\n");
	assert_int_equal(sources_add_glob(r->set,
	    &(struct glob_request){ rig_path(r, "sub/late"), false, false }, NULL, &e),
	    0);
	rig_follow(r, "*.log");
	rig_until(r, "1 a\n");
	assert_int_equal(r->events[SOURCE_ERROR], 1);
	assert_non_null(strstr(r->log.p, "fs.inotify.max_user_watches"));
	rig_rename(r, "a.log", "a.log.1");
	rig_write(r, "a.log.1", "2 a\n");
	rig_gives(r, "a.log", "3 b\n");
	rig_gives(r, "b.log", "4 c\n");
	assert_int_equal(mkdir(rig_path(r, "sub"), 0700), 0);
	rig_gives(r, "sub/late", "5 d\n");
	rig_each_once(r, 1, 6);
	assert_int_equal(r->events[SOURCE_ERROR], 1);
}

/* Enough for the folders /, /tmp and ours. */
static void
no_watch_for_a_file(void **state)
{
	struct rig *r = *state;

	if (!limit_watches("3"))
		skip();
	rig_write(r, "a.log", "1 a\n");
	rig_write(r, "b.log", "2 a\n");
	rig_follow(r, "a.log");
	rig_until(r, "1 a\n");
	assert_int_equal(r->events[SOURCE_ERROR], 1);
	rig_gives(r, "a.log", "3 a\n");
	rig_rename(r, "a.log", "a.log.1");
	rig_write(r, "a.log.1", "4 a\n");
	rig_rename(r, "b.log", "a.log");
	rig_until(r, "2 a\n");
	rig_gives(r, "a.log.1", "5 a\n");
	rig_each_once(r, 1, 6);
}

static void
write_each(struct rig *r, int from)
{
	for (int i = 0; i < MANY; i++) {
		char name[32], text[32];

		snprintf(name, sizeof(name), "host%04d.log", i);
		snprintf(text, sizeof(text), "%d x\n", from + i);
		rig_write(r, name, text);
	}
}

static void
thousands_of_files(void **state)
{
	struct rig *r = *state;
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_max < 3 * MANY)
		skip();
	write_each(r, 0);
	rig_follow(r, "host*.log");
	run_until_all_seen(r, 0, MANY);
	/* All of them rotated between two looks, and the old ones still written to. */
	for (int i = 0; i < MANY; i++) {
		char from[32], to[32], text[32];

		snprintf(from, sizeof(from), "host%04d.log", i);
		snprintf(to, sizeof(to), "host%04d.log.1", i);
		rig_rename(r, from, to);
		snprintf(text, sizeof(text), "%d late\n", 2 * MANY + i);
		rig_write(r, to, text);
	}
	write_each(r, MANY);
	run_until_all_seen(r, 0, 3 * MANY);
	assert_int_equal(r->events[SOURCE_ROTATED], MANY);
}

static uint64_t
inode_of(struct rig *r, const char *name)
{
	struct stat st;

	assert_int_equal(stat(rig_path(r, name), &st), 0);
	return st.st_ino;
}

/* While we were away another file got the number of the one we read, and is longer. */
static void
inode_number_given_again(void **state)
{
	struct rig *r = *state;
	uint64_t was, now = 0;

	rig_write(r, "a.log", "1 a\n2 a\n");
	rig_follow(r, "a.log");
	rig_until(r, "2 a\n");
	was = inode_of(r, "a.log");
	rig_stop(r);
	for (int i = 0; i < 100 && now != was; i++) {
		rig_remove(r, "a.log");
		rig_write(r, "a.log", "3 b\n4 b\n5 b\n6 b\n");
		now = inode_of(r, "a.log");
	}
	if (now != was)
		skip();		/* this file system does not do that soon */
	rig_new(r);
	rig_follow(r, "a.log");
	rig_until(r, "6 b\n");
	rig_each_once(r, 1, 7);
	assert_int_equal(r->events[SOURCE_LOST], 1);
}

static void
bytes_that_are_no_text(void **state)
{
	static const char odd[] =
	    "1 cr\r\n2 \0nul\0\n3 \xff\xc3(\n4 \r half\n\n\0\n5 end\n";
	struct rig *r = *state;
	int fd;

	rig_follow(r, "a.log");
	fd = open(rig_path(r, "a.log"), O_WRONLY | O_CREAT | O_APPEND, 0600);
	assert_int_equal(write(fd, odd, sizeof(odd) - 1), sizeof(odd) - 1);
	close(fd);
	rig_until(r, "5 end\n");
	assert_int_equal(r->text.len, sizeof(odd) - 1);
	assert_memory_equal(r->text.p, odd, sizeof(odd) - 1);
}

static void
many_writes_are_one_block(void **state)
{
	struct rig *r = *state;
	size_t before;

	rig_start(r, "a.log", "0 a\n");
	before = r->blocks;
	for (int i = 1; i < 2000; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%d a\n", i);
		rig_write(r, "a.log", text);
	}
	rig_until(r, "1999 a\n");
	assert_true(r->blocks - before <= 2);
	rig_each_once(r, 0, 2000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(event_queue_overflows),
		cmocka_unit_test_setup_teardown(
		    file_that_may_not_be_read, rig_setup, be_root_again),
		cmocka_unit_test_setup_teardown(
		    folder_that_may_not_be_entered, rig_setup, be_root_again),
		cmocka_unit_test_setup_teardown(
		    folder_that_may_not_be_listed, rig_setup, be_root_again),
		TEST(thousands_of_files),
		TEST(inode_number_given_again),
		TEST(bytes_that_are_no_text),
		TEST(many_writes_are_one_block),
		TEST(read_that_fails),
		TEST(no_more_descriptors),
		/* The last, for they change the process. */
		TEST(no_watch_for_a_file),
		TEST(no_more_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
