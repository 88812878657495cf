/* SPDX-License-Identifier: GPL-2.0-or-later
 * set.h - the set of bans, the log of operations, and texts.
 *
 * The set is as large as the actor's, whose bans are capped; the log keeps LOG_OPS.
 */
#ifndef BANNER_SSH_SET_H
#define BANNER_SSH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/action.h"

enum { LOG_OPS = 65536 };	/* operations kept for hosts that are behind */

struct entry {
	struct bn_addr addr;	/* family 0: a free place */
	uint64_t id, seq;	/* ban; operation that changed it last */
	int64_t until_ms;	/* 0: for ever */
};

/* What shall be in force. Open addressing under a random key: who is banned may choose
 * his address, but not collisions. */
struct set {
	struct entry *v;
	size_t cap, n;
	uint64_t key[2], digest;	/* digest as in banner-edge(7) */
};
int		 set_init(struct set *);
void		 set_fini(struct set *);
struct entry	*set_find(const struct set *, const struct bn_addr *);
/* Found or made; NULL: no memory. */
struct entry	*set_put(struct set *, const struct bn_addr *);
void		 set_del(struct set *, const struct bn_addr *);

struct op {
	struct bn_addr addr;
	uint8_t add;
	uint64_t id;
	int64_t until_ms, when_us;
};

/* Operations first .. next-1; those before told are reported. */
struct oplog {
	struct op *v;
	size_t cap;
	uint64_t first, next, told;
};
struct op	*oplog_at(const struct oplog *, uint64_t seq);
uint64_t	 oplog_last(const struct oplog *);	/* 0: none yet */
/* A new one, its number in *seq. NULL: no memory. */
struct op	*oplog_add(struct oplog *, uint64_t *seq);

struct text {			/* bytes that go out or came in */
	char *p;
	size_t at, len, cap;	/* at: already taken */
};
int	text_add(struct text *, const void *, size_t);	/* 0 or -ENOMEM */
int	text_printf(struct text *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	text_drop(struct text *, size_t n);
void	text_fini(struct text *);
/* "192.0.2.0/24" as banner-edge reads it; returns the length. */
size_t	addr_text(const struct bn_addr *, char out[64]);
int	addr_read(const char *, struct bn_addr *);	/* 0 or -EINVAL */

#endif
