/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_request.c - words of a control request, JSON of a reply, text of a command.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "banner/daemon/control/request.h"
#include "banner/daemon/helper/helper.h"

static const struct {
	const char *line;
	enum form form;
	const char *words;	/* each followed by | */
} good[] = {
	{ "status", FORM_TEXT, "status|" },
	{ "  status   sshd ", FORM_TEXT, "status|sshd|" },
	{ "json status", FORM_JSON, "status|" },
	{ "f2b 'get' sshd", FORM_F2B, "get|sshd|" },
	{ "a 'b c' \"d \\\" e\" f\\ g", FORM_TEXT, "a|b c|d \" e|f g|" },
	{ "'it'\\''s' ''", FORM_TEXT, "it's||" },
	{ "'\\'", FORM_TEXT, "\\|" },
	{ "a\\", FORM_TEXT, "a\\|" },
	{ "", FORM_TEXT, "" },
};

static void
test_words(void **state)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct request r = { 0 };
		struct buf got = { 0 };
		struct err e;

		assert_int_equal(request_parse(&r, str_of(good[i].line), &e), 0);
		assert_int_equal(r.form, good[i].form);
		buf_puts(&got, "");
		for (size_t n = 0; n < r.argc; n++)
			buf_printf(&got, "%s|", r.argv[n]);
		assert_string_equal(got.len ? got.p : "", good[i].words);
		assert_null(r.argv[r.argc]);
		buf_fini(&got);
		request_fini(&r);
	}
}

static void
refused(struct str line)
{
	struct request r = { 0 };
	struct err e = { "" };

	assert_int_equal(request_parse(&r, line, &e), -EINVAL);
	assert_true(e.text[0]);
	request_fini(&r);
}

static void
test_refused(void **state)
{
	char many[2 * REQUEST_WORDS + 4];

	refused(STR("a 'b"));
	refused(STR("\"a"));
	refused(STR("a\0b"));
	memset(many, ' ', sizeof(many));
	for (size_t i = 0; i < sizeof(many); i += 2)
		many[i] = 'x';
	refused((struct str){ many, sizeof(many) });
}

static void
test_json(void **state)
{
	struct buf b = { 0 };

	json_open(&b, NULL, '{');
	json_text(&b, "a", "x\"\n");
	json_open(&b, "l", '[');
	json_number(&b, NULL, -1);
	json_text(&b, NULL, NULL);
	json_close(&b, ']');
	json_bool(&b, "y", true);
	json_open(&b, "o", '{');
	json_close(&b, '}');
	json_close(&b, '}');
	assert_string_equal(b.p,
	    "{\"a\":\"x\\\"\\n\",\"l\":[-1,null],\"y\":true,\"o\":{}}");
	buf_fini(&b);
}

static void
test_command(void **state)
{
	struct helper_question q = {
		.names = "",
		.command = "/bin/ask <ip> '<F-USER>' <nosuch> <ip",
		.tags = { { "ip", STR("192.0.2.7") }, { "user", STR("$(reboot)") } },
		.ntags = 2,
	};
	struct buf b = { 0 };

	helper_command(&q, &b, false);
	assert_string_equal(b.p, "/bin/ask 192.0.2.7 '\"${bn_user}\"' <nosuch> <ip");
	assert_null(strstr(b.p, "reboot"));
	buf_clear(&b);
	q.tags[1].value = STR("-rf");
	q.command = "<F-USER>";
	helper_command(&q, &b, false);
	assert_string_equal(b.p, "\"${bn_user}\"");
	buf_fini(&b);
}

static void
test_subject(void **state)
{
	struct subject s;
	struct err e;
	char longest[SUBJECT_TEXT + 2];

	assert_int_equal(parse_subject("192.0.2.0/24", &s, &e), 0);
	assert_int_equal(s.kind, SUBJECT_ADDR);
	assert_int_equal(s.addr.plen, 24);
	assert_int_equal(parse_subject("user:bob", &s, &e), 0);
	assert_int_equal(s.kind, SUBJECT_USER);
	assert_true(str_is(s.text, "bob"));
	assert_int_equal(parse_subject("", &s, &e), -EINVAL);
	memset(longest, 'a', sizeof(longest));
	longest[SUBJECT_TEXT + 1] = '\0';
	assert_int_equal(parse_subject(longest, &s, &e), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_subject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
