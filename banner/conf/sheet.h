/* SPDX-License-Identifier: GPL-2.0-or-later
 * sheet.h - several files merged into one: who says what, and what it replaced.
 *
 * Files are merged in fail2ban's order; a later value of an option keeps the one it
 * replaces, so that %(known/x)s can go back step by step. Files are parsed once and
 * shared. All of it lives in the arena of the reading.
 */
#ifndef BANNER_CONF_SHEET_H
#define BANNER_CONF_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "banner/base/arena.h"
#include "banner/base/err.h"
#include "banner/conf/ini.h"

/* "File" of what no file says. */
#define SHEET_BUILT_IN "(built in)"

struct value {
	const char *text;
	const char *file;
	int line;
	const int *lines;		/* of the text; NULL: they follow that one */
	const struct value *prev;	/* what it replaced in its section, or NULL */
};

struct entry {
	const char *name;
	const struct value *value;
};

struct section {
	const char *name;
	const char *file;		/* where it was first seen */
	int line;
	struct entry *entries;		/* order of first appearance */
	size_t n;
};

struct sheet_problem {
	const char *file, *section;	/* it stands in, or NULL */
	int line;
	const char *text;
};

struct sheet {
	struct arena *arena;
	struct section defaults;	/* [DEFAULT] of all files */
	struct section *sections;
	size_t n;
	struct sheet_problem *problems;
	size_t nproblems;
	struct sheet_problem *notes;	/* what has no effect in these files */
	size_t nnotes;
	const char *file;		/* the main one, not an include */
	size_t nfiles;
};

/* Parsed files and merged sheets of one reading. */
struct files;
struct files	*files_new(struct arena *);

struct sheet	*sheet_new(struct arena *);
/* Merge one file, what it includes, and its .local twin unless listed itself.
 * A missing file is not an error; the number of files merged is in nfiles. */
void	sheet_merge_list(struct sheet *, struct files *, const char *const *paths,
	    size_t n);
void	sheet_merge(struct sheet *, const struct ini *);
/* Add a problem that concerns everything; something that has no effect. */
void	sheet_problem(struct sheet *, const char *file, const char *text);
void	sheet_note(struct sheet *, const char *file, const char *text);
/* Outside of any section that could be refused alone. */
bool	sheet_problem_is_common(const struct sheet_problem *);
/* List of DIR/BASE files in fail2ban's order, merged into the sheet. */
void	sheet_merge_base(struct sheet *, struct files *, const char *dir,
	    const char *base);
/* Set one option as if the last file had it. */
void	sheet_set(struct sheet *, const char *section, const char *name,
	    const char *value);

/* DIR/BASE.conf, DIR/BASE.d, DIR/BASE.local, DIR/BASE.d again (*.local): fail2ban's
 * order. Cached. NULL when there is none of them. */
const struct sheet	*sheet_read(struct files *, const char *dir, const char *base);
/* FOLDER/x.conf in name order, then FOLDER/x.local: merged into the sheet. */
void	sheet_merge_folder(struct sheet *, struct files *, const char *folder);

/* Length of the word of letters, digits and "_" at the start. */
size_t	sheet_word(const char *);
/* All NULL when absent. "DEFAULT" names the defaults. */
const struct section	*sheet_section(const struct sheet *, const char *name);
const struct value	*section_find(const struct section *, const char *name);
/* Where the text's line number i (from 0) stands; none is behind its last one. */
int	value_line(const struct value *, int i);
/* Section first, then the defaults. */
const struct value	*sheet_find(const struct sheet *, const char *section,
			    const char *name);
/* The same, and then [Init], where filters and actions have the rest. */
const struct value	*sheet_option(const struct sheet *, const char *section,
			    const char *name);

#endif
