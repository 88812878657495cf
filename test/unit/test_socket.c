/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_socket.c - lines that nobody can read again: of a pipe, of syslog's socket.
 */
#include "source_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void
pipe_gives_its_last_line(void **state)
{
	struct rig *r = *state;
	struct source_stats st;
	void *const *groups;
	struct err e;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(sources_add_fd(r->set, p[0], "stdin", NULL, &e), 0);
	assert_int_equal(sources_add_fd(r->set, p[0], "stdin", r, &e), 0);
	sources_start(r->set);
	assert_int_equal(write(p[1], "1 x\n", 4), 4);
	rig_until(r, "1 x\n");
	assert_int_equal(source_groups(r->last, &groups), 2);
	assert_ptr_equal(groups[1], r);
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
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), other = socket(AF_UNIX, SOCK_DGRAM, 0);
	void *const *groups;
	struct err e;

	/* where somebody else listens, nobody takes his place */
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/other", r->dir);
	assert_int_equal(bind(other, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_true(sources_add_socket(r->set, sa.sun_path, NULL, &e) < 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/sock", r->dir);
	assert_int_equal(sources_add_socket(r->set, sa.sun_path, NULL, &e), 0);
	assert_int_equal(sources_add_socket(r->set, sa.sun_path, r, &e), 0);
	sources_start(r->set);
	for (size_t i = 0; i < 3; i++)
		assert_true(sendto(fd, text[i], strlen(text[i]), 0,
		    (struct sockaddr *)&sa, sizeof(sa)) > 0);
	rig_until(r, "su: d\n");
	assert_int_equal(source_groups(r->last, &groups), 2);
	assert_string_equal(rig_text(r), "Nov 21 21:52:05 mx1 sshd[7]: a\\nb\n"
	    "2026-11-21T21:52:05Z mx2 sshd[7]: c\nNov 21 21:52:05 su: d\n");
	assert_non_null(strstr(r->log.p, "origin mx1\norigin mx2\n"));
	close(fd);
	close(other);
}

static void
null_ends_at_once(void **state)
{
	struct rig *r = *state;
	struct err e;
	int fd = open("/dev/null", O_RDONLY);

	assert_int_equal(sources_add_fd(r->set, fd, "stdin", NULL, &e), 0);
	sources_start(r->set);
	rig_until_event(r, SOURCE_GONE, 1);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		TEST(pipe_gives_its_last_line),
		TEST(null_ends_at_once),
		TEST(socket_line_and_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
