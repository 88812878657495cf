/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal_end.c - long lines: the last text of a regex, behind which anything may
 * follow, and the order of all of them.
 *
 * In "A text.*$" nothing behind the last "text" of a line can take part in A or the
 * text, and what follows always matches. So it is enough to search up to there: the
 * same groups are found, but a ".*" in A does not try all that is behind, each time
 * reading on to the end of the line in vain.
 *
 * That holds as long as nothing before the text can look beyond it and no part of A
 * keeps what it has taken: look-ahead, conditions, atomic groups, possessive
 * quantifiers and flags are refused, and an alternative to all of it.
 */
#include <ctype.h>
#include <string.h>

#include "banner/core/literal.h"
#include "banner/core/literal_char.h"

enum { LEAST_BYTES = 3 };

/* Behind "(": a group that only groups, or looks at what was before it. */
static bool
is_plain_group(const char *s)
{
	if (s[0] == '*')
		return false;
	if (s[0] != '?')
		return true;
	return s[1] == ':' || s[1] == '<' || (s[1] == 'P' && s[2] == '<');
}

/* None of the parts named at the top. */
static bool
is_plain(const char *s)
{
	int depth = 0;

	for (size_t i = 0; s[i]; i++) {
		if (s[i] == '\\') {
			if (!s[++i] || strchr("KGRXkgzZQE", s[i]))
				return false;
		} else if (s[i] == '[') {
			i = literal_class_end(s, i);
			if (!s[i])
				return false;
		} else if (s[i] == '(') {
			depth++;
			if (!is_plain_group(s + i + 1))
				return false;
		} else if (s[i] == ')') {
			depth--;
		} else if ((s[i] == '|' && depth == 0) ||
		    (s[i] == '+' && i > 0 && strchr("*+?}", s[i - 1]))) {
			return false;
		}
	}
	return true;
}

static bool
is_literal(char c)
{
	return isalnum((unsigned char)c) || (c && strchr(" _:;,'\"=/@<>%&~!", c));
}

struct str
literal_end(const char *regex)
{
	struct str s = str_of(regex), none = { 0 };
	size_t from;

	if (!is_plain(regex))
		return none;
	if (str_ends(s, ".*$"))
		s.len -= 3;
	else if (str_ends(s, ".*"))
		s.len -= 2;
	else
		return none;
	for (from = s.len; from > 0 && is_literal(s.s[from - 1]); from--)
		;
	/* The first one may belong to an escape: \d, \x41, \101. */
	if (memrchr(s.s, '\\', from) == s.s + from - 1 && from > 0)
		from += 4;
	if (from > s.len || s.len - from < LEAST_BYTES)
		return none;
	return (struct str){ s.s + from, s.len - from };
}

struct str
literal_until(struct str text, struct str last)
{
	struct str rest = text;
	const char *at;

	while ((at = memmem(rest.s, rest.len, last.s, last.len))) {
		rest.s = at + last.len;
		rest.len = text.len - (size_t)(rest.s - text.s);
	}
	text.len -= rest.len;
	return text;
}

/* Where the first member of the set ends that stands in the text; SIZE_MAX: none. A
 * member of which the case does not count may be at once. */
static size_t
first_end(const struct literal_set *set, struct str text)
{
	size_t first = SIZE_MAX;

	for (size_t i = 0; i < set->n; i++) {
		struct str s = set->v[i].text;
		const char *at;

		if (set->v[i].nocase)
			return 0;
		at = text.len ? memmem(text.s, text.len, s.s, s.len) : NULL;
		if (at && (size_t)(at - text.s) + s.len < first)
			first = (size_t)(at - text.s) + s.len;
	}
	return first;
}

bool
literal_in_order(const struct literal_sets *sets, struct str text)
{
	for (size_t i = 0; i < sets->n; i++) {
		size_t end = first_end(&sets->v[i], text);

		if (end == SIZE_MAX)
			return false;
		text.s += end;
		text.len -= end;
	}
	return true;
}
