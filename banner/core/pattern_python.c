/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern_python.c - Python's regex language, written down for PCRE2.
 *
 * Filters are written for Python's re. Most of it means the same in PCRE2; this pass
 * rewrites what does not and refuses, with Python's own reasons, what Python refuses:
 * so nothing is taken that silently means something else. The reference is the
 * documentation of re in Python 3.11 and pcre2pattern(3).
 */
#include "banner/core/pattern_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

/* What a repeat sign would repeat. */
enum item { ITEM_NONE, ITEM_ANCHOR, ITEM_REPEAT, ITEM_THING };

struct frame {
	size_t at;
	unsigned group; /* 0: does not capture */
	enum item last;
	bool verbose;
};

struct python {
	struct translator t;
	struct frame frame[PATTERN_MAX_DEPTH + 1];
	unsigned depth;
	bool started; /* something but flags and comments was read */
};

/* For messages: a byte of a longer character is not shown alone. */
static int
shown(int c)
{
	return c > ' ' && c < 0x7f ? c : ' ';
}

static struct frame *
top(struct python *p)
{
	return &p->frame[p->depth];
}

static void
set_item(struct python *p, enum item item)
{
	top(p)->last = item;
	p->started = true;
}

/* An identifier up to the closing character. */
static int
read_name(struct python *p, char end, struct str *name)
{
	struct translator *t = &p->t;
	const char *s = t->in->text.p + t->i;
	size_t n = 0, left = t->in->text.len - t->i;

	while (n < left && s[n] != end)
		n++;
	if (n == left)
		return translator_fail(t, t->i, "missing %c, unterminated name", end);
	*name = (struct str){ s, n };
	if (n == 0)
		return translator_fail(t, t->i, "missing group name");
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '_' && !(s[i] & 0x80))
			return translator_fail(
			    t, t->i, "bad character in group name '%.*s'", (int)n, s);
	t->i += n + 1;
	return 0;
}

static unsigned
find_group(const struct python *p, struct str name)
{
	const struct pattern_parts *out = p->t.out;

	for (unsigned g = 1; g <= out->groups; g++)
		if (out->names[g] && str_is(name, out->names[g]))
			return g;
	return 0;
}

static int
push(struct python *p, size_t at, unsigned group)
{
	bool verbose = top(p)->verbose;

	if (p->depth == PATTERN_MAX_DEPTH)
		return translator_fail(
		    &p->t, at, "parentheses nested deeper than %d", PATTERN_MAX_DEPTH);
	p->depth++;
	*top(p) = (struct frame){ .at = at, .group = group, .verbose = verbose };
	p->started = true;
	return 0;
}

static int
open_group(struct python *p, size_t at, struct str name)
{
	struct pattern_parts *out = p->t.out;
	unsigned known = name.len > 0 ? find_group(p, name) : 0;
	bool keep = name.len <= PATTERN_MAX_NAME;

	if (out->groups == PATTERN_MAX_GROUPS)
		return translator_fail(
		    &p->t, at, "more than %d groups", PATTERN_MAX_GROUPS);
	if (known > 0)
		return translator_fail(&p->t, at,
		    "group name '%.*s' used again (group %u)", (int)name.len, name.s,
		    known);
	if (name.len > 0 && isdigit((unsigned char)name.s[0]))
		return translator_fail(&p->t, at,
		    "group name '%.*s' begins with a digit", (int)name.len, name.s);
	out->open[++out->groups] = true;
	if (name.len > 0)
		out->names[out->groups] = xstrndup(name.s, name.len);
	for (size_t i = 0; i < name.len; i++)
		keep = keep && !(name.s[i] & 0x80);
	/* A name PCRE2 cannot hold stays known to us alone. */
	if (name.len > 0 && keep)
		translator_emit(&p->t, at, "(?P<%.*s>", (int)name.len, name.s);
	else
		translator_text(&p->t, at, STR("("));
	return push(p, at, out->groups);
}

