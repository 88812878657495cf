/* SPDX-License-Identifier: GPL-2.0-or-later
 * wire.h - the records that banner's processes send each other.
 *
 * SOCK_SEQPACKET frames of at most WIRE_FRAME bytes hold whole records, packed, in
 * host byte order (both ends are of one build: WIRE_VERSION is exchanged first).
 * A record is a type, a length and fields written in the order its struct lists them.
 * The reader checks every length; a bad frame is counted and dropped, and its sender
 * is restarted by the parent. Nothing here blocks.
 */
#ifndef BANNER_WIRE_H
#define BANNER_WIRE_H

#include "banner/base/buf.h"
#include "banner/core/engine.h"

enum { WIRE_FRAME = 65536, WIRE_VERSION = 1 };

enum wire_type {
	WIRE_HELLO = 1,		/* version, role */
	/* engine -> store; store -> new engine at start (then WIRE_END) */
	WIRE_BAN, WIRE_UNBAN, WIRE_COUNT, WIRE_SESSION, WIRE_PLACE, WIRE_HISTORY,
	WIRE_MARK,		/* seq: everything before it is one consistent cut */
	WIRE_COMMITTED,		/* store -> engine: seq is on disk; err: why not */
	WIRE_END,
	WIRE_QUERY, WIRE_ROW,	/* history and evidence for banctl; WIRE_END closes */
	WIRE_CLOCK,		/* stored ends of bans move by delta_ms */
	/* engine -> actor */
	WIRE_BEGIN,		/* generation: the wanted set follows anew */
	WIRE_CHANGE,		/* one bn_change for one instance */
	WIRE_COMPLETE,		/* generation: what was not named may be removed */
	WIRE_GUARD,		/* group of the never-ban guard */
	WIRE_FLUSH,		/* remove everything (stop --unban) */
	WIRE_JAIL,		/* jail started or stopped */
	WIRE_TARGETS,		/* ask for the targets; answered with WIRE_TARGET, WIRE_END */
	/* actor -> engine */
	WIRE_DONE,		/* instance, ban id, target, err, when */
	WIRE_STATE,		/* instance: drift repaired, failures, in force */
	WIRE_TARGET,
	WIRE_LOG,		/* a line for the log */
	/* parent <-> children */
	WIRE_SOCKET,		/* a socket travels with it (SCM_RIGHTS): role, actor */
	WIRE_READY, WIRE_STOP, WIRE_RELOAD, WIRE_REPLY, WIRE_BEAT,
	/* engine <-> helper */
	WIRE_ASK, WIRE_ANSWER,
};

/* Writing: records are appended to one buf, flushed as frames by wire_send. */
void	wire_start(struct buf *, enum wire_type);
void	wire_u8(struct buf *, uint8_t);
void	wire_u32(struct buf *, uint32_t);
void	wire_u64(struct buf *, uint64_t);
void	wire_i64(struct buf *, int64_t);
void	wire_str(struct buf *, struct str);
void	wire_addr(struct buf *, const struct addr *);
void	wire_subject(struct buf *, const struct subject *);
void	wire_finish(struct buf *);	/* sets the length of the record begun last */

/* Reading. Getters past the end give zeros and set bad; check once at the end. */
struct wire_in {
	const uint8_t *p, *end;
	bool bad;
};
/* The next record of a frame: 1 with type and body, 0 at the end, -EBADMSG. */
int		 wire_next(struct wire_in *frame, enum wire_type *, struct wire_in *body);
uint8_t		 wire_get_u8(struct wire_in *);
uint32_t	 wire_get_u32(struct wire_in *);
uint64_t	 wire_get_u64(struct wire_in *);
int64_t		 wire_get_i64(struct wire_in *);
struct str	 wire_get_str(struct wire_in *);	/* NUL-terminated inside the frame */
struct addr	 wire_get_addr(struct wire_in *);
struct subject	 wire_get_subject(struct wire_in *);

/* Whole bans and orders: the same fields for the store and the actors. */
void	wire_put_ban(struct buf *, const struct order *);
struct wire_ban {
	struct ban ban;
	enum cause cause;
	uint32_t nlines, nfields;
	struct wire_in lines, fields;	/* strings; pairs of strings */
};
int	wire_get_ban(struct wire_in *, struct wire_ban *);

/* Send as many whole records of out as the socket takes now, as frames; what was sent
 * leaves the buf. 0 (buf empty), -EAGAIN (rest stays), or -errno. fd >= 0 goes with
 * the first frame (SCM_RIGHTS). */
int	wire_send(int sock, struct buf *out, int fd);
/* One frame: its length, 0 at end of file, or -errno. *fd is -1 or a descriptor that
 * came with it (the caller's). */
int	wire_recv(int sock, uint8_t frame[WIRE_FRAME], struct wire_in *, int *fd);

#endif
