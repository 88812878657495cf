/* SPDX-License-Identifier: GPL-2.0-or-later
 * tail.h - the last lines of a stream, for those who did not look at them in time.
 *
 * Positions count the bytes of the stream since the start. Keeps TAIL_BYTES of what
 * went by before the block at hand.
 */
#ifndef BANNER_TAIL_H
#define BANNER_TAIL_H

#include "banner/base/buf.h"

enum { TAIL_BYTES = 8 * 1024 };

struct tail {
	struct buf kept;	/* whole lines, the last of the stream */
	uint64_t end;		/* position behind them */
};

void	tail_fini(struct tail *);
/* The block is over: keep its end. */
void	tail_add(struct tail *, struct str block);
/* Lines before position from, backwards, not beyond position to, first those of the
 * block (which follows the tail), then the tail's. fn returns false to stop. */
typedef bool (tail_fn)(void *arg, struct str line);
struct tail_range { uint64_t from, to; };
void	tail_back(const struct tail *, struct str block, struct tail_range, tail_fn *,
	    void *arg);

#endif
