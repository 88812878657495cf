/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_zimbra.c - the tokeniser of Zimbra's logs: readings, trust, reasons.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/base/buf.h"
#include "banner/core/parser_zimbra.h"
#include "test/unit/unit.h"

#define HEAD	"2026-03-01 10:00:01,401 WARN  "
#define EVENT	" security - cmd=Auth; account=anna@example.com; protocol=soap; " \
		"error=authentication failed for [anna], invalid password;"
#define WEB	"[qtp1-7:https://mail.example.com/service/soap/AuthRequest] "
#define LDAP	"external LDAP auth failed, LDAP error: "
#define LINE(context)	HEAD WEB context EVENT

static struct parser_out out;
static struct addr proxies[2];

static enum parser_verdict
parse(const char *line)
{
	static const struct conf_options none;
	struct parser_env env = { proxies, 2, &none };

	addr_parse_prefix(STR("203.0.113.0/24"), &proxies[0]);
	addr_parse_prefix(STR("2001:db8:1::/48"), &proxies[1]);
	memset(&out, 0, sizeof(out));
	return zimbra_parser.parse(str_of(line), &env, &out);
}

static void
is_host(const char *line, const char *host)
{
	char text[ADDR_TEXT];

	if (parse(line) != PARSER_FAIL)
		fail_msg("no failure: %s", line);
	assert_string_equal(addr_print(&out.host, text), host);
}

static void
is_nothing(const char *line)
{
	if (parse(line) == PARSER_FAIL)
		fail_msg("a failure: %s", line);
}

static void
trust_decides(void **state)
{
	is_host(LINE("[ip=192.0.2.5;]"), "192.0.2.5");
	is_host(LINE("[ip=203.0.113.2;oip=192.0.2.5;]"), "192.0.2.5");
	is_host(LINE("[oip=192.0.2.5;]"), "192.0.2.5");
	is_host(LINE("[ip=127.0.0.1;oip=192.0.2.5;]"), "192.0.2.5");
	is_host(LINE("[ip=[0:0:0:0:0:0:0:1];oip=192.0.2.5;]"), "192.0.2.5");
	/* What somebody else's machine says of its client is a claim. */
	is_host(LINE("[ip=192.0.2.6;oip=198.51.100.1;]"), "192.0.2.6");
	is_host(LINE("[oip=198.51.100.1, 192.0.2.5;]"), "192.0.2.5");
	is_host(LINE("[oip=192.0.2.5, 203.0.113.7,203.0.113.8;]"), "192.0.2.5");
	is_host(LINE("[oip=unknown, 192.0.2.5;]"), "192.0.2.5");
	is_host(LINE("[ip=[2001:db8:1:0:0:0:0:9];oip=2001:db8::5;]"), "2001:db8::5");
	is_host(LINE("[ip=::ffff:192.0.2.5;]"), "192.0.2.5");
}

static void
nobody_is_named(void **state)
{
	is_nothing(LINE("[]"));
	is_nothing(LINE("[ua=zmprov;]"));
	is_nothing(LINE("[ip=203.0.113.2;]"));
	is_nothing(LINE("[oip=203.0.113.2;]"));
	is_nothing(LINE("[oip=192.0.2.5, unknown;]"));
	is_nothing(LINE("[ip=999.999.0.1;]"));
	is_nothing(LINE("[ip=mail.example.com;]"));
	is_nothing(LINE("[ip=0.0.0.0;]"));
	is_nothing(LINE("[ip=224.0.0.1;]"));
	is_nothing(LINE("[ip=192.0.2.5;ip=192.0.2.6;]"));
}

static void
planted_text(void **state)
{
	is_host(LINE("[oip=192.0.2.5;ua=x;;ip=198.51.100.3;;oip=198.51.100.3;;;a=1;]"),
	    "192.0.2.5");
	is_host(LINE("[oip=192.0.2.5;ua=x] [ip=198.51.100.3;]"), "192.0.2.5");
	is_host(HEAD "[qtp1-8:https://h/;ip=198.51.100.3;] [x/service/soap/] "
	    "[oip=192.0.2.5;]" EVENT, "192.0.2.5");
	is_host(HEAD "[qtp1-8:https://h/] [ip=198.51.100.3;] security - cmd=Auth; "
	    "account=v; error=authentication failed for [v], invalid password;/Auth] "
	    "[oip=192.0.2.5;]" EVENT, "192.0.2.5");
	is_nothing(HEAD "[qtp1-8:https://h/] [ip=198.51.100.3;] SoapEngine - handler "
	    "exception: authentication failed for [v], invalid password/Auth] "
	    "[oip=192.0.2.5;] soap - x");
	is_nothing(LINE("[ip=198.51.100.3;]") " (no such account)");
	is_nothing("x " LINE("[ip=198.51.100.3;]"));
}

