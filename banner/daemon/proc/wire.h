/* SPDX-License-Identifier: GPL-2.0-or-later
 * wire.h - the records that banner's processes send each other.
 *
 * SOCK_SEQPACKET frames of at most WIRE_FRAME bytes hold whole records, packed, in
 * host byte order (both ends are of one build: WIRE_VERSION is exchanged first).
 * A record is a type, a length and the fields listed below, in that order. "ban" is
 * what wire_put_ban writes; err is a positive errno, 0 = done; times are ms.
 * The reader checks every length; a bad frame is counted and dropped, and its sender
 * is restarted by the parent. Nothing here blocks.
 */
#ifndef BANNER_WIRE_H
#define BANNER_WIRE_H

#include "banner/base/buf.h"
#include "banner/base/uncleared.h"
#include "banner/core/order.h"

enum { WIRE_FRAME = 65536, WIRE_VERSION = 1 };

#define WIRE_ROOM(name) uint8_t name[WIRE_FRAME] UNCLEARED /* for one frame */
/* Evidence: longer lines and fields end in "..."; of more lines the newest are kept. */
enum { WIRE_LINE = 4096, WIRE_LINES = 24 * 1024, WIRE_FIELD = 1024 };

enum wire_type {
	WIRE_HELLO = 1, /* u32 version, str role (first record on a socket) */
	/* engine -> store, taken together at the next MARK; and store -> new engine at
	 * its start, closed by WIRE_END with id 0 */
	WIRE_BAN, /* ban; the same id again (prolong) replaces it */
	WIRE_UNBAN, /* u64 id of the ban, u8 cause */
	WIRE_COUNT, /* str jail, str key, str record (empty: delete) */
	WIRE_SESSION, /* str jail, str key, str record (empty: delete) */
	WIRE_PLACE, /* str source key, str record (empty: delete) */
	WIRE_HISTORY, /* str jail, subject, u32 bans so far, i64 last; to the
		       * engine only: the store counts WIRE_BAN itself */
	WIRE_MARK, /* u64 seq: everything before it is one consistent cut */
	WIRE_COMMITTED, /* u64 seq, u32 err, str why; an err is told once, and
			 * again with err 0 when the seq is on disk after all */
	WIRE_END, /* u64 id of the query; 0 = the restored state */
	WIRE_QUERY, /* u64 id, u8 enum wire_query, str jail ("" = all), subject,
		     * u32 limit; answered by ROW*, END. An address with nets around */
	WIRE_ROW, /* u64 id, i64 ended (0 = running), u8 cause of it, ban */
	WIRE_ANEW, /* -; bans, counters and sessions up to the next MARK are all there
		    * are: whatever else is stored of them goes */
	WIRE_LOST, /* store -> engine: u8 later, str why: what was stored cannot be
		    * read. Before END: keep what is in force outside; later 1: it
		    * will follow with another END when it can be. After END: tell
		    * me all you know, with ANEW */
	/* engine -> actor; instance = index among the conf->actions of this actor */
	WIRE_BEGIN, /* u64 generation: the wanted set follows anew */
	WIRE_CHANGE, /* u32 instance, ban (its verb: BAN, UNBAN, PROLONG) */
	WIRE_COMPLETE, /* u64 generation, u8 force: what was not named may be
			* removed (force: even if it is most) */
	WIRE_GUARD, /* from the parent only: str group, u8 more (the group goes
		     * on in the next one), u32 n, n times: addr, str reason */
	WIRE_FLUSH, /* u32 instance or WIRE_ALL: remove all (stop --unban) */
	WIRE_JAIL, /* u32 instance, str jail, u8 started (0: stopped) */
	WIRE_TARGETS, /* u64 id, u64 ban (0: the hosts themselves); answered with
		       * TARGET*, END */
	/* actor -> engine */
	WIRE_DONE, /* u32 instance, u64 ban, u8 verb, str target ("" = all),
		    * u32 err, i64 when */
	WIRE_STATE, /* u32 instance, u64 in force, u64 wanted, u64 applied,
		     * u64 failed, u64 repaired, u64 conflicts, u64 refused,
		     * i64 when of the last error, str last error, u32 targets,
		     * u8 bare (1: changes need neither evidence nor captures) */
	WIRE_TARGET, /* u64 id, u32 instance, str name, str state */
	WIRE_LOG, /* u8 enum log_level, str text, str name (log.h) */
	/* parent <-> children */
	WIRE_SOCKET, /* str peer, u32 generation; the socket travels with it */
	WIRE_READY, /* str level of the sandbox */
	WIRE_STOP, /* - */
	WIRE_RELOAD, /* engine asks: u64 ticket, str what ("reload", "stop",
		      * "flushlogs", "loglevel LEVEL" ...), str who */
	WIRE_REPLY, /* u64 ticket, u32 err, str text */
	WIRE_BEAT, /* -; answered with the same; from a child that ends: at work */
	/* engine -> actor, and its answer when nothing of that subject is under way */
	WIRE_LOOK, /* u64 id, u32 instance, addr */
	WIRE_LOOKED, /* u64 id, u32 instance, u8 there, u32 err (ENOTSUP: the action
		      * cannot tell what is in force) */
	WIRE_UNNAMED, /* engine -> actor: -; what is in force that no ban asks for? */
	WIRE_FOUND, /* actor -> engine: u32 instance (WIRE_ALL: that is all), addr */
	/* actor -> engine: u32 instance, u64 ticket, str user, addr; and its answer */
	WIRE_KNOWN, /* may who is banned log in there, for he did before? */
	WIRE_KNOWS, /* u32 instance, u64 ticket, u8 yes */
	/* engine <-> helper */
	WIRE_ASK, WIRE_ANSWER, /* see ask.c */
	WIRE_NAME, /* u64 ticket, str host name */
	WIRE_ADDRS, /* u64 ticket, u32 n, n times addr; 0: it has none */
	WIRE_SOON, /* engine -> actor: -; an order may come at once (serve.h) */
	WIRE_PANIC, /* parent -> engine: -; before any socket: keep nothing in force */
	WIRE_LAST = WIRE_PANIC,
};
enum wire_query { QUERY_SUBJECT, QUERY_RECENT, QUERY_EXPLAIN };	/* with evidence */
#define WIRE_ALL UINT32_MAX

