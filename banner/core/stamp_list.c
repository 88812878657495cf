/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp_list.c - the templates of a detector: fail2ban's defaults, or datepattern's.
 */
#include "banner/core/stamp_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"

#define UNUSED_MS (300 * MS_PER_S) /* a template idle longer gives way */

/* In fail2ban's order, which decides when two could match. The line-anchored copies
 * of those that are not anchored come first and weigh 100. */
static const struct {
	const char *pattern;
	unsigned needs;
	enum stamp_shape shape;
	enum stamp_first first;	/* when anchored */
} defaults[] = {
	{ "%ExY(?P<_sep>[-/.])%m(?P=_sep)%d(?:T|  ?)%H:%M:%S(?:[.,]%f)?(?:\\s*%z)?",
	    HINT_YEAR_SEP | HINT_COLON, SHAPE_ISO, FIRST_DIGIT },
	{ "(?:%a )?%b %d %k:%M:%S(?:\\.%f)?(?: %ExY)?", HINT_MONTH_SPACE | HINT_COLON,
	    SHAPE_SYSLOG, FIRST_LETTER },
	{ "(?:%a )?%b %d %ExY %k:%M:%S(?:\\.%f)?", HINT_MONTH_SPACE | HINT_COLON,
	    SHAPE_NONE, FIRST_LETTER },
	{ "%d(?P<_sep>[-/])%m(?P=_sep)(?:%ExY|%Exy) %k:%M:%S",
	    HINT_DIGIT_SEP | HINT_COLON, SHAPE_NONE, FIRST_DIGIT },
	{ "%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\\.%f)?(?: %z)?",
	    HINT_MONTH_SEP | HINT_COLON, SHAPE_CLF, FIRST_DIGIT },
	{ "%m/%d/%ExY:%H:%M:%S", HINT_DIGIT_SEP | HINT_COLON, SHAPE_NONE, FIRST_DIGIT },
	{ "%m-%d-%ExY %k:%M:%S(?:\\.%f)?", HINT_DIGIT_SEP | HINT_COLON, SHAPE_NONE,
	    FIRST_DIGIT },
	{ "EPOCH", HINT_RUN10, SHAPE_NONE, FIRST_DIGIT },
	{ "{^LN-BEG}%H:%M:%S", HINT_COLON, SHAPE_NONE, FIRST_DIGIT },
	{ "^<%m/%d/%Exy@%H:%M:%S>", HINT_AT | HINT_COLON, SHAPE_NONE, FIRST_DIGIT },
	{ "%Exy%Exm%Exd  ?%H:%M:%S", HINT_RUN6 | HINT_COLON, SHAPE_NONE, FIRST_DIGIT },
	{ "%b %d, %ExY %I:%M:%S %p", HINT_MONTH_SPACE | HINT_COLON, SHAPE_NONE,
	    FIRST_LETTER },
	{ "^%b-%d-%Exy %k:%M:%S", HINT_MONTH_DASH | HINT_COLON, SHAPE_NONE,
	    FIRST_LETTER },
	{ "%ExY%Exm%Exd(?:-|T|  ?)%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\\s*%z)?", HINT_RUN8,
	    SHAPE_NONE, FIRST_DIGIT },
	{ "(?:%Z )?(?:%a )?%b %d %k:%M:%S(?:\\.%f)?(?: %ExY)?",
	    HINT_MONTH_SPACE | HINT_COLON, SHAPE_NONE, FIRST_NO_ADDRESS },
	{ "(?:%z )?(?:%a )?%b %d %k:%M:%S(?:\\.%f)?(?: %ExY)?",
	    HINT_MONTH_SPACE | HINT_COLON, SHAPE_NONE, FIRST_NO_ADDRESS },
	{ "TAI64N", HINT_AT, SHAPE_NONE, FIRST_NO_ADDRESS },
};

enum { NDEFAULTS = sizeof(defaults) / sizeof(*defaults) };

static bool
is_anchored(const char *pattern)
{
	return pattern[0] == '^' || strncmp(pattern, "{^LN-BEG}", 9) == 0;
}

/* Takes t over. A name that is there already: dropped if skip, else an error. */
static int
append(struct stamp_list *list, struct stamp_template *t, bool skip, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i]->name, t->name) != 0)
			continue;
		if (!skip)
			rc = err_set(
			    e, -EINVAL, "date pattern '%s' is given twice", t->name);
		stamp_template_free(t);
		return rc;
	}
	if (list->n == STAMP_TEMPLATES) {
		stamp_template_free(t);
		return err_set(
		    e, -EINVAL, "more than %d date patterns", STAMP_TEMPLATES);
	}
	list->v = xrealloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = t;
	return 0;
}

