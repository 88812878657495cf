/* SPDX-License-Identifier: GPL-2.0-or-later
 * nfnl.h - transactions, dumps and notices of nf_tables over netlink.
 *
 * Shared by the actions that use nf_tables. One struct nfnl is one socket and one
 * transaction being written. A transaction is carried out whole or not at all; what is
 * written is bounded by its buffer, and writing too much is found out at the commit.
 */
#ifndef BANNER_ACTIONS_NFNL_H
#define BANNER_ACTIONS_NFNL_H

#include <libmnl/libmnl.h>

#include "actions/common/nlsock.h"

/* Of a transaction; of the attributes of one message in it. */
enum { NFNL_BYTES = 512 << 10, NFNL_MESSAGE = 32 << 10 };

struct nfnl {
	struct nlsock sock;
	char *buf;
	size_t len;			/* of the finished messages */
	struct nlmsghdr *last;		/* message being written, or NULL */
	uint32_t first;			/* number of the first message */
	int err;
};

/* A socket for requests. 0 or -errno. */
int	nfnl_open(struct nfnl *);
void	nfnl_close(struct nfnl *);

/* Write a transaction: begin, messages, commit. type is NFT_MSG_..., flags NLM_F_...;
 * attributes go to the message that is returned, until the next call. */
void	nfnl_begin(struct nfnl *);
struct nlmsghdr *nfnl_message(struct nfnl *, uint16_t type, uint16_t flags);
/* 0, or the first error the kernel named: then nothing was changed. -ETIMEDOUT and
 * -ENOBUFS leave open what happened. */
int	nfnl_commit(struct nfnl *);

/* The question of a dump; what fn gets are the messages of the answer. -EAGAIN: the
 * rules changed during each of several tries; what was told twice does no harm. */
struct nfnl_question {
	uint16_t type;
	uint16_t name_attr;		/* of the set or chain, 0: none */
	uint16_t table_attr;
	const char *table, *name;
	bool once;			/* no second try */
};
int	nfnl_dump(struct nfnl *, const struct nfnl_question *, nlsock_fn *, void *arg);

/* A socket that hears of every change but those made through n. */
int	nfnl_listen(const struct nfnl *n, struct nlsock *notices);

/* NFT_MSG_... of a message, -1 if it is not of nf_tables. */
int	nfnl_type(const struct nlmsghdr *);
/* The attributes up to max by number; false if they are not well formed. */
bool	nfnl_attrs(const struct nlmsghdr *, const struct nlattr **v, uint16_t max);
bool	nfnl_nested(const struct nlattr *, const struct nlattr **v, uint16_t max);
/* Does the attribute hold this text? */
bool	nfnl_is(const struct nlattr *, const char *text);

#endif
