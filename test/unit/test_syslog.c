/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_syslog.c - messages by RFC 5424 become the lines of older syslogs.
 */
#include "test/unit/unit.h"

#include <string.h>

#include "banner/base/syslog.h"

static void
becomes(const char *message, const char *want)
{
	struct buf b = { 0 };

	assert_true(syslog_classic(str_of(message), &b));
	assert_string_equal(b.p, want);
	buf_fini(&b);
}

static void
is_none(const char *message)
{
	struct buf b = { 0 };

	assert_false(syslog_classic(str_of(message), &b));
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

#define HEAD	"<22>1 2026-03-05T10:00:00.5Z mx smtpd 7 "
#define LINE	"2026-03-05T10:00:00.5Z mx smtpd[7]: "

static void
messages(void **state)
{
	becomes(HEAD "- - text", LINE "text");
	becomes(HEAD "- -  text", LINE "text");
	becomes(HEAD "ID47 - text  of two\nlines", LINE "text  of two\nlines");
	becomes(HEAD "- [a@1 b=\"c d\"][e] text", LINE "text");
	becomes(HEAD "- [a@1 b=\"]\\\"] x\"] [text]", LINE "[text]");
	becomes(HEAD "- - \xef\xbb\xbft\xc3\xa4xt", LINE "t\xc3\xa4xt");
	becomes(HEAD "- -", LINE);
	becomes(HEAD "- - ", LINE);
	becomes("<0>1 - - - - - - text", "text");
	becomes("<191>1 2026-03-05T10:00:00Z - smtpd - - - text",
	    "2026-03-05T10:00:00Z smtpd: text");
}

static void
others(void **state)
{
	is_none("");
	is_none("<22>Mar  5 10:00:00 mx smtpd[7]: text");
	is_none("<22>2 2026-03-05T10:00:00Z mx smtpd 7 - - text");
	is_none("<>1 2026-03-05T10:00:00Z mx smtpd 7 - - text");
	is_none("<1234>1 2026-03-05T10:00:00Z mx smtpd 7 - - text");
	is_none("1 2026-03-05T10:00:00Z mx smtpd 7 - - text");
	is_none(" " HEAD "- - text");
	is_none("<22>1 2026-03-05T10:00:00Z mx smtpd 7 -");
	is_none("<22>1 2026-03-05T10:00:00Z mx  smtpd 7 - - text");
	is_none("<22>1 2026-03-05T10:00:00Z m\xc3\xa4x smtpd 7 - - text");
	is_none(HEAD "- text");
	is_none(HEAD "- -text");
	is_none(HEAD "- [a@1 b=\"c] text");
	is_none(HEAD "- [a@1]text");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
