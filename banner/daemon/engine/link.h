/* SPDX-License-Identifier: GPL-2.0-or-later
 * link.h - one socket with records, driven by the event loop.
 *
 * Embedded in its owner. Records are written to out and sent when the socket takes
 * them; what a link that is not open is given is dropped.
 */
#ifndef BANNER_LINK_H
#define BANNER_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/base/buf.h"
#include "banner/daemon/proc/wire.h"

struct event;
struct event_base;

struct link_ops {
	/* One record; nonzero: it was bad, the link is closed. */
	int (*record)(void *arg, enum wire_type, struct wire_in *);
	void (*closed)(void *arg); /* the peer is gone; link_is_open is false */
	void (*drained)(
	    void *arg); /* out was sent whole after it had to wait; or NULL */
};

struct link {
	struct event_base *base;
	const struct link_ops *ops;
	void *arg;
	int sock; /* -1: not open */
	struct buf out;
	struct event *in, *writable;
	bool waits; /* for the socket to take more */
	int64_t moved_ms; /* when it last took something, CLOCK_MONOTONIC */
};

void link_init(struct link *, struct event_base *, const struct link_ops *, void *arg);
/* Takes the socket; one that was open before is closed, what was in out is dropped. */
void link_open(struct link *, int sock);
void link_close(struct link *);
bool link_is_open(const struct link *);
void link_flush(struct link *);
/* More than so many bytes wait for a peer that reads on: what can be done later may
 * wait a moment. Not for one that has read nothing for a second. */
bool link_busy(const struct link *, size_t bytes);
/* Since when the peer has taken nothing. */
int64_t link_still_ms(const struct link *);
/* Read what is there now; for the last words of a peer. */
void link_read(struct link *);

#endif
