/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal_char.c - one character of a regex, however it is written.
 */
#include "banner/core/literal_char.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CLASS_MAX = 10 };

bool
literal_vague(const struct reader *r, unsigned c)
{
	return c >= 0x80 || c == 0 || (r->nocase && strchr("kKsS", (int)c));
}

struct part
literal_char(struct reader *r, unsigned c)
{
	char s = (char)c;

	if (literal_vague(r, c))
		return part_unknown();
	return (struct part){ .exact = true, .strings = set_one(r->a,
	    (struct str){ &s, 1 }, r->nocase && isalpha((int)c)) };
}

/* \xHH, \x{HHH}, \0oo: the value; the pointer stands behind the letter. */
static unsigned
read_number(struct reader *r, int base)
{
	bool braces = base == 16 && *r->p == '{';
	unsigned v = 0, n = 0, most = braces ? 8 : base == 16 ? 2 : 3;
	char one[2] = { 0 };

	if (braces)
		r->p++;
	for (; n < most && isxdigit((unsigned char)*r->p); n++, r->p++) {
		one[0] = *r->p;
		if (base == 8 && (*one < '0' || *one > '7'))
			break;
		v = v * (unsigned)base + (unsigned)strtoul(one, NULL, 16);
	}
	if (braces && *r->p++ != '}')
		r->lost = true;
	return v;
}

void
literal_skip(struct reader *r, const char *end)
{
	const char *at = strstr(r->p, end);

	if (!at) {
		r->lost = true;
		return;
	}
	r->p = at + strlen(end);
}

/* What follows \p \g \k \o \N: a name in brackets, or a letter or number. */
static void
skip_operand(struct reader *r, char c)
{
	if (*r->p == '{')
		literal_skip(r, "}");
	else if (c == 'p' || c == 'P')
		r->p += *r->p != '\0';
	else if (*r->p == '<')
		literal_skip(r, ">");
	else if (c == 'g' && (isdigit((unsigned char)*r->p) || *r->p == '-'))
		r->p += 1 + strspn(r->p + 1, "0123456789");
	else if (c != 'N')
		r->lost = true;
}

int
literal_escape(struct reader *r)
{
	char c = *r->p ? *r->p++ : '\0';

	switch (c) {
	case 't': return '\t';
	case 'n': return '\n';
	case 'r': return '\r';
	case 'f': return '\f';
	case 'a': return '\a';
	case 'e': return 033;
	case 'x': return (int)read_number(r, 16);
	case '0': return (int)read_number(r, 8);
	case 'b': case 'B': case 'A': case 'z': case 'Z': case 'G': case 'K':
		return -2;
	case 'p': case 'P': case 'g': case 'k': case 'o': case 'N':
		skip_operand(r, c);
		return -1;
	case '\0': case 'Q': case 'c': case 'E':
		r->lost = true;
		return -1;
	default:
		if (isdigit((unsigned char)c)) {
			while (isdigit((unsigned char)*r->p))
				r->p++;
			return -1;
		}
		return isalpha((unsigned char)c) ? -1 : (unsigned char)c;
	}
}

/* One member of a class; -1: more than a character. */
static int
read_class_char(struct reader *r)
{
	if (r->p[0] == '[' && (r->p[1] == ':' || r->p[1] == '.' || r->p[1] == '=')) {
		char close[3] = { r->p[1], ']', 0 };

		if (strstr(r->p + 2, close)) {
			r->p += 2;
			literal_skip(r, close);
			return -1;
		}
	}
	if (*r->p == '\\') {
		int c;

		r->p++;
		if (*r->p == 'b') {
			r->p++;
			return '\b';
		}
		c = literal_escape(r);
		return c == -2 ? -1 : c;
	}
	if (!*r->p) {
		r->lost = true;
		return -1;
	}
	return (unsigned char)*r->p++;
}

static void
class_add(struct reader *r, struct part *p, int from, int to)
{
	for (int c = from; c <= to && p->exact; c++) {
		struct part one = literal_char(r, (unsigned)c);

		if (!one.exact || p->strings.n >= CLASS_MAX) {
			p->exact = false;
			return;
		}
		p->strings = set_union(r->a, p->strings, one.strings);
	}
}

struct part
literal_class(struct reader *r)
{
	struct part p = { .exact = true };
	bool negated = *r->p == '^', first = true;

	if (negated)
		r->p++;
	for (; *r->p && (first || *r->p != ']'); first = false) {
		int from = read_class_char(r), to = from;

		if (r->p[0] == '-' && r->p[1] != ']' && from >= 0) {
			r->p++;
			to = read_class_char(r);
		}
		if (from < 0 || to < from || to - from > CLASS_MAX)
			p.exact = false;
		else
			class_add(r, &p, from, to);
	}
	r->lost |= *r->p != ']';
	r->p += *r->p == ']';
	return negated || !p.exact || !p.strings.n ? part_unknown() : p;
}

size_t
literal_class_end(const char *s, size_t i)
{
	i += s[i + 1] == '^' ? 2 : 1;
	if (s[i] == ']')
		i++;
	for (; s[i] && s[i] != ']'; i++)
		if (s[i] == '\\' && s[i + 1])
			i++;
	return i;
}
