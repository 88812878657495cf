/* SPDX-License-Identifier: GPL-2.0-or-later
 * feed.h - the jails' rules, their sources, and what comes of each block.
 */
#ifndef BANNER_FEED_H
#define BANNER_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/core/engine.h"
#include "banner/core/match.h"
#include "banner/daemon/engine/watched.h"
#include "banner/source/source.h"

struct engined;
struct feed;

/* Compile everything and add the sources; nothing is read yet. A jail that fails here
 * is logged and does not run. 0 or -errno. */
int feed_new(struct engined *, struct feed **, struct err *);
void feed_free(struct feed *);
void feed_start(struct feed *);
void feed_hold(struct feed *, bool held); /* sources_hold */
bool feed_caught_up(const struct feed *);
/* How much of what was there at the start is read; false: all of it. */
bool feed_backlog(struct feed *, struct backlog *);

size_t feed_watches(const struct feed *);
const struct watch *feed_watch(const struct feed *, size_t i);
const struct watch *feed_watch_find(const struct feed *, const char *jail);
/* All sources, or those of one jail. */
typedef void(feed_source_fn)(void *arg, struct source *);
void feed_sources(struct feed *, const struct watch *, feed_source_fn *, void *arg);

/* Logs that are not followed, as too many are. */
size_t feed_refused(const struct feed *);

/* The name of a failure's log; NULL: unknown. */
const char *feed_log(const struct feed *, uint16_t number);

/* For the store: what changed since the last call, or all of it. */
typedef void(feed_record_fn)(void *arg, const char *jail, struct str key, struct str);
typedef void(feed_place_fn)(void *arg, const char *source, const char *place);
void feed_sessions(struct feed *, bool all, feed_record_fn *, void *arg);
void feed_places(struct feed *, bool all, feed_place_fn *, void *arg);
void
feed_session_put(struct feed *, const char *jail, struct str key, struct str record);

#endif
