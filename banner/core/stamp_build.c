/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp_build.c - one date pattern becomes a regex with boundaries and a group.
 *
 * Group 1 is the text that is cut out of the line. Boundaries keep a date from being
 * found inside a longer number or word. A pattern may say where it stands itself: by ^
 * or $, or by ** at either end (no boundary there).
 */
#include "banner/core/stamp_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "banner/base/arena.h"

#define LINE_BEGIN "{^LN-BEG}"

/* How the text begins: at a word, at the line with two characters to skip, as is. */
enum begin { BEGIN_WORD, BEGIN_LINE, BEGIN_FREE };

/* Length of "(?flags)" at s, 0 when there is none. */
static size_t
flags_length(const char *s)
{
	size_t n = 2;

	if (s[0] != '(' || s[1] != '?')
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_')
		n++;
	return n > 2 && s[n] == ')' ? n + 1 : 0;
}

/* Behind opening parentheses and one "(?flags)". */
static const char *
skip_opening(const char *s)
{
	while (*s == '(' && flags_length(s) == 0)
		s++;
	if (*s == '(') {
		s += flags_length(s);
		while (*s == '(')
			s++;
	}
	return s;
}

static bool
begins_by_itself(const char *regex)
{
	const char *s = skip_opening(regex);

	return *s == '^' || strncmp(s, "**", 2) == 0 ||
	    (s > regex && strncmp(s, "?:^", 3) == 0);
}

/* Where the trailing "**" is, before any closing parentheses; or NULL. */
static const char *
final_stars(struct str s)
{
	while (s.len > 0 && s.s[s.len - 1] == ')')
		s.len--;
	if (!str_ends(s, "**") || (s.len > 2 && s.s[s.len - 3] == '\\'))
		return NULL;
	return s.s + s.len - 2;
}

/* Ends with tail, which no backslash (nor bar, if not) makes something else. */
static bool
ends_with(struct str s, const char *tail, const char * not )
{
	size_t n = strlen(tail);

	return str_ends(s, tail) && (s.len == n || !strchr(not, s.s[s.len - n - 1]));
}

static bool
ends_by_itself(struct str s)
{
	return ends_with(s, "$", "\\") || ends_with(s, "$)", "\\") ||
	    ends_with(s, "\\b", "\\") || ends_with(s, "\\s", "\\") || final_stars(s);
}

static bool
has_group(const char *s)
{
	for (size_t i = 0; s[i]; i++) {
		if (s[i] != '(' || s[i + 1] == '?')
			continue;
		if (i > 0 && s[i - 1] == '\\')
			continue;
		if (i > 1 && s[i - 2] == '(' && s[i - 1] == '?')
			continue;
		return true;
	}
	return false;
}

/* Put all but ^, $ and flags at the ends in a group. */
static void
wrap_group(struct buf *b)
{
	struct buf out = { 0 };
	const char *s = b->p ? b->p : "";
	size_t from = flags_length(s), to = b->len;

	if (s[from] == '^')
		from++;
	from += flags_length(s + from);
	if (to > from && s[to - 1] == '$')
		to--;
	buf_add(&out, s, from);
	buf_putc(&out, '(');
	buf_add(&out, s + from, to - from);
	buf_putc(&out, ')');
	buf_add(&out, s + to, b->len - to);
	buf_fini(b);
	*b = out;
}

static void
remove_at(struct buf *b, const char *at, size_t n)
{
	size_t i = (size_t)(at - b->p);

	memmove(b->p + i, b->p + i + n, b->len - i - n + 1);
	b->len -= n;
}

/* ** is only a mark: it goes. */
static void
remove_stars(struct buf *b)
{
	const char *s = skip_opening(b->p);

	if (strncmp(s, "**", 2) == 0)
		remove_at(b, s, 2);
	s = final_stars(buf_view(b));
	if (s)
		remove_at(b, s, 2);
}

static bool
at_line_begin(const char *s)
{
	s += flags_length(s);
	if (*s == '^')
		return true;
	if (*s++ != '(')
		return false;
	if (strncmp(s, "?:", 2) == 0)
		s += 2;
	return s[0] == '^' && s[1] != '|';
}

