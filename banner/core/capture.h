/* SPDX-License-Identifier: GPL-2.0-or-later
 * capture.h - the named groups of a filter's regexes, as numbered slots.
 *
 * Names of groups are looked up once, when the filter is compiled; a match then fills
 * an array. The first slots are the groups that fail2ban reserves, the others are what
 * the filter's author named. A slot without a value has s NULL: an unset group is not
 * the same as one that matched nothing.
 */
#ifndef BANNER_CAPTURE_H
#define BANNER_CAPTURE_H

#include <stddef.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/base/str.h"
#include "banner/core/block.h"
#include "banner/core/pattern.h"

enum capture_slot { CAP_FID, CAP_IP4, CAP_IP6, CAP_DNS, CAP_CIDR, CAP_USER, CAP_MLFID,
	CAP_FORGET, CAP_GAINED, CAP_NOFAIL, CAP_CONTENT, CAP_PENDING,
	CAP_AHEAD, CAP_WEIGHT, CAP_EVENT, CAP_TRACE, CAP_NAMED };
enum { CAP_MAX = 40 };	/* slots of one filter; a filter with more is refused */

struct captures { struct str v[CAP_MAX]; };

struct capture_names {
	struct str name[CAP_MAX];	/* with a NUL; owned from CAP_NAMED on */
	uint8_t shown[CAP_MAX];	/* slots that are fields, others are for the inside */
	size_t n, nshown;
};

void	capture_names_init(struct capture_names *);
void	capture_names_fini(struct capture_names *);

/* The named groups of one regex. */
struct capture_map {
	struct { unsigned group; uint8_t slot; } v[CAP_MAX];
	size_t n;
	/* alt_NAME: when NAME has no text yet it takes this one's; in order of names.
	 * tuple_NAME: the parts become one value, joined by a blank. */
	struct { uint8_t from, to; } alt[CAP_MAX], tuple[CAP_MAX];
	size_t nalt, ntuple;
};
/* -EINVAL with text. */
int	capture_map_new(const struct pattern *, struct capture_names *,
	    struct capture_map *, struct err *);
/* Does one of its groups name whom the line is about? */
bool	capture_map_has_id(const struct capture_map *);

/* Where the groups of a match lie; [0] is the whole match, then the map's order. */
enum { SPAN_NONE = -1 };
struct spans { struct { int32_t from, to; } v[CAP_MAX + 1]; };
void	capture_spans(const struct capture_map *, const struct pattern_run *,
	    struct spans *);
/* Fill slots from spans in subject; groups that took no part leave theirs untouched.
 * Values borrow from subject, joined ones from scratch (cleared first). */
void	capture_read(const struct capture_map *, const struct spans *,
	    struct str subject, struct captures *, struct buf *scratch);

#endif
