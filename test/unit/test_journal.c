/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_journal.c - real journal files, written by systemd-journal-remote.
 *
 * Skipped where that program is not installed.
 */
#include "source_rig.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define REMOTE "/lib/systemd/systemd-journal-remote"

static const char *const units[] = { "_SYSTEMD_UNIT=ssh.service + _COMM=sshd",
	"SYSLOG_IDENTIFIER='other one'" };

static void
entry(FILE *f, int n, const char *ident, const char *message)
{
	fprintf(f,
	    "__REALTIME_TIMESTAMP=%lld\n__MONOTONIC_TIMESTAMP=%d\n"
	    "_BOOT_ID=8c2a0d2dc1b04c3d9a1fb8c9a2a7b4c1\n_HOSTNAME=mx\n"
	    "SYSLOG_IDENTIFIER=%s\n_PID=%d\n_COMM=%s\n_SOURCE_REALTIME_TIMESTAMP=%"
	    "lld\n",
	    1795000000000000LL + n * 1000000LL, 1000000 + n, ident, n, ident,
	    1795000000000000LL + n * 1000000LL - 5000);
	/* Text with LF is written by length. */
	fprintf(f, "MESSAGE\n");
	for (int i = 0; i < 8; i++)
		fputc(i == 0 ? (int)strlen(message) : 0, f);
	fprintf(f, "%s\n\n", message);
}

static void
write_journal(struct rig *r, int from, int to, const char *ident)
{
	char command[512];
	FILE *f;

	snprintf(command, sizeof(command), REMOTE " -o %s/%d.journal - >/dev/null 2>&1",
	    r->dir, from);
	f = popen(command, "w");
	for (int n = from; n < to; n++)
		entry(f, n, ident, n == from ? "two\nlines" : "one");
	assert_int_equal(pclose(f), 0);
}

static void
follow_journal(struct rig *r)
{
	struct journal_request req = { .match = units, .nmatch = 2, .path = r->dir };
	struct err e;

	assert_int_equal(sources_add_journal(r->set, &req, (void *)1, &e), 0);
	sources_start(r->set);
}

static void
reads_and_goes_on(void **state)
{
	struct rig *r = *state;

	if (access(REMOTE, X_OK) < 0)
		skip();
	r->now_ms = 1795000011000LL;
	r->opt.backlog_ms = 8000;
	sources_free(r->set);
	rig_new(r);
	write_journal(r, 1, 10, "sshd");
	follow_journal(r);
	rig_until(r, "mx sshd[9]: one\n");
	rig_until_event(r, SOURCE_CAUGHT_UP, 1);
	/* The backlog begins 8 s before now. */
	assert_memory_equal(rig_text(r), "mx sshd[3]: one\n", 16);
	assert_int_equal(r->line_ms, 1795000008995LL);
	assert_int_equal(r->dead, r->text.len);
	/* A new file, as after a rotation. */
	write_journal(r, 20, 22, "sshd");
	rig_until(r, "mx sshd[20]: two\\nlines\nmx sshd[21]: one\n");
	assert_true(r->dead < r->text.len);
	/* And after a restart exactly the next entry. */
	rig_stop(r);
	write_journal(r, 30, 31, "none");
	write_journal(r, 40, 41, "other one");
	buf_clear(&r->text);
	rig_new(r);
	follow_journal(r);
	rig_until(r, "\n");
	assert_string_equal(rig_text(r), "mx other one[40]: two\\nlines\n");
}

static void
from_the_start(struct rig *r, int64_t now_s)
{
	r->now_ms = now_s * 1000;
	r->opt.backlog_ms = 100000000;
	sources_free(r->set);
	rig_new(r);
}

