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

#include "banner/base/str.h"

struct buf {
	char *p;
	size_t len, cap;
	size_t gone;		/* bytes dropped that still lie before p */
};

void	buf_fini(struct buf *);
void	buf_clear(struct buf *);			/* keeps the memory */
void	buf_reserve(struct buf *, size_t more);
void	buf_add(struct buf *, const void *, size_t);
void	buf_str(struct buf *, struct str);
void	buf_puts(struct buf *, const char *);
void	buf_putc(struct buf *, char);
void	buf_i64(struct buf *, int64_t);			/* decimal */
void	buf_printf(struct buf *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	buf_vprintf(struct buf *, const char *fmt, va_list)
	    __attribute__((format(printf, 2, 0)));
/* The first n bytes go. The others stay where they are until room is needed, so that
 * taking a long buffer apart costs no more than its length. */
void	buf_drop(struct buf *, size_t n);
struct str	buf_view(const struct buf *);

/* A quoted JSON string (RFC 8259): control bytes escaped, each maximal invalid
 * UTF-8 part becomes U+FFFD. */
void	buf_json(struct buf *, struct str);
/* Log text made safe for a terminal or a log line: C0, C1, DEL and invalid UTF-8
 * become \xNN; at most max bytes of input, then "...". */
void	buf_safe(struct buf *, struct str, size_t max);

#endif
