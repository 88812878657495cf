/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_stamp.c - dates of lines: templates, zones, years, the order that is learned.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "banner/core/stamp_int.h"

#define NOW_MS INT64_C(1700000000000) /* 2023-11-14 22:13:20 UTC */

static struct stamp *
make(const char *pattern, const char *zone)
{
	const char *v[] = { pattern };
	struct conf_list list = { v, 1 };
	struct stamp *st;
	struct err e;

	if (stamp_new(pattern ? &list : NULL, zone, &st, &e) < 0) {
		print_message("%s: %s\n", pattern, e.text);
		fail();
	}
	return st;
}

struct expect {
	const char *pattern, *zone, *line;
	size_t start, end; /* end 0: no date */
	double when_s;
};

static const struct expect expected[] = {
	{ NULL, NULL, "2023-11-14 22:13:20,123 x", 0, 23, 1700000000 },
	{ NULL, NULL, "2023-11-14T22:13:20.123456+01:00 x", 0, 32, 1699996400 },
	{ NULL, NULL, "Nov 14 22:13:20 host x", 0, 15, 1700000000 },
	{ NULL, NULL, "<13>Nov 14 22:13:20 host x", 4, 19, 1700000000 },
	{ NULL, NULL, "Tue Nov 14 22:13:20.5 2023 x", 0, 26, 1700000000 },
	{ NULL, NULL, "14/11/23 22:13:20 x", 0, 17, 1700000000 },
	{ NULL, NULL, "1.2.3.4 - - [14/Nov/2023:22:13:20 +0100] x", 13, 39,
	    1699996400 },
	{ NULL, NULL, "11/14/2023:22:13:20 x", 0, 19, 1700000000 },
	{ NULL, NULL, "11-14-2023 22:13:20.5 x", 0, 21, 1700000000 },
	{ NULL, NULL, "[1700000000.125] x", 1, 15, 1700000000.125 },
	{ NULL, NULL, "audit(1700000000.125:1): x", 6, 20, 1700000000.125 },
	{ NULL, NULL, "22:13:20 x", 0, 8, 1700000000 },
	{ NULL, NULL, "22:13:21 x", 0, 8, 1700000001 - 86400 },
	{ NULL, NULL, "<11/14/23@22:13:20> x", 0, 19, 1700000000 },
	{ NULL, NULL, "231114 22:13:20 x", 0, 15, 1700000000 },
	{ NULL, NULL, "Nov 14, 2023 10:13:20 PM x", 0, 24, 1700000000 },
	{ NULL, NULL, "Nov-14-23 22:13:20 x", 0, 18, 1700000000 },
	{ NULL, NULL, "20231114T221320Z x", 0, 16, 1700000000 },
	{ NULL, NULL, "CET Nov 14 22:13:20 x", 0, 19, 1699996400 },
	{ NULL, NULL, "+01:00 Nov 14 22:13:20 x", 0, 22, 1699996400 },
	{ NULL, NULL, "@4000000041f31f6c0e27b4dc x", 0, 25, 1106452332 },
	{ NULL, "UTC+0100", "Nov 14 22:13:20 host x", 0, 15, 1699996400 },
	/* A date more than a day ahead is last year's. */
	{ NULL, NULL, "Nov 15 22:13:20 host x", 0, 15, 1700086400 },
	{ NULL, NULL, "Nov 15 22:13:21 host x", 0, 15, 1700086401 - 365 * 86400 },
	/* No such moment: the line has no date. */
	{ NULL, NULL, "2023-02-29 22:13:20 x", 0, 0, 0 },
	{ NULL, NULL, "Nov 14 29:13:20 host x", 0, 0, 0 },
	{ NULL, NULL, "2023-11-14 22:13:60 x", 0, 0, 0 },
	{ NULL, NULL, "1999-11-14 22:13:20 x", 0, 0, 0 },
	{ NULL, NULL, "no date", 0, 0, 0 },
	{ NULL, NULL, "", 0, 0, 0 },
	{ "^[^\\[]*\\[({DATE})", NULL, "a [14/Nov/2023:22:13:20 +0000] x", 3, 29,
	    1700000000 },
	{ "^\\[%d/%b/%Y %H:%M:%S\\]", NULL, "[14/nov/2023 22:13:20] x", 0, 22,
	    1700000000 },
	{ "{^LN-BEG}", NULL, "x 2023-11-14 22:13:20 x", 0, 0, 0 },
	{ "EPOCH", NULL, "1700000000 x", 0, 10, 1700000000 },
	{ "{LEPOCH}", NULL, "at 1700000000125 x", 3, 16, 1700000000.125 },
	{ "{LEPOCH}", NULL, "at 1700000000125000 x", 3, 19, 1700000000.125 },
	{ "^\\s*{EPOCH}\\s", NULL, " 1700000000 x", 0, 12, 1700000000 },
	{ "^%Y %j", NULL, "2023 318 x", 0, 8, 1699920000 },
	{ "%Y %W %a %H:%M:%S", NULL, "2023 46 Tue 22:13:20", 0, 20, 1700000000 },
	{ "{UNB}%ExY%Exm%Exd%ExH%ExM%ExS", NULL, "x920231114221320", 2, 16,
	    1700000000 },
	{ "%Y-%m-%d %H:%M:%S %Exz", NULL, "2023-11-14 22:13:20 CET+0030", 0, 28,
	    1699994600 },
	/* What fail2ban 1.0.2 makes of patterns of every kind. */
	{ "%Y %U %w %H:%M:%S", NULL, "2023 46 2 22:13:20 x", 0, 18, 1700000000 },
	{ "%Y %U %w %H:%M:%S", NULL, "2023 46 0 00:00:00 x", 0, 18, 1699747200 },
	{ "%Y %W %a %H:%M:%S", NULL, "2023 00 Sun 00:00:00 x", 0, 20, 1672531200 },
	{ "%Y-%m-%d %I:%M:%S %p", NULL, "2023-11-14 12:13:20 AM x", 0, 22, 1699920800 },
	{ "%d %B %Y %H:%M:%S", NULL, "14 November 2023 22:13:20 x", 0, 25, 1700000000 },
	{ "(?i)^%Y-%m-%dX%H:%M:%S", NULL, "2023-11-14x22:13:20 x", 0, 19, 1700000000 },
	{ "**%Y-%m-%d %H:%M:%S**", NULL, "a2023-11-14 22:13:205 x", 1, 20, 1700000000 },
	{ "%Y-%m-%d %H:%M:%S$", NULL, "x 2023-11-14 22:13:20", 2, 21, 1700000000 },
	{ "(?:^%Y-%m-%d %H:%M:%S)", NULL, "2023-11-14 22:13:20 x", 0, 19, 1700000000 },
	{ "(?:%Y-%m-%d %H:%M:%S$)", NULL, "x 2023-11-14 22:13:20", 2, 21, 1700000000 },
	{ "(%Y-%m-%d) %H:%M:%S\\s", NULL,
	    "x 2023-11-14 22:13:20 x", 2, 12, 1700000000 },
	{ "%Y-%m-%d %H:%M:%S\\b", NULL, "x 2023-11-14 22:13:20 x", 2, 21, 1700000000 },
	{ "{^LN-BEG}EPOCH", NULL, "[1700000000] x", 1, 11, 1700000000 },
	{ "^at \\({EPOCH}\\)", NULL, "at (1700000000) x", 0, 15, 1700000000 },
	{ "^at ({EPOCH})", NULL, "at 1700000000 x", 0, 13, 1700000000 },
	{ "TAI64N", NULL, "@4000000041f31f6c0e27b4dc x", 0, 25, 1106452332 },
	{ "%Exd/%Exm/%Exy %ExH:%ExM:%ExS", NULL,
	    "14/11/23 22:13:20 x", 0, 17, 1700000000 },
	{ "%d/%m/%y %H:%M", NULL, "14/11/23 22:13 x", 0, 14, 1699999980 },
	{ "%H:%M", NULL, "22:13 x", 0, 5, 1699999980 },
	{ "^%m-%d", NULL, "11-14 x", 0, 5, 1699920000 },
	{ "%Y-%m-%d %H:%M:%S %z", NULL,
	    "2023-11-14 22:13:20 -0530 x", 0, 25, 1700019800 },
	{ "%Y-%m-%d %H:%M:%S %Z", NULL,
	    "2023-11-14 22:13:20 GMT x", 0, 23, 1700000000 },
	{ "%Y-%m-%d %H:%M:%S %Exz", NULL,
	    "2023-11-14 22:13:20 UTC-02:30 x", 0, 29, 1700009000 },
	{ "^%a, %d %b %Y %H:%M:%S", NULL,
	    "Tue, 14 Nov 2023 22:13:20 x", 0, 25, 1700000000 },
	{ "%Y %j", NULL, "2024 366 x", 0, 8, 1735603200 },
	{ "%Y-%j %H", NULL, "2023-318 22 x", 0, 11, 1699999200 },
	{ "\\*\\*%Y-%m-%d %H:%M:%S\\*\\*", NULL,
	    "**2023-11-14 22:13:20** x", 0, 23, 1700000000 },
	{ "a(?:b|c)%Y-%m-%d %H:%M:%S", NULL,
	    "ab2023-11-14 22:13:20 x", 0, 21, 1700000000 },
	{ "^(?:%Y|x)-%m-%d", NULL, "x-11-14 y", 0, 7, 1699920000 },
	{ "%S", NULL, "20 x", 0, 2, 1699920020 },
	{ "%%%Y", NULL, "%2023 x", 0, 5, 1699920000 },
};