/* The first "(?flags)" goes to flags: boundaries are put behind it. */
static bool
take_flags(struct buf *b, struct buf *flags)
{
	for (size_t i = 0; i < b->len; i++) {
		size_t n = 2;

		if (b->p[i] != '(' || b->p[i + 1] != '?')
			continue;
		while (b->p[i + n] >= 'a' && b->p[i + n] <= 'z')
			n++;
		if (n == 2 || b->p[i + n] != ')')
			continue;
		buf_add(flags, b->p + i, n + 1);
		remove_at(b, b->p + i, n + 1);
		return true;
	}
	return false;
}

static void
put_front(struct buf *b, const char *s)
{
	struct buf out = { 0 };

	buf_puts(&out, s);
	buf_str(&out, buf_view(b));
	buf_fini(b);
	*b = out;
}

/* Boundaries and group for a regex; takes the regex over. */
static void
finish(struct stamp_template *t, struct buf *regex, enum begin begin, bool word_end)
{
	struct buf flags = { 0 };
	bool anchored = false;

	buf_putc(regex, ' '); /* so that p is never NULL */
	regex->p[--regex->len] = '\0';
	while (take_flags(regex, &flags) && flags_length(regex->p) > 0)
		;
	if (begin != BEGIN_FREE && begins_by_itself(regex->p))
		begin = BEGIN_FREE;
	word_end = word_end && !ends_by_itself(buf_view(regex));
	if (!has_group(regex->p))
		wrap_group(regex);
	if (begin == BEGIN_WORD)
		put_front(regex, "(?=^|\\b|\\W)");
	if (begin == BEGIN_LINE) {
		anchored = true;
		put_front(regex, "^(?:\\W{0,2})?");
		if (strncmp(t->name, LINE_BEGIN, strlen(LINE_BEGIN)) != 0) {
			struct buf name = { 0 };

			buf_puts(&name, LINE_BEGIN);
			buf_puts(&name, t->name);
			free(t->name);
			t->name = name.p;
		}
	}
	if (word_end)
		buf_puts(regex, "(?=\\b|\\W|$)");
	t->anchored = anchored || at_line_begin(regex->p) ||
	    ends_with(buf_view(regex), "$", "\\|") ||
	    ends_with(buf_view(regex), "$)", "\\|");
	remove_stars(regex);
	if (flags.len > 0)
		put_front(regex, flags.p);
	buf_fini(&flags);
	t->regex = regex->p;
	*regex = (struct buf){ 0 };
}

static bool
has_names(const char *pattern)
{
	for (const char *s = pattern; *s; s++)
		if (*s == '%' && (s == pattern || s[-1] != '%') && s[1] &&
		    strchr("aAbBpc", s[1]))
			return true;
	return false;
}

static int
build_fields(struct stamp_template *t, const char *pattern, struct err *e)
{
	struct buf regex = { 0 }, name = { 0 };
	enum begin begin = BEGIN_WORD;
	bool word_end = true;
	int rc;

	if (strncmp(pattern, "{UNB}", 5) == 0) {
		pattern += 5;
		begin = BEGIN_FREE;
		word_end = false;
	} else if (strncmp(pattern, LINE_BEGIN, strlen(LINE_BEGIN)) == 0) {
		pattern += strlen(LINE_BEGIN);
		begin = BEGIN_LINE;
	}
	/* Names of days and months in any case. */
	if (has_names(pattern))
		buf_puts(&regex, "(?iu)");
	rc = stamp_fields(pattern, &regex, &name, e);
	if (rc == 0) {
		t->name = xstrdup(name.p ? name.p : "");
		finish(t, &regex, begin, word_end);
	}
	buf_fini(&regex);
	buf_fini(&name);
	return rc;
}

#define EPOCH_SHORT "\\d{10,11}\\b(?:\\.\\d{3,6})?"
#define EPOCH_LONG "\\d{10,11}(?:\\d{3}(?:\\.\\d{1,6}|\\d{3})?)?"

