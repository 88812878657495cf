/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_match.c - blocks in, failures out: order, dates, sessions, sharing.
 */
#include <time.h>

#include "test/unit/match_rig.h"

/* What syslog put together: found though no line holds " a: bad from ". */
static void
test_repeated(void **state)
{
	struct bench b = { .fail = { "^ a: bad from <ADDR>$" } };
	struct match *m = only(&b);

	assert_string_equal(feed(m, "2005-08-14 10:00:00 a: message repeated 7 times: "
	    "[ bad from 192.0.2.1]\n", false), "192.0.2.1  r0 l1 t0\n");
	assert_int_equal(weight, 7);
	assert_string_equal(feed(m, "2005-08-14 10:00:00 a: message repeated 7000 "
	    "times: [bad from 192.0.2.1]\n", false), "192.0.2.1  r0 l1 t0\n");
	assert_int_equal(weight, 100);
	assert_string_equal(feed(m, "2005-08-14 10:00:00 a: x: message repeated 7 "
	    "times: [ bad from 192.0.2.1]\n", false), "");
	assert_int_equal(rules_stats(b.rules)->matched, 2);
	done(m, &b);
}

/* RFC 5424, though no line holds " a: bad from " either. */
static void
test_modern(void **state)
{
	struct bench b = { .fail = { "^ a(?:\\[\\d+\\])?: bad from <ADDR>$" },
	    .filter = { .ours = true } };
	struct match *m = only(&b);

	assert_string_equal(feed(m, "<22>1 2005-08-14T10:00:00Z - a - - - bad from "
	    "192.0.2.1\n<22>1 2005-08-14T10:00:00Z - a 7 - [x y=\"z\"] bad from "
	    "192.0.2.2\n", false), "192.0.2.1  r0 l1 t0\n192.0.2.2  r0 l1 t0\n");
	assert_string_equal(feed(m, "<22>1 2005-08-14T10:00:00Z - a - - - message "
	    "repeated 7 times: [ bad from 192.0.2.1]\n", false),
	    "192.0.2.1  r0 l1 t0\n");
	assert_int_equal(weight, 7);
	assert_string_equal(feed(m, "<22>1 2005-08-14T10:00:00Z - b - - - a: bad from "
	    "192.0.2.1\n", false), "");
	done(m, &b);
}

/* Our own filters know no address that is none; a raw id is asked for. */
static void
test_strict(void **state)
{
	struct bench b = { .fail = { "^ bad <ADDR>$", "^ id <F-ID>\\S+</F-ID>$" },
	    .filter = { .ours = true } };
	struct match *m = only(&b);

	assert_string_equal(feed(m,
	    "2005-08-14 10:00:00 bad 999.0.2.1\n"
	    "2005-08-14 10:00:00 bad 192.0.2.1\n"
	    "2005-08-14 10:00:00 id 999.0.2.1\n", false),
	    "192.0.2.1  r0 l1 t0\n"
	    "999.0.2.1  r1 l1 t0\n");
	assert_int_equal(rules_stats(b.rules)->bad_host, 1);
	done(m, &b);
}

/* The first regex wins; the id may be an address, text that is none, or a raw id. */
static void
test_order(void **state)
{
	struct bench b = { .fail = { "^ bad <HOST>$", "^ bad <F-ID>.*</F-ID>$",
	    "^ user <F-USER>\\S+</F-USER> at <ADDR>$" } };
	struct match *m = only(&b);

	assert_string_equal(feed(m,
	    "2005-08-14 10:00:00 bad 192.0.2.1\n"
	    "2005-08-14 09:59:00 bad 999.0.2.1\n"
	    "2005-08-14 10:00:00 bad what ever\n"
	    "2005-08-14 10:00:00 user ann at [2001:DB8::0001]\n"
	    "2005-08-14 10:00:00 good 192.0.2.1", false),
	    "192.0.2.1  r0 l1 t0\n"
	    "999.0.2.1  r0 l1 t-60\n"
	    "what ever  r1 l1 t0\n"
	    "2001:db8::1 ann r2 l1 t0\n");
	assert_int_equal(rules_stats(b.rules)->lines, 5);
	assert_int_equal(rules_stats(b.rules)->matched, 4);
	assert_int_equal(rules_stats(b.rules)->missed, 1);
	assert_int_equal(rules_hits(b.rules, 0), 2);
	done(m, &b);
}

