/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_trace.c - how far did a regex come, and why no further?
 */
#include "test/unit/unit.h"

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "banner/core/rules.h"

#define NOW INT64_C(1700000000000)

struct question {
	const char *prefix, *fail[3], *line, *want;
};

static void
ask(const struct question *q)
{
	struct conf_filter filter = { .name = "test", .maxlines = 1,
		.prefregex = q->prefix };
	struct rules_options o = { .filter = &filter, .logtimezone = "UTC" };
	const char *fail[3] = { q->fail[0], q->fail[1], q->fail[2] };
	struct buf b = { .len = 0 };
	struct rules *rules;
	struct err e = { "" };

	filter.failregex.v = fail;
	while (filter.failregex.n < 3 && fail[filter.failregex.n])
		filter.failregex.n++;
	if (rules_new(&o, &rules, &e) < 0)
		fail_msg("%s: %s", q->fail[0], e.text);
	rules_trace(rules, str_of(q->line), NOW, &b);
	buf_putc(&b, '\0');
	if (!strstr(b.p, q->want))
		fail_msg("\"%s\" is not in\n%s", q->want, b.p);
	buf_fini(&b);
	rules_free(rules);
}

#define DATE "2023-11-14 22:13:00 "

static void
test_reach(void **state)
{
	static const struct question v[] = {
		{ .fail = { "^ ?bad user from <HOST>$" },
		    .line = DATE "bad user at 192.0.2.1",
		    .want = "agrees  ^ ?bad user " },
		{ .fail = { "^ ?bad user from <HOST>$" },
		    .line = DATE "bad user at 192.0.2.1",
		    .want = "finds   at 192.0.2.1" },
		{ .fail = { "^ ?bad from <HOST>" }, .line = "no date at all",
		    .want = "date      none" },
		{ .fail = { "^ ?bad from <HOST>" }, .line = DATE "x",
		    .want = "is      2023-11-14" },
		{ .fail = { "^q bad <HOST>" }, .line = DATE "other",
		    .want = "none begins to match" },
		/* the one that came furthest */
		{ .fail = { "^ ?one <HOST>$", "^ ?one two <HOST>$", "^ ?three <HOST>" },
		    .line = DATE "one two three", .want = "2 is closest" },
		/* of an alternation of the whole nothing can be said */
		{ .fail = { "^ ?bad <HOST>$|^ ?worse$" }, .line = DATE "bad x",
		    .want = "none begins to match" },
		/* what is one part */
		{ .fail = { "^ ?[]x]a[^]y]b[\\]z]c <HOST>$" }, .line = DATE "]a-b]d",
		    .want = "finds   d" },
		{ .fail = { "^ ?(?:a(?:b[)]|\\)c))d{2}e{1,3}f <HOST>$" },
		    .line = DATE "ab)ddeeg", .want = "wants   f " },
		{ .fail = { "^ ?a{x}b\\x41c+d*?e <HOST>$" },
		    .line = DATE "a{x}bAccd.", .want = "wants   e " },
		/* the prefregex first */
		{ .prefix = "^ ?daemon: <F-CONTENT>.+</F-CONTENT>$",
		    .fail = { "^bad <HOST>$" }, .line = DATE "other: bad 192.0.2.1",
		    .want = "prefregex does not match" },
		{ .prefix = "^ ?daemon: <F-CONTENT>.+</F-CONTENT>$",
		    .fail = { "^bad <HOST>$" }, .line = DATE "daemon: bad one",
		    .want = "content   bad one" },
		{ .prefix = "^ ?daemon: <F-CONTENT>.*</F-CONTENT>$",
		    .fail = { "^bad <HOST>$" }, .line = DATE "daemon: ",
		    .want = "none begins" },
		{ .prefix = "^ ?daemon: ", .fail = { "^ ?daemon: bad <HOST>$" },
		    .line = DATE "daemon: bad one", .want = "finds   one" },
		/* harmless on a terminal */
		{ .fail = { "^ ?bad <HOST>" }, .line = DATE "bad \033[2J",
		    .want = "finds   \\x1b[2J" },
	};

	(void)state;
	for (size_t i = 0; i < N(v); i++)
		ask(&v[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