/* The file that the cursor is in goes while we follow, another while we are away. */
static void
files_are_vacuumed(void **state)
{
	struct rig *r = *state;

	if (access(REMOTE, X_OK) < 0)
		skip();
	from_the_start(r, 1795000011);
	write_journal(r, 1, 3, "sshd");
	write_journal(r, 10, 13, "sshd");
	follow_journal(r);
	rig_until(r, "mx sshd[12]: one\n");
	rig_remove(r, "10.journal");
	write_journal(r, 20, 22, "sshd");
	rig_until(r, "mx sshd[21]: one\n");
	rig_stop(r);
	rig_remove(r, "20.journal");
	write_journal(r, 30, 32, "sshd");
	buf_clear(&r->text);
	rig_new(r);
	follow_journal(r);
	rig_until(r, "mx sshd[31]: one\n");
	assert_string_equal(rig_text(r),
	    "mx sshd[30]: two\\nlines\nmx sshd[31]: one\n");
	rig_remove(r, "30.journal");
	rig_remove(r, "1.journal");
	rig_run(r, 50);
	write_journal(r, 40, 41, "sshd");
	rig_until(r, "mx sshd[40]: two\\nlines\n");
}

/* What can be read is read; the rest holds nobody up. */
static void
one_file_is_damaged(void **state)
{
	struct rig *r = *state;
	char noise[4096];
	FILE *f;

	if (access(REMOTE, X_OK) < 0)
		skip();
	from_the_start(r, 1795000011);
	write_journal(r, 1, 200, "sshd");
	write_journal(r, 300, 310, "sshd");
	memset(noise, 0xa5, sizeof(noise));
	f = fopen(rig_path(r, "1.journal"), "r+");
	for (long at = 8192; at < 200000; at += 3 * 4096) {
		fseek(f, at, SEEK_SET);
		fwrite(noise, 1, sizeof(noise), f);
	}
	fclose(f);
	follow_journal(r);
	rig_until(r, "mx sshd[309]: one\n");
	write_journal(r, 400, 402, "sshd");
	rig_until(r, "mx sshd[401]: one\n");
}

static int
write_big(struct rig *r, const char *text, size_t n)
{
	char command[512];
	FILE *f;

	snprintf(command, sizeof(command),
	    REMOTE " -o %s/big.journal - >/dev/null 2>&1", r->dir);
	f = popen(command, "w");
	entry(f, 1, "sshd", "first");
	fprintf(f, "__REALTIME_TIMESTAMP=1795000002000000\n"
	    "__MONOTONIC_TIMESTAMP=1000002\n"
	    "_BOOT_ID=8c2a0d2dc1b04c3d9a1fb8c9a2a7b4c1\n_HOSTNAME=mx\n"
	    "SYSLOG_IDENTIFIER=other one\nMESSAGE\n");
	for (int i = 0; i < 8; i++)
		fputc((int)(n >> 8 * i & 0xff), f);
	fwrite(text, 1, n, f);
	fputs("\n\n", f);
	entry(f, 3, "other one", "last");
	return pclose(f);
}

static void
messages_that_are_odd(void **state)
{
	static const char binary[] = "a\0b\r\xff\xfe\nc";
	struct rig *r = *state;
	struct source_stats st;
	char *big = calloc(1, 1 << 20);

	if (access(REMOTE, X_OK) < 0)
		skip();
	from_the_start(r, 1795000011);
	memset(big, 'x', 1 << 20);
	assert_int_equal(write_big(r, big, 1 << 20), 0);
	follow_journal(r);
	rig_until(r, "other one[3]: last\n");
	assert_string_equal(rig_text(r), "mx sshd[1]: first\nmx other one[3]: last\n");
	source_stats(r->last, &st);
	assert_int_equal(st.long_lines, 1);
	assert_int_equal(st.lines, 2);
	free(big);
	rig_remove(r, "big.journal");
	rig_run(r, 20);
	from_the_start(r, 1795000011);
	buf_clear(&r->text);
	assert_int_equal(write_big(r, binary, sizeof(binary) - 1), 0);
	follow_journal(r);
	rig_until(r, "other one[3]: last\n");
	assert_memory_equal(
	    r->text.p + 18, "mx other one: a\0b\r\xff\xfe\\nc\nmx ", 26);
}

