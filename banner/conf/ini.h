/* SPDX-License-Identifier: GPL-2.0-or-later
 * ini.h - one configuration file as sections, options and lines.
 *
 * The physical rules are those of Python's configparser as fail2ban uses it: options
 * end at the first "=" or ":", names are lower-cased, deeper indented lines continue
 * a value, "#" and ";" start a comment line, " ;" a comment behind text. Our reader
 * applies them and hands libinih only short, encoded pieces, so that no limit of
 * any build of it (200-byte lines, 50-byte names) touches a configuration.
 *
 * Reading goes on after a mistake, so that all of them are told at once. Everything
 * lives in the caller's arena.
 */
#ifndef BANNER_CONF_INI_H
#define BANNER_CONF_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "banner/base/arena.h"
#include "banner/base/err.h"
#include "banner/base/str.h"

/* Caps: a file that exceeds one is refused whole. */
enum { INI_MAX_BYTES = 4 << 20, INI_MAX_SECTIONS = 4096, INI_MAX_OPTIONS = 4096 };

struct ini_option {
	const char *name;	/* lower case */
	const char *value;	/* lines joined with \n, not yet interpolated */
	int line;		/* where the option begins */
	const int *lines;	/* of the value; NULL: they follow that one */
};

struct ini_section {
	const char *name;
	int line;
	struct ini_option *options;
	size_t n;
};

struct ini_problem {
	int line;
	const char *section;	/* the section it is in, or NULL: before the first */
	const char *text;
};

struct ini {
	const char *path;
	struct ini_section *sections;
	size_t nsections;
	struct ini_problem *problems;
	size_t nproblems;
	bool unreadable;	/* nothing else is in it but the problem */
	struct ini_problem *notes;	/* what has no effect; nothing is lost by it */
	size_t nnotes;
};

/* Parse a text; path is only a name for messages. Never fails: see problems. */
struct ini	*ini_parse_text(struct arena *, const char *path, struct str text);
/* Read and parse a file. 0, -ENOENT, -EACCES, -EFBIG ... with text. */
int		 ini_load(struct arena *, const char *path, struct ini **,
		    struct err *);
/* Add a note, or a problem of [INCLUDES], once; the text lives as long as the arena. */
void	ini_note(struct arena *, struct ini *, int line, const char *text);
void	ini_problem(struct arena *, struct ini *, int line, const char *text);
/* NULL when absent. */
const struct ini_section	*ini_section_find(const struct ini *, const char *name);
const struct ini_option		*ini_option_find(const struct ini_section *,
				    const char *name);

/* Room for element n of a list that grows in the arena; call before each append. */
void	*vec_room(struct arena *, const void *list, size_t n, size_t bytes);

#endif
