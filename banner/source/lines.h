/* SPDX-License-Identifier: GPL-2.0-or-later
 * lines.h - cut what was read into runs of whole lines. Pure.
 */
#ifndef BANNER_SOURCE_LINES_H
#define BANNER_SOURCE_LINES_H

#include "banner/base/str.h"

enum lines_kind {
	LINES_RUN,	/* whole lines, none longer than the cap */
	LINES_LONG,	/* one line longer than the cap; it goes on if the last byte is
			 * not LF */
	LINES_PART,	/* the rest: an incomplete line within the cap, or nothing */
};

/* Take the next run off the front of *rest; for LINES_PART *rest stays. The cap is
 * without the LF. */
enum lines_kind	runs_next(struct str *rest, size_t max, struct str *run);
uint64_t	runs_count(struct str);	/* LFs */

#endif
