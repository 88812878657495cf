/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp.h - finding and reading the date of a line.
 *
 * A struct stamp is one jail's date detector: the templates in fail2ban's order, the
 * learning order that moves the used ones forward, zone and year rules. It finds the
 * date in a line, gives the time and the span that is cut out before matching.
 * Common fixed shapes are read by hand with a one-entry cache; the templates decide.
 */
#ifndef BANNER_STAMP_H
#define BANNER_STAMP_H

#include "banner/base/err.h"
#include "banner/base/str.h"
#include "banner/conf/filter.h"
#include "banner/core/literal_set.h"

struct stamp;

/* patterns n = 0: the default list. zone NULL: system time. -EINVAL with text. */
int	stamp_new(const struct conf_list *patterns, const char *zone, struct stamp **,
	    struct err *);
void	stamp_free(struct stamp *);

struct stamp_hit {
	size_t cut_start, cut_end;	/* the part to remove from the line */
	double when_s;			/* fraction only with epoch templates */
	bool has_time;			/* false: the template matched an empty date */
};

/* Find the date; text may hold any bytes (valid UTF-8 after decoding). True on a
 * date. Learns from each hit. now_ms guides year and day guessing. False with a span in
 * hit (zeroed by the caller): a template matched there, but the text is no date. */
bool	stamp_find(struct stamp *, struct str line, int64_t now_ms, struct stamp_hit *);

/* The same without learning anything from it. */
bool	stamp_peek(struct stamp *, struct str line, int64_t now_ms, struct stamp_hit *);

/* Templates with their hits, in list order; false at the end. */
bool	stamp_template(struct stamp *, size_t i, const char **name, uint64_t *hits);

/* Where lines can be apart once their date is cut out. */
enum literal_cut	stamp_cut(const struct conf_list *patterns);

/* Is s a zone logtimezone may name ("UTC+0200", "Z", "CET+0100")? */
int	stamp_zone_check(const char *zone, struct err *);

#endif
