/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_journal.c - real journal files, written by systemd-journal-remote.
 *
 * Skipped where that program is not installed.
 */
#include "source_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
		TEST(bad_matches_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