static int
back_reference(struct python *p, size_t at, unsigned group)
{
	if (group == 0 || group > p->t.out->groups)
		return translator_fail(&p->t, at, "invalid group reference %u", group);
	if (p->t.out->open[group])
		return translator_fail(&p->t, at, "cannot refer to an open group");
	translator_emit(&p->t, at, "\\g{%u}", group);
	set_item(p, ITEM_THING);
	return 0;
}

static int
named_extension(struct python *p, size_t at)
{
	int c = translator_peek(&p->t, 0);
	struct str name;
	unsigned group;
	int rc;

	if (c != '<' && c != '=')
		return translator_fail(&p->t, at, "unknown extension ?P%c", shown(c));
	p->t.i++;
	rc = read_name(p, c == '<' ? '>' : ')', &name);
	if (rc < 0)
		return rc;
	if (c == '<')
		return open_group(p, at, name);
	group = find_group(p, name);
	if (group == 0)
		return translator_fail(
		    &p->t, at, "unknown group name '%.*s'", (int)name.len, name.s);
	return back_reference(p, at, group);
}

static int
comment(struct python *p, size_t at)
{
	int c;

	while ((c = translator_peek(&p->t, 0)) != ')') {
		if (c < 0)
			return translator_fail(
			    &p->t, at, "missing ), unterminated comment");
		p->t.i++;
	}
	p->t.i++;
	return 0;
}

/* By number always: PCRE2 reads names like R or DEFINE differently. */
static int
conditional(struct python *p, size_t at)
{
	struct str name;
	uint64_t number;
	int rc = read_name(p, ')', &name);

	if (rc < 0)
		return rc;
	if (str_u64(name, &number) < 0)
		number = find_group(p, name);
	if (number == 0 || number > PATTERN_MAX_GROUPS)
		return translator_fail(&p->t, at, "unknown group '%.*s' in condition",
		    (int)name.len, name.s);
	translator_emit(&p->t, at, "(?(%u)", (unsigned)number);
	return push(p, at, 0);
}

/* Letters of (?ims-x:; those that PCRE2 gets go to out. */
static int
read_flags(struct python *p, size_t at, char *out, bool *verbose)
{
	int c;

	for (; (c = translator_peek(&p->t, 0)) > 0 && isalpha(c); p->t.i++) {
		if (c == 'i' || c == 'm' || c == 's') {
			size_t n = strlen(out);

			if (!strchr(out, c)) {
				out[n] = (char)c;
				out[n + 1] = '\0';
			}
		} else if (c == 'x') {
			*verbose = true;
		} else if (c == 'a') {
			p->t.out->ascii = true;
		} else if (c != 'u') {
			return translator_fail(&p->t, at, "unknown flag '%c'", c);
		}
	}
	return 0;
}

static int
global_flags(struct python *p, size_t at, const char *on, bool verbose)
{
	if (p->started)
		return translator_fail(&p->t, at,
		    "global flags (?%s) not at the start of"
		    " the expression; write (?%s:...)",
		    on, on);
	p->t.i++;
	top(p)->verbose |= verbose;
	if (*on)
		translator_emit(&p->t, at, "(?%s)", on);
	return 0;
}

static int
flags(struct python *p, size_t at)
{
	bool x_on = false, x_off = false, was_ascii = p->t.out->ascii;
	char on[4] = "", off[4] = "";
	int rc, c;

	rc = read_flags(p, at, on, &x_on);
	if (rc < 0)
		return rc;
	c = translator_peek(&p->t, 0);
	if (c == ')')
		return global_flags(p, at, on, x_on);
	if (c == '-') {
		p->t.i++;
		rc = read_flags(p, at, off, &x_off);
		if (rc < 0)
			return rc;
		c = translator_peek(&p->t, 0);
		if ((!*off && !x_off) || strpbrk(on, off) || (x_on && x_off))
			return translator_fail(&p->t, at,
			    "flags turned off: none, or those"
			    " that are turned on");
	}
	if (c != ':')
		return translator_fail(&p->t, at, "missing : after flags");
	if (p->t.out->ascii && !was_ascii)
		return translator_fail(&p->t, at,
		    "(?a:...) for a part is not supported;"
		    " write (?a) at the start");
	p->t.i++;
	translator_emit(&p->t, at, *off ? "(?%s-%s:" : "(?%s%s:", on, off);
	rc = push(p, at, 0);
	if (rc == 0 && (x_on || x_off))
		top(p)->verbose = x_on;
	return rc;
}

