/* SPDX-License-Identifier: GPL-2.0-or-later
 * filter.h - the rules of a jail, fully expanded, and the plain lists they use.
 *
 * Part of conf.h, which is what others include.
 */
#ifndef BANNER_CONF_FILTER_H
#define BANNER_CONF_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct err;

/* Where something is set; file NULL: not known. */
struct conf_place { const char *file; int line; };

/* A list of texts; NULL-free, n entries. */
struct conf_list {
	const char **v;
	size_t n;
};

/* file and line: where an option of a jail is set; NULL and 0: not known. */
struct conf_option { const char *key, *value, *file; int line; };
struct conf_options { struct conf_option *v; size_t n; };

/* Where n entries of an option stand, from number (1 is the first) on, each a line
 * further than the one before; number 0: where the option begins. */
struct conf_origin { const char *option, *file; size_t number, n; int line; };
struct conf_origins { struct conf_origin *v; size_t n; };

/* No %(..)s and no known <tag> is left. */
struct conf_filter {
	const char *name;		/* "sshd"; "" = the jail has none */
	const char *file;		/* main file; NULL: none, all in the jail */
	struct conf_list failregex, ignoreregex;
	const char *prefregex;		/* NULL: none */
	struct conf_list datepattern;	/* as written; n = 0: the default list */
	struct conf_list journalmatch;
	unsigned maxlines;		/* >= 1 */
	const char *parser;		/* a built-in tokeniser by name, or NULL */
	struct conf_list loginregex;	/* ours: logins that went well; see known_ms */
	struct conf_list weight;	/* ours: "N" per failregex, or empty: 1 each */
	const char *logtype;		/* file, journal, short, rfc5424 */
	bool ours;			/* not to be read as fail2ban does */
	struct conf_options options;	/* resolved [Definition] and [Init] */
	struct conf_origins origins;	/* see conf_filter_place() */
};

/* Where that entry of an option (see struct err) stands in a file; number 0: where the
 * option begins, as for an entry whose line is not known. */
struct conf_place	conf_filter_place(const struct conf_filter *,
			    const char *option, size_t number);

/* A filter with bracket options as a jail would get it: "sshd[mode=aggressive]", or a
 * path. logtype NULL: file. For banregex; the result lives in the arena.
 * 0 or -errno. */
struct conf_filter_request {
	const char *dir, *spec, *logtype;
	struct arena *arena;
};
int	conf_filter_read(const struct conf_filter_request *, struct conf_filter *,
	    struct err *);

/* Value of a plugin or jail option, or fallback. */
const char	*conf_option(const struct conf_options *, const char *key,
		    const char *fallback);

#endif
