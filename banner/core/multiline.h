/* SPDX-License-Identifier: GPL-2.0-or-later
 * multiline.h - the last lines of a filter with maxlines > 1.
 *
 * The older way to match what spans several lines: all buffered lines, dates cut out,
 * are one text; the lines a match covers leave the buffer, those it skipped stay.
 * Never more than max lines and MULTILINE_BYTES; then the oldest goes.
 *
 * Most lines only pass through: they are kept raw, and dated and cut when a line comes
 * that may be part of a match (a marked one). No match is possible while no line of
 * the buffer is marked.
 */
#ifndef BANNER_MULTILINE_H
#define BANNER_MULTILINE_H

#include "banner/base/buf.h"
#include "banner/core/decode.h"

enum { MULTILINE_MAX = 1000, MULTILINE_BYTES = 1024 * 1024 };

struct multiline;

struct multiline	*multiline_new(unsigned max);	/* 2 .. MULTILINE_MAX */
void			 multiline_free(struct multiline *);

/* cut: the line without its date, with LF; full: as it was read, decoded. */
struct multiline_line { struct str cut, full; bool ascii, marked; };
/* Both texts are copied. Returns how many of the last max lines had to go because of
 * MULTILINE_BYTES. */
size_t	multiline_add(struct multiline *, const struct multiline_line *);
/* The same with a line as it is in the log, to be settled before the next text. */
size_t	multiline_add_raw(struct multiline *, struct str raw);
/* The oldest raw line; false: there is none. It is then settled, or dropped. */
bool	multiline_raw(const struct multiline *, struct str *raw);
void	multiline_settle(struct multiline *, const struct multiline_line *);
void	multiline_drop_raw(struct multiline *);
bool	multiline_marked(const struct multiline *);
unsigned multiline_max(const struct multiline *);
/* All cut lines, each with its LF; valid until the next change. */
void	multiline_text(struct multiline *, struct text *);

/* A match covers this much of that text. Lines in skipped (several, each with LF) go
 * back. The matched lines are taken out and given, valid until the next call. */
struct covered { size_t from, to; };
size_t	multiline_take(struct multiline *, struct covered, struct str skipped,
	    const struct str **lines, struct text *cut);

#endif
