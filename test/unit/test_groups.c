/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_groups.c - what a filter's named groups, options and encoding make of a line.
 */
#include "test/unit/match_rig.h"

#define D "2005-08-14 10:00:00 "

/* The text that rules_new() refuses these rules with. */
static const char *
refused(struct bench *b)
{
	static struct err e;

	b->filter.failregex = (struct conf_list){ b->fail, 1 };
	b->filter.maxlines = 1;
	b->o.filter = &b->filter;
	assert_int_equal(rules_new(&b->o, &b->rules, &e), -EINVAL);
	return e.text;
}

/* The first alternative that has a value, in the order of their names; it does not
 * replace the group of the plain name. */
static void
test_alternatives(void **state)
{
	struct bench
	    b = { .fail = {
		      "^ (?:two (?P<alt_user_2>\\w+) )?(?:one "
		      "(?P<alt_user_1>\\w*) )?(?:is (?P<user>\\w+) )?from <HOST>$" } };
	struct bench c = { .fail = {
			       "^ from (?P<alt_ip4>\\S+)( for (?P<alt_id>\\S+))?$" } };
	struct match *m = only(&b), *mc = only(&c);

	assert_string_equal(feed(m, D "two ann one bob from 192.0.2.1\n", false),
	    "192.0.2.1 bob r0 l1 t0\n");
	assert_string_equal(feed(m, D "two ann one  from 192.0.2.1\n", false),
	    "192.0.2.1 ann r0 l1 t0\n");
	assert_string_equal(feed(m, D "two ann is eve from 192.0.2.1\n", false),
	    "192.0.2.1 eve r0 l1 t0\n");
	assert_string_equal(
	    feed(mc, D "from 192.0.2.1\n" D "from 192.0.2.1 for x\n", false),
	    "192.0.2.1  r0 l1 t0\nx  r0 l1 t0\n");
	done(m, &b);
	done(mc, &c);
}

/* All parts that matched, with blanks between them. */
static void
test_tuples(void **state)
{
	struct bench b = { .fail = { "^ (?P<user>\\w+)?(?: at (?P<tuple_user_1>\\w+))?"
				     "(?: of (?P<tuple_user_2>\\w+))? from <HOST>$" } };
	struct match *m = only(&b);

	assert_string_equal(feed(m,
				D "ann at host of net from 192.0.2.1\n" D
				  "ann of net from 192.0.2.1\n" D
				  "ann from 192.0.2.1\n" D " at host from 192.0.2.1\n",
				false),
	    "192.0.2.1 ann host net r0 l1 t0\n192.0.2.1 ann net r0 l1 t0\n"
	    "192.0.2.1 ann r0 l1 t0\n192.0.2.1 host r0 l1 t0\n");
	done(m, &b);
}

static void
test_too_many_groups(void **state)
{
	struct bench b = { 0 };
	struct buf regex = { 0 };

	for (int i = 0; i < 200; i++)
		buf_printf(&regex, "(?P<g%d>x)?", i);
	buf_puts(&regex, "<HOST>");
	b.fail[0] = regex.p;
	assert_non_null(strstr(refused(&b), "different named groups"));
	buf_fini(&regex);
}

/* F-WEIGHT of the line, times the weight of the regex; nonsense is one. */
static void
test_weights(void **state)
{
	const char *two[] = { "3", "1" };
	struct bench b = { .fail = { "^ a <F-WEIGHT>\\S*</F-WEIGHT> <HOST>$",
			       "^ b <HOST>$", "^ c <HOST>$" },
		.filter.weight = { two, 2 } };
	struct match *m = only(&b);
	static const struct {
		const char *line;
		unsigned weight;
	} v[] = {
		{ D "a 5 192.0.2.1\n", 15 },
		{ D "a 0 192.0.2.1\n", 3 },
		{ D "a x 192.0.2.1\n", 3 },
		{ D "a 100000 192.0.2.1\n", 300 },
		{ D "b 192.0.2.1\n", 1 },
		{ D "c 192.0.2.1\n", 1 },
	};

	for (size_t i = 0; i < N(v); i++) {
		weight = 0;
		feed(m, v[i].line, false);
		assert_int_equal(weight, v[i].weight);
	}
	done(m, &b);
}

