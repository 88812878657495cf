/* SPDX-License-Identifier: GPL-2.0-or-later
 * fallback.h - backend = auto: the journal, as long as a jail has no log.
 *
 * Whether the journal is read is decided at the start. The first log that comes takes
 * over for good; what the journal has told is not counted again from it.
 */
#ifndef BANNER_FALLBACK_H
#define BANNER_FALLBACK_H

#include <stdbool.h>

#include "banner/core/block.h"
#include "banner/daemon/engine/watched.h"
#include "banner/source/source.h"

bool source_is_journal(const struct source *);

/* The filter knows the journal, none of the logs is there, and the jail allows it. */
bool fallback_wanted(const struct conf_jail *);
/* skip_if_nologs: none of the logs is there, and the jail shall not wait for one. */
bool fallback_skips(const struct conf_jail *);
/* A source was opened: a file takes over from the journal in its jails. */
void fallback_opened(struct source *);
/* A journal that is no more read, because its jail has a log by now. */
bool fallback_over(const struct source *);
/* True: the failure, of a late log, is one the journal told of (not newer than that
 * one's last). */
bool fallback_told(struct watch *, const struct failure *, bool by_journal);

#endif
