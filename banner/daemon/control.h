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

#include <stdbool.h>
#include <stdint.h>

#include "banner/core/engine.h"
#include "banner/daemon/wire.h"

struct control;
struct engined;

struct control	*control_new(struct engined *);
void		 control_free(struct control *);
void		 control_listen(struct control *, int sock);	/* takes the socket */
/* Send what is queued, as far as it goes now; before the end of the process. */
void		 control_flush(struct control *);

/* News that replies wait for. */
void	control_committed(struct control *);
void	control_applied(struct control *, uint64_t ban);
void	control_row(struct control *, struct wire_in *);
void	control_row_end(struct control *, uint64_t id);
void	control_target(struct control *, struct wire_in *);
void	control_parent_reply(struct control *, uint64_t ticket, int err, const char *text);

/* What `watch` shows. */
bool	control_watched(const struct control *);
void	control_event(struct control *, const char *text);
void	control_order(struct control *, const struct order *, const char *subject);

struct control_stats {
	uint64_t requests, changes, refused, dropped;
	size_t clients;
};
void	control_stats(const struct control *, struct control_stats *);

#endif
