/* SPDX-License-Identifier: GPL-2.0-or-later
 * sample.h - a short text that a regex of a filter matches, and where it is weak.
 *
 * Not a full reader of regexes: what it does not know it leaves out, so a caller tries
 * every text with the real matcher before it believes it.
 */
#ifndef BANNER_SAMPLE_H
#define BANNER_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "banner/base/buf.h"

enum { SAMPLE_SPOTS = 32 };

struct sample {
	struct buf text;
	/* where free text of any length may stand, before the address */
	size_t wild[SAMPLE_SPOTS], nwild;
	/* repeated groups that repeat something inside: where, and two rounds of it */
	struct { size_t at; char round[64]; } nested[SAMPLE_SPOTS];
	size_t nnested;
	size_t content;		/* where <F-CONTENT> is; only in a prefregex */
	bool has_host, has_content;
};

/* host stands for <HOST> and its like, content (or NULL) for <F-CONTENT>; of
 * alternatives the one of this number is taken where there are so many. */
struct sample_wish { const char *host, *content; unsigned alternative; };
void	sample_make(struct sample *, const char *regex, const struct sample_wish *);
void	sample_free(struct sample *);

#endif
