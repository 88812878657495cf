/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern_guard.c - a regex that asks, before each repetition without an end, whether
 * there is time left.
 *
 * PCRE2's match limit counts decisions, not the bytes a decision reads: ".*a.*b" on a
 * line of "a" takes a decision for each "a" and reads the rest of the line for each,
 * 57 ms for 16 KiB. So long texts get another program, with a callout (?C) before every
 * character, escape or set that is repeated without an end. Between two callouts at
 * most about twice the text is read; what a callout is told does not change what
 * matches. Repeated groups need none: each round of theirs counts as a decision.
 */
#include <ctype.h>
#include <string.h>

#include "banner/core/literal_char.h"
#include "banner/core/pattern_int.h"

enum { ENDLESS = 64 };	/* repetitions that are as good as without an end */

static const char callout[] = "(?C)";

/* Behind the escape that begins at i. */
static size_t
escape_end(const char *s, size_t i)
{
	char c = s[i + 1];
	const char *end;

	if (!c)
		return i + 1;
	i += 2;
	if (s[i] == '{' && strchr("xopPN", c) && (end = strchr(s + i, '}')))
		return (size_t)(end + 1 - s);
	for (int k = 0; c == 'x' && k < 2 && isxdigit((unsigned char)s[i]); k++)
		i++;
	for (int k = 0; isdigit((unsigned char)c) && k < 2; k++)
		i += isdigit((unsigned char)s[i]) != 0;
	return i;
}

static size_t
atom_end(const char *s, size_t i)
{
	if (s[i] == '[') {
		i = literal_class_end(s, i);
		return s[i] ? i + 1 : i;
	}
	if (s[i] == '\\')
		return escape_end(s, i);
	for (i++; ((unsigned char)s[i] & 0xC0) == 0x80; i++)
		;
	return i;
}

/* Is there a repetition without an end at i? */
static bool
is_endless(const char *s, size_t i)
{
	unsigned long low = 0, high = 0;
	size_t k = i + 1, digits;

	if (s[i] != '{')
		return s[i] == '*' || s[i] == '+';
	for (digits = k; k < i + 8 && isdigit((unsigned char)s[k]); k++)
		low = low * 10 + (unsigned long)(s[k] - '0');
	if (k == digits)
		return false;
	if (s[k] == '}')
		return low >= ENDLESS;
	if (s[k++] != ',')
		return false;
	for (digits = k; k < i + 16 && isdigit((unsigned char)s[k]); k++)
		high = high * 10 + (unsigned long)(s[k] - '0');
	return s[k] == '}' && (k == digits || high >= ENDLESS);
}

void
pattern_guarded(const char *s, struct buf *out)
{
	for (size_t i = 0; s[i];) {
		size_t end = strchr("()|?*+", s[i]) ? i + 1 : atom_end(s, i);

		if (end > i + 1 || !strchr("()|?*+^$", s[i]))
			if (is_endless(s, end))
				buf_puts(out, callout);
		buf_add(out, s + i, end - i);
		i = end;
	}
}
