/* SPDX-License-Identifier: GPL-2.0-or-later
 * arena.h - memory that is freed all at once: a configuration, one engine start.
 *
 * Out of memory ends the process, which everything that an attacker can grow is capped
 * against; so nothing here returns NULL.
 */
#ifndef BANNER_ARENA_H
#define BANNER_ARENA_H

#include <stddef.h>

#include "banner/base/str.h"

struct arena;

struct arena	*arena_new(void);
void		 arena_free(struct arena *);
/* Zeroed, aligned for any type. */
void		*arena_alloc(struct arena *, size_t bytes);
/* Copies with a NUL at the end; NULL stays NULL. */
char		*arena_dup(struct arena *, struct str);
char		*arena_strdup(struct arena *, const char *);
char		*arena_printf(struct arena *, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

/* Heap memory under the same rule. */
void		*xmalloc(size_t);
void		*xcalloc(size_t n, size_t bytes);
void		*xrealloc(void *, size_t);
char		*xstrdup(const char *);
/* All n bytes, NULs among them too, and a NUL behind. Unlike strndup: the text of a log
 * may hold NULs, and its length goes on being used. */
char		*xstrndup(const char *, size_t n);

#endif
