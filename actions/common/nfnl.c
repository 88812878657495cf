/* SPDX-License-Identifier: GPL-2.0-or-later
 * nfnl.c - transactions, dumps and notices of nf_tables over netlink.
 *
 * Only the last message of a transaction asks for an acknowledgement. The kernel
 * answers every message it refuses and then that one; what goes wrong with the whole
 * of it (no memory, not allowed, the commit itself) is told as an error of the first.
 */
#include "actions/common/nfnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { DUMP_TRIES = 5, PATIENCE_S = 5 };

int
nfnl_open(struct nfnl *n)
{
	int rc;

	*n = (struct nfnl){ .sock.fd = -1 };
	n->buf = malloc(NFNL_BYTES);
	if (!n->buf)
		return -ENOMEM;
	rc = nlsock_open(&n->sock, NETLINK_NETFILTER, PATIENCE_S);
	if (rc < 0)
		nfnl_close(n);
	return rc;
}

void
nfnl_close(struct nfnl *n)
{
	nlsock_close(&n->sock);
	free(n->buf);
	n->buf = NULL;
}

static void
finish_message(struct nfnl *n)
{
	if (n->last)
		n->len += MNL_ALIGN(n->last->nlmsg_len);
}

static struct nlmsghdr *
start_message(struct nfnl *n, uint16_t type, uint16_t flags, uint16_t res_id)
{
	struct nfgenmsg *g;
	struct nlmsghdr *h;

	finish_message(n);
	if (n->len + NFNL_MESSAGE > NFNL_BYTES) {
		n->err = -EMSGSIZE;
		n->len = 0;
	}
	h = mnl_nlmsg_put_header(n->buf + n->len);
	h->nlmsg_type = type;
	h->nlmsg_flags = NLM_F_REQUEST | flags;
	h->nlmsg_seq = n->sock.seq++;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = res_id ? NFPROTO_UNSPEC : NFPROTO_INET;
	g->res_id = htons(res_id);
	n->last = h;
	return h;
}

void
nfnl_begin(struct nfnl *n)
{
	n->len = 0;
	n->err = 0;
	n->last = NULL;
	n->first = n->sock.seq;
	start_message(n, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
}

struct nlmsghdr *
nfnl_message(struct nfnl *n, uint16_t type, uint16_t flags)
{
	return start_message(n, NFNL_SUBSYS_NFTABLES << 8 | type, flags, 0);
}

struct outcome {
	uint32_t last;
	int err;			/* the first one */
};

static bool
take_answer(void *arg, uint32_t i, int err)
{
	struct outcome *o = arg;

	if (i > o->last)
		return false;
	if (o->err == 0)
		o->err = err;
	return i == o->last || (i == 0 && err);
}

int
nfnl_commit(struct nfnl *n)
{
	struct outcome o = { .last = n->last->nlmsg_seq - n->first };
	int rc;

	if (o.last == 0)
		return 0;
	n->last->nlmsg_flags |= NLM_F_ACK;
	start_message(n, NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES);
	finish_message(n);
	n->last = NULL;
	if (n->err < 0)
		return n->err;
	rc = nlsock_send(&n->sock, n->buf, n->len);
	if (rc == 0)
		rc = nlsock_answers(&n->sock, n->first, take_answer, &o);
	return rc < 0 ? rc : o.err;
}

int
nfnl_dump(struct nfnl *n, const struct nfnl_question *q, nlsock_fn *fn, void *arg)
{
	struct nlsock_dump d = { .tries = q->once ? 1 : DUMP_TRIES, .fn = fn,
		.arg = arg };

	n->len = 0;
	n->last = NULL;
	d.q = nfnl_message(n, q->type, NLM_F_DUMP);
	n->last = NULL;
	if (q->table_attr)
		mnl_attr_put_strz(d.q, q->table_attr, q->table);
	if (q->name_attr)
		mnl_attr_put_strz(d.q, q->name_attr, q->name);
	return nlsock_dump(&n->sock, &d);
}

/* All messages of one notice come from one transaction, so the first tells whose. */
int
nfnl_listen(const struct nfnl *n, struct nlsock *notices)
{
	static const int groups[] = { NFNLGRP_NFTABLES, 0 };
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(n->sock.port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	return nlsock_listen(notices, NETLINK_NETFILTER, &prog, groups);
}

int
nfnl_type(const struct nlmsghdr *h)
{
	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
		return -1;
	return h->nlmsg_type & 0xff;
}

struct wanted {
	const struct nlattr **v;
	uint16_t max;
};

static int
keep_attr(const struct nlattr *a, void *arg)
{
	struct wanted *w = arg;

	if (mnl_attr_get_type(a) <= w->max)
		w->v[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

bool
nfnl_attrs(const struct nlmsghdr *h, const struct nlattr **v, uint16_t max)
{
	struct wanted w = { v, max };

	memset(v, 0, ((size_t)max + 1) * sizeof(*v));
	return mnl_attr_parse(h, sizeof(struct nfgenmsg), keep_attr, &w) == MNL_CB_OK;
}

bool
nfnl_nested(const struct nlattr *a, const struct nlattr **v, uint16_t max)
{
	struct wanted w = { v, max };

	memset(v, 0, ((size_t)max + 1) * sizeof(*v));
	return mnl_attr_parse_nested(a, keep_attr, &w) == MNL_CB_OK;
}

bool
nfnl_is(const struct nlattr *a, const char *text)
{
	size_t n = strlen(text) + 1;

	return a && mnl_attr_get_payload_len(a) == n &&
	    memcmp(mnl_attr_get_payload(a), text, n) == 0;
}
