/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern_tags.c - the tags of a filter's regex: <HOST>, <F-USER>..</F-USER> ...
 */
#include "banner/core/pattern_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RE_IP4 "(?:::f{4,6}:)?(?P<ip4>(?:\\d{1,3}\\.){3}\\d{1,3})"
/* The form of fail2ban 1.1; 1.0.2 wrote "::" for the lone ":" and so missed
 * addresses with a group of zeros in front of a single colon. */
#define RE_IP6 "(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))"
#define RE_DNS "(?P<dns>[\\w\\-.^_]*\\w)"
#define RE_CIDR "(?P<cidr>\\d+)"
#define RE_IP "(?:" RE_IP4 "|" RE_IP6 ")"
#define RE_ADDR "\\[?" RE_IP "\\]?"
#define RE_NET "\\[?" RE_IP "(?:/" RE_CIDR ")?\\]?"

static const struct {
	const char *tag, *regex;
} tags[] = {
	{ "IP4", RE_IP4 },
	{ "F-IP4/", RE_IP4 },
	{ "IP6", RE_IP6 },
	{ "F-IP6/", RE_IP6 },
	{ "DNS", RE_DNS },
	{ "F-DNS/", RE_DNS },
	{ "ADDR", RE_ADDR },
	{ "F-ADDR/", RE_ADDR },
	{ "CIDR", RE_CIDR },
	{ "F-CIDR/", RE_CIDR },
	{ "SUBNET", RE_NET },
	{ "F-SUBNET/", RE_NET },
	{ "F-ID/", "(?P<fid>\\S+)" },
	{ "F-PORT/", "(?P<fport>\\w+)" },
};

enum { TAG_NAMES = 64 };

struct expansion {
	struct ptext *out;
	unsigned flags, skiplines;
	struct str opened[TAG_NAMES]; /* names of <F-X> seen so far */
	size_t nopened;
};

static bool
is_tag_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Length of the tag s starts with, 0 when it starts with none. */
static size_t
tag_length(const char *s)
{
	size_t n = 1, name;

	if (s[0] != '<')
		return 0;
	if (s[n] == '/')
		n++;
	for (name = n; is_tag_char(s[n]); n++)
		;
	if (n == name)
		return 0;
	if (s[n] == '/')
		n++;
	return s[n] == '>' ? n + 1 : 0;
}

static bool
is_custom_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!is_tag_char(name.s[i]) || (name.s[i] >= 'a' && name.s[i] <= 'z'))
			return false;
	return name.len > 0;
}

static bool
was_opened(const struct expansion *x, struct str name)
{
	for (size_t i = 0; i < x->nopened; i++)
		if (str_eq(x->opened[i], name))
			return true;
	return false;
}

/* <F-NAME> begins a group of that name in lower case. */
static int
open_custom(struct expansion *x, struct str name, size_t at)
{
	char group[300];
	size_t n = 0;

	if (name.len > 255 || x->nopened == TAG_NAMES)
		return -E2BIG;
	if (!was_opened(x, name))
		x->opened[x->nopened++] = name;
	if (str_is(name, "ID"))
		name = STR("FID");
	else if (str_is(name, "PORT"))
		name = STR("FPORT");
	for (; n < name.len; n++)
		group[n] = name.s[n] >= 'A' && name.s[n] <= 'Z'
		    ? (char)(name.s[n] + ('a' - 'A'))
		    : name.s[n];
	ptext_add(x->out, STR("(?P<"), at);
	ptext_add(x->out, (struct str){ group, n }, at);
	ptext_add(x->out, STR(">"), at);
	return 0;
}

/* 1: replaced, 0: not a tag of ours, or a negative errno. */
static int
replace_custom(struct expansion *x, struct str name, size_t at)
{
	bool close = str_starts(name, "/");

	if (close) {
		name.s++;
		name.len--;
	}
	if (!str_starts(name, "F-"))
		return 0;
	name.s += 2;
	name.len -= 2;
	if (!is_custom_name(name))
		return -EINVAL;
	if (!close) {
		int rc = open_custom(x, name, at);

		return rc < 0 ? rc : 1;
	}
	if (!was_opened(x, name))
		return 0;
	ptext_add(x->out, STR(")"), at);
	return 1;
}

static int
replace_tag(struct expansion *x, struct str name, size_t at)
{
	char lines[64];

	if (str_is(name, "HOST")) {
		ptext_add(x->out,
		    x->flags & PATTERN_NO_DNS ? STR(RE_ADDR)
					      : STR("(?:" RE_ADDR "|" RE_DNS ")"),
		    at);
		return 1;
	}
	if (str_is(name, "SKIPLINES")) {
		snprintf(lines, sizeof(lines), "\\n(?P<skiplines%u>(?:(?:.*\\n)*?))",
		    x->skiplines++);
		ptext_add(x->out, str_of(lines), at);
		return 1;
	}
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		if (!str_is(name, tags[i].tag))
			continue;
		ptext_add(x->out, str_of(tags[i].regex), at);
		return 1;
	}
	return replace_custom(x, name, at);
}

/* "((?i)" and "(?:(?i)" become "(?i:", as fail2ban does: Python has global flags
 * only at the start. */
static size_t
wrapped_flags(const char *regex, size_t i, struct str *flags)
{
	const char *s = regex + i;
	size_t n = 1, from;

	if (s[0] != '(' || (i > 0 && regex[i - 1] == '\\'))
		return 0;
	if (s[1] == '?' && s[2] == ':')
		n = 3;
	if (s[n] != '(' || s[n + 1] != '?')
		return 0;
	from = n;
	for (n += 2; s[n] >= 'a' && s[n] <= 'z'; n++)
		;
	if (n == from + 2 || s[n] != ')')
		return 0;
	*flags = (struct str){ s + from, n - from };
	return n + 1;
}

int
pattern_expand(const char *regex, unsigned flags, struct ptext *out, struct err *e)
{
	struct expansion x = { .out = out, .flags = flags };
	bool plain = flags & PATTERN_PLAIN;
	struct str part;
	size_t n;

	for (size_t i = 0; regex[i]; i += n) {
		int rc = 0;

		n = plain ? 0 : tag_length(regex + i);
		if (n > 0)
			rc = replace_tag(&x, (struct str){ regex + i + 1, n - 2 }, i);
		if (rc == -EINVAL)
			err_set(e, rc, "found \"%.*s\", expected a name of capitals, "
			    "digits, _ and -", (int)n, regex + i);
		else if (rc < 0)
			err_set(e, rc, "too many or too long <F-...> tags");
		if (rc < 0)
			return err_column(e, -EINVAL, i + 1);
		if (rc > 0)
			continue;
		n = plain ? 0 : wrapped_flags(regex, i, &part);
		if (n > 0) {
			ptext_add(out, part, i);
			ptext_add(out, STR(":"), i);
			continue;
		}
		n = 1;
		ptext_add(out, (struct str){ regex + i, 1 }, i);
		if (out->text.len > PATTERN_MAX_BYTES)
			return err_set(e, -EINVAL, "regex is longer than %d bytes",
			    PATTERN_MAX_BYTES);
	}
	return 0;
}

int
pattern_expanded(const char *regex, unsigned flags, struct buf *out, struct err *e)
{
	struct ptext text = { 0 };
	int rc = pattern_expand(regex, flags, &text, e);

	if (rc == 0)
		buf_str(out, buf_view(&text.text));
	ptext_fini(&text);
	return rc;
}