static void
one_line(void **state)
{
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		const struct expect *x = &expected[i];
		struct stamp *st = make(x->pattern, x->zone);
		struct stamp_hit hit = { 0 };
		bool found = stamp_find(st, str_of(x->line), NOW_MS, &hit);

		if (found != (x->end > 0) ||
		    (found &&
			(hit.cut_start != x->start || hit.cut_end != x->end ||
			    hit.when_s != x->when_s || !hit.has_time))) {
			print_message("%s: %d [%zu,%zu] %f\n", x->line, found,
			    hit.cut_start, hit.cut_end, hit.when_s);
			fail();
		}
		stamp_free(st);
	}
}

static void
empty_date(void **state)
{
	struct stamp *st = make("{NONE}", NULL);
	struct stamp_hit hit;

	assert_true(stamp_find(st, STR("anything"), NOW_MS, &hit));
	assert_false(hit.has_time);
	assert_int_equal(hit.cut_start, hit.cut_end);
	stamp_free(st);
}

/* Once dates were seen at the line begin, one in the text does not win. */
static void
learned_place(void **state)
{
	struct stamp *st = make(NULL, NULL);
	struct stamp_hit hit;
	const char *name;
	uint64_t hits;

	for (int i = 0; i < 3; i++)
		assert_true(stamp_find(st, STR("2023-11-14 22:13:20 a"), NOW_MS, &hit));
	assert_true(stamp_find(
	    st, STR("2023-11-14 22:13:20 x 2022-01-01 00:00:00"), NOW_MS, &hit));
	assert_true(hit.when_s == 1700000000);
	assert_true(stamp_template(st, 0, &name, &hits));
	assert_int_equal(hits, 4);
	assert_true(stamp_template(st, 30, &name, &hits));
	assert_string_equal(name, "TAI64N");
	assert_false(stamp_template(st, 31, &name, &hits));
	stamp_free(st);
}

