/* SPDX-License-Identifier: GPL-2.0-or-later
 * names.h - failures whose host the log names instead of numbering (usedns).
 *
 * The helper looks names up; a failure waits for it, with its own time, and is then
 * counted for every address of the name (A and AAAA), as fail2ban does. Answers are
 * kept for NAMES_KEEP_MS. Bounded: NAMES_MAX names, NAMES_WAITING failures that wait,
 * NAMES_ADDRS addresses of a name; what finds no room, no answer or no address is not
 * counted, and shown.
 */
#ifndef BANNER_NAMES_H
#define BANNER_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "banner/daemon/engine/answers.h"

struct engined;
struct failure;
struct names;

enum {
	NAMES_MAX = 1000,
	NAMES_WAITING = 1000,
	NAMES_KEEP_MS = 5 * 60 * 1000, /* answers */
	NAMES_RETRY_MS = 30 * 1000, /* that there is none */
};

struct names_stats {
	uint64_t failures; /* that named a host */
	uint64_t unknown; /* of these: the name has no address */
	uint64_t dropped; /* of these: no room, or no answer */
	uint64_t cut; /* addresses beyond NAMES_ADDRS */
	size_t known, waiting;
};

struct names *names_new(struct engined *);
void names_free(struct names *);
/* failure->subject.text is the name; it is counted now or later. */
void names_failure(struct names *, const struct failure *);
void names_stats(const struct names *, struct names_stats *);

#endif