static int
extension(struct python *p, size_t at)
{
	int c = translator_peek(&p->t, 0), next = translator_peek(&p->t, 1);

	if (c == '#') {
		return comment(p, at);
	} else if (c == ':' || c == '=' || c == '!' || c == '>') {
		p->t.i++;
		p->t.out->atomic |= c == '>';
		translator_emit(&p->t, at, "(?%c", c);
		return push(p, at, 0);
	} else if (c == '<' && (next == '=' || next == '!')) {
		p->t.i += 2;
		translator_emit(&p->t, at, "(?<%c", next);
		return push(p, at, 0);
	} else if (c == 'P') {
		p->t.i++;
		return named_extension(p, at);
	} else if (c == '(') {
		p->t.i++;
		return conditional(p, at);
	} else if (c == '-' || (c > 0 && isalpha(c))) {
		return flags(p, at);
	}
	return translator_fail(&p->t, at, "unknown extension ?%c", shown(c));
}

static int
close_group(struct python *p, size_t at)
{
	if (p->depth == 0)
		return translator_fail(&p->t, at, "unbalanced parenthesis");
	if (top(p)->group > 0)
		p->t.out->open[top(p)->group] = false;
	p->depth--;
	translator_text(&p->t, at, STR(")"));
	set_item(p, ITEM_THING);
	return 0;
}

/* The bounds of {m,n} as PCRE2 takes them; false: not a repeat, the brace is text. */
static bool
read_bounds(struct python *p, char out[32])
{
	const char *s = p->t.in->text.p + p->t.i;
	size_t lo = strspn(s, "0123456789"), comma = s[lo] == ',', hi = 0, n;

	if (comma)
		hi = strspn(s + lo + 1, "0123456789");
	n = lo + comma + hi;
	if (n == 0 || s[n] != '}' || lo > 9 || hi > 9)
		return false;
	if (comma)
		snprintf(out, 32, "{%.*s,%.*s}", lo ? (int)lo : 1, lo ? s : "0",
		    (int)hi, s + lo + 1);
	else
		snprintf(out, 32, "{%.*s}", (int)lo, s);
	p->t.i += n + 1;
	return true;
}

static int
repeat(struct python *p, size_t at, int c)
{
	char bounds[32] = { (char)c, '\0' };
	int next;

	if (c == '{' && !read_bounds(p, bounds)) {
		translator_text(&p->t, at, STR("\\{"));
		set_item(p, ITEM_THING);
		return 0;
	}
	if (top(p)->last == ITEM_NONE || top(p)->last == ITEM_ANCHOR)
		return translator_fail(&p->t, at, "nothing to repeat");
	if (top(p)->last == ITEM_REPEAT)
		return translator_fail(&p->t, at, "multiple repeat");
	translator_text(&p->t, at, str_of(bounds));
	next = translator_peek(&p->t, 0);
	if (next == '?' || next == '+') {
		translator_emit(&p->t, p->t.i, "%c", next);
		p->t.i++;
	}
	set_item(p, ITEM_REPEAT);
	return 0;
}