static void
moving_decade(void **state)
{
	struct stamp *st = make(NULL, NULL);
	struct stamp_hit hit;

	assert_false(stamp_find(st, STR("2031-11-14 22:13:20 x"), NOW_MS, &hit));
	/* 2028: the window reaches three years ahead. */
	assert_true(
	    stamp_find(st, STR("2031-11-14 22:13:20 x"), INT64_C(1840000000000), &hit));
	stamp_free(st);
}

static void
local_time(void **state)
{
	struct stamp *st;
	struct stamp_hit hit;

	setenv("TZ", "CET-01CEST-02,M3.5.0,M10.5.0", 1);
	tzset();
	st = make(NULL, NULL);
	assert_true(stamp_find(st, STR("2023-07-01 12:00:00 x"), NOW_MS, &hit));
	assert_true(hit.when_s == 1688205600);
	assert_true(stamp_find(st, STR("2023-12-01 12:00:00 x"), NOW_MS, &hit));
	assert_true(hit.when_s == 1701428400);
	stamp_free(st);
	setenv("TZ", "UTC", 1);
	tzset();
}

static void
zones(void **state)
{
	static const char *const good[] = { "Z", "UTC", "UTC+0200", "CET+0100", "+0200",
		"-04:30", "CET", "+02" };
	static const char *const bad[] = { "Europe/Berlin", "XYZ", "CE", "+2", "+0200x",
		"utc", "+2500", "CETCET", "+02:0" };
	struct err e;

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(stamp_zone_check(good[i], &e), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(stamp_zone_check(bad[i], &e) < 0);
}

static void
bad_patterns(void **state)
{
	static const char *const bad[] = { "%Q", "100%", "%Y(", "^%Y {DATE}(",
		"((?:**%Y-%m-%d %H:%M:%S**))" };
	struct stamp *st;
	struct err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(
		    stamp_new(&(struct conf_list){ (const char *[]){ bad[i] }, 1 },
			NULL, &st, &e) < 0);
	assert_true(stamp_new(&(struct conf_list){ (const char *[]){ "%Y", "%Y" }, 2 },
			NULL, &st, &e) < 0);
	assert_non_null(strstr(e.text, "twice"));
	assert_true(stamp_new(NULL, "nowhere", &st, &e) < 0);
}

/* Deterministic: the same lines on every run. */
static unsigned
next_random(unsigned below)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

static const char *
any_of(const char *const *v, size_t n)
{
	return v[next_random((unsigned)n)];
}

#define ANY(v) any_of(v, sizeof(v) / sizeof(*(v)))

/* The formats are a table of this file. */
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

/* A line with a date that is right, odd or broken. */
static void
make_line(char *out, size_t size)
{
	static const char *const before[] = { "", "", "", "", "[", "<13>", " ", "[[",
		"x", "1.2.3.4 - - [", "10.", "[1.2 ", "host 22/Jan/2021:01:02:03 ",
		"-nov-", "a/dec/",
		"\xc3\xa9 ", "2022-01-01 00:00:00 ", "Jan  1 00:00:00 " };
	static const char *const after[] = { "", " x", "]", "Z", "Z x", "Zx", "+01:00",
		"+0100]", "-0730 x", " +0100] x", " +01", " 2023 x", " 2023", " 1999",
		".5 x", ",123 x", ",1234567", ". x", ", x", " Z", " gmt", " z x",
		"  +0100", "x", "9", "_", ":", "\t+0100", " -1930x", "+2500", " UTC",
		"\xc3\xa9", "T", "\x1cZ" };
	static const char *const dates[] = { "%Y-%m-%d %H:%M:%S", "%Y/%m/%dT%H:%M:%S",
		"%Y-%m/%d %H:%M:%S", "%b %d %H:%M:%S", "%b %e %H:%M:%S",
		"%d/%b/%Y:%H:%M:%S", "%d-%b-%Y %H:%M:%S", "%e/%b/%Y:%H:%M:%S",
		"%a %b %d %H:%M:%S", "%H:%M:%S", "%Y%m%dT%H%M%S", "%s",
		"%d/%m/%y %H:%M:%S", "%b-%d-%y %H:%M:%S", "%y%m%d %H:%M:%S",
		"%b %d, %Y %I:%M:%S %p", "%m/%d/%Y:%H:%M:%S" };
	static const char odd[] = "0123456789 -/:.,TZx";
	char date[64];
	time_t t = (time_t)(NOW_MS / 1000) + 86400 - (time_t)next_random(200000000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), ANY(dates), &tm);
	if (next_random(3) == 0)
		date[next_random((unsigned)strlen(date))] =
		    odd[next_random(sizeof(odd) - 1)];
	snprintf(out, size, "%s%s%s", ANY(before), date, ANY(after));
}

