/* SPDX-License-Identifier: GPL-2.0-or-later
 * expand.h - %(interpolation)s, <tags> and name[options], as fail2ban means them.
 *
 * Where fail2ban only keeps one earlier value for %(known/x)s, any number of steps
 * back is resolved here. Growth is capped: a definition that unfolds to more than
 * EXPAND_MAX bytes is an error.
 */
#ifndef BANNER_CONF_EXPAND_H
#define BANNER_CONF_EXPAND_H

#include <stdbool.h>

#include "banner/conf/conf.h"
#include "banner/conf/sheet.h"

enum { EXPAND_MAX = 256 << 10, EXPAND_DEPTH = 10, TAG_MAX = 25 };

/* Where names are looked up: vars, then the section, then [DEFAULT]. */
struct interp {
	const struct sheet *sheet;
	const char *section;
	const struct conf_options *vars;	/* or NULL; names match in any case */
	struct arena *arena;
};

/* The interpolated value. 0, -ENOENT: no such option, -EINVAL: bad reference; the err
 * is about the option and line that has it, if that is in a file. */
int	interp_get(const struct interp *, const char *name, const char **,
	    struct err *);
/* Interpolate a text that stands for option name (which may be NULL). */
int	interp_text(const struct interp *, const char *text, const char **,
	    struct err *);

/* Tags are replaced in all values at once, innermost first. */
struct tag_job {
	struct arena *arena;
	struct conf_options tags;	/* in: names and values; out: resolved */
	const char *condition;		/* "family=inet6", or NULL */
	const char *const *ignore;	/* names left alone; ends with NULL; or NULL */
	/* Names that are not among the tags. 0, -ENOENT: leave the tag, -EINVAL. */
	int (*find)(void *arg, const char *name, const char **value, struct err *);
	void *arg;
	const char *watch;		/* a name whose use is to be noticed */
	bool watched;			/* out: it was replaced somewhere */
	const char *failed;		/* out: the name with the error */
};

int	tags_resolve(struct tag_job *, struct err *);

/* "name[a=1, b="x"][c=2]" -> name and options. 0 or -EINVAL. */
int	bracket_parse(struct arena *, struct str, const char **name,
	    struct conf_options *, struct err *);
/* The next "name[...]" of a list between white space; false at the end. */
bool	bracket_split(struct str *rest, struct str *one);

/* Set or add; the arena takes no copy of key and value. */
void	options_set(struct arena *, struct conf_options *, const char *key,
	    const char *value);
/* NULL when absent. */
const char	*options_get(const struct conf_options *, const char *key);

#endif
