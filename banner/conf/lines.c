/* SPDX-License-Identifier: GPL-2.0-or-later
 * lines.c - the physical lines of a configuration file, by configparser's rules.
 */
#include "banner/conf/lines.h"

#include <string.h>

struct physical {
	struct str text;	/* without comment, trimmed */
	size_t indent;
	bool comment;		/* there was one */
};

/* What Python's str.isspace() says of ASCII; U+001C..U+001F are in it. */
static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
}

static struct str
trim(struct str s)
{
	while (s.len && is_blank(s.s[0])) {
		s.s++;
		s.len--;
	}
	while (s.len && is_blank(s.s[s.len - 1]))
		s.len--;
	return s;
}

void
lines_init(struct lines *l, struct str text)
{
	*l = (struct lines){ .rest = text };
	if (!text.len)
		l->rest.s = NULL;
}

void
lines_fini(struct lines *l)
{
	buf_fini(&l->text);
	buf_fini(&l->name);
	buf_fini(&l->numbers);
}

/* A line ends at LF, CR or both, as in a text file opened by Python. */
static bool
line_cut(struct str *rest, struct str *line)
{
	size_t n = 0;

	if (!rest->s || !rest->len)
		return false;
	while (n < rest->len && rest->s[n] != '\n' && rest->s[n] != '\r')
		n++;
	*line = (struct str){ rest->s, n };
	if (n + 1 < rest->len && rest->s[n] == '\r' && rest->s[n + 1] == '\n')
		n++;
	if (n < rest->len)
		n++;
	rest->s += n;
	rest->len -= n;
	return true;
}

static struct physical
examine(struct str line)
{
	struct physical p = { .text = trim(line) };
	size_t end = line.len;

	while (p.indent < line.len && is_blank(line.s[p.indent]))
		p.indent++;
	if (p.text.len && (p.text.s[0] == '#' || p.text.s[0] == ';')) {
		p.comment = true;
		p.text.len = 0;
		return p;
	}
	for (size_t i = 0; i < line.len && !p.comment; i++)
		if (line.s[i] == ';' && (!i || is_blank(line.s[i - 1]))) {
			p.comment = true;
			end = i;
		}
	p.text = trim((struct str){ line.s, end });
	return p;
}

/* The next line that says something; blanks counts the empty lines skipped. */
static bool
next_line(struct lines *l, struct physical *p, size_t *blanks)
{
	struct str line;

	while (l->has_held || line_cut(&l->rest, &line)) {
		if (l->has_held)
			line = l->held;
		else
			l->line++;
		l->has_held = false;
		*p = examine(line);
		if (p->text.len) {
			l->held = line;
			return true;
		}
		*blanks += !p->comment;
	}
	return false;
}

static void
number_add(struct lines *l, int line)
{
	buf_add(&l->numbers, &line, sizeof(line));
}

/* Deeper indented lines belong to the value; blank lines between them stay. */
static void
continuations(struct lines *l, size_t indent)
{
	struct physical p;
	size_t blanks = 0;
	int before = l->line;

	while (next_line(l, &p, &blanks)) {
		if (p.indent <= indent) {
			l->has_held = true;
			break;
		}
		l->gap |= l->line != before + 1 + (int)blanks;
		for (; blanks; blanks--) {
			buf_putc(&l->text, '\n');
			number_add(l, l->line);
		}
		buf_putc(&l->text, '\n');
		buf_str(&l->text, p.text);
		number_add(l, before = l->line);
	}
	while (l->text.len && is_blank(l->text.p[l->text.len - 1]))
		l->text.len--;
	if (l->text.p)
		l->text.p[l->text.len] = '\0';
}

static void
problem(struct lines *l, struct item *it, const char *why, struct str found)
{
	it->kind = ITEM_PROBLEM;
	buf_clear(&l->text);
	buf_puts(&l->text, why);
	buf_puts(&l->text, ": found \"");
	buf_safe(&l->text, found, 60);
	buf_putc(&l->text, '"');
	it->value = buf_view(&l->text);
}

static void
option(struct lines *l, struct item *it, const struct physical *p)
{
	size_t n = 0;

	while (n < p->text.len && p->text.s[n] != '=' && p->text.s[n] != ':')
		n++;
	if (n == p->text.len) {
		problem(l, it, "expected \"name = value\" (to continue the value "
		    "above, indent this line deeper)", p->text);
		return;
	}
	it->name = trim((struct str){ p->text.s, n });
	if (!it->name.len) {
		problem(l, it, "expected a name before the \"=\"", p->text);
		return;
	}
	buf_clear(&l->name);
	for (size_t i = 0; i < it->name.len; i++) {
		char c = it->name.s[i];

		buf_putc(&l->name, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
	}
	buf_clear(&l->text);
	buf_str(&l->text, trim((struct str){ p->text.s + n + 1, p->text.len - n - 1 }));
	buf_clear(&l->numbers);
	number_add(l, l->line);
	l->gap = false;
	continuations(l, p->indent);
	if (l->gap) {
		it->numbers = (const int *)(const void *)l->numbers.p;
		it->nnumbers = l->numbers.len / sizeof(int);
	}
	it->kind = ITEM_OPTION;
	it->name = buf_view(&l->name);
	it->value = buf_view(&l->text);
}

/* configparser takes no notice of what stands behind the last "]"; we say so. */
static void
behind_section(struct lines *l, struct item *it, struct str more)
{
	more = trim(more);
	if (!more.len || more.s[0] == '#')
		return;
	buf_clear(&l->text);
	buf_puts(&l->text, "found \"");
	buf_safe(&l->text, more, 60);
	buf_puts(&l->text, "\" behind the section, expected a new line for it: it has "
	    "no effect");
	it->value = buf_view(&l->text);
}

/* "[name]", and what stands behind its "]". */
static bool
section(const struct physical *p, struct str *name, struct str *more)
{
	size_t n = p->text.len;

	if (p->text.s[0] != '[')
		return false;
	while (n > 1 && p->text.s[n - 1] != ']')
		n--;
	if (n < 3)
		return false;
	*name = (struct str){ p->text.s + 1, n - 2 };
	*more = (struct str){ p->text.s + n, p->text.len - n };
	return true;
}

/* "[name", which nobody means as anything else: what follows belongs to it. */
static bool
broken_section(struct lines *l, struct item *it, struct str text)
{
	struct str name = { text.s + 1, text.len - 1 };

	if (text.s[0] != '[' || memchr(text.s, '=', text.len) ||
	    memchr(text.s, ':', text.len))
		return false;
	problem(l, it, "expected a section such as [name]", text);
	it->kind = ITEM_SECTION;
	it->broken = true;
	if (str_ends(name, "]"))
		name.len--;
	it->name = trim(name);
	return true;
}

void
lines_next(struct lines *l, struct item *it)
{
	struct physical p;
	struct str more;
	size_t blanks = 0;

	*it = (struct item){ .kind = ITEM_END };
	if (!next_line(l, &p, &blanks))
		return;
	it->line = l->line;
	if (section(&p, &it->name, &more)) {
		it->kind = ITEM_SECTION;
		behind_section(l, it, more);
		l->in_section = true;
	} else if (broken_section(l, it, p.text)) {
		l->in_section = true;
	} else if (!l->in_section) {
		problem(l, it, "text before the first section; put a line such as "
		    "[DEFAULT] or [Definition] above it", p.text);
	} else {
		option(l, it, &p);
	}
}