static void
build_epoch(struct stamp_template *t, bool is_long, bool line_begin)
{
	const char *digits = is_long ? EPOCH_LONG : EPOCH_SHORT;
	struct buf regex = { 0 };

	t->kind = is_long ? STAMP_LONG_EPOCH : STAMP_EPOCH;
	t->name = xstrdup(is_long ? "LongEpoch" : "Epoch");
	if (line_begin)
		buf_printf(
		    &regex, "((?P<square>(?<=^\\[))?%s)(?(square)(?=\\]))", digits);
	else
		buf_printf(&regex,
		    "((?:^|(?P<square>(?<=^\\[))|(?P<selinux>(?<=\\baudit\\())"
		    ")%s)(?:(?(selinux)(?=:\\d+\\)))|(?(square)(?=\\])))",
		    digits);
	finish(t, &regex, line_begin ? BEGIN_LINE : BEGIN_FREE, true);
}

/* Length of {EPOCH} or {LEPOCH} in any case at s + i, 0 when there is none. */
static size_t
epoch_mark(const char *s, size_t i)
{
	if (i > 0 && s[i - 1] == '\\')
		return 0;
	if (strncasecmp(s + i, "{EPOCH}", 7) == 0)
		return 7;
	return strncasecmp(s + i, "{LEPOCH}", 8) == 0 ? 8 : 0;
}

/* A pattern that holds {EPOCH}: all of it is cut. */
static void
build_epoch_in(struct stamp_template *t, const char *pattern, bool is_long)
{
	const char *digits = is_long ? EPOCH_LONG : EPOCH_SHORT;
	enum begin begin = BEGIN_WORD;
	struct buf regex = { 0 };
	bool named = false;
	size_t n;

	t->kind = is_long ? STAMP_LONG_EPOCH : STAMP_EPOCH;
	t->name = xstrdup(pattern);
	if (strncmp(pattern, LINE_BEGIN, strlen(LINE_BEGIN)) == 0) {
		begin = BEGIN_LINE;
		pattern += strlen(LINE_BEGIN);
	}
	buf_putc(&regex, '(');
	for (size_t i = 0; pattern[i]; i += n) {
		n = epoch_mark(pattern, i);
		if (n == 0) {
			n = 1;
			buf_putc(&regex, pattern[i]);
			continue;
		}
		buf_printf(&regex, named ? "(%s)" : "(?P<epoch_>%s)", digits);
		named = true;
	}
	buf_putc(&regex, ')');
	finish(t, &regex, begin, true);
}

static void
build_tai(struct stamp_template *t, bool line_begin)
{
	struct buf regex = { 0 };

	t->kind = STAMP_TAI;
	t->name = xstrdup("TAI64N");
	buf_puts(&regex, "@[0-9a-f]{24}");
	finish(t, &regex, line_begin ? BEGIN_LINE : BEGIN_FREE, true);
}

/* "EPOCH", "^EPOCH" or "{^LN-BEG}EPOCH": 1 anchored, 0 not, -1 something else. */
static int
is_keyword(const char *pattern, const char *word)
{
	int anchored = 0;

	if (strncasecmp(pattern, LINE_BEGIN, strlen(LINE_BEGIN)) == 0) {
		anchored = 1;
		pattern += strlen(LINE_BEGIN);
	} else if (*pattern == '^') {
		anchored = 1;
		pattern++;
	}
	return strcasecmp(pattern, word) == 0 ? anchored : -1;
}

int
stamp_template_new(const char *pattern, struct stamp_template **out, struct err *e)
{
	struct stamp_template *t = xcalloc(1, sizeof(*t));
	bool mark = false, is_long = strcasestr(pattern, "LEPOCH");
	int rc = 0;

	t->weight = 1;
	t->distance = SIZE_MAX;
	for (size_t i = 0; pattern[i]; i++)
		mark = mark || epoch_mark(pattern, i) > 0;
	if (mark)
		build_epoch_in(t, pattern, is_long);
	else if (is_keyword(pattern, "EPOCH") >= 0)
		build_epoch(t, false, is_keyword(pattern, "EPOCH"));
	else if (is_keyword(pattern, "LEPOCH") >= 0)
		build_epoch(t, true, is_keyword(pattern, "LEPOCH"));
	else if (is_keyword(pattern, "TAI64N") >= 0)
		build_tai(t, is_keyword(pattern, "TAI64N"));
	else
		rc = build_fields(t, pattern, e);
	if (rc < 0)
		stamp_template_free(t);
	else
		*out = t;
	return rc;
}

void
stamp_template_free(struct stamp_template *t)
{
	if (!t)
		return;
	pattern_free(t->re);
	free(t->regex);
	free(t->name);
	free(t);
}
