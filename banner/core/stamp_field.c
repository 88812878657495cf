/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp_field.c - the %fields of date patterns.
 *
 * The field letters are those of strptime(3) and Python, with fail2ban's %k, %l and
 * its stricter %Ex forms.
 */
#include "banner/core/stamp_int.h"

#include <errno.h>
#include <string.h>

#define DAY2 "3[0-1]|[1-2]\\d|0[1-9]|[1-9]| [1-9]"
#define WDAY "(?P<a>mon|tue|wed|thu|fri|sat|sun)"
#define MON "(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
#define CLOCK \
	"(?P<H>2[0-3]|[0-1]\\d|\\d):(?P<M>[0-5]\\d|\\d):(?P<S>6[0-1]|[0-5]\\d|\\d)"
#define ABBR "[A-Z](?:[A-Z]{2,4})?"
#define OFFSET "[+-][01]\\d(?::?\\d{2})?"

static const struct {
	const char *key, *name, *regex;
} fields[] = {
	{ "%", "%", "%" },
	{ "d", "Day", "(?P<d>[1-2]\\d|[0 ]?[1-9]|3[0-1])" },
	{ "f", "Microseconds", "(?P<f>[0-9]{1,6})" },
	{ "H", "24hour", "(?P<H>[0-1]?\\d|2[0-3])" },
	{ "I", "12hour", "(?P<I>1[0-2]|0[1-9]|[1-9])" },
	{ "G", "%G", "(?P<G>\\d\\d\\d\\d)" },
	{ "j", "Yearday",
	    "(?P<j>36[0-6]|3[0-5]\\d|[1-2]\\d\\d|0[1-9]\\d|00[1-9]|[1-9]\\d|"
	    "0[1-9]|[1-9])" },
	{ "m", "Month", "(?P<m>0?[1-9]|1[0-2])" },
	{ "M", "Minute", "(?P<M>[0-5]?\\d)" },
	{ "S", "Second", "(?P<S>[0-5]?\\d|6[0-1])" },
	{ "U", "Yearweek", "(?P<U>5[0-3]|[0-4]\\d|\\d)" },
	{ "W", "Yearweek", "(?P<W>5[0-3]|[0-4]\\d|\\d)" },
	{ "V", "%V", "(?P<V>5[0-3]|0[1-9]|[1-4]\\d|\\d)" },
	{ "w", "Weekday", "(?P<w>[0-6])" },
	{ "u", "%u", "(?P<u>[1-7])" },
	{ "y", "Year2", "(?P<y>\\d\\d)" },
	{ "Y", "Year", "(?P<Y>\\d{4})" },
	{ "z", "Zone offset", "(?P<z>Z|UTC|GMT|" OFFSET ")" },
	{ "Z", "Zone name", "(?P<Z>Z|[A-Z]{3,5})" },
	{ "A", "DAYNAME",
	    "(?P<A>wednesday|thursday|saturday|tuesday|monday|friday|"
	    "sunday)" },
	{ "a", "DAY", WDAY },
	{ "B", "MONTH",
	    "(?P<B>september|february|november|december|january|october|"
	    "august|march|april|june|july|may)" },
	{ "b", "MON", MON },
	{ "p", "AMPM", "(?P<p>am|pm)" },
	{ "c", "%c",
	    WDAY "\\s+" MON "\\s+(?P<d>" DAY2 ")\\s+" CLOCK "\\s+(?P<Y>\\d\\d\\d\\d)" },
	{ "x", "%x", "(?P<m>1[0-2]|0[1-9]|[1-9])/(?P<d>" DAY2 ")/(?P<y>\\d\\d)" },
	{ "X", "%X", CLOCK },
	{ "k", "%k", " ?(?P<H>[0-2]?\\d)" },
	{ "l", "%l", " ?(?P<I>1?\\d)" },
	{ "ExZ", "ExZone name", "(?P<Z>" ABBR ")" },
	{ "Exz", "ExZone offset", "(?P<z>(?:" ABBR ")?" OFFSET "|" ABBR ")" },
	{ "Exd", "ExDay", "(?P<d>[1-2]\\d|0[1-9]|3[0-1])" },
	{ "Exm", "ExMonth", "(?P<m>0[1-9]|1[0-2])" },
	{ "ExH", "Ex24hour", "(?P<H>[0-1]\\d|2[0-3])" },
	{ "Exk", "%Exk", " ?(?P<H>[0-1]?\\d|2[0-3])" },
	{ "Exl", "%Exl", " ?(?P<I>1[0-2]|\\d)" },
	{ "ExM", "ExMinute", "(?P<M>[0-5]\\d)" },
	{ "ExS", "ExSecond", "(?P<S>[0-5]\\d|6[0-1])" },
	{ "ExY", "ExYear", "(?P<Y>20[0-\x01]\\d)" },
	{ "Exy", "ExYear2", "(?P<y>\\d{2})" },
};

/* Length of the field name that follows a %, 0 when it is none. */
static size_t
add_field(const char *s, struct buf *regex, struct buf *name)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		size_t n = strlen(fields[i].key);

		if (strncmp(s, fields[i].key, n) != 0)
			continue;
		buf_puts(regex, fields[i].regex);
		buf_puts(name, fields[i].name);
		return n;
	}
	return 0;
}

int
stamp_fields(const char *pattern, struct buf *regex, struct buf *name, struct err *e)
{
	for (const char *s = pattern; *s; s++) {
		size_t n;

		if (*s == STAMP_DECADE)
			return err_set(e, -EINVAL, "control character in date pattern");
		if (*s != '%') {
			buf_putc(regex, *s);
			buf_putc(name, *s);
			continue;
		}
		n = add_field(s + 1, regex, name);
		if (n == 0)
			return err_set(e, -EINVAL,
			    "date pattern '%s', column %zu: %%%.1s is"
			    " no field (a percent sign is written %%%%)",
			    pattern, (size_t)(s - pattern) + 1, s + 1);
		s += n;
	}
	return 0;
}
