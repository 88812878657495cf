/* SPDX-License-Identifier: GPL-2.0-or-later
 * serve.h - the loop of a process that serves the engine: store and actors.
 *
 * It holds the line to the parent (child.h) and the socket to the engine of the day.
 * When the parent hands over the socket to a new engine, the old one is read to its
 * end first, so nothing that the dead engine had sent is lost. Ends when the parent
 * says STOP or is gone.
 */
#ifndef BANNER_SERVE_H
#define BANNER_SERVE_H

#include "banner/base/buf.h"
#include "banner/daemon/proc/child.h"
#include "banner/daemon/proc/wire.h"

struct event;
struct event_base;

struct serve_ops {
	/* A new engine is there: queue what it must know in s->out. */
	void (*start)(void *arg);
	/* One record of the engine; nonzero: it was bad, the connection is given up. */
	int (*record)(void *arg, enum wire_type, struct wire_in *body);
	/* A record of the parent that is not for every process. May be NULL. */
	void (*parent)(void *arg, enum wire_type, struct wire_in *body);
	/* After everything that could be read at once was read. */
	void (*turn)(void *arg);
	/* The engine's socket came to its end. May be NULL. */
	void (*end)(void *arg);
};

/* The caller's; zero-initialise. */
struct serve {
	struct child *child;
	struct event_base *base;
	const struct serve_ops *ops;
	void *arg;
	struct buf out; /* records for the engine; dropped without one */
	int engine, next; /* sockets: the one served, the one that waits; -1 */
	struct event *parent_in, *parent_out, *engine_in, *engine_out;
	uint64_t bad;			/* frames dropped */
	bool soon; /* WIRE_SOON came: the next read waits for more, a moment */
};

/* 0 or -errno. */
int	serve_init(struct serve *, struct child *, const struct serve_ops *, void *arg);
/* Until STOP or the end of the parent; the engine's socket is then read once more. */
void	serve_run(struct serve *);
/* The owner's own events must be freed before. */
void	serve_fini(struct serve *);
/* Send what is queued for the engine and the parent, now or when they are writable. */
void	serve_flush(struct serve *);
/* Send what is queued for the engine, and wait until it is sent: for a lot that only a
 * new engine gets. One that does not read is ended by the parent, and then nothing is
 * queued any more. */
void	serve_push(struct serve *);

#endif
