/* SPDX-License-Identifier: GPL-2.0-or-later
 * stream.h - the engine's side of the store: what must survive a restart.
 *
 * Orders go out as they happen; counters, sessions and places are gathered into them
 * at a MARK, at most MARK_MS after the first change, so what stands between two MARKs
 * is one consistent cut. When the store is away or does not keep up, records are
 * dropped and everything is told anew once it reads again: memory is bounded.
 */
#ifndef BANNER_STREAM_H
#define BANNER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/core/engine.h"
#include "banner/daemon/proc/wire.h"

struct engined;
struct stream;

struct stream *stream_new(struct engined *);
void stream_free(struct stream *);
void stream_connect(struct stream *, int sock);

void stream_order(struct stream *, const struct order *);
void stream_anew(struct stream *); /* tell everything: all times have changed */
void stream_touch(struct stream *); /* a MARK is due */
void stream_mark(struct stream *); /* now */
/* seq that holds all that was told so far; on disk when stream_committed >= it. */
uint64_t stream_seq(struct stream *);
uint64_t stream_committed(const struct stream *);
bool stream_is_open(const struct stream *);
/* The store has a lot to read, and reads. */
bool stream_busy(const struct stream *);
/* Bytes it has yet to be sent; so many that a backlog should wait for it; it has read
 * some of them within wait_ms. */
size_t stream_lead(const struct stream *);
bool stream_far(const struct stream *);
bool stream_moves(const struct stream *, int64_t wait_ms);
/* What seq holds is still to be told, to a store that writes and has read within
 * wait_ms. */
bool stream_tells(const struct stream *, uint64_t seq, int64_t wait_ms);
/* Why it does not write, or ""; valid until the next call. */
const char *stream_trouble(struct stream *);
/* The store could not tell what it knew: nothing may be taken out of force. */
bool stream_lost(const struct stream *);
bool stream_follows(const struct stream *); /* but it will be told later */
uint64_t stream_resyncs(const struct stream *);
/* The stored place of a source, or NULL. */
const char *stream_place(const struct stream *, const char *source);

/* Ask the store; rows come to control_row, the end to control_row_end. */
struct stream_query {
	uint64_t id;
	enum wire_query what;
	const char *jail; /* "" = all */
	struct subject subject;
	uint32_t limit;
};
int stream_query(struct stream *, const struct stream_query *); /* 0, -ENOTCONN */

#endif
