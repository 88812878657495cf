/* SPDX-License-Identifier: GPL-2.0-or-later
 * str.c - a piece of somebody else's text.
 */
#include "banner/base/str.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* Not isspace(3): the result must not depend on the locale. */
static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str
str_of(const char *s)
{
	return s ? (struct str){ s, strlen(s) } : STR("");
}

bool
str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

bool
str_is(struct str a, const char *s)
{
	return str_eq(a, str_of(s));
}

bool
str_starts(struct str a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.len >= n && str_is((struct str){ a.s, n }, prefix);
}

bool
str_ends(struct str a, const char *suffix)
{
	size_t n = strlen(suffix);

	return n == 0 ||
	    (a.len >= n && memcmp(a.s + a.len - n, suffix, n) == 0);
}

struct str
str_trim(struct str a)
{
	while (a.len > 0 && is_space(a.s[0])) {
		a.s++;
		a.len--;
	}
	while (a.len > 0 && is_space(a.s[a.len - 1]))
		a.len--;
	return a;
}

bool
str_cut(struct str *rest, char c, struct str *part)
{
	const char *at;

	if (!rest->s)
		return false;
	*part = *rest;
	at = rest->len > 0 ? memchr(rest->s, c, rest->len) : NULL;
	if (at) {
		part->len = (size_t)(at - rest->s);
		rest->s = at + 1;
		rest->len -= part->len + 1;
	} else {
		*rest = (struct str){ NULL, 0 };
	}
	return true;
}

bool
str_word(struct str *rest, struct str *word)
{
	size_t n = 0;

	while (rest->len > 0 && is_space(rest->s[0])) {
		rest->s++;
		rest->len--;
	}
	while (n < rest->len && !is_space(rest->s[n]))
		n++;
	if (n == 0)
		return false;
	*word = (struct str){ rest->s, n };
	rest->s += n;
	rest->len -= n;
	return true;
}

int
str_u64(struct str a, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (a.len == 0)
		return -EINVAL;
	for (size_t i = 0; i < a.len; i++) {
		if (a.s[i] < '0' || a.s[i] > '9')
			return -EINVAL;
		over |= __builtin_mul_overflow(v, 10, &v);
		over |= __builtin_add_overflow(v, (uint64_t)(a.s[i] - '0'), &v);
	}
	if (over)
		return -ERANGE;
	*out = v;
	return 0;
}

int
str_i64(struct str a, int64_t *out)
{
	bool minus = a.len > 0 && a.s[0] == '-';
	uint64_t v;
	int rc;

	if (minus)
		a = (struct str){ a.s + 1, a.len - 1 };
	rc = str_u64(a, &v);
	if (rc < 0)
		return rc;
	if (v > (uint64_t)INT64_MAX + minus)
		return -ERANGE;
	*out = minus ? (int64_t)(0 - v) : (int64_t)v;
	return 0;
}

bool
str_is_ascii(struct str s)
{
	uint64_t word[4], high = 0;
	size_t i = 0;

	for (; i + sizeof(word) <= s.len; i += sizeof(word)) {
		memcpy(word, s.s + i, sizeof(word));
		high |= word[0] | word[1] | word[2] | word[3];
	}
	for (; i < s.len; i++)
		high |= (unsigned char)s.s[i];
	return (high & UINT64_C(0x8080808080808080)) == 0;
}

size_t
str_chars(struct str s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (s.s[i] & 0xc0) != 0x80;
	return n;
}

bool
str_bool(struct str a)
{
	static const char *const yes[] = { "1", "on", "true", "yes" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (a.len == strlen(yes[i]) && strncasecmp(a.s, yes[i], a.len) == 0)
			return true;
	return false;
}
