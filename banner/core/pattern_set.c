/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern_set.c - characters, escapes and [sets] of Python's regex language.
 */
#include "banner/core/pattern_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
translator_peek(const struct translator *t, size_t ahead)
{
	size_t i = t->i + ahead;

	return i < t->in->text.len ? (unsigned char)t->in->text.p[i] : -1;
}

void
translator_text(struct translator *t, size_t at, struct str s)
{
	ptext_add(&t->out->text, s, t->in->at[at]);
}

void
translator_emit(struct translator *t, size_t at, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ptext_add(&t->out->text, str_of(text), t->in->at[at]);
}

int
translator_fail(struct translator *t, size_t at, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return pattern_err(t->err, t->in, at, "%s", text);
}

/* A character so that PCRE2 takes it as itself, in a set as well as outside. */
static void
char_text(uint32_t code, char out[16])
{
	size_t n = 0;

	if (code < ' ' || code >= 0x7f) {
		snprintf(out, 16, "\\x{%x}", code);
		return;
	}
	if (!isalnum((int)code) && !strchr("_ ,:;<>=!\"'%&@/~`", (int)code))
		out[n++] = '\\';
	out[n++] = (char)code;
	out[n] = '\0';
}

void
translator_char(struct translator *t, size_t at, uint32_t code)
{
	char text[16];

	char_text(code, text);
	t->out->wide |= code >= 0x80;
	translator_text(t, at, str_of(text));
}

int
translator_utf8(struct translator *t, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	size_t at = t->i++;
	uint32_t c =
	    (uint32_t)translator_peek(&(struct translator){ .in = t->in, .i = at }, 0);
	unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

	if (c < 0x80) {
		*code = c;
		return 0;
	}
	*code = c & (0x3fU >> more);
	for (unsigned n = 0; n < more; n++, t->i++) {
		int next = translator_peek(t, 0);

		if (next < 0 || (next & 0xc0) != 0x80)
			return translator_fail(t, at, "not valid UTF-8");
		*code = *code << 6 | ((uint32_t)next & 0x3f);
	}
	if (more == 0 || c > 0xf4 || *code < least[more] || *code > 0x10ffff ||
	    (*code >= 0xd800 && *code < 0xe000))
		return translator_fail(t, at, "not valid UTF-8");
	return 0;
}

