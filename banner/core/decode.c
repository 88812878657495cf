/* SPDX-License-Identifier: GPL-2.0-or-later
 * decode.c - the bytes of a line become text.
 */
#include "banner/core/decode.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/buf.h"

enum kind { KIND_UTF8, KIND_ASCII, KIND_LATIN1, KIND_ICONV };

struct decoder {
	enum kind kind;
	char name[32];		/* folded: lower case, '-' for '_' */
	bool wide; /* UTF-16: an LF is two bytes, the line has a half of one */
	bool big;
	iconv_t cd;
	struct buf out;
};

static const char replacement[] = "\xef\xbf\xbd";	/* U+FFFD */

static const struct { const char *name; enum kind kind; } known[] = {
	{ "auto", KIND_UTF8 }, { "utf-8", KIND_UTF8 }, { "utf8", KIND_UTF8 },
	{ "utf-8-sig", KIND_UTF8 }, { "ascii", KIND_ASCII }, { "us-ascii", KIND_ASCII },
	{ "latin-1", KIND_LATIN1 }, { "latin1", KIND_LATIN1 },
	{ "iso-8859-1", KIND_LATIN1 }, { "iso8859-1", KIND_LATIN1 },
};

static int
open_iconv(struct decoder *d, const char *encoding, struct err *e)
{
	const char *name = d->name;

	d->kind = KIND_ICONV;
	if (!strncmp(name, "utf-16", 6) || !strncmp(name, "utf16", 5)) {
		d->wide = true;
		d->big = str_ends(str_of(name), "be");
		name = d->big ? "utf-16be" : "utf-16le";
	}
	d->cd = iconv_open("UTF-8", name);
	if (d->cd == (iconv_t)-1) {
		err_set(e, -EINVAL, "unknown logencoding \"%s\", expected auto or a "
		    "name of iconv -l", encoding);
		return err_about(e, -EINVAL, "logencoding", 0);
	}
	return 0;
}

int
decoder_new(const char *encoding, struct decoder **out, struct err *e)
{
	struct decoder *d = xcalloc(1, sizeof(*d));
	int rc = 0;

	d->cd = (iconv_t)-1;
	for (size_t i = 0; encoding && encoding[i] && i < sizeof(d->name) - 1; i++)
		d->name[i] = encoding[i] == '_' ?
		    '-' : (char)tolower((unsigned char)encoding[i]);
	if (d->name[0] == '\0')
		strcpy(d->name, "auto");
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!strcmp(known[i].name, d->name)) {
			d->kind = known[i].kind;
			goto out;
		}
	}
	rc = open_iconv(d, encoding, e);
out:
	if (rc < 0) {
		decoder_free(d);
		return rc;
	}
	*out = d;
	return 0;
}

void
decoder_free(struct decoder *d)
{
	if (!d)
		return;
	if (d->cd != (iconv_t)-1)
		iconv_close(d->cd);
	buf_fini(&d->out);
	free(d);
}

bool
decoder_same(const struct decoder *a, const struct decoder *b)
{
	return a->kind == b->kind &&
	    (a->kind != KIND_ICONV || !strcmp(a->name, b->name));
}

bool
decoder_keeps_ascii(const struct decoder *d)
{
	return d->kind != KIND_ICONV;
}

/* Bounds of the second byte after this lead byte, and how many bytes follow it
 * (Unicode 15, table 3-7). 0 when it leads nothing. */
static unsigned
lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c >= 0xc2 && c <= 0xdf)
		return 1;
	if (c >= 0xe0 && c <= 0xef)
		return 2;
	if (c >= 0xf0 && c <= 0xf4)
		return 3;
	return 0;
}

/* Length of the well-formed sequence at p, or -n: n bytes are ill-formed. */
static int
sequence(const unsigned char *p, size_t left)
{
	unsigned char low, high;
	unsigned n, i;

	if (*p < 0x80)
		return 1;
	n = lead(*p, &low, &high);
	for (i = 1; i <= n; i++, low = 0x80, high = 0xbf)
		if (i >= left || p[i] < low || p[i] > high)
			return -(int)i;
	return n ? (int)n + 1 : -1;
}

static void
from_utf8(struct decoder *d, struct str raw, struct text *t)
{
	const unsigned char *p = (const unsigned char *)raw.s;
	size_t i = 0, done = 0;

	buf_clear(&d->out);
	while (i < raw.len) {
		int n = sequence(p + i, raw.len - i);

		if (n > 0) {
			i += (size_t)n;
			continue;
		}
		buf_add(&d->out, raw.s + done, i - done);
		buf_puts(&d->out, replacement);
		i += (size_t)-n;
		done = i;
	}
	if (done == 0) {	/* all of it is well-formed */
		t->s = raw;
		return;
	}
	buf_add(&d->out, raw.s + done, i - done);
	t->s = buf_view(&d->out);
}

static void
from_bytes(struct decoder *d, struct str raw, struct text *t)
{
	buf_clear(&d->out);
	for (size_t i = 0; i < raw.len; i++) {
		unsigned char c = (unsigned char)raw.s[i];

		if (c < 0x80) {
			buf_putc(&d->out, (char)c);
		} else if (d->kind == KIND_LATIN1) {
			buf_putc(&d->out, (char)(0xc0 | c >> 6));
			buf_putc(&d->out, (char)(0x80 | (c & 0x3f)));
		} else {
			buf_puts(&d->out, replacement);
		}
	}
	t->s = buf_view(&d->out);
}

/* A line of UTF-16 was cut at the byte 0x0a: little endian leaves the other half of
 * that LF at the start of the next line, big endian at the end of this one. */
static struct str
trim_wide(const struct decoder *d, struct str raw)
{
	if (raw.len % 2 && d->big)
		raw.len--;
	else if (raw.len % 2 && raw.s[0] == '\0')
		raw.s++, raw.len--;
	if (raw.len >= 2 && !memcmp(raw.s, d->big ? "\xfe\xff" : "\xff\xfe", 2))
		raw.s += 2, raw.len -= 2;
	return raw;
}

static void
from_iconv(struct decoder *d, struct str raw, struct text *t)
{
	char tmp[512], *in = (char *)(uintptr_t)raw.s;
	size_t left = raw.len, unit = d->wide ? 2 : 1;

	buf_clear(&d->out);
	iconv(d->cd, NULL, NULL, NULL, NULL);
	while (left > 0) {
		char *o = tmp;
		size_t room = sizeof(tmp);
		size_t rc = iconv(d->cd, &in, &left, &o, &room);

		buf_add(&d->out, tmp, sizeof(tmp) - room);
		if (rc != (size_t)-1 || errno == E2BIG)
			continue;
		buf_puts(&d->out, replacement);
		in += left < unit ? left : unit;
		left -= left < unit ? left : unit;
	}
	t->s = buf_view(&d->out);
}

void
decoder_line(struct decoder *d, struct str raw, struct text *t)
{
	if (d->wide)
		raw = trim_wide(d, raw);
	t->s = raw;
	t->ascii = d->kind != KIND_ICONV && str_is_ascii(raw);
	if (!t->ascii) {
		switch (d->kind) {
		case KIND_UTF8:
			from_utf8(d, raw, t);
			break;
		case KIND_ASCII:
		case KIND_LATIN1:
			from_bytes(d, raw, t);
			break;
		case KIND_ICONV:
			from_iconv(d, raw, t);
			t->ascii = str_is_ascii(t->s);
			break;
		}
	}
	while (t->s.len > 0 &&
	    (t->s.s[t->s.len - 1] == '\r' || t->s.s[t->s.len - 1] == '\n'))
		t->s.len--;
}
