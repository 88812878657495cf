/* SPDX-License-Identifier: GPL-2.0-or-later
 * buf.h - a growing run of bytes: replies, records, JSON.
 *
 * Embedded in its owner; zero-initialised is empty. The bytes are always followed
 * by a NUL that is not counted, so text can be used as a C string.
 */
#ifndef BANNER_BUF_H
#define BANNER_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "banner/base/str.h"

struct buf {
	char *p;
	size_t len, cap;
	size_t gone;		/* bytes dropped that still lie before p */
};

void	buf_fini(struct buf *);
void	buf_clear(struct buf *);			/* keeps the memory */
void	buf_grow(struct buf *, size_t more);		/* what buf_reserve calls */
void	buf_i64(struct buf *, int64_t);			/* decimal */
void	buf_printf(struct buf *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	buf_vprintf(struct buf *, const char *fmt, va_list)
	    __attribute__((format(printf, 2, 0)));
/* The first n bytes go. The others stay where they are until room is needed, so that
 * taking a long buffer apart costs no more than its length. */
void	buf_drop(struct buf *, size_t n);
struct str	buf_view(const struct buf *);

/* In the header because records and log lines are made of dozens of small pieces. */
static inline void
buf_reserve(struct buf *b, size_t more)
{
	if (!b->p || b->cap - b->len <= more)
		buf_grow(b, more);
}

static inline void
buf_add(struct buf *b, const void *p, size_t n)
{
	buf_reserve(b, n);
	if (n > 0)
		memcpy(b->p + b->len, p, n);
	b->len += n;
	b->p[b->len] = '\0';
}

static inline void
buf_str(struct buf *b, struct str s)
{
	buf_add(b, s.s, s.len);
}

static inline void
buf_puts(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void
buf_putc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

/* A quoted JSON string (RFC 8259): control bytes escaped, each maximal invalid
 * UTF-8 part becomes U+FFFD. */
void	buf_json(struct buf *, struct str);
/* Log text made safe for a terminal or a log line: C0, C1, DEL and invalid UTF-8
 * become \xNN; at most max bytes of input, then "...". */
void	buf_safe(struct buf *, struct str, size_t max);

#endif