/* Writing: records are appended to one buf, flushed as frames by wire_send. */
size_t	wire_start(struct buf *, enum wire_type);
void	wire_u8(struct buf *, uint8_t);
void	wire_u32(struct buf *, uint32_t);
void	wire_u64(struct buf *, uint64_t);
void	wire_i64(struct buf *, int64_t);
void	wire_str(struct buf *, struct str);
void	wire_text(struct buf *, const char *);		/* NULL as "" */
void	wire_addr(struct buf *, const struct addr *);
void	wire_subject(struct buf *, const struct subject *);
/* Close the record that wire_start began at this offset. -EMSGSIZE: it does not fit
 * into a frame and was taken out again. */
int	wire_finish(struct buf *, size_t at);
void wire_empty(struct buf *, enum wire_type); /* a whole record without fields */

/* Reading. Getters past the end give zeros and set bad; check once at the end. */
struct wire_in {
	const uint8_t *p, *end;
	bool bad;
};
/* The next record of a frame: 1 with type and body, 0 at the end, -EBADMSG. */
int wire_next(struct wire_in *frame, enum wire_type *, struct wire_in *body);
uint8_t		 wire_get_u8(struct wire_in *);
uint32_t	 wire_get_u32(struct wire_in *);
uint64_t	 wire_get_u64(struct wire_in *);
int64_t		 wire_get_i64(struct wire_in *);
struct str wire_get_str(struct wire_in *); /* NUL-terminated inside the frame */
const char *wire_get_text(struct wire_in *); /* the same; a NUL inside is bad */
struct addr	 wire_get_addr(struct wire_in *);
struct subject	 wire_get_subject(struct wire_in *);
/* All fields of the record were there, and nothing more: 0 or -EBADMSG. */
int		 wire_done(const struct wire_in *);

/* Whole bans and orders: the same fields for the store and the actors. */
void	wire_put_ban(struct buf *, const struct order *);
void	wire_put_unban(struct buf *, const struct order *); /* for the store alone */
struct wire_ban {
	struct ban ban;			/* texts lie in the frame */
	enum verb verb;
	enum cause cause;
	uint32_t nlines, nfields;
	struct wire_in lines, fields;	/* nlines strings; nfields pairs of strings */
};
int	wire_get_ban(struct wire_in *, struct wire_ban *);	/* 0 or -EBADMSG */

/* Send as many whole records of out as the socket takes now, as frames; what was sent
 * leaves the buf. 0 (buf empty), -EAGAIN (rest stays), or -errno. fd >= 0 goes with
 * the first frame (SCM_RIGHTS), which must then be the only one (else -EMSGSIZE). */
int	wire_send(int sock, struct buf *out, int fd);
/* One frame: its length, 0 at end of file, or -errno (-EAGAIN: none now; -EBADMSG: too
 * long). *fd is -1 or a descriptor that came with it (the caller's). What a peer sent
 * before it died is still delivered. */
int	wire_recv(int sock, uint8_t frame[WIRE_FRAME], struct wire_in *, int *fd);

#endif
