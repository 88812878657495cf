/* SPDX-License-Identifier: GPL-2.0-or-later
 * evidence.h - the last matched lines of everybody, in one ring.
 *
 * Every line is chained to the one before it of the same key; who holds the mark of
 * the newest can walk back as long as the ring has not overwritten them. A line is
 * cut to EVIDENCE_LINE bytes, with "..." at the end. Nothing grows.
 */
#ifndef BANNER_EVIDENCE_H
#define BANNER_EVIDENCE_H

#include "banner/base/str.h"
#include "banner/core/track.h"

enum { EVIDENCE_LINE = 1024 };

struct evidence;

/* bytes is rounded down to a power of two; below 64 KiB nothing is kept. */
struct evidence	*evidence_new(size_t bytes);
void		 evidence_free(struct evidence *);
struct evidence_owner { uint32_t jail; struct track_key key; };
/* Which log it stood in (the caller's number; 0: unknown, the rule too), and the index
 * of the failregex. */
struct evidence_from { uint16_t log, rule; };
/* Keep a line after those that mark leads to (0: none). Returns the new mark. */
uint32_t	 evidence_add(struct evidence *, const struct evidence_owner *,
		    uint32_t mark, struct str line, struct evidence_from);
/* Of a line that evidence_get gave. */
struct evidence_from	 evidence_from(struct str line);
/* Keep a row (attempts.h) in the same chain; evidence_get passes over it. */
uint32_t	 evidence_add_row(struct evidence *, const struct evidence_owner *,
		    uint32_t mark, struct str row);
/* As evidence_get, the rows alone. */
size_t		 evidence_get_rows(const struct evidence *,
		    const struct evidence_owner *, uint32_t mark, struct str *rows,
		    size_t max);
/* The last max lines, oldest first, borrowed until the next add. Returns how many. */
size_t		 evidence_get(const struct evidence *, const struct evidence_owner *,
		    uint32_t mark, struct str *lines, size_t max);

#endif
