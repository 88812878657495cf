/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp_cut.c - where a date pattern can cut a line in two.
 *
 * What is cut out is group 1 of a template (stamp_build.c). Where that begins with the
 * line, the rest stays in one piece. A date that ends with a letter or digit has none
 * behind it; and where the pattern says that none is before it either, the line is only
 * ever apart between two bytes that are none. Of patterns not understood here nothing
 * is known.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "banner/core/stamp_int.h"

#define LINE_BEGIN "{^LN-BEG}"

/* The first group of its own, or NULL: then all of the pattern is one. */
static const char *
own_group(const char *s)
{
	for (size_t i = 0; s[i]; i++)
		if (s[i] == '(' && s[i + 1] != '?' && (i == 0 || s[i - 1] != '\\'))
			return s + i;
	return NULL;
}

/* "(?:...%f)?" at the end may be there or not. */
static struct str
without_options(struct str s)
{
	while (s.len > 4 && !memcmp(s.s + s.len - 2, ")?", 2) &&
	    isalpha((unsigned char)s.s[s.len - 3]) && s.s[s.len - 4] == '%') {
		const char *open = memrchr(s.s, '(', s.len);

		if (!open || open[1] != '?' || open[2] != ':')
			break;
		s.len = (size_t)(open - s.s);
	}
	return s;
}

/* All it can match ends with a letter or digit. */
static bool
ends_worded(struct str s)
{
	if (memchr(s.s, '|', s.len))
		return false;
	s = without_options(s);
	if (s.len >= 6 && strncasecmp(s.s + s.len - 6, "{DATE}", 6) == 0)
		return true;
	return s.len > 1 && isalpha((unsigned char)s.s[s.len - 1]) &&
	    s.s[s.len - 2] == '%';
}

/* Is the ")" at the end the one of this group, as far as can be told? */
static bool
closes_at_end(struct str body)
{
	int depth = 0;

	for (size_t i = 0; i < body.len && depth >= 0; i++)
		depth += body.s[i] == '(' ? 1 : body.s[i] == ')' ? -1 : 0;
	return depth == 0 && !memmem(body.s, body.len, "[(", 2) &&
	    !memmem(body.s, body.len, "\\(", 2);
}

/* "^...[(%Y...)", "^(?:... )?(%Y...)": the group and what stands before it. */
static bool
group_is_worded(struct str pattern, const char *group)
{
	size_t before = (size_t)(group - pattern.s);
	struct str front = { pattern.s, before };
	struct str body = { group + 1, pattern.len - before - 1 };

	if (memchr(front.s, '|', front.len) || !str_ends(body, ")"))
		return false;
	body.len--;
	if (!closes_at_end(body) || !ends_worded(body))
		return false;
	if (str_starts(front, "^(?:") && str_ends(front, " )?"))
		return memchr(front.s, ')', front.len) == group - 2;
	return str_is(front, "^") || str_ends(front, " ") || str_ends(front, "\\[");
}

static bool
is_keyword(const char *s)
{
	return strcasecmp(s, "EPOCH") == 0 || strcasecmp(s, "LEPOCH") == 0 ||
	    strcasecmp(s, "TAI64N") == 0;
}

static enum literal_cut
cut_of(const char *pattern)
{
	const char *group = own_group(pattern);

	if (strcasecmp(pattern, "{DEFAULT}") == 0)
		return CUT_WORD;
	if (strncmp(pattern, LINE_BEGIN, strlen(LINE_BEGIN)) == 0) {
		/* Up to two bytes that are no word may stay before the cut. */
		pattern += strlen(LINE_BEGIN);
		return !group && (*pattern == '\0' || is_keyword(pattern) ||
		    ends_worded(str_of(pattern))) ? CUT_WORD : CUT_ANY;
	}
	if (*pattern != '^')
		return !group && !strchr(pattern, '{') && ends_worded(str_of(pattern)) ?
		    CUT_BEFORE : CUT_ANY;
	if (!group)
		return is_keyword(pattern + 1) ? CUT_WORD : CUT_NONE;
	return group_is_worded(str_of(pattern), group) ? CUT_WORD : CUT_ANY;
}

/* The worst of all. */
enum literal_cut
stamp_cut(const struct conf_list *patterns)
{
	enum literal_cut cut = patterns->n == 0 ? CUT_WORD : CUT_NONE;

	for (size_t i = 0; i < patterns->n; i++) {
		enum literal_cut one = cut_of(patterns->v[i]);

		if (one > cut)
			cut = one;
	}
	return cut;
}
