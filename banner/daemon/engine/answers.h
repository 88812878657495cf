/* SPDX-License-Identifier: GPL-2.0-or-later
 * answers.h - what the link to the helper (ask) tells of names that were looked up.
 *
 * Implemented in names.c; a header of its own, because names asks ask.
 */
#ifndef BANNER_ANSWERS_H
#define BANNER_ANSWERS_H

#include <stddef.h>
#include <stdint.h>

struct addr;
struct names;

enum { NAMES_ADDRS = 16 }; /* of one name; further ones are left out and counted */

/* n 0: the name has no address; of more, the first NAMES_ADDRS are given. */
void names_answer(struct names *, uint64_t ticket, const struct addr *, size_t n);
/* The helper is gone. */
void names_lost(struct names *);

#endif