/* Is there a date? With and without shortcuts it is the same. */
static bool
both(struct stamp *fast, struct stamp *slow, const char *line, int64_t now_ms)
{
	struct stamp_hit a = { 0 }, b = { 0 };
	bool found = stamp_find(fast, str_of(line), now_ms, &a);

	if (found == stamp_find(slow, str_of(line), now_ms, &b) &&
	    (!found ||
		(a.cut_start == b.cut_start && a.cut_end == b.cut_end &&
		    a.when_s == b.when_s && a.has_time == b.has_time)))
		return found;
	print_message("%s: [%zu,%zu] %.0f, regex [%zu,%zu] %.0f\n", line, a.cut_start,
	    a.cut_end, a.when_s, b.cut_start, b.cut_end, b.when_s);
	fail();
	return false;
}

/* The second line begins as the first one does, up to some bytes behind its date. */
static void
same_head(void **state)
{
	static const char *const after[][2] = { { ",12Aug 14", ",123/x" },
		{ ".12x", ".12 x" }, { ".1234567 x", ".123456 x" }, { " x", " y" },
		{ " +0x", " +0200 x" }, { " +02x", " +0200 x" }, { "  +0x", "  +0100" },
		{ "+02x", "+0200 x" }, { " GMx", " GMT x" }, { " 20x", " 2023 x" } };
	static const char *const dates[] = { "2023-11-14 22:13:20",
		"14/Nov/2023:22:13:20", "Nov 14 22:13:20" };

	for (size_t d = 0; d < sizeof(dates) / sizeof(*dates); d++)
		for (size_t i = 0; i < sizeof(after) / sizeof(*after); i++) {
			struct stamp *fast = make(NULL, NULL), *slow = make(NULL, NULL);

			stamp_no_shortcuts(slow);
			for (size_t k = 0; k < 4; k++) {
				char line[64];

				snprintf(line, sizeof(line), "%s%s host", dates[d],
				    after[i][k % 2]);
				both(fast, slow, line, NOW_MS);
			}
			stamp_free(fast);
			stamp_free(slow);
		}
}

