/* SPDX-License-Identifier: GPL-2.0-or-later
 * origin.h - which line of which file each entry of a list comes from.
 *
 * A list may be put together from others: a line that is nothing but %(name)s or <name>
 * stands for the lines of that option. Such lines are followed without unfolding
 * anything, and what is found is compared with the resolved list; if it does not fit,
 * only the place of the whole option is told, never a wrong line.
 */
#ifndef BANNER_CONF_ORIGIN_H
#define BANNER_CONF_ORIGIN_H

#include "banner/conf/filter.h"
#include "banner/conf/sheet.h"

struct origin_source {
	const struct sheet *sheet;
	const char *section;
	const struct conf_options *tags;	/* what <name> means; NULL: no tags */
	struct conf_options given;	/* values of no file, in brackets */
	struct conf_place otherwise;	/* where those are given */
	const struct origin_source *known;	/* what %(known/x)s asks first; NULL */
};

/* The option's value; NULL: no file has it, or brackets go before that. */
const struct value	*origin_find(const struct origin_source *, const char *name);

/* Add where the lines of an option's resolved text stand, the first of them being entry
 * number first. NULL: nothing. */
struct origin_job {
	struct arena *arena;
	const struct origin_source *from;
	struct conf_origins *out;
};
void	origin_add(const struct origin_job *, const char *option, const char *text,
	    size_t first);

#endif
