/* SPDX-License-Identifier: GPL-2.0-or-later
 * syslog.c - messages by RFC 5424, section 6.
 */
#include "banner/base/syslog.h"

#include <string.h>

enum { PRIORITY_DIGITS = 3 };
enum { TIME, HOST, APP, PID, ID, FIELDS };

static bool
eat(struct str *s, const char *text)
{
	size_t n = strlen(text);

	if (!str_starts(*s, text))
		return false;
	*s = (struct str){ s->s + n, s->len - n };
	return true;
}

static bool
eat_priority(struct str *s)
{
	size_t n = 0;

	if (!eat(s, "<"))
		return false;
	while (n < s->len && s->s[n] >= '0' && s->s[n] <= '9')
		n++;
	if (n == 0 || n > PRIORITY_DIGITS)
		return false;
	*s = (struct str){ s->s + n, s->len - n };
	return eat(s, ">1 ");
}

/* Visible ASCII up to a blank. */
static bool
eat_field(struct str *s, struct str *field)
{
	size_t n = 0;

	while (n < s->len && s->s[n] > ' ' && s->s[n] <= '~')
		n++;
	*field = (struct str){ s->s, n };
	*s = (struct str){ s->s + n, s->len - n };
	return n > 0 && eat(s, " ");
}

/* "[id name="value" ...]"; within quotes a backslash takes the next byte along. */
static bool
eat_element(struct str *s)
{
	bool quoted = false;

	for (size_t i = 1; i < s->len; i++) {
		char c = s->s[i];

		if (c == '"') {
			quoted = !quoted;
		} else if (quoted && c == '\\') {
			i++;
		} else if (!quoted && c == ']') {
			*s = (struct str){ s->s + i + 1, s->len - i - 1 };
			return true;
		}
	}
	return false;
}

static bool
eat_data(struct str *s)
{
	if (!eat(s, "-")) {
		if (!str_starts(*s, "["))
			return false;
		while (str_starts(*s, "["))
			if (!eat_element(s))
				return false;
	}
	return s->len == 0 || eat(s, " ");
}

static bool
is_nil(struct str field)
{
	return str_is(field, "-");
}

bool
syslog_classic(struct str s, struct buf *out)
{
	struct str field[FIELDS];

	if (!eat_priority(&s))
		return false;
	for (size_t i = 0; i < FIELDS; i++)
		if (!eat_field(&s, &field[i]))
			return false;
	if (!eat_data(&s))
		return false;
	eat(&s, "\xef\xbb\xbf");
	eat(&s, " ");		/* rsyslog's %msg% has the one behind the old tag */
	for (size_t i = TIME; i <= HOST; i++) {
		if (is_nil(field[i]))
			continue;
		buf_str(out, field[i]);
		buf_putc(out, ' ');
	}
	if (!is_nil(field[APP])) {
		buf_str(out, field[APP]);
		if (!is_nil(field[PID])) {
			buf_putc(out, '[');
			buf_str(out, field[PID]);
			buf_putc(out, ']');
		}
		buf_puts(out, ": ");
	}
	buf_str(out, s);
	return true;
}
