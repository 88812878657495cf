/* SPDX-License-Identifier: GPL-2.0-or-later
 * uncounted.h - what came to nothing in a jail, since the start of the engine.
 *
 * Lines that were refused and decisions that were not carried out, whoever caused them:
 * caps that were reached among them.
 */
#ifndef BANNER_UNCOUNTED_H
#define BANNER_UNCOUNTED_H

#include <stdbool.h>

struct buf;
struct engined;

/* "3 lines too long, 1 without a date": what there was. False: nothing. */
bool	uncounted_text(const struct engined *, const char *jail, struct buf *);
/* "uncounted":{...}, every name with its number. */
void	uncounted_json(const struct engined *, const char *jail, struct buf *);

#endif