static void
test_prefregex(void **state)
{
	struct bench b = {
		.fail = { "^a <HOST>$", "^b <HOST>" }, .ignore = { "home" },
		.filter.prefregex = "^ x\\[\\d+\\]: <F-CONTENT>.+</F-CONTENT>$",
	};
	struct match *m = only(&b);

	assert_string_equal(feed(m,
	    "2005-08-14 10:00:00 x[1]: a 192.0.2.1\n"
	    "2005-08-14 10:00:00 a 192.0.2.2\n"
	    "2005-08-14 10:00:00 x[1]: b 192.0.2.3 home\n"
	    "2005-08-14 10:00:00 x[1]: b 192.0.2.4 away\n", false),
	    "192.0.2.1  r0 l1 t0\n192.0.2.4  r1 l1 t0\n");
	assert_int_equal(rules_stats(b.rules)->ignored, 1);
	done(m, &b);
}

/* The times of compat's rule: in operation a minute, in a backlog findtime. */
static void
test_times(void **state)
{
	struct bench b = { .fail = { "bad <HOST>$" }, .o.findtime_ms = 600 * 1000 };
	struct match *m = only(&b);

	assert_string_equal(feed(m, "bad 192.0.2.9\n", false), "");
	assert_int_equal(rules_stats(b.rules)->no_date, 1);
	assert_string_equal(feed(m,
	    "2005-08-14 09:49:59 bad 192.0.2.1\n"
	    "2005-08-14 09:50:00 bad 192.0.2.2\n"
	    "2005-08-14 10:01:30 bad 192.0.2.3\n", false),
	    "192.0.2.2  r0 l1 t-600\n192.0.2.3  r0 l1 t0\n");
	assert_int_equal(rules_stats(b.rules)->too_old, 1);
	assert_string_equal(feed(m,
	    "2005-08-14 09:58:00 bad 192.0.2.4\n"
	    "2005-08-14 09:59:30 bad 192.0.2.5\n"
	    "bad 192.0.2.6\n", true),
	    "192.0.2.4  r0 l1 t0\n192.0.2.5  r0 l1 t-30\n192.0.2.6  r0 l1 t-30\n");
	done(m, &b);
}

/* A line without a date takes that of the line before it, candidate or not, also of
 * an earlier block. */
static void
test_look_back(void **state)
{
	for (int all = 0; all < 2; all++) {
		struct bench b = { .fail = { "^bad <HOST>$" },
			.o.findtime_ms = 600 * 1000,
			.o.no_literals = all };
		struct match *m = only(&b);

		assert_int_equal(rules_every_line(b.rules), all);
		assert_string_equal(feed(m,
		    "2005-08-14 09:59:10 nothing\n2005-08-14 09:59:20 nothing\n"
		    "no date\nbad 192.0.2.1\n2005-08-14 09:59:50 more\n", true),
		    "192.0.2.1  r0 l1 t-40\n");
		assert_string_equal(
		    feed(m, "stack\ntrace\nbad 192.0.2.2\nbad 192.0.2.3\n", true),
		    "192.0.2.2  r0 l1 t-10\n192.0.2.3  r0 l1 t-10\n");
		/* What is looked back at may hold anything; the line at hand stays. */
		assert_string_equal(feed(m,
		    "2005-08-14 09:59:30 \xff\xe4 \xf0\x9f\nno \xc3\n"
		    "bad \xff 192.0.2.4\nbad 192.0.2.5\n",
		    true), "192.0.2.5  r0 l1 t-30\n");
		done(m, &b);
	}
}