static void
many_entries_before_the_cursor(void **state)
{
	struct rig *r = *state;

	if (access(REMOTE, X_OK) < 0)
		skip();
	from_the_start(r, 1795000011);
	write_journal(r, 1, 5000, "sshd");
	follow_journal(r);
	rig_until(r, "mx sshd[4999]: one\n");
	rig_stop(r);
	buf_clear(&r->text);
	write_journal(r, 6000, 6002, "sshd");
	rig_new(r);
	follow_journal(r);
	rig_until(r, "mx sshd[6001]: one\n");
	assert_string_equal(rig_text(r),
	    "mx sshd[6000]: two\\nlines\nmx sshd[6001]: one\n");
}

static void
stored_place_is_none(void **state)
{
	struct rig *r = *state;

	if (access(REMOTE, X_OK) < 0)
		skip();
	from_the_start(r, 1795000011);
	write_journal(r, 1, 3, "sshd");
	buf_printf(&r->places, "\njournal:%s:%s + %s=nonsense\n", r->dir, units[0],
	    units[1]);
	follow_journal(r);
	rig_until(r, "mx sshd[2]: one\n");
	assert_int_equal(r->events[SOURCE_ERROR], 1);
}

/* The system's own journals, in a mount namespace: first in /run, as when nothing is to
 * be kept; then somebody makes /var/log/journal and journald moves there. */
static void
journal_moves(void **state)
{
	static const char id[] = "0123456789abcdef0123456789abcdef";
	struct journal_request req = { .match = units, .nmatch = 2, .flags = "0" };
	struct rig *r = *state;
	char old[256];
	struct err e;

	if (access(REMOTE, X_OK) < 0 || geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
		skip();
	mkdir("/run/log", 0755);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/run/log", "tmpfs", 0, NULL) < 0 ||
	    mount("tmpfs", "/var/log", "tmpfs", 0, NULL) < 0)
		skip();
	strcpy(old, r->dir);
	from_the_start(r, 1795000011);
	mkdir("/run/log/journal", 0755);
	snprintf(r->dir, sizeof(r->dir), "/run/log/journal/%s", id);
	mkdir(r->dir, 0755);
	write_journal(r, 1, 3, "sshd");
	assert_int_equal(sources_add_journal(r->set, &req, (void *)1, &e), 0);
	sources_start(r->set);
	rig_until(r, "mx sshd[2]: one\n");
	mkdir("/var/log/journal", 0755);
	snprintf(r->dir, sizeof(r->dir), "/var/log/journal/%s", id);
	mkdir(r->dir, 0755);
	write_journal(r, 5, 7, "sshd");
	snprintf(r->dir, sizeof(r->dir), "/run/log/journal/%s", id);
	rig_remove(r, "1.journal");
	assert_int_equal(rmdir(r->dir), 0);
	rig_until(r, "mx sshd[6]: one\n");
	strcpy(r->dir, old);
}

static void
bad_matches_are_refused(void **state)
{
	struct rig *r = *state;
	const char *bad[] = { "_COMM=sshd +", "_COMM='sshd", "sshd" };
	struct journal_request req = { .nmatch = 1, .path = r->dir };
	struct err e;

	for (size_t i = 1; i < 3; i++) {
		req.match = &bad[i];
		assert_true(sources_add_journal(r->set, &req, NULL, &e) < 0);
	}
	req.match = &bad[0];
	req.flags = "x";
	assert_true(sources_add_journal(r->set, &req, NULL, &e) < 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
		TEST(reads_and_goes_on),
		TEST(files_are_vacuumed),
		TEST(one_file_is_damaged),
		TEST(messages_that_are_odd),
		TEST(many_entries_before_the_cursor),
		TEST(stored_place_is_none),
		TEST(bad_matches_are_refused),
		TEST(journal_moves),	/* the last: it changes the process */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
