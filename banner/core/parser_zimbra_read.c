/* SPDX-License-Identifier: GPL-2.0-or-later
 * parser_zimbra_read.c - head, thread, context and category of a line of Zimbra.
 */
#include <string.h>

#include "banner/core/parser_zimbra.h"

/* Readings tried on one line: the work stays linear in what an attacker plants. */
enum { MAX_TRIES = 256 };

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct str
from(struct str s, size_t n)
{
	return (struct str){ s.s + n, s.len - n };
}

static bool
eat(struct str *s, const char *text)
{
	if (!str_starts(*s, text))
		return false;
	*s = from(*s, strlen(text));
	return true;
}

/* '0' stands for a digit, 'A' for a letter. */
static bool
eat_shape(struct str *s, const char *shape)
{
	size_t n = strlen(shape);

	if (s->len < n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s->s[i];

		if (shape[i] == '0' ? !is_digit(c) : shape[i] == 'A' ? !is_letter(c) :
		    c != shape[i])
			return false;
	}
	*s = from(*s, n);
	return true;
}

static void
eat_digits(struct str *s)
{
	while (s->len > 0 && is_digit(s->s[0]))
		*s = from(*s, 1);
}

/* A word and the blank behind it. */
static bool
eat_word(struct str *s)
{
	const char *blank = s->len ? memchr(s->s, ' ', s->len) : NULL;

	if (!blank || blank == s->s)
		return false;
	*s = from(*s, (size_t)(blank + 1 - s->s));
	return true;
}

static void
eat_priority(struct str *s)
{
	struct str t = *s;

	if (!eat(&t, "<"))
		return;
	eat_digits(&t);
	if (eat(&t, ">"))
		*s = t;
}

/* "Mar  1 12:00:00 ", RFC 3339, or none at all: a journal has it elsewhere. */
static bool
eat_syslog_stamp(struct str *s)
{
	struct str t = *s;

	if (eat_shape(&t, "AAA ")) {
		while (eat(&t, " "))
			;
		eat_digits(&t);
		if (eat_shape(&t, " 00:00:00 "))
			*s = t;
		return true;
	}
	if (eat_shape(&t, "0000-00-00T00:00:00"))
		return eat_word(s);
	t = *s;
	if (eat_shape(&t, "0000-00-00 00:00:00 "))
		*s = t;
	return true;
}

/* "mailboxd: ", "mailboxd[77]: " */
static bool
eat_tag(struct str *s)
{
	if (!eat(s, "zmmailboxd") && !eat(s, "mailboxd") && !eat(s, "imapd"))
		return false;
	if (eat(s, "[")) {
		eat_digits(s);
		if (!eat(s, "]"))
			return false;
	}
	return eat(s, ": ");
}

static bool
eat_level(struct str *s)
{
	static const char *const levels[] = { "INFO", "WARN", "ERROR", "FATAL", "DEBUG",
		"TRACE" };

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		if (!eat(s, levels[i]))
			continue;
		if (!eat(s, " "))
			return false;
		eat(s, " ");
		return eat(s, "[");
	}
	return false;
}

bool
zimbra_open(struct str line, struct zimbra_reader *r)
{
	struct str s = line;

	if (!eat_shape(&s, "0000-00-00 00:00:00,000 ")) {
		eat_priority(&s);
		if (!eat_syslog_stamp(&s) || !eat_word(&s) || !eat_tag(&s))
			return false;
	}
	if (!eat_level(&s))
		return false;
	*r = (struct zimbra_reader){ .rest = s };
	return true;
}

struct str
zimbra_get(const struct zimbra_pairs *p, const char *key)
{
	for (size_t i = 0; i < p->n; i++)
		if (str_is(p->v[i].key, key))
			return p->v[i].value;
	return (struct str){ 0 };
}

/* Up to the ';' that stands alone; a pair of them is data. */
static bool
take_value(struct str *s, struct str *value)
{
	for (size_t i = 0; i < s->len; i++) {
		if (s->s[i] != ';')
			continue;
		if (i + 1 < s->len && s->s[i + 1] == ';') {
			i++;
			continue;
		}
		*value = (struct str){ s->s, i };
		*s = from(*s, i + 1);
		return true;
	}
	return false;
}

static bool
take_pair(struct str *s, struct zimbra_pairs *p)
{
	struct str key = { s->s, 0 }, value;

	while (key.len < s->len && is_letter(s->s[key.len]))
		key.len++;
	if (key.len == 0 || key.len >= s->len || s->s[key.len] != '=' ||
	    p->n == ZIMBRA_PAIRS)
		return false;
	*s = from(*s, key.len + 1);
	if (!take_value(s, &value))
		return false;
	for (size_t i = 0; i < p->n; i++)
		p->twice |= str_eq(p->v[i].key, key);
	p->v[p->n].key = key;
	p->v[p->n++].value = value;
	return true;
}

/* Pairs up to the ']' behind the last one; "[]" has none. */
static bool
take_context(struct str *s, struct zimbra_pairs *p)
{
	while (!eat(s, "]"))
		if (!take_pair(s, p))
			return false;
	return true;
}

/* Pairs with one blank between them, to the very end. */
static bool
take_event(struct str s, struct zimbra_pairs *p)
{
	while (take_pair(&s, p)) {
		if (s.len == 0)
			return true;
		if (!eat(&s, " "))
			return false;
	}
	return false;
}

/* " category - message" */
static bool
take_category(struct str s, struct zimbra_reading *r)
{
	size_t n = 0;

	if (!eat(&s, " "))
		return false;
	while (n < s.len && (is_letter(s.s[n]) || is_digit(s.s[n])))
		n++;
	r->category = (struct str){ s.s, n };
	s = from(s, n);
	if (n == 0 || !eat(&s, " - "))
		return false;
	r->message = s;
	return true;
}

/* "ip" is the socket's, whose text nobody chooses: a context that has words in it was
 * planted in front of the true one. */
static bool
ip_is_one_word(const struct zimbra_pairs *context)
{
	struct str ip = zimbra_get(context, "ip");

	return ip.len == 0 || !memchr(ip.s, ' ', ip.len);
}

static bool
read_from(struct str all, size_t at, struct zimbra_reading *r)
{
	struct str s = from(all, at + 3);

	*r = (struct zimbra_reading){ .thread = { all.s, at } };
	if (!take_context(&s, &r->context) || !ip_is_one_word(&r->context))
		return false;
	if (!take_category(s, r))
		return false;
	return !str_is(r->category, "security") || take_event(r->message, &r->event);
}

bool
zimbra_next(struct zimbra_reader *rd, struct zimbra_reading *r)
{
	while (rd->tries++ < MAX_TRIES) {
		struct str left = from(rd->rest, rd->at);
		const char *p = left.len ? memmem(left.s, left.len, "] [", 3) : NULL;

		if (!p)
			return false;
		rd->at = (size_t)(p + 1 - rd->rest.s);
		if (read_from(rd->rest, (size_t)(p - rd->rest.s), r))
			return true;
	}
	return false;
}
