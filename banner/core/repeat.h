/* SPDX-License-Identifier: GPL-2.0-or-later
 * repeat.h - one attempt that several lines speak of counts once.
 *
 * A program writes one line of each kind for an attempt (Zimbra: security, account,
 * imap; a mail client tries PLAIN, then LOGIN). So of lines that share an event key
 * there were as many attempts as there are lines of the most frequent kind: reading
 * more files, or more lines of each, never counts more, and ten guesses in one
 * connection are ten.
 *
 * The keys of the last moments are in a table of fixed size; when keys meet in one
 * place the oldest is forgotten, and an attempt may then count twice.
 */
#ifndef BANNER_REPEAT_H
#define BANNER_REPEAT_H

#include <stdbool.h>

#include "banner/core/block.h"

enum {
	REPEAT_MS = 2000,	/* loose keys, and keys without kinds */
	REPEAT_EXACT_MS = 60000,	/* since the last line of an exact one */
	REPEAT_KINDS = 6,	/* of one key; further ones share the last place */
};

struct repeat;

struct repeat	*repeat_new(void);
void		 repeat_free(struct repeat *);
/* Does the failure, of the jail with this index, speak of attempts that were counted
 * already? If not, they are counted now. Looks at its event, origin, host and time. */
bool	repeat_seen(struct repeat *, uint32_t jail, const struct failure *);

#endif