static struct bench
session_bench(void)
{
	return (struct bench){ .fail = {
	    "^ <F-MLFID>s\\[\\d+\\]</F-MLFID>: bad user <F-USER>\\S+</F-USER>$",
	    "^ <F-MLFID>s\\[\\d+\\]</F-MLFID>: <F-MLFFORGET>bye</F-MLFFORGET> <ADDR>$",
	    "^ <F-MLFID>s\\[\\d+\\]</F-MLFID>: <F-NOFAIL>conn</F-NOFAIL> from <ADDR>$",
	    "^ <F-MLFID>s\\[\\d+\\]</F-MLFID>: <F-MLFGAINED>ok</F-MLFGAINED> "
	    "<F-USER>\\S+</F-USER>(?: <ADDR>)?$" } };
}

#define D "2005-08-14 10:00:00 "

static void
test_sessions(void **state)
{
	struct bench b = session_bench();
	struct match *m = only(&b);

	assert_string_equal(
	    feed(m,
		D "s[1]: bad user a\n" D "s[1]: bad user a\n" D "s[1]: bye 192.0.2.1\n",
		false),
	    "192.0.2.1 a r1 l3 t0\n");
	assert_string_equal(feed(m,
				D "s[2]: conn from 192.0.2.2\n" D "s[2]: bad user a\n" D
				  "s[2]: bad user b\n" D "s[2]: ok b\n",
				false),
	    "192.0.2.2 a r0 l2 t0\n192.0.2.2 b r0 l1 t0\n192.0.2.2 b r3 l1 t0\n");
	assert_string_equal(feed(m,
	    D "s[3]: bad user x\n" D "s[3]: ok x 192.0.2.4\n", false), "");
	assert_string_equal(feed(m,
	    D "s[4]: bad user x\n" D "s[4]: ok y 192.0.2.5\n", false),
	    "192.0.2.5 y r3 l1 t0\n");
	done(m, &b);
}

/* An IPv6 address that comes later is whom the line is about, not the old IPv4 one. */
static void
test_session_family(void **state)
{
	struct bench b = session_bench();
	struct match *m = only(&b);

	assert_string_equal(feed(m,
	    D "s[1]: conn from 192.0.2.1\n" D "s[1]: conn from 2001:db8::7\n"
	    D "s[1]: bad user a\n", false), "2001:db8::7 a r0 l3 t0\n");
	done(m, &b);
}

static void
keep(void *arg, struct str key, struct str record)
{
	struct rules *to = arg;

	assert_int_equal(rules_session_put(to, key, record), 0);
	for (size_t cut = 1; cut < record.len; cut++) {
		struct bench b = session_bench();

		bench_rules(&b);
		rules_session_put(b.rules, key, (struct str){ record.s, cut });
		rules_free(b.rules);
	}
}

static void
test_session_restart(void **state)
{
	struct bench a = session_bench(), b = session_bench();
	struct match *m = only(&a), *m2 = only(&b);

	feed(m, D "s[1]: bad user a\n" D "s[1]: bad user b\n", false);
	rules_sessions(a.rules, keep, b.rules);
	assert_string_equal(feed(m2, D "s[1]: bye 192.0.2.1\n", false),
	    "192.0.2.1 b r1 l3 t0\n");
	assert_int_equal(
	    rules_session_put(b.rules, STR("k"), STR("user 9:short")), -22);
	assert_int_equal(rules_session_put(b.rules, STR("k"), STR("=what 0:")), -22);
	done(m, &a);
	done(m2, &b);
}

/* A hundred sessions, not one more; the oldest goes. */
static void
test_session_cap(void **state)
{
	struct bench b = session_bench();
	struct match *m = only(&b);
	char line[128];

	for (int i = 0; i <= 100; i++) {
		snprintf(line, sizeof(line), D "s[%d]: bad user a\n", i);
		assert_string_equal(feed(m, line, false), "");
	}
	assert_int_equal(rules_stats(b.rules)->sessions_dropped, 1);
	assert_string_equal(
	    feed(m, D "s[0]: bye 192.0.2.1\n", false), "192.0.2.1  r1 l1 t0\n");
	assert_string_equal(
	    feed(m, D "s[1]: bye 192.0.2.1\n", false), "192.0.2.1 a r1 l2 t0\n");
	done(m, &b);
}