/* A clock that is set back: what was a year of the next decade is none now. */
static void
decade_back(void **state)
{
	static const char line[] = "2031-11-14 22:13:20 host x";
	struct stamp *fast = make(NULL, NULL), *slow = make(NULL, NULL);

	stamp_no_shortcuts(slow);
	assert_true(both(fast, slow, line, NOW_MS + 5 * INT64_C(31557600000)));
	both(fast, slow, line, NOW_MS);
	stamp_free(fast);
	stamp_free(slow);
}

/* A day that this year has, the year before had not: no date at all. */
static void
leap_day(void **state)
{
	struct stamp *st = make(NULL, NULL);
	struct stamp_hit hit = { 0 };

	(void)state;
	/* 2024-01-05, and 2024-02-29 12:00 */
	assert_false(stamp_find(st, STR("Feb 29 10:00:00 x"), INT64_C(1704412800000),
	    &hit) && hit.has_time);
	assert_true(
	    stamp_find(st, STR("Feb 29 10:00:00 x"), INT64_C(1709208000000), &hit));
	assert_int_equal((int64_t)hit.when_s, 1709200800);
	stamp_free(st);
	stamp_free(NULL);
}

/* What the shortcuts give is what the regexes give, also for what they learn. */
static void
shortcuts(void **state)
{
	static const char *const patterns[] = { NULL, NULL, "{^LN-BEG}", "{DATE}",
		"^[^\\[]*\\[({DATE})" };
	size_t dated = 0;

	for (int round = 0; round < 300; round++) {
		const char *pattern = ANY(patterns);
		struct stamp *fast = make(pattern, NULL), *slow = make(pattern, NULL);
		int64_t now_ms = NOW_MS;
		char line[200];

		stamp_no_shortcuts(slow);
		for (int i = 0; i < 40; i++) {
			/* Some lines come again. */
			if (i == 0 || next_random(3) > 0)
				make_line(line, sizeof(line));
			now_ms += next_random(3) * 1000;
			dated += both(fast, slow, line, now_ms);
		}
		stamp_free(fast);
		stamp_free(slow);
	}
	assert_true(dated > 3000);
}