static void
test_bad_weights(void **state)
{
	static const char *bad[] = { "0", "x", "1001", "" };

	for (size_t i = 0; i < N(bad); i++) {
		struct bench b = { .fail = { "bad <HOST>$" } };

		b.filter.weight = (struct conf_list){ &bad[i], 1 };
		assert_non_null(strstr(refused(&b), "is not 1 to 1000"));
	}
}

/* Names are looked up, refused, or stay names; what reads as an address is one. */
static void
test_names(void **state)
{
	static const char lines[] = D "bad mail.example.com\n" D "bad 192.0.2.1\n";
	struct bench v[] = {
		{ .fail = { "^ bad (?P<dns>\\S+)$" }, .o.usedns = DNS_YES },
		{ .fail = { "^ bad (?P<dns>\\S+)$" }, .o.usedns = DNS_NO },
		{ .fail = { "^ bad (?P<dns>\\S+)$" }, .o.usedns = DNS_RAW },
		{ .fail = { "^ bad (?P<dns>\\S+)$" }, .o.raw = true },
	};

	for (size_t i = 0; i < N(v); i++) {
		struct match *m = only(&v[i]);

		feed(m, lines, false);
		assert_string_equal(out,
		    i == 1 ? "192.0.2.1  r0 l1 t0\n"
			   : "mail.example.com  r0 l1 t0\n192.0.2.1  r0 l1 t0\n");
		assert_int_equal(rules_stats(v[i].rules)->bad_host, i == 1);
		done(m, &v[i]);
	}
}

/* A length longer than the address's is none; an address that is none is a raw id. */
static void
test_subnets(void **state)
{
	struct bench b = { .fail = { "^ net <SUBNET>$",
			       "^ no <ADDR><F-NOFAIL>x</F-NOFAIL>$",
			       "^ <F-ID>\\S+</F-ID> of <ADDR>$" } };
	struct match *m = only(&b);
	static char line[1024] = D;

	assert_string_equal(feed(m,
				D "net 192.0.2.77/24\n" D "net 192.0.2.77/32\n" D
				  "net 2001:db8::77/64\n",
				false),
	    "192.0.2.0/24  r0 l1 t0\n"
	    "192.0.2.77  r0 l1 t0\n2001:db8::/64  r0 l1 t0\n");
	assert_string_equal(feed(m, D "no 192.0.2.1x\n", false), "");
	assert_int_equal(rules_stats(b.rules)->ignored, 1);
	assert_string_equal(
	    feed(m, D "192.0.2.1 of 192.0.2.1\n" D "you of 192.0.2.1\n", false),
	    "192.0.2.1  r2 l1 t0\nyou  r2 l1 t0\n");
	memset(line + strlen(line), 'x', 600);
	strcat(line, " of 192.0.2.1\n");
	assert_string_equal(feed(m, line, false), "");
	assert_int_equal(rules_stats(b.rules)->bad_host, 1);
	done(m, &b);
}

/* FEFF at the start, half an LF at either end, what is no character, half a character.
 */