static void
test_multiline(void **state)
{
	struct bench b = {
		.fail = { "^ open <F-ID>\\d+</F-ID> x$<SKIPLINES>^ fail <HOST>$" },
		.filter.maxlines = 3,
	};
	struct match *m = only(&b);

	assert_string_equal(
	    feed(m,
		D "open 1 x\n" D "other\n" D "fail 192.0.2.1\n" /* all in three lines */
		D "fail 192.0.2.2\n" /* the first is used up */
		D "open 2 x\n" D "a\n" D "b\n" D "fail 192.0.2.3\n",
		false),
	    "1  r0 l2 t0\n");
	done(m, &b);
}

/* Lines without a text of the filter are in its buffer too, also those of other blocks,
 * and the date is cut out of them. */
static void
test_multiline_quiet(void **state)
{
	struct bench b = {
		.fail = { "^ (?:\\S+ )?\\S+ <F-NAME>\\w+</F-NAME>\\n ended <HOST>$" },
		.filter.maxlines = 3,
	};
	struct match *m = only(&b);

	assert_string_equal(feed(m, D "x of bob\n", false), "");
	assert_string_equal(feed(m, D "ended 192.0.2.1\n" D "ended 192.0.2.2\n"
	    D "quiet eve\n" D "ended 192.0.2.3\n", false),
	    "192.0.2.1  r0 l2 t0\n192.0.2.3  r0 l2 t0\n");
	assert_int_equal(rules_stats(b.rules)->candidates, 4);
	done(m, &b);
}

/* The buffer of lines has a cap of bytes, and says when it lost some. */
static void
test_multiline_cap(void **state)
{
	struct bench b = { .fail = { "^ open <F-ID>\\d+</F-ID>$<SKIPLINES>^ fail$" },
	    .filter.maxlines = 1000 };
	struct match *m = only(&b);
	char *line = malloc(16001);

	memset(line, 'x', 15999);
	strcpy(line + 15999, "\n");
	for (int i = 0; i < 40; i++)
		feed(m, line, true);
	assert_in_range(rules_stats(b.rules)->losses, 5, 12);
	free(line);
	done(m, &b);
}

/* A NUL in a line is a byte like others, also in what is kept of it. */
static void
test_nul(void **state)
{
	static const char text[] = D "open 1 x\n" D "o\0her\n" D "fail 192.0.2.1\n";
	static const char session[] = D "s[1]: bad user a\0b\n"
	    D "s[1]: bye 192.0.2.1\n";
	struct bench b = { .fail = { "^ open <F-ID>\\d+</F-ID> x$<SKIPLINES>^ fail" },
	    .filter.maxlines = 3 };
	struct bench s = session_bench();
	struct block blk = { .text = { text, sizeof(text) - 1 }, .read_ms = NOW,
	    .line_ms = -1 };
	struct match *m = only(&b), *ms = only(&s);

	out[0] = '\0';
	match_block(m, &blk, note, NULL);
	assert_string_equal(out, "1  r0 l2 t0\n");
	blk.text = (struct str){ session, sizeof(session) - 1 };
	out[0] = '\0';
	user_len = 0;
	match_block(ms, &blk, note, NULL);
	assert_int_equal(user_len, 3);
	done(m, &b);
	done(ms, &s);
}

/* Two jails with one regex: both answer, and one that gives its own text is not
 * answered with the other's. */
