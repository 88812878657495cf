/* SPDX-License-Identifier: GPL-2.0-or-later
 * attempts.h - failures as rows, for those who report them.
 *
 * A row is "MILLISECONDS TAB ADDRESS TAB SERVICE TAB USER", escaped as buf_safe does,
 * so it holds neither TAB nor LF of a client nor anything else of the line: logs may
 * hold passwords. The rows before a ban go with it as fields named "attempts", a row
 * on each line, as many fields as they need; the oldest rows are left out.
 */
#ifndef BANNER_ATTEMPTS_H
#define BANNER_ATTEMPTS_H

#include "banner/base/buf.h"
#include "banner/core/block.h"

enum {
	ATTEMPT_ROWS = 64,	/* that go with a ban */
	ATTEMPT_FIELDS = 8,	/* fields for them at most */
	ATTEMPT_BYTES = 1000,	/* of one field */
};

void	attempt_row(const struct failure *, struct buf *);
/* Fields for the rows, oldest first; text in the buffer. Returns how many. */
size_t	attempt_fields(const struct str *rows, size_t n, struct buf *,
	    struct field out[ATTEMPT_FIELDS]);

#endif
