/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp_fast.c - shortcuts for ASCII lines: what cannot match, and the common shapes.
 *
 * A shortcut says "this is the match of the template" only where the regex would give
 * exactly that; whatever is unusual is left to the regex. test_stamp compares both.
 */
#include "banner/core/stamp_int.h"

#include <string.h>

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_word(char c)
{
	return is_digit(c) || c == '_' || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

#define THREE(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

static bool
is_month(const char *s)
{
	switch (THREE(s[0] | 0x20, s[1] | 0x20, s[2] | 0x20)) {
	case THREE('j', 'a', 'n'):
	case THREE('f', 'e', 'b'):
	case THREE('m', 'a', 'r'):
	case THREE('a', 'p', 'r'):
	case THREE('m', 'a', 'y'):
	case THREE('j', 'u', 'n'):
	case THREE('j', 'u', 'l'):
	case THREE('a', 'u', 'g'):
	case THREE('s', 'e', 'p'):
	case THREE('o', 'c', 't'):
	case THREE('n', 'o', 'v'):
	case THREE('d', 'e', 'c'): return true;
	}
	return false;
}

enum stamp_first
stamp_first(struct str l)
{
	size_t i = 0, digits = 0;

	while (i < l.len && i < 3 && !is_word(l.s[i]))
		i++;
	if (i == l.len || !is_word(l.s[i]) || l.s[i] == '_')
		return FIRST_NONE;
	while (digits < 4 && i + digits < l.len && is_digit(l.s[i + digits]))
		digits++;
	if (digits == 0)
		return FIRST_LETTER;
	return digits < 4 && i + digits < l.len && l.s[i + digits] == '.' ?
	    FIRST_ADDRESS : FIRST_DIGIT;
}

static void
hints_of_separator(struct stamp_hints *h, struct str l, size_t i, size_t run)
{
	const char *s = l.s;

	if (run >= 4 && s[i] != ' ' && s[i - 4] == '2' && s[i - 3] == '0')
		h->found |= HINT_YEAR_SEP;
	if (run > 0 && (s[i] == '-' || s[i] == '/') && i + 1 < l.len &&
	    is_digit(s[i + 1]))
		h->found |= HINT_DIGIT_SEP;
	if (run > 0 || i < 3 || s[i] == '.' || !is_month(s + i - 3))
		return;
	if (s[i] == ' ') {
		h->found |= HINT_MONTH_SPACE;
		return;
	}
	if (s[i] == '-')
		h->found |= HINT_MONTH_DASH;
	if (i < 4 || s[i - 4] != s[i])
		return;
	if (!(h->found & HINT_MONTH_SEP))
		h->month_sep = i - 4;
	h->found |= HINT_MONTH_SEP;
}

/* Most bytes are none of these, and do no more than end a run of digits. */
enum { BYTE_DIGIT = 1, BYTE_COLON, BYTE_AT, BYTE_SEPARATOR };
static const uint8_t byte_kind[256] = { ['0'... '9'] = BYTE_DIGIT, [':'] = BYTE_COLON,
	['@'] = BYTE_AT, [' '] = BYTE_SEPARATOR, ['-'] = BYTE_SEPARATOR,
	['/'] = BYTE_SEPARATOR, ['.'] = BYTE_SEPARATOR };

void
stamp_hints(struct str l, struct stamp_hints *h)
{
	size_t run = 0, longest = 0;

	*h = (struct stamp_hints){ 0 };
	for (size_t i = 0; i < l.len; i++) {
		switch (byte_kind[(unsigned char)l.s[i]]) {
		case BYTE_DIGIT:
			longest = ++run > longest ? run : longest;
			continue;
		case BYTE_COLON: h->found |= HINT_COLON; break;
		case BYTE_AT: h->found |= HINT_AT; break;
		case BYTE_SEPARATOR: hints_of_separator(h, l, i, run); break;
		}
		run = 0;
	}
	h->found |= longest >= 6 ? HINT_RUN6 : 0;
	h->found |= longest >= 8 ? HINT_RUN8 : 0;
	h->found |= longest >= 10 ? HINT_RUN10 : 0;
}

/* Two digits from lo to hi; a blank may stand for a leading zero if blank. */
static bool
two(const char *s, int lo, int hi, bool blank)
{
	int n;

	if (!is_digit(s[1]) || (!is_digit(s[0]) && !(blank && s[0] == ' ')))
		return false;
	n = (s[0] == ' ' ? 0 : (s[0] - '0') * 10) + s[1] - '0';
	return n >= lo && n <= hi;
}

static bool
is_clock(const char *s)
{
	return two(s, 0, 23, false) && s[2] == ':' && two(s + 3, 0, 59, false) &&
	    s[5] == ':' && two(s + 6, 0, 59, false);
}

static bool
is_year(const char *s, int decade)
{
	return s[0] == '2' && s[1] == '0' && s[2] >= '0' && s[2] <= '0' + decade &&
	    is_digit(s[3]);
}

static void
put(struct stamp_match *m, char field, const char *s, size_t len)
{
	m->value[m->nvalues++] = (struct stamp_value){ field, { s, len } };
}

static void
put_clock(struct stamp_match *m, const char *s)
{
	put(m, 'H', s, 2);
	put(m, 'M', s + 3, 2);
	put(m, 'S', s + 6, 2);
}

/* Length of +hhmm or +hh:mm before something that is no word; 0: something else. */
static size_t
offset_length(const char *s, size_t left)
{
	size_t n = left > 3 && s[3] == ':' ? 6 : 5;

	if (left < n || (s[0] != '+' && s[0] != '-') || (s[1] != '0' && s[1] != '1') ||
	    !is_digit(s[2]) || !is_digit(s[n - 2]) || !is_digit(s[n - 1]))
		return 0;
	return left > n && is_word(s[n]) ? 0 : n;
}

/* "Nov 14 22:13:20" that no year follows. These return the length, 0: not sure. */
static size_t
read_syslog(const char *s, size_t left, struct stamp_match *m)
{
	if (left < 15 || !is_month(s) || s[3] != ' ' || !two(s + 4, 1, 31, true) ||
	    s[6] != ' ' || !is_clock(s + 7))
		return 0;
	if (left > 15 && (s[15] != ' ' || (left > 16 && s[16] == '2')))
		return 0;
	put(m, 'b', s, 3);
	put(m, 'd', s + 4, 2);
	put_clock(m, s + 7);
	return 15;
}

/* The zone behind an ISO time; false: not sure. */
static bool
iso_zone(const char *s, size_t left, struct stamp_match *m, size_t *len)
{
	*len = 0;
	if (left == 0)
		return true;
	if (s[0] == 'Z')
		*len = left == 1 || !is_word(s[1]);
	else if (s[0] == '+' || s[0] == '-')
		*len = offset_length(s, left);
	else if (s[0] == ' ')
		return left == 1 || (s[1] > ' ' && !strchr("ZUG+-", s[1]));
	else
		return s[0] > ' ' && !is_word(s[0]);
	put(m, 'z', s, *len);
	return *len > 0;
}

/* "2023-11-14 22:13:20", with a fraction and a zone or without. */
static size_t
read_iso(const char *s, size_t left, int decade, struct stamp_match *m)
{
	size_t n = 19, digits = 0, zone;

	if (left < n || !is_year(s, decade) || (s[4] != '-' && s[4] != '/') ||
	    s[7] != s[4] || !two(s + 5, 1, 12, false) || !two(s + 8, 1, 31, false) ||
	    (s[10] != ' ' && s[10] != 'T') || !is_clock(s + 11))
		return 0;
	if (left > n && (s[n] == '.' || s[n] == ',')) {
		while (n + 1 + digits < left && is_digit(s[n + 1 + digits]))
			digits++;
		if (digits < 1 || digits > 6)
			return 0;
		n += 1 + digits;
	}
	put(m, 'Y', s, 4);
	put(m, 'm', s + 5, 2);
	put(m, 'd', s + 8, 2);
	put_clock(m, s + 11);
	return iso_zone(s + n, left - n, m, &zone) ? n + zone : 0;
}

/* "14/Nov/2023:22:13:20 +0000", the zone is optional. */
static size_t
read_clf(const char *s, size_t left, int decade, struct stamp_match *m)
{
	size_t n = 20, zone = 0;

	if (left < n || !two(s, 1, 31, false) || (s[2] != '/' && s[2] != '-') ||
	    s[6] != s[2] || !is_month(s + 3) || !is_year(s + 7, decade) ||
	    (s[11] != ':' && s[11] != ' ') || !is_clock(s + 12))
		return 0;
	if (left > n && (s[n] == '.' || is_word(s[n])))
		return 0;
	if (left > n + 1 && s[n] == ' ' && strchr("+-ZzUuGg", s[n + 1])) {
		zone = offset_length(s + n + 1, left - n - 1);
		if (zone == 0)
			return 0;
	}
	put(m, 'd', s, 2);
	put(m, 'b', s + 3, 3);
	put(m, 'Y', s + 7, 4);
	put_clock(m, s + 12);
	if (zone > 0)
		put(m, 'z', s + n + 1, zone);
	return zone > 0 ? n + 1 + zone : n;
}

static size_t
read_shape(enum stamp_shape shape, struct str text, int decade, struct stamp_match *m)
{
	switch (shape) {
	case SHAPE_NONE: return 0;
	case SHAPE_SYSLOG: return read_syslog(text.s, text.len, m);
	case SHAPE_ISO: return read_iso(text.s, text.len, decade, m);
	case SHAPE_CLF: return read_clf(text.s, text.len, decade, m);
	}
	return 0;
}

bool
stamp_fast(const struct stamp_template *t, struct str line, size_t from, int decade,
    struct stamp_match *m)
{
	size_t at = from, n;

	m->nvalues = 0;
	m->start = from;
	if (t->anchored) {
		/* Up to two characters that are no word are skipped, as many as can be.
		 */
		while (at < 2 && at < line.len && !is_word(line.s[at]))
			at++;
	} else {
		m->start = at;
		if (at > 0 && at <= line.len && is_word(line.s[at - 1]))
			return false;
	}
	if (at >= line.len || !is_word(line.s[at]))
		return false;
	n = read_shape(t->shape, (struct str){ line.s + at, line.len - at }, decade, m);
	m->cut_start = at;
	m->cut_end = m->end = at + n;
	return n > 0;
}
