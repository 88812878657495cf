/* SPDX-License-Identifier: GPL-2.0-or-later
 * definition.h - [Definition] and [Init] of a filter or action file, combined.
 *
 * Which of a bracket option, an option of the jail, [Init], [Definition] and
 * [DEFAULT] wins is fail2ban's rule, in its order of steps.
 */
#ifndef BANNER_CONF_DEFINITION_H
#define BANNER_CONF_DEFINITION_H

#include "banner/conf/expand.h"
#include "banner/conf/sheet.h"

struct definition {
	struct arena *arena;
	const struct sheet *sheet;
	const char *const *names;	/* options of [Definition]; NULL at end */
	struct conf_options init;	/* brackets; definition_read adds [Init] */
	size_t ngiven;			/* how many of those were in brackets */
	struct conf_options vars;	/* the jail's options and the brackets */
	struct conf_options opts;	/* what [Definition] gave */
	struct conf_options cache;	/* tags looked up outside opts and init */
	struct conf_list missing;	/* and those that were not there */
	const char *file;		/* where the last error was found, or NULL */
	int line;
	bool own_families;		/* brackets leave its x?family=... alone */
	bool uses_port;			/* <port> was replaced somewhere */
};

/* Read the options under jail (the jail's own); all: every one of [Definition]. */
int	definition_read(struct definition *, const struct conf_options *jail, bool all,
	    struct err *);
/* Options with their tags replaced; names in ignore (may be NULL) stay. */
int	definition_combine(struct definition *, const char *const *ignore,
	    struct conf_options *, struct err *);
/* First problem of the files behind the sheet as -EINVAL, else 0; a file without
 * [Definition] is one. */
int	definition_check(struct definition *, struct err *);
/* The error is about that option, in that line of it (from 1; 0: not known). */
void	definition_blame(struct definition *, const char *name, size_t line);
/* Put its file and line in front of an error, if they are known; returns rc. */
int	definition_where(const struct definition *, int rc, struct err *);

#endif