static void
test_sharing(void **state)
{
	struct bench a = { .fail = { "^ ?bad <HOST>$" },
		.o.jail = (void *)(uintptr_t) "a" };
	struct bench b = { .fail = { "^ ?bad <HOST>$" },
		.o.jail = (void *)(uintptr_t) "b",
		.filter.prefregex = "^ <F-CONTENT>.+</F-CONTENT>$" };
	struct bench c = { .fail = { "^ ?bad <HOST>$" },
		.o.jail = (void *)(uintptr_t) "c",
		.dates = { "^EPOCH" } };
	struct rules *all[3];
	struct match *m;
	struct err e;

	bench_rules(&a);
	bench_rules(&b);
	bench_rules(&c);
	all[0] = a.rules;
	all[1] = b.rules;
	all[2] = c.rules;
	assert_int_equal(match_new(all, 3, &m, &e), 0);
	assert_string_equal(
	    feed(m, D "bad 192.0.2.1\n1124013590 bad 192.0.2.2\n", false),
	    "a: 192.0.2.1  r0 l1 t0\nb: 192.0.2.1  r0 l1 t0\n"
	    "a: 192.0.2.2  r0 l1 t-10\nb: 192.0.2.2  r0 l1 t-10\nc: 192.0.2.2  r0 l1 "
	    "t-10\n");
	match_free(m);
	rules_free(a.rules);
	rules_free(b.rules);
	rules_free(c.rules);
}

/* Bad bytes neither hide a line nor are they lost: each bad part is one character. */
static void
test_encoding(void **state)
{
	struct bench b = { .fail = { "^ bad <F-USER>\\S+</F-USER> <HOST>$" } };
	struct bench l = { .fail = { "^ bad <F-USER>\\S+</F-USER> <HOST>$" },
	    .o.logencoding = "latin-1" };
	struct match *m = only(&b), *ml = only(&l);
	static const char wide[] = "b\0a\0d\0 \0001\0.\0001\0.\0001\0.\0001\0\n\0";
	struct bench w = { .fail = { "^bad <HOST>$" }, .o.logencoding = "utf-16" };
	struct match *mw = only(&w);
	struct block blk = {
		.text = { wide, sizeof(wide) - 2 }, .read_ms = NOW, .line_ms = NOW
	};

	assert_string_equal(feed(m, D "bad \xe4x\xf0\x9f\x98 192.0.2.1\r\n", false),
	    "192.0.2.1 \xef\xbf\xbdx\xef\xbf\xbd r0 l1 t0\n");
	assert_string_equal(feed(ml, D "bad \xe4 192.0.2.1\n", false),
	    "192.0.2.1 \xc3\xa4 r0 l1 t0\n");
	out[0] = '\0';
	match_block(mw, &blk, note, NULL);
	match_block(mw, &blk, note, NULL);
	assert_string_equal(out, "1.1.1.1  r0 l1 t0\n1.1.1.1  r0 l1 t0\n");
	done(m, &b);
	done(ml, &l);
	done(mw, &w);
}

static void
test_refused(void **state)
{
	struct bench b = { .fail = { "bad user$" } };
	struct bench many = { .fail = { "bad <HOST>$" }, .filter.maxlines = 2000 };
	struct err e;

	b.filter.failregex = (struct conf_list){ b.fail, 1 };
	b.o.filter = &b.filter;
	b.filter.maxlines = 1;
	assert_int_equal(rules_new(&b.o, &b.rules, &e), -22);
	assert_non_null(strstr(e.text, "failregex 1"));
	many.filter.failregex = (struct conf_list){ many.fail, 1 };
	many.o.filter = &many.filter;
	assert_int_equal(rules_new(&many.o, &many.rules, &e), -22);
	b.fail[0] = "bad <HOST>";
	b.o.logencoding = "klingon";
	assert_int_equal(rules_new(&b.o, &b.rules, &e), -22);
	assert_non_null(strstr(e.text, "klingon"));
}

/* A regex that gives up refuses the line; the next one may still find a failure. */
static void
test_limit(void **state)
{
	struct bench b = { .fail = { "^ (?:a+a+)+(?:b|c)+b <HOST>$", "^ a+ <HOST>$" },
	    .o.no_literals = true };
	struct match *m = only(&b);
	char line[256] = D;

	memset(line + strlen(line), 'a', 60);
	strcat(line, " 192.0.2.1\n");
	assert_string_equal(feed(m, line, false), "192.0.2.1  r1 l1 t0\n");
	assert_int_equal(rules_stats(b.rules)->limit_hits, 1);
	strcpy(strchr(line, '\n') - 1, "x\n");
	assert_string_equal(feed(m, line, false), "");
	assert_int_equal(rules_stats(b.rules)->errors, 1);
	assert_string_equal(
	    feed(m, D "aa 192.0.2.2\n", false), "192.0.2.2  r1 l1 t0\n");
	done(m, &b);
}

