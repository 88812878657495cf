/* SPDX-License-Identifier: GPL-2.0-or-later
 * lines.h - the physical lines of a configuration file, by configparser's rules.
 *
 * A small state machine: text goes in, whole items come out. It borrows the text.
 */
#ifndef BANNER_CONF_LINES_H
#define BANNER_CONF_LINES_H

#include <stdbool.h>

#include "banner/base/buf.h"
#include "banner/base/str.h"

enum item_kind { ITEM_END, ITEM_SECTION, ITEM_OPTION, ITEM_PROBLEM };

struct item {
	enum item_kind kind;
	int line;
	struct str name;	/* of the section or option */
	bool broken;		/* of the section: it is not "[name]" */
	struct str value;	/* of the option; the problem's text; or a note on
				 * the section, or what is wrong with it */
	const int *numbers;	/* of the option's value, line by line; NULL: they
				 * follow each other */
	size_t nnumbers;
};

struct lines {
	struct str rest;
	int line;		/* number of the line read last */
	bool in_section;
	struct str held;	/* a line that was read but belongs to the next item */
	bool has_held, glued;
	struct buf text;	/* value being collected, or problem text */
	struct buf name;
	struct buf numbers;	/* int: where each line of the value stands */
	bool gap;		/* a comment stands between them */
};

void	lines_init(struct lines *, struct str text);
void	lines_fini(struct lines *);
/* The next item; its texts are valid until the next call. */
void	lines_next(struct lines *, struct item *);

#endif
