/* SPDX-License-Identifier: GPL-2.0-or-later
 * subject.h - subjects as keys of tables, and as text of lines and replies.
 */
#ifndef BANNER_SUBJECT_H
#define BANNER_SUBJECT_H

#include "banner/core/block.h"

struct buf;

enum { SUBJECT_KEY = 4 + 1 + SUBJECT_TEXT };

/* Bytes that name a subject within a group (a jail's number); the length. */
size_t	subject_key(uint8_t out[SUBJECT_KEY], uint32_t group, const struct subject *);
bool	subject_eq(const struct subject *, const struct subject *);
void	subject_put(struct buf *, const struct subject *);
/* Alone in the buffer, which is cleared first; returns its text. */
const char	*subject_text(const struct subject *, struct buf *);

#endif
