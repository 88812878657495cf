/* SPDX-License-Identifier: GPL-2.0-or-later
 * units.c - numbers with units, as people write and read them.
 */
#include "banner/base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
	int64_t ms;
	char name;
} units[] = {
	{ MS_PER_DAY, 'd' }, { MS_PER_HOUR, 'h' },
	{ MS_PER_MIN, 'm' }, { MS_PER_S, 's' },
};
enum { UNITS = sizeof(units) / sizeof(*units) };

const char *
units_duration(int64_t ms, char out[UNITS_TEXT])
{
	int64_t more;
	size_t i = 0;
	int n;

	if (ms < 0) {
		strcpy(out, "for ever");
		return out;
	}
	while (i < UNITS - 1 && ms < units[i].ms)
		i++;
	n = snprintf(out, UNITS_TEXT, "%" PRId64 "%c", ms / units[i].ms, units[i].name);
	if (i == UNITS - 1)
		return out;
	more = ms % units[i].ms / units[i + 1].ms;
	if (more > 0)
		snprintf(out + n, UNITS_TEXT - (size_t)n, " %" PRId64 "%c", more,
		    units[i + 1].name);
	return out;
}

/* strftime would do, ten times as slowly; this is done for every failure. */
static void
put_digits(char *out, int n, int v, char after)
{
	out[n] = after;
	for (; n > 0; v /= 10)
		out[--n] = (char)('0' + v % 10);
}

const char *
units_time(int64_t ms, char out[UNITS_TEXT])
{
	time_t s = ms / MS_PER_S - (ms % MS_PER_S < 0);
	struct tm tm;

	if (!localtime_r(&s, &tm) || tm.tm_year < -900 || tm.tm_year > 8099) {
		snprintf(out, UNITS_TEXT, "%" PRId64 "s", (int64_t)s);
		return out;
	}
	put_digits(out, 4, tm.tm_year + 1900, '-');
	put_digits(out + 5, 2, tm.tm_mon + 1, '-');
	put_digits(out + 8, 2, tm.tm_mday, ' ');
	put_digits(out + 11, 2, tm.tm_hour, ':');
	put_digits(out + 14, 2, tm.tm_min, ':');
	put_digits(out + 17, 2, tm.tm_sec, '\0');
	return out;
}

int
units_bytes(struct str s, uint64_t *out)
{
	static const char letters[] = "KMG";
	const char *at = NULL;
	unsigned shift = 0;
	uint64_t v;
	int rc;

	if (s.len > 0 && s.s[s.len - 1] != '\0')
		at = strchr(letters, s.s[s.len - 1]);
	if (at) {
		shift = 10 * (unsigned)(at - letters + 1);
		s.len--;
	}
	rc = str_u64(s, &v);
	if (rc < 0)
		return rc;
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*out = v << shift;
	return 0;
}
