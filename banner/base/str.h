/* SPDX-License-Identifier: GPL-2.0-or-later
 * str.h - a piece of somebody else's text.
 *
 * A struct str borrows: pointer and length, not NUL-terminated, valid as long as
 * the text it points into. Nothing here allocates.
 */
#ifndef BANNER_STR_H
#define BANNER_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	const char *s;
	size_t len;
};

#define STR(literal)	((struct str){ literal, sizeof(literal) - 1 })

struct str	 str_of(const char *);			/* NULL gives the empty text */
bool		 str_eq(struct str, struct str);
bool		 str_is(struct str, const char *);	/* equal to a C string */
bool		 str_starts(struct str, const char *prefix);
bool		 str_ends(struct str, const char *suffix);
struct str	 str_trim(struct str);	/* ASCII white space, both ends */
/* The part before the first c, which is removed from *rest together with c;
 * false when rest was already used up (rest->s is then NULL). */
bool		 str_cut(struct str *rest, char c, struct str *part);
/* The next word between ASCII white space; false when there is none. */
bool		 str_word(struct str *rest, struct str *word);
/* Whole text as a decimal number: 0, -EINVAL (not a number), -ERANGE. */
int		 str_u64(struct str, uint64_t *);
int		 str_i64(struct str, int64_t *);
/* fail2ban's booleans: "1", "on", "true", "yes" in any case; all else is false. */
bool		 str_bool(struct str);
bool		 str_is_ascii(struct str);	/* no byte above 0x7f */
size_t		 str_chars(struct str);		/* of UTF-8: bytes that begin one */

#endif