static int
hex_escape(struct translator *t, int c, unsigned digits, uint32_t *code)
{
	size_t at = t->i;

	*code = 0;
	for (unsigned n = 0; n < digits; n++, t->i++) {
		int d = translator_peek(t, 0);

		if (d < 0 || !isxdigit(d))
			return translator_fail(t, at, "incomplete escape \\%c", c);
		*code = *code << 4 |
		    (uint32_t)(isdigit(d) ? d - '0' : (d | 0x20) - 'a' + 10);
	}
	if (*code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return translator_fail(t, at, "escape \\%c is no character", c);
	return 0;
}

static void
octal_escape(struct translator *t, int c, uint32_t *code)
{
	*code = (uint32_t)(c - '0');
	for (unsigned n = 0; n < 2; n++, t->i++) {
		int d = translator_peek(t, 0);

		if (d < '0' || d > '7')
			return;
		*code = *code * 8 + (uint32_t)(d - '0');
	}
}

int
translator_escape_char(struct translator *t, int c, uint32_t *code)
{
	static const char letters[] = "afnrtv", codes[] = "\a\f\n\r\t\v";
	const char *known = strchr(letters, c);
	size_t at = t->i - 2;

	if (c == 'x')
		return hex_escape(t, c, 2, code);
	if (c == 'u' || c == 'U')
		return hex_escape(t, c, c == 'u' ? 4 : 8, code);
	if (c == 'N')
		return translator_fail(t, at,
		    "characters by name (\\N{...}) are not known"
		    " here; write \\uXXXX");
	if (c == '0') {
		octal_escape(t, c, code);
		return 0;
	}
	if (known && c != '\0') {
		*code = (uint32_t)codes[known - letters];
		return 0;
	}
	if (c < 0x80 && isalnum(c))
		return translator_fail(t, at, "bad escape \\%c", c);
	t->i--;
	return translator_utf8(t, code);
}

/* One member of a set: a character, or a class such as \d (its letter). */
struct member {
	uint32_t code;
	char class;
};

static int
read_member(struct translator *t, struct member *m)
{
	int c = translator_peek(t, 0);

	*m = (struct member){ 0 };
	if (c < 0)
		return translator_fail(
		    t, t->in->text.len - 1, "unterminated character set");
	if (c != '\\')
		return translator_utf8(t, &m->code);
	t->i++;
	c = translator_peek(t, 0);
	if (c < 0)
		return translator_fail(t, t->i - 1, "backslash at the end");
	t->i++;
	if (strchr("dDsSwW", c) && c != '\0') {
		m->class = (char)c;
		return 0;
	}
	if (c == 'b') {
		m->code = '\b';
		return 0;
	}
	if (c > '0' && c < '8') {
		octal_escape(t, c, &m->code);
		return m->code > 0377
		    ? translator_fail(t, t->i - 1, "octal escape beyond 0o377")
		    : 0;
	}
	return translator_escape_char(t, c, &m->code);
}

struct set {
	struct buf text;
	bool space, not_space; /* holds \s, \S */
};

static void
add_member(struct translator *t, struct set *s, const struct member *m)
{
	char text[16];

	if (m->class == 'S' && !t->out->ascii) {
		s->not_space = true;
	} else if (m->class == 's' && !t->out->ascii) {
		s->space = true;
		buf_puts(&s->text, "\\s\\x1c-\\x1f");
	} else if (m->class) {
		buf_printf(&s->text, "\\%c", m->class);
	} else {
		t->out->wide |= m->code >= 0x80;
		char_text(m->code, text);
		buf_puts(&s->text, text);
	}
}

static int
read_range(struct translator *t, struct set *s, struct member *lo)
{
	struct member hi;
	size_t at = t->i;
	int rc;

	add_member(t, s, lo);
	if (translator_peek(t, 0) != '-' || translator_peek(t, 1) == ']')
		return 0;
	t->i++;
	rc = read_member(t, &hi);
	if (rc < 0)
		return rc;
	if (lo->class || hi.class || hi.code < lo->code)
		return translator_fail(t, at, "bad character range");
	buf_putc(&s->text, '-');
	add_member(t, s, &hi);
	return 0;
}

/* PCRE2's \S holds U+001C to U+001F, Python's does not; a set cannot subtract, so
 * one with \S is written as a choice, or as a look ahead when it is negated. */
static void
emit_set(struct translator *t, size_t at, const struct set *s, bool negated)
{
	struct ptext *out = &t->out->text;
	size_t from = t->in->at[at];
	bool empty = s->text.len == 0;

	if (s->not_space && s->space) {
		ptext_add(out, negated ? STR("(?!)") : STR("(?s:.)"), from);
		return;
	}
	if (s->not_space && empty) {
		ptext_add(out,
		    negated ? STR("[\\s\\x1c-\\x1f]") : STR("[^\\s\\x1c-\\x1f]"), from);
		return;
	}
	if (s->not_space)
		ptext_add(out, negated ? STR("(?:(?![") : STR("(?:[^\\s\\x1c-\\x1f]|["),
		    from);
	else
		ptext_add(out, negated ? STR("[^") : STR("["), from);
	ptext_add(out, buf_view(&s->text), from);
	ptext_add(out, STR("]"), from);
	if (s->not_space)
		ptext_add(out, negated ? STR(")[\\s\\x1c-\\x1f])") : STR(")"), from);
}

int
translator_set(struct translator *t)
{
	struct set s = { 0 };
	struct member m;
	size_t at = t->i - 1;
	bool negated = translator_peek(t, 0) == '^', first = true;
	int rc = 0;

	if (negated)
		t->i++;
	while (rc == 0 && (first || translator_peek(t, 0) != ']')) {
		first = false;
		rc = read_member(t, &m);
		if (rc == 0)
			rc = read_range(t, &s, &m);
	}
	if (rc == 0) {
		t->i++;
		emit_set(t, at, &s, negated);
	}
	buf_fini(&s.text);
	return rc;
}