static int
append_pattern(struct stamp_list *list, const char *pattern, bool skip, struct err *e)
{
	struct stamp_template *t;
	int rc = stamp_template_new(pattern, &t, e);

	return rc < 0 ? rc : append(list, t, skip, e);
}

static int
append_default(struct stamp_list *list, size_t i, bool anchor, struct err *e)
{
	struct stamp_template *t;
	struct buf b = { 0 };
	int rc;

	buf_puts(&b, anchor ? "{^LN-BEG}" : "");
	buf_puts(&b, defaults[i].pattern);
	rc = stamp_template_new(b.p, &t, e);
	buf_fini(&b);
	if (rc < 0)
		return rc;
	t->weight = anchor ? 100 : 1;
	t->needs = defaults[i].needs;
	t->shape = defaults[i].shape;
	t->first = anchor || is_anchored(defaults[i].pattern) ? defaults[i].first :
	    FIRST_ANY;
	t->whole = true;
	return append(list, t, true, e);
}

static int
append_defaults(struct stamp_list *list, bool anchored_only, struct err *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < NDEFAULTS; i++)
		if (!is_anchored(defaults[i].pattern))
			rc = append_default(list, i, true, e);
	for (size_t i = 0; rc == 0 && i < NDEFAULTS; i++)
		if (!anchored_only || is_anchored(defaults[i].pattern))
			rc = append_default(list, i, false, e);
	return rc;
}

/* Offset of {DATE} at or behind from, in any case; -1 when there is none. */
static ssize_t
find_date(const char *s, size_t from)
{
	for (size_t i = from; s[i]; i++)
		if (strncasecmp(s + i, "{DATE}", 6) == 0 &&
		    (i == 0 || s[i - 1] != '\\'))
			return (ssize_t)i;
	return -1;
}

/* Every default in the place of {DATE}. EPOCH and TAI64N are keywords only when they
 * stand alone: inside other text they are that text, as in fail2ban. */
static int
append_inside(struct stamp_list *list, const char *pattern, struct err *e)
{
	bool skip = list->n > 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < NDEFAULTS; i++) {
		const char *inner = defaults[i].pattern;
		struct buf b = { 0 };
		size_t from = 0;
		ssize_t at;

		if (strncmp(inner, "{^LN-BEG}", 9) == 0)
			inner += 9;
		if (strcmp(inner, "EPOCH") == 0)
			inner = "Epoch";
		for (; (at = find_date(pattern, from)) >= 0; from = (size_t)at + 6) {
			buf_add(&b, pattern + from, (size_t)at - from);
			buf_puts(&b, inner);
		}
		buf_puts(&b, pattern + from);
		rc = append_pattern(list, b.p, skip, e);
		buf_fini(&b);
	}
	return rc;
}

const char *
stamp_list_defaults(const char *pattern)
{
	static const char *const names[] = { "{DEFAULT}", "{^LN-BEG}" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(pattern, names[i]) == 0)
			return names[i];
	return NULL;
}

int
stamp_list_add(struct stamp_list *list, const char *pattern, struct err *e)
{
	const char *name = stamp_list_defaults(pattern);
	bool fields = strchr(pattern, '%');

	if (name) {
		int rc = append_defaults(list, strcmp(name, "{DEFAULT}") != 0, e);

		return rc < 0 ? rc : 1;
	}
	if (strcasecmp(pattern, "{NONE}") == 0)
		return append_pattern(list, "{UNB}^", false, e);
	if (fields ? strstr(pattern, "{DATE}") != NULL : find_date(pattern, 0) >= 0)
		return append_inside(list, pattern, e);
	return append_pattern(list, pattern, false, e);
}

void
stamp_list_fini(struct stamp_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		stamp_template_free(list->v[i]);
	free(list->v);
	*list = (struct stamp_list){ 0 };
}

static double
weight(const struct stamp_template *t)
{
	return (double)t->hits * t->weight /
	    (double)(t->distance > 0 ? t->distance : 1);
}

static bool
outweighs(const struct stamp_template *t, const struct stamp_template *other)
{
	return weight(t) > weight(other) || t->used_ms - UNUSED_MS > other->used_ms;
}

size_t
stamp_list_forward(struct stamp_list *list, size_t i)
{
	struct stamp_template **v = list->v, *t = v[i];
	size_t to = list->first_unused < i ? list->first_unused : i / 2;

	if (!outweighs(t, v[to])) {
		if (to == i - 1)
			return i;
		to = i - 1;
		if (!outweighs(t, v[to]))
			return i;
	}
	memmove(v + to + 1, v + to, (i - to) * sizeof(*v));
	v[to] = t;
	while (list->first_unused < list->n && v[list->first_unused]->hits > 0)
		list->first_unused++;
	return to;
}