/* \1 .. \99, or an octal character when three octal digits follow. */
static int
numeric_escape(struct python *p, size_t at, int c)
{
	int d = translator_peek(&p->t, 0), e = translator_peek(&p->t, 1);
	unsigned n = (unsigned)(c - '0');

	if (d >= '0' && d <= '9') {
		p->t.i++;
		if (c < '8' && d < '8' && e >= '0' && e < '8') {
			n = n * 64 + (unsigned)(d - '0') * 8 + (unsigned)(e - '0');
			if (n > 0377)
				return translator_fail(
				    &p->t, at, "octal escape beyond 0o377");
			p->t.i++;
			translator_char(&p->t, at, n);
			set_item(p, ITEM_THING);
			return 0;
		}
		n = n * 10 + (unsigned)(d - '0');
	}
	return back_reference(p, at, n);
}

/* Classes and anchors. \s: Python counts U+001C to U+001F as white space. */
static const char *
escape_class(const struct python *p, int c)
{
	bool ascii = p->t.out->ascii;

	switch (c) {
	case 's': return ascii ? "\\s" : "[\\s\\x1c-\\x1f]";
	case 'S': return ascii ? "\\S" : "[^\\s\\x1c-\\x1f]";
	case 'd': return "\\d";
	case 'D': return "\\D";
	case 'w': return "\\w";
	case 'W': return "\\W";
	}
	return NULL;
}

static int
escape(struct python *p, size_t at)
{
	int c = translator_peek(&p->t, 0), rc;
	const char *class;
	uint32_t code;

	if (c < 0)
		return translator_fail(&p->t, at, "backslash at the end");
	p->t.i++;
	if (c == 'A' || c == 'b' || c == 'B' || c == 'Z') {
		translator_emit(&p->t, at, "\\%c", c == 'Z' ? 'z' : c);
		set_item(p, ITEM_ANCHOR);
		return 0;
	}
	class = escape_class(p, c);
	if (class) {
		translator_text(&p->t, at, str_of(class));
		set_item(p, ITEM_THING);
		return 0;
	}
	if (c >= '1' && c <= '9')
		return numeric_escape(p, at, c);
	rc = translator_escape_char(&p->t, c, &code);
	if (rc < 0)
		return rc;
	translator_char(&p->t, at, code);
	set_item(p, ITEM_THING);
	return 0;
}

static int
group(struct python *p, size_t at)
{
	if (translator_peek(&p->t, 0) != '?')
		return open_group(p, at, STR(""));
	p->t.i++;
	return extension(p, at);
}

static int
literal(struct python *p, size_t at, int c)
{
	uint32_t code;
	int rc;

	if (top(p)->verbose && (c == ' ' || (c >= '\t' && c <= '\r')))
		return 0;
	if (top(p)->verbose && c == '#') {
		while ((c = translator_peek(&p->t, 0)) >= 0 && c != '\n')
			p->t.i++;
		return 0;
	}
	p->t.i = at;
	rc = translator_utf8(&p->t, &code);
	if (rc < 0)
		return rc;
	translator_char(&p->t, at, code);
	set_item(p, ITEM_THING);
	return 0;
}

static int
one(struct python *p)
{
	size_t at = p->t.i++;
	int c = (unsigned char)p->t.in->text.p[at], rc;

	switch (c) {
	case '(': return group(p, at);
	case ')': return close_group(p, at);
	case '*':
	case '+':
	case '?':
	case '{': return repeat(p, at, c);
	case '\\': return escape(p, at);
	case '[':
		rc = translator_set(&p->t);
		set_item(p, ITEM_THING);
		return rc;
	case '|':
	case '^':
	case '$':
	case '.':
		translator_text(&p->t, at, (struct str){ &p->t.in->text.p[at], 1 });
		set_item(p, c == '|' ? ITEM_NONE : c == '.' ? ITEM_THING : ITEM_ANCHOR);
		return 0;
	}
	return literal(p, at, c);
}

int
pattern_translate(const struct ptext *in, struct pattern_parts *out, struct err *e)
{
	struct python p = { .t = { .in = in, .out = out, .err = e } };

	while (p.t.i < in->text.len) {
		int rc = one(&p);

		if (rc < 0)
			return rc;
	}
	if (p.depth > 0)
		return translator_fail(
		    &p.t, top(&p)->at, "missing ), unterminated group");
	return 0;
}