static void
slow_line(char *line, size_t len, const char *end)
{
	strcpy(line, D);
	memset(line + strlen(line), 'a', len);
	strcpy(line + len, end);
}

/* Decisions that each read the whole line are bounded, too; and when there were very
 * many, long lines are not searched for a while. Other regexes go on, short lines, too.
 * Without the bound this takes minutes. */
static void
test_slow(void **state)
{
	struct bench b = { .fail = { ".*a.*b<HOST>$", "<HOST> was bad$" },
	    .o.no_literals = true };
	struct match *m = only(&b);
	struct buf slow = { 0 };
	static char line[16384 + 64];
	clock_t before = clock();

	slow_line(line, 16000, "b !\n");
	assert_string_equal(feed(m, line, true), "");
	assert_int_equal(rules_stats(b.rules)->limit_hits, 1);
	assert_int_equal(rules_stats(b.rules)->errors, 1);
	slow_line(line, 16000, "b ! 192.0.2.1 was bad\n");
	for (int i = 0; i < 999; i++)
		assert_non_null(strstr(feed(m, line, true), "192.0.2.1  r1"));
	assert_int_equal(rules_stats(b.rules)->limit_hits, 1000);
	assert_true(unit_slow() || clock() - before < 5 * CLOCKS_PER_SEC);
	assert_non_null(strstr(feed(m, D "ab192.0.2.2\n", true), "192.0.2.2  r0"));
	rules_slow(b.rules, &slow);
	assert_string_equal(slow.p, "failregex 1 (1000 times)");
	buf_fini(&slow);
	done(m, &b);
}

/* What is asked on the way changes nothing of what is found. */
static void
test_long(void **state)
{
	static const char *const same[] = {
		"^ a*[\\s]x{2,}\\x41+\\*+\\{[^]a]* <HOST>$",
		"^ (?:a+)+ .*?\\**\\{b{1,100} <HOST>(?#comment a*b)$",
		"^ (?i:A+)(?=\\s) \\S+\\{\\w* <HOST>$",
	};
	static char line[4096];

	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		struct bench b = { .fail = { same[i] }, .o.no_literals = true };
		struct match *m = only(&b);

		assert_string_equal(feed(m, D "aaa xxAA**{bbb 192.0.2.1\n", false),
		    "192.0.2.1  r0 l1 t0\n");
		slow_line(line, 2000, " xxAA**{bbb 192.0.2.2\n");
		assert_string_equal(feed(m, line, false), "192.0.2.2  r0 l1 t0\n");
		done(m, &b);
	}
}

/* What to look for is chosen anew when enough lines came, one by one, to know what is
 * rare among them. */
static void
test_sample(void **state)
{
	struct bench b = { .fail = { "^ a long text that seems rare .*zqxy\\d <ADDR>" },
	    .filter.maxlines = 2 };
	const char *line = D "a long text that seems rare and is in each line\n";
	struct match *m = only(&b);
	uint64_t before;

	for (int i = 0; i < 1000; i++)
		feed(m, line, true);
	before = rules_stats(b.rules)->candidates;
	assert_in_range(before, 100, 900);
	for (int i = 0; i < 1000; i++)
		feed(m, line, true);
	assert_int_equal(rules_stats(b.rules)->candidates, before);
	assert_string_equal(feed(m, D "a long text that seems rare x zqxy1 192.0.2.1\n",
	    true), "192.0.2.1  r0 l1 t0\n");
	done(m, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_modern),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_prefregex),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_look_back),
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_session_family),
		cmocka_unit_test(test_session_restart),
		cmocka_unit_test(test_session_cap),
		cmocka_unit_test(test_multiline),
		cmocka_unit_test(test_multiline_quiet),
		cmocka_unit_test(test_multiline_cap),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_sample),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
