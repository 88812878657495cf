/* SPDX-License-Identifier: GPL-2.0-or-later
 * control.h - the control socket: clients, requests, replies that come later.
 *
 * A request is one line, `[json|f2b] WORD ...` with shell-like quotes. Every payload
 * line of the reply begins with one blank; the last line, without, is `ok` or
 * `error CODE TEXT`. Who may read and who may change is told by the kernel
 * (SO_PEERCRED). Caps: clients, clients of one user, bytes of a request, time to send
 * it, bytes of a reply that nobody reads.
 */
#ifndef BANNER_CONTROL_H
#define BANNER_CONTROL_H

#include <stdint.h>

struct control;
struct control_stats;
struct engined;

struct control *control_new(struct engined *);
void control_free(struct control *);
/* Takes the socket. Clients wait in its backlog until the state is restored. */
void control_listen(struct control *, int sock);
void control_begin(struct control *);
/* This engine ends: whoever connects from now on waits for the next one. */
void control_end(struct control *);
/* Is there a client that the parent has not answered yet? */
bool control_waits(const struct control *);
/* Send what is queued, as far as it goes now; before the end of the process. */
void control_flush(struct control *);

/* The parent's answer to engined_ask_parent. */
void control_parent_reply(struct control *, uint64_t ticket, int err, const char *text);

void control_stats(const struct control *, struct control_stats *);

#endif
