/* SPDX-License-Identifier: GPL-2.0-or-later
 * literal_char.h - inside literal: one character of a regex, however it is written.
 */
#ifndef BANNER_LITERAL_CHAR_H
#define BANNER_LITERAL_CHAR_H

#include "banner/core/literal_set.h"

/* Where the reading of a regex is. */
struct reader {
	const char *p;
	struct arena *a;
	bool nocase;
	bool lost;		/* not understood: no sets */
	unsigned depth;
};

/* A character of which nothing can be said: beyond ASCII, or with a twin there. */
bool	literal_vague(const struct reader *, unsigned c);
/* A part that is this character; one of which nothing is known if it is vague. */
struct part	literal_char(struct reader *, unsigned c);
/* The character that an escape stands for, or -1 (a class, a back reference), or -2
 * (zero width). The pointer stands on the letter behind the backslash. */
int	literal_escape(struct reader *);
/* [...]; the pointer stands behind the bracket. */
struct part	literal_class(struct reader *);
/* The bracket that ends the class "[...]" at i, where a first "]" is a member; the NUL
 * if there is none. */
size_t	literal_class_end(const char *regex, size_t i);
/* Behind the next such text; lost when there is none. */
void	literal_skip(struct reader *, const char *end);

static inline struct part
part_unknown(void)
{
	return (struct part){ .exact = false };
}

#endif
