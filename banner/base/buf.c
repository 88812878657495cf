/* SPDX-License-Identifier: GPL-2.0-or-later
 * buf.c - a growing run of bytes: replies, records, JSON.
 */
#include "banner/base/buf.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

void
buf_fini(struct buf *b)
{
	if (b->p)
		free(b->p - b->gone);
	*b = (struct buf){ 0 };
}

/* To the front, over what was dropped. */
static void
settle(struct buf *b)
{
	if (!b->p || b->gone == 0)
		return;
	memmove(b->p - b->gone, b->p, b->len + 1);
	b->p -= b->gone;
	b->cap += b->gone;
	b->gone = 0;
}

void
buf_clear(struct buf *b)
{
	if (!b->p)
		return;
	b->len = 0;
	b->p[0] = '\0';
	settle(b);
}

void
buf_grow(struct buf *b, size_t more)
{
	size_t need, cap;

	/* not for little: a long buffer would be moved again and again */
	if (b->gone > b->len)
		settle(b);
	if (b->p && b->cap - b->len > more)
		return;
	/* A sum that does not fit is refused by malloc as SIZE_MAX is. */
	if (__builtin_add_overflow(b->len, more, &need) || need == SIZE_MAX)
		need = SIZE_MAX - 1;
	cap = b->cap + b->cap / 2;
	if (cap < need + 1)
		cap = need + 1;
	if (cap > SIZE_MAX - b->gone)
		cap = SIZE_MAX - b->gone;
	b->p = xrealloc(b->p ? b->p - b->gone : NULL, b->gone + cap);
	b->p += b->gone;
	b->cap = cap;
	b->p[b->len] = '\0';
}

void
buf_i64(struct buf *b, int64_t v)
{
	char text[24], *at = text + sizeof(text);
	uint64_t left = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	if (v < 0)
		*--at = '-';
	buf_add(b, at, (size_t)(text + sizeof(text) - at));
}

void
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	buf_reserve(b, 64);
	n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, ap);
	if (n > 0 && (size_t)n >= b->cap - b->len) {
		buf_reserve(b, (size_t)n);
		n = vsnprintf(b->p + b->len, b->cap - b->len, fmt, again);
	}
	va_end(again);
	if (n > 0)
		b->len += (size_t)n;
	b->p[b->len] = '\0';
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n > b->len)
		n = b->len;
	if (n == 0)
		return;
	b->p += n;
	b->len -= n;
	b->cap -= n;
	b->gone += n;
	if (b->len == 0)
		settle(b);
}

struct str
buf_view(const struct buf *b)
{
	return b->p ? (struct str){ b->p, b->len } : STR("");
}

/* How many bytes may follow a first byte, and the range of the second one. The
 * table of well-formed sequences is Unicode 15, section 3.9, table 3-7. */
static size_t
utf8_lead(uint8_t c, uint8_t *lo, uint8_t *hi)
{
	*lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 1;
	if (c >= 0xe0 && c <= 0xef)
		return 2;
	return c >= 0xf0 && c <= 0xf4 ? 3 : 0;
}

/* Length of the character at s, which is not empty; of the maximal invalid part
 * when *ok is false. */
static size_t
utf8_next(struct str s, bool *ok)
{
	uint8_t lo, hi, c = (uint8_t)s.s[0];
	size_t more, n = 1;

	*ok = true;
	if (c < 0x80)
		return 1;
	for (more = utf8_lead(c, &lo, &hi); n <= more && n < s.len; n++) {
		c = (uint8_t)s.s[n];
		if (c < lo || c > hi)
			break;
		lo = 0x80;
		hi = 0xbf;
	}
	*ok = more > 0 && n > more;
	return n;
}

static void
json_control(struct buf *b, char c)
{
	static const char from[] = "\b\f\n\r\t\"\\", to[] = "bfnrt\"\\";
	const char *at = c ? strchr(from, c) : NULL;

	if (at)
		buf_printf(b, "\\%c", to[at - from]);
	else
		buf_printf(b, "\\u%04x", (unsigned)(uint8_t)c);
}

/* Bytes at the front that JSON takes as they are. */
static size_t
json_plain(struct str s)
{
	size_t n = 0;

	while (n < s.len && (uint8_t)s.s[n] >= 0x20 && (uint8_t)s.s[n] < 0x80 &&
	    s.s[n] != '"' && s.s[n] != '\\')
		n++;
	return n;
}

void
buf_json(struct buf *b, struct str s)
{
	buf_reserve(b, s.len + 2);
	buf_putc(b, '"');
	while (s.len > 0) {
		size_t n = json_plain(s);
		bool ok = true;

		if (n == 0)
			n = utf8_next(s, &ok);
		if (!ok)
			buf_puts(b, "\xef\xbf\xbd");
		else if ((uint8_t)s.s[0] < 0x20 || s.s[0] == '"' || s.s[0] == '\\')
			json_control(b, s.s[0]);
		else
			buf_add(b, s.s, n);
		s.s += n;
		s.len -= n;
	}
	buf_putc(b, '"');
}

static bool
is_control(const char *s, size_t n)
{
	uint8_t c = (uint8_t)s[0];

	return c < 0x20 || c == 0x7f ||
	    (n == 2 && c == 0xc2 && (uint8_t)s[1] < 0xa0);
}

void
buf_safe(struct buf *b, struct str s, size_t max)
{
	size_t left = max;

	while (s.len > 0) {
		bool ok;
		size_t n = utf8_next(s, &ok);

		if (n > left) {
			buf_puts(b, "...");
			return;
		}
		if (ok && !is_control(s.s, n))
			buf_add(b, s.s, n);
		else
			for (size_t i = 0; i < n; i++)
				buf_printf(b, "\\x%02x", (unsigned)(uint8_t)s.s[i]);
		s.s += n;
		s.len -= n;
		left -= n;
	}
}