/* Where lines can be apart: a wrong answer here loses matches. */
static void
cuts(void **state)
{
	static const struct { const char *pattern; enum literal_cut cut; } v[] = {
		{ "{^LN-BEG}", CUT_WORD },
		{ "{NONE}", CUT_ANY },
		{ "^%Y-%m-%d %H:%M:%S", CUT_NONE },
		{ "^\\[%d/%b/%Y %H:%M:%S\\]", CUT_NONE },
		{ "^EPOCH", CUT_WORD },
		{ "^[^\\[]*\\[({DATE})", CUT_WORD },
		{ "^[^\\[]*(\\[{DATE}\\s*\\])", CUT_ANY },
		{ "^(?:=[^=]+={3,} )?(%ExY-%m-%d[T ]%H:%M:%S(?:[.,]%f)?(?:\\s*%z)?)",
		    CUT_WORD },
		{ "^a(%Y)b", CUT_ANY },
		{ "^a|b ({DATE})", CUT_ANY },
		{ "^b ({DATE}|c)", CUT_ANY },
		{ "^b ({DATE}x)", CUT_ANY },
		{ "^b ({DATE})c(?:%S)", CUT_ANY },
		{ "%d/%b[^/]*/%Y:%H:%M:%S %z", CUT_BEFORE },
		{ "%Y|x%Y", CUT_ANY },
		{ "%Y:", CUT_ANY },
		{ "TAI64N", CUT_ANY },
		{ "{^LN-BEG}TAI64N", CUT_WORD },
		{ "{^LN-BEG}%b-%d-%Exy %H:%M:%S", CUT_WORD },
		{ "{^LN-BEG}%b-%d-%Exy %H:%M:%S\\]", CUT_ANY },
		{ "{DEFAULT}", CUT_WORD },
		{ "{^LN-BEG}{DATE}", CUT_WORD },
		{ "{^LN-BEG}(%Y)", CUT_ANY },
		{ "\\(%Y-%m-%d %H:%M:%S", CUT_BEFORE },
		{ "%Y (?%f)?", CUT_ANY },
		{ "^(?:a )?(%Y(?:.%f)?)", CUT_WORD },
		{ "^(?:a)(?:b )?(%Y)", CUT_ANY },
		{ "^a\\[(%Y)", CUT_WORD },
		{ "^(%Y)", CUT_WORD },
		{ "^ (%Y[(]%m)", CUT_ANY },
		{ "^ (%Y\\(%m)", CUT_ANY },
		{ "^ (a(b)%m)", CUT_WORD },
		{ "^ (%Y)%m)", CUT_ANY },
		{ "^TAI64N", CUT_WORD },
		{ "^LEPOCH", CUT_WORD },
	};
	struct conf_list none = { 0 };

	(void)state;
	assert_int_equal(stamp_cut(&none), CUT_WORD);
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++) {
		const char *pattern = v[i].pattern;
		struct conf_list one = { .v = &pattern, .n = 1 };

		if (stamp_cut(&one) != v[i].cut)
			fail_msg("%s: %d", v[i].pattern, stamp_cut(&one));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_line),
		cmocka_unit_test(empty_date),
		cmocka_unit_test(learned_place),
		cmocka_unit_test(moving_decade),
		cmocka_unit_test(local_time),
		cmocka_unit_test(zones),
		cmocka_unit_test(bad_patterns),
		cmocka_unit_test(same_head),
		cmocka_unit_test(decade_back),
		cmocka_unit_test(leap_day),
		cmocka_unit_test(shortcuts),
		cmocka_unit_test(cuts),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
