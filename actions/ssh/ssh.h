/* SPDX-License-Identifier: GPL-2.0-or-later
 * ssh.h - the ssh action: one set of bans, many proxies that shall hold it.
 *
 * Every change goes into one log of numbered operations; each host is a cursor into it.
 * A host that connects, or whose cursor fell off the log, gets the whole set. Hosts
 * never wait for each other: a change is told as done when all hosts that answer have
 * it, and the others are named. ssh.c: options and the calls of the action; set.c: the
 * set and the log; loop.c: descriptors and time; host.c: one host's life; edge.c: what
 * is said to banner-edge; carrier.h: the byte pipes below.
 */
#ifndef BANNER_SSH_H
#define BANNER_SSH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/action.h"

enum {
	SSH_HOSTS = 1000,	/* hosts of one action */
	LOG_OPS = 65536,	/* operations kept for hosts that are behind */
	LAG_MS = 500,		/* a host that takes longer is named, not waited for */
	FAILS_MAX = 1000,	/* refused bans remembered per host */
	ERROR_TEXT = 200,
};

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

/* The whole set as lines, shared by the hosts that get it at the same time. */
struct image {
	unsigned users;
	uint64_t seq, count, digest;	/* the log's end and the set when it was made */
	int64_t made_ms;
	struct text text;
};

struct ssh;
struct host;
struct carrier_ops;

struct options {
	const char *user, *key, *agent, *known_hosts, *command, *ssh_options;
	int port;
	int64_t connect_ms, ack_ms, ping_ms;
};

struct ssh {
	const struct bn_host *bn;
	struct options o;
	const struct carrier_ops *carrier;
	void *carrier_self;
	struct host *hosts;
	size_t nhosts;
	struct set set;
	struct oplog log;
	struct image *image;	/* the last one made, or NULL */
	bool complete, closing;	/* the set is whole: hosts may remove the rest */
	uint64_t generation;
	int epoll, timer;
};

int64_t	now_ms(void);		/* CLOCK_BOOTTIME */
int64_t	now_us(void);
void	ssh_log(const struct ssh *, enum bn_level, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* Report what all hosts have, or will not have soon. */
void	ssh_tell(struct ssh *);
struct image	*image_get(struct ssh *);	/* NULL: no memory */
void		 image_put(struct image *);

/* loop.c */
int	loop_open(struct ssh *);
void	loop_close(struct ssh *);
int	loop_run(struct ssh *);
/* Set the timer to what is due first. */
void	loop_arm(struct ssh *);
/* Watch h->fd for what its carrier wants; fd < 0: no longer. */
void	loop_watch(struct host *);

#endif