static void
heads(void **state)
{
	static const char *const good[] = {
		"2026-03-01 10:00:01,401 WARN ", "2026-03-01 10:00:01,401 INFO  ",
		"Mar  1 10:00:01 mbx1 mailboxd: WARN  ",
		"Mar 1 10:00:01 mbx1 mailboxd: WARN ",
		"2026-03-01T10:00:01.123456+01:00 mbx1 mailboxd[7]: WARN  ",
		"<134>Mar 21 10:00:01 mbx1 mailboxd: WARN  ",
		"mbx1 mailboxd[7]: WARN  ",
	};
	static const char *const bad[] = {
		"2026-03-01 10:00:01.401 WARN ", "2026-03-01 10:00:01,401 WARN   ",
		"Mar  1 10:00:01 mbx1 app: mailboxd: WARN  ",
		"Mar  1 10:00:01 mailboxd: WARN  ",
		"WARN  ", "",
	};
	char line[512];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		snprintf(line, sizeof(line), "%s" WEB "[ip=192.0.2.5;]" EVENT, good[i]);
		is_host(line, "192.0.2.5");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		snprintf(line, sizeof(line), "%s" WEB "[ip=192.0.2.5;]" EVENT, bad[i]);
		is_nothing(line);
	}
}

static void
reasons(void **state)
{
	static const struct { const char *text; enum zimbra_reason reason; } v[] = {
		{ "invalid password", ZIMBRA_PASSWORD },
		{ "account lockout", ZIMBRA_LOCKOUT },
		{ "account(or domain) status is locked", ZIMBRA_STATUS },
		{ "account(or domain) status is maintenance", ZIMBRA_NONE },
		{ "account not found", ZIMBRA_UNKNOWN },
		{ "must change password", ZIMBRA_NONE },
		{ "two-factor auth required", ZIMBRA_NONE },
		{ "preauth mismatch", ZIMBRA_PREAUTH },
		{ "preauth timestamp is too old", ZIMBRA_NONE },
		{ LDAP "x, data 52e, v4f7c ", ZIMBRA_PASSWORD },
		{ LDAP "x, data 525, v4f7c ", ZIMBRA_UNKNOWN },
		{ LDAP "x, data 775, v4f7c ", ZIMBRA_LOCKOUT },
		{ LDAP "x, data 773, v4f7c ", ZIMBRA_NONE },
		{ LDAP "Connection refused", ZIMBRA_NONE },
		{ " (a check of our own, with a comma)", ZIMBRA_FAILED },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		if (zimbra_reason(str_of(v[i].text)) != v[i].reason)
			fail_msg("%s: another reason", v[i].text);
}

static void
fields_and_key(void **state)
{
	is_host(HEAD WEB "[name=x;oip=192.0.2.5;ua=curl;soapId=5a;] SoapEngine - "
	    "handler exception: authentication failed for [anna], invalid password\n",
	    "192.0.2.5");
	assert_true(str_is(out.user, "x"));
	assert_true(str_is(out.attempt.exact.part[0], "5a"));
	assert_true(out.nfields > 3 && str_is(out.fields[1].value, "anna"));
}

/* Many openings of a context must not make a line dear. */
static void
hostile_cost(void **state)
{
	struct buf b = { 0 };

	buf_puts(&b, HEAD "[qtp1");
	for (int i = 0; i < 2700; i++)
		buf_puts(&b, "] [a=x");
	buf_puts(&b, EVENT);
	is_nothing(b.p);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trust_decides), cmocka_unit_test(nobody_is_named),
		cmocka_unit_test(planted_text), cmocka_unit_test(heads),
		cmocka_unit_test(reasons), cmocka_unit_test(fields_and_key),
		cmocka_unit_test(hostile_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
