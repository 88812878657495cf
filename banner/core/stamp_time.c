/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp_time.c - the fields of a date become seconds since the epoch.
 */
#include "banner/core/stamp_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { DAY_S = 24 * 60 * 60, QUARTER_S = 15 * 60, NONE = -1 };

struct fields {
	int year, month, day, hour, minute, second;
	int weekday, yearday, week; /* weekday: Monday is 0 */
	int hour12;
	bool week_from_monday, pm;
	bool zone;
	int zone_minutes;
};

static int64_t
floor_div(int64_t a, int64_t b)
{
	int64_t q = a / b;

	return a % b < 0 ? q - 1 : q;
}

/* The era of 400 years makes the leap rule plain arithmetic; years begin in March. */
static int64_t
stamp_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = floor_div(y, 400);
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
	    719468;
}

void
stamp_civil(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = floor_div(z, 146097), d = z - era * 146097;
	int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	int64_t of_year = d - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

static int
days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int64_t
stamp_clock_now(struct stamp_clock *c)
{
	int64_t s = floor_div(c->now_ms, 1000), quarter = floor_div(s, QUARTER_S);

	c->asked = true;
	if (!c->now_known || c->now_quarter != quarter) {
		time_t t = (time_t)s;
		struct tm tm = { 0 };

		localtime_r(&t, &tm);
		c->now_offset_s = tm.tm_gmtoff;
		c->now_quarter = quarter;
		c->now_known = true;
	}
	return s + c->now_offset_s;
}

/* Seconds since the epoch from a local wall clock. */
static int64_t
stamp_clock_epoch(struct stamp_clock *c, int64_t civil_s)
{
	int64_t quarter = floor_div(civil_s, QUARTER_S);
	size_t k = (size_t)quarter % STAMP_QUARTERS;

	if (!c->civil[k].known || c->civil[k].quarter != quarter) {
		struct tm tm = { .tm_isdst = -1 };
		int64_t days = floor_div(civil_s, DAY_S);
		int s = (int)(civil_s - days * DAY_S);

		stamp_civil(days, &tm.tm_year, &tm.tm_mon, &tm.tm_mday);
		tm.tm_year -= 1900;
		tm.tm_mon -= 1;
		tm.tm_hour = s / 3600;
		tm.tm_min = s / 60 % 60;
		tm.tm_sec = s % 60;
		c->civil[k].offset_s = civil_s - (int64_t)mktime(&tm);
		c->civil[k].quarter = quarter;
		c->civil[k].known = true;
	}
	return civil_s - c->civil[k].offset_s;
}

/* Digits, perhaps after a blank; -EINVAL for anything else (digits of other scripts).
 */
static int
number(struct str s, int *out)
{
	uint64_t n;

	if (str_u64(str_trim(s), &n) < 0 || n > 9999)
		return -EINVAL;
	*out = (int)n;
	return 0;
}

static int
name_index(struct str s, const char *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (s.len >= 3 && strncasecmp(s.s, names + 3 * i, 3) == 0)
			return (int)i;
	return -EINVAL;
}

static int
name_value(struct str s, const char *names, size_t count, int *out)
{
	int i = name_index(s, names, count);

	if (i < 0)
		return -EINVAL;
	*out = i;
	return 0;
}

static int
read_month(struct fields *f, struct str s)
{
	int rc = name_value(s, "janfebmaraprmayjunjulaugsepoctnovdec", 12, &f->month);

	f->month++;
	return rc;
}

static int
read_year2(struct fields *f, struct str s)
{
	int rc = number(s, &f->year);

	/* This century: nothing logs the last one. */
	if (rc == 0 && f->year <= 2000)
		f->year += 2000;
	return rc;
}

static int
read_zone(struct fields *f, struct str s)
{
	f->zone = true;
	return stamp_zone_parse(s, &f->zone_minutes);
}

static int
read_weekday(struct fields *f, struct str s)
{
	int rc = number(s, &f->weekday);

	f->weekday = f->weekday == 0 ? 6 : f->weekday - 1;
	return rc;
}

static int
read_week(struct fields *f, struct str s, bool from_monday)
{
	f->week_from_monday = from_monday;
	return number(s, &f->week);
}

static int
read_field(struct fields *f, char field, struct str s)
{
	switch (field) {
	case 'Y': return number(s, &f->year);
	case 'y': return read_year2(f, s);
	case 'm': return number(s, &f->month);
	case 'b':
	case 'B': return read_month(f, s);
	case 'd': return number(s, &f->day);
	case 'H': f->hour12 = NONE; return number(s, &f->hour);
	case 'I': return number(s, &f->hour12);
	case 'p': f->pm = s.len > 0 && (s.s[0] | 0x20) == 'p'; return 0;
	case 'M': return number(s, &f->minute);
	case 'S': return number(s, &f->second);
	case 'a':
	case 'A': return name_value(s, "montuewedthufrisatsun", 7, &f->weekday);
	case 'w': return read_weekday(f, s);
	case 'j': return number(s, &f->yearday);
	case 'U':
	case 'W': return read_week(f, s, field == 'W');
	case 'z':
	case 'Z': return read_zone(f, s);
	}
	return 0; /* matched, but says nothing that is used: %f, %G ... */
}

/* Day of the year from a week number and a weekday, as strptime(3) counts. */
static void
yearday_of_week(struct fields *f)
{
	/* 1970-01-01 was a Thursday. */
	int64_t first = stamp_days(f->year, 1, 1) + 3;
	int start = (int)(first - floor_div(first, 7) * 7), day = f->weekday;

	if (!f->week_from_monday) {
		start = (start + 1) % 7;
		day = (day + 1) % 7;
	}
	if (f->week == 0)
		f->yearday = 1 + day - start;
	else
		f->yearday = 1 + (7 - start) % 7 + 7 * (f->week - 1) + day;
}

static int
is_date(int year, int month, int day)
{
	return year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 &&
	    day <= days_in_month(year, month);
}

/* What the line did not say: this year, today. */
static int
complete(struct fields *f, struct stamp_clock *c, bool *year_guessed, bool *day_guessed)
{
	int year = 0, month = 0, day = 0;
	bool partial = f->month == NONE || f->day == NONE;

	*year_guessed = f->year == NONE;
	if (f->hour12 != NONE)
		f->hour = f->hour12 % 12 + (f->pm ? 12 : 0);
	if (*year_guessed || (f->month == NONE && f->day == NONE))
		stamp_civil(floor_div(stamp_clock_now(c), DAY_S), &year, &month, &day);
	if (*year_guessed)
		f->year = year;
	if (f->year < 1)
		return -EINVAL;
	if (partial && f->yearday == NONE && f->week != NONE && f->weekday != NONE)
		yearday_of_week(f);
	if (partial && f->yearday != NONE)
		stamp_civil(stamp_days(f->year, 1, 1) + f->yearday - 1, &f->year,
		    &f->month, &f->day);
	*day_guessed = f->month == NONE && f->day == NONE;
	if (*day_guessed) {
		f->month = month;
		f->day = day;
	}
	return is_date(f->year, f->month, f->day) && f->hour < 24 && f->minute < 60 &&
		f->second < 60
	    ? 0
	    : -EINVAL;
}

static int
read_fields(struct fields *f, const struct stamp_match *m)
{
	for (size_t i = 0; i < m->nvalues; i++)
		if (read_field(f, m->value[i].field, m->value[i].text) < 0)
			return -EINVAL;
	return 0;
}

double
stamp_epoch(enum stamp_kind kind, struct str s)
{
	char text[64] = "";
	double v;

	memcpy(text, s.s, s.len < sizeof(text) ? s.len : sizeof(text) - 1);
	v = strtod(text, NULL);
	if (kind != STAMP_LONG_EPOCH || s.len < 13)
		return v;
	return s.len >= 16 && !strchr(text, '.') ? v / 1e6 : v / 1e3;
}

/* The seconds are hexadecimal digits 2 to 16 of the label, that is without 2^62; the
 * ten seconds between TAI and UTC are left alone, as fail2ban does. */
double
stamp_tai(struct str s)
{
	char digits[16] = "";

	if (s.len < 17)
		return 0;
	memcpy(digits, s.s + 2, 15);
	return (double)strtoull(digits, NULL, 16);
}

int
stamp_convert(struct stamp_clock *c, const struct stamp_match *m,
    const struct stamp_zone *zone, int64_t *seconds)
{
	struct fields f = { .year = NONE,
		.month = NONE,
		.day = NONE,
		.weekday = NONE,
		.yearday = NONE,
		.week = NONE,
		.hour12 = NONE };
	bool year_guessed, day_guessed;
	int64_t civil, time_of_day;

	if (read_fields(&f, m) < 0 || complete(&f, c, &year_guessed, &day_guessed) < 0)
		return -EINVAL;
	civil = stamp_days(f.year, f.month, f.day) * DAY_S + f.hour * 3600 +
	    f.minute * 60 + f.second;
	if (!f.zone && zone->set) {
		f.zone = true;
		f.zone_minutes = zone->minutes;
	}
	civil -= f.zone ? (int64_t)f.zone_minutes * 60 : 0;
	/* Compared with the local clock even when the zone is another one, as fail2ban
	 * does. */
	if (day_guessed && civil > stamp_clock_now(c))
		civil -= DAY_S;
	if (year_guessed && civil > stamp_clock_now(c) + DAY_S) {
		if (!is_date(f.year - 1, f.month, f.day))
			return -EINVAL;
		time_of_day = civil - floor_div(civil, DAY_S) * DAY_S;
		civil = stamp_days(f.year - 1, f.month, f.day) * DAY_S + time_of_day;
	}
	*seconds = f.zone ? civil : stamp_clock_epoch(c, civil);
	return 0;
}
