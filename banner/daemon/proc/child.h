/* SPDX-License-Identifier: GPL-2.0-or-later
 * child.h - the start of every process that bannerd runs, and its line to the parent.
 *
 * A child is a program of its own, started with descriptor 3 = SOCK_SEQPACKET to the
 * parent, 4 = sealed memory that holds the packed configuration, argv[1] = detail of
 * the role (number of the actor), everything else closed. It says HELLO, gets SOCKET
 * records, says READY when it serves, answers BEAT, and ends on STOP or when the
 * parent is gone; if that takes long it says BEAT by itself. What is in force stays in
 * force.
 */
#ifndef BANNER_CHILD_H
#define BANNER_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/daemon/proc/image.h"
#include "banner/daemon/proc/sandbox.h"
#include "banner/daemon/proc/wire.h"

enum { CHILD_PARENT_FD = 3, CHILD_CONF_FD = 4 };

struct child {
	int fd; /* to the parent */
	const char *role; /* "banner.store": name of its log lines */
	struct image image;
	const struct conf *conf; /* of it */
	struct buf out; /* records for the parent that are not sent yet */
	uint64_t lost; /* log lines dropped because the parent did not read */
	/* Owner's promise to call child_flush soon, so that orders go out before the
	 * log lines that tell of them; false or NULL: a line is sent at once. Errors
	 * never wait. */
	bool (*later)(void *arg);
	void *later_arg;
};

/* Unpack the configuration, make the log go to the parent, queue HELLO. SIGPIPE is
 * ignored. 0 or -errno with text (also on standard error). */
int child_open(struct child *, const char *role, enum conf_part, struct err *);
/* READY, with the level of the sandbox for banctl status. */
void child_ready(struct child *, const struct sandbox_level *);
/* Send what is queued; -EAGAIN: wait until writable, -EPIPE: the parent is gone. */
int child_flush(struct child *);
/* Common answer to a record of the parent: BEAT is answered. True if it was handled. */
bool child_handles(struct child *, enum wire_type, struct wire_in *body);
/* The end takes long: STOP was heard, and the parent is to wait. */
void child_works(struct child *);
void child_close(struct child *);

#endif