static void
test_wide(void **state)
{
	static const struct {
		const char *name;
		struct str raw;
		const char *user;
	} v[] = {
		{ "utf-16",
		    { "\xff\xfe"
		      "b\0 \0\xe4\0 \0001\0.\0001\0.\0001\0.\0001\0\n",
			25 },
		    "\xc3\xa4" },
		{ "UTF_16BE",
		    { "\xfe\xff\0b\0 \0\xe4\0 \0001\0.\0001\0.\0001\0.\0001\0\n", 26 },
		    "\xc3\xa4" },
		{ "utf16be", { "\0b\0 \xd8\0\0 \0001\0.\0001\0.\0001\0.\0001\0\n", 24 },
		    "\xef\xbf\xbd" },
		{ "koi8-r", { "b \xc1 1.1.1.1\n", 12 }, "\xd0\xb0" },
		{ "iso8859_1", { "b \xe4 1.1.1.1\n", 12 }, "\xc3\xa4" },
		{ "Latin1", { "b \xe4 1.1.1.1\n", 12 }, "\xc3\xa4" },
		{ "ascii", { "b \xe4 1.1.1.1\n", 12 }, "\xef\xbf\xbd" },
		{ "", { "b \xed\xa0\x80 1.1.1.1\n", 14 },
		    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "auto", { "b \xf4\x90 1.1.1.1\n", 13 }, "\xef\xbf\xbd\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < N(v); i++) {
		struct bench b = { .fail = { "^b <F-USER>\\S+</F-USER> <HOST>$" },
			.o.logencoding = v[i].name };
		struct match *m = only(&b);
		struct block block = {
			.text = v[i].raw, .read_ms = NOW, .line_ms = NOW
		};
		char want[64];

		snprintf(want, sizeof(want), "1.1.1.1 %s r0 l1 t0\n", v[i].user);
		out[0] = '\0';
		match_block(m, &block, note, NULL);
		assert_string_equal(out, want);
		done(m, &b);
	}
}

/* Which of them gave up, and what is asked of rules that are not there. */
static void
test_told(void **state)
{
	struct bench b = { .fail = { "^x*bad <HOST>$" },
		.ignore = { "^(?:x+x+)+[^xb]" },
		.filter.prefregex = "^ (?:a+a+)*<F-CONTENT>(?:bad|x).*</F-CONTENT>$",
		.o.no_literals = true };
	struct match *m = only(&b);
	struct buf slow = { 0 };
	char line[256] = D;

	assert_string_equal(
	    feed(m, D "bad 192.0.2.1\n", false), "192.0.2.1  r0 l1 t0\n");
	assert_int_equal(rules_prefix_hits(b.rules), 1);
	assert_int_equal(rules_ignore_hits(b.rules), 0);
	rules_slow(b.rules, &slow);
	assert_int_equal(slow.len, 0);
	memset(line + strlen(line), 'a', 60);
	strcat(line, "\n");
	assert_string_equal(feed(m, line, false), "");
	memset(line + strlen(D), 'x', 60);
	strcpy(strchr(line, '\n'), "bad 192.0.2.1\n");
	assert_string_equal(feed(m, line, false), "");
	assert_int_equal(rules_stats(b.rules)->errors, 2);
	rules_slow(b.rules, &slow);
	assert_string_equal(slow.p, "prefregex (once), ignoreregex 1 (once)");
	assert_non_null(strstr(rules_text(b.rules, 0), "bad "));
	assert_string_equal(rules_text(b.rules, 1), "");
	assert_int_equal(rules_hits(b.rules, 0), 1);
	assert_int_equal(rules_hits(b.rules, 1), 0);
	assert_int_equal(rules_session_put(b.rules, STR("k"), STR("")), -EINVAL);
	buf_fini(&slow);
	done(m, &b);
}

/* Logins that went well are told where somebody wants to know them. */
static void
test_logins(void **state)
{
	static const char *const login[] = { "^ well <F-USER>\\S+</F-USER> <ADDR>$",
		"^ well of (?P<fid>\\S+)$" };
	struct bench b = { .fail = { "^ bad <ADDR>$" },
		.o.gains = true,
		.filter.loginregex = { (const char **)(uintptr_t)login, 2 } };
	struct match *m = only(&b);
	struct bench bad = { .fail = { "^ bad <ADDR>$" },
		.o.gains = true,
		.filter.loginregex = { (const char *[]){ "(" }, 1 } };

	assert_string_equal(
	    feed(m, D "bad 192.0.2.1\n" D "well ann 192.0.2.2\n" D "well of you\n",
		false),
	    "192.0.2.1  r0 l1 t0\n192.0.2.2 ann r0 l1 t0\n");
	assert_int_equal(rules_count(b.rules), 1);
	assert_int_equal(rules_stats(b.rules)->ignored, 2);
	done(m, &b);
	assert_non_null(strstr(refused(&bad), "loginregex 1"));
}

/* The templates that dated lines, those with the most first; then those of the list. */
static void
test_dates_told(void **state)
{
	struct bench b = { .fail = { "bad <ADDR>$" } };
	struct match *m = only(&b);
	const char *name;
	uint64_t hits, last = UINT64_MAX;
	size_t i = 0;

	feed(m,
	    D "bad 192.0.2.1\nAug 14 10:00:00 bad 192.0.2.1\n"
	      "Aug 14 10:00:00 bad 192.0.2.1\n",
	    false);
	assert_true(rules_dates(b.rules, 0, &name, &hits));
	assert_int_equal(hits, 2);
	assert_true(rules_dates(b.rules, 1, &name, &hits));
	assert_int_equal(hits, 1);
	for (; rules_dates(b.rules, i, &name, &hits); i++) {
		assert_true(hits <= last);
		last = hits;
	}
	assert_in_range(i, 10, 100);
	done(m, &b);
}

/* Only failures from one's own proxies: the client is not in the log. */
static void
test_own_peers(void **state)
{
	struct addr proxy;
	struct bench b = {
		.fail = { "bad <ADDR>$" }, .o.trusted = &proxy, .o.ntrusted = 1
	};
	struct match *m = only(&b);

	addr_parse_prefix(STR("203.0.113.0/24"), &proxy);
	for (int i = 0; i < 19; i++)
		feed(m, D "bad 203.0.113.7\n", false);
	assert_false(rules_peers_only(b.rules));
	feed(m, D "bad 203.0.113.7\n", false);
	assert_true(rules_peers_only(b.rules));
	assert_int_equal(rules_stats(b.rules)->own_peer, 20);
	for (int i = 0; i < 20; i++)
		feed(m, D "bad 192.0.2.1\n", false);
	assert_false(rules_peers_only(b.rules));
	done(m, &b);
}

static void
line_verdict(void *arg, struct str line, enum line_verdict verdict, int rule)
{
	static const char *const names[] = { [LINE_MISSED] = "missed",
		[LINE_MATCHED] = "matched",
		[LINE_IGNORED] = "ignored",
		[LINE_REFUSED] = "refused" };

	buf_printf(arg, "%.*s %s %d\n", line.len > 20 ? (int)line.len - 20 : 0,
	    line.s + 20, names[verdict], rule);
}

/* What tools are told of each line, of candidates and of all; and when a line was. */
static void
test_watched(void **state)
{
	static const char lines[] =
	    D "bad 192.0.2.1\n" D "nothing\n" D "bad you\n" D "bad 192.0.2.1 not\n";
	struct bench b = { .fail = { "^ bad <ADDR>(?: not)?$" }, .ignore = { "not$" } };
	struct match *m = only(&b);
	struct buf told = { 0 };

	match_watch_lines(m, WATCH_ALL, line_verdict, &told);
	feed(m, lines, false);
	assert_string_equal(told.p,
	    "bad 192.0.2.1 matched 0\nnothing missed -1\n"
	    "bad you missed -1\nbad 192.0.2.1 not ignored -1\n");
	buf_clear(&told);
	match_watch_lines(m, WATCH_CANDIDATES, line_verdict, &told);
	feed(m, lines, false);
	assert_string_equal(told.p,
	    "bad 192.0.2.1 matched 0\nbad you missed -1\n"
	    "bad 192.0.2.1 not ignored -1\n");
	assert_int_equal(match_line_time(m, STR(D "x"), NOW), NOW);
	assert_int_equal(match_line_time(m, STR("no date"), NOW), -1);
	buf_fini(&told);
	done(m, &b);
}

/* Nothing but what syslog writes is taken for a repetition. */
static void
test_no_repetition(void **state)
{
	static const char *const lines[] = {
		D "a: message repeated 0 times: [ bad from 192.0.2.1]\n",
		D "a: message repeated  times: [ bad from 192.0.2.1]\n",
		D "a: message repeated 2 time: [ bad from 192.0.2.1]\n",
		D "a: message repeated 2\n",
		D "a message repeated 2 times: [ bad from 192.0.2.1]\n",
		": message repeated 2 times: [ bad from 192.0.2.1]\n",
		"]\n",
		"\n",
		D "a: message repeated 2 times: [ bad from 192.0.2.1\n",
	};
	struct bench b = { .fail = { "^ a: bad from <ADDR>$" }, .o.no_literals = true };
	struct match *m = only(&b);

	for (size_t i = 0; i < N(lines); i++)
		assert_string_equal(feed(m, lines[i], false), "");
	assert_string_equal(
	    feed(m, D "a: message repeated 2 times: [bad from 192.0.2.1] \r\n", false),
	    "192.0.2.1  r0 l1 t0\n");
	assert_int_equal(weight, 2);
	done(m, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_tuples),
		cmocka_unit_test(test_too_many_groups),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_bad_weights),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_dates_told),
		cmocka_unit_test(test_own_peers),
		cmocka_unit_test(test_watched),
		cmocka_unit_test(test_no_repetition),
	};

	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
