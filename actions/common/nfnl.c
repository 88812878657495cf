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
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { RECV_BYTES = 65536, SOCKET_BYTES = 8 << 20, DUMP_TRIES = 5, PATIENCE_S = 5 };

static int
open_socket(uint32_t *port)
{
	struct sockaddr_nl at = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(at);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	int size = SOCKET_BYTES, rc;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*port = at.nl_pid;
	/* Without CAP_NET_ADMIN the ordinary limits have to do. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

int
nfnl_open(struct nfnl *n)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int one = 1;

	*n = (struct nfnl){ .fd = -1, .seq = 1 };
	n->buf = malloc(NFNL_BYTES);
	if (!n->buf)
		return -ENOMEM;
	n->fd = open_socket(&n->port);
	if (n->fd < 0) {
		free(n->buf);
		n->buf = NULL;
		return n->fd;
	}
	setsockopt(n->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* Errors without a copy of the request: more of them fit. */
	setsockopt(n->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return 0;
}

void
nfnl_close(struct nfnl *n)
{
	if (n->fd >= 0)
		close(n->fd);
	free(n->buf);
	n->fd = -1;
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
	h->nlmsg_seq = n->seq++;
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
	n->first = n->seq;
	start_message(n, NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
}

struct nlmsghdr *
nfnl_message(struct nfnl *n, uint16_t type, uint16_t flags)
{
	return start_message(n, NFNL_SUBSYS_NFTABLES << 8 | type, flags, 0);
}

static ssize_t
receive(int fd, void *buf, int flags)
{
	struct sockaddr_nl from = { 0 };
	struct iovec io = { buf, RECV_BYTES };
	struct msghdr m;
	ssize_t n;

	do {
		m = (struct msghdr){ .msg_name = &from, .msg_namelen = sizeof(from),
		    .msg_iov = &io, .msg_iovlen = 1 };
		n = recvmsg(fd, &m, flags);
		/* Only the kernel is believed. */
	} while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
	if (n < 0)
		return errno == EAGAIN && !flags ? -ETIMEDOUT : -errno;
	return m.msg_flags & MSG_TRUNC ? -ENOBUFS : n;
}

static int
send_bytes(struct nfnl *n, const void *p, size_t len)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t rc;

	do
		rc = sendto(n->fd, p, len, MSG_NOSIGNAL,
		    (const struct sockaddr *)&kernel, sizeof(kernel));
	while (rc < 0 && errno == EINTR);
	if (rc < 0)
		return -errno;
	return (size_t)rc == len ? 0 : -EIO;
}

/* Answers to earlier transactions (after a timeout) are passed over. True: that was
 * the end of this one. */
static bool
take_answers(const struct nfnl *n, uint32_t last, void *buf, ssize_t len, int *err)
{
	const struct nlmsghdr *h = buf;
	int left = (int)len;

	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_seq - n->first > last -
		    n->first || mnl_nlmsg_get_payload_len(h) < sizeof(e->error))
			continue;
		if (*err == 0)
			*err = e->error;
		if (h->nlmsg_seq == last || (h->nlmsg_seq == n->first && e->error))
			return true;
	}
	return false;
}

static int
await_answers(struct nfnl *n, uint32_t last)
{
	char buf[RECV_BYTES] __attribute__((aligned(8)));
	int err = 0;
	ssize_t len;

	do {
		len = receive(n->fd, buf, 0);
		if (len < 0)
			return (int)len;
	} while (!take_answers(n, last, buf, len, &err));
	return err;
}

int
nfnl_commit(struct nfnl *n)
{
	uint32_t last = n->last->nlmsg_seq;
	int rc;

	if (last == n->first)
		return 0;
	n->last->nlmsg_flags |= NLM_F_ACK;
	start_message(n, NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES);
	finish_message(n);
	n->last = NULL;
	if (n->err < 0)
		return n->err;
	rc = send_bytes(n, n->buf, n->len);
	return rc < 0 ? rc : await_answers(n, last);
}

struct dump {
	nfnl_fn *fn;
	void *arg;
	uint32_t seq;
	bool changed;		/* while it was dumped: parts may be missing */
};

/* 1: goes on; 0: the end; -errno. */
static int
take_dump(struct dump *d, const struct nlmsghdr *h, ssize_t n)
{
	int left = (int)n, rc = 1;

	for (; mnl_nlmsg_ok(h, left) && rc > 0; h = mnl_nlmsg_next(h, &left)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

		if (h->nlmsg_seq != d->seq)
			continue;
		d->changed |= h->nlmsg_flags & NLM_F_DUMP_INTR;
		if (h->nlmsg_type == NLMSG_DONE)
			rc = 0;
		else if (h->nlmsg_type == NLMSG_ERROR)
			rc = e->error ? e->error : -EIO;
		else
			d->fn(d->arg, h);
	}
	return rc;
}

static int
dump_once(struct nfnl *n, const struct nfnl_question *q, struct dump *d)
{
	char buf[RECV_BYTES] __attribute__((aligned(8)));
	struct nlmsghdr *h;
	ssize_t len;
	int rc;

	n->len = 0;
	n->last = NULL;
	h = nfnl_message(n, q->type, NLM_F_DUMP);
	n->last = NULL;
	if (q->table_attr)
		mnl_attr_put_strz(h, q->table_attr, q->table);
	if (q->name_attr)
		mnl_attr_put_strz(h, q->name_attr, q->name);
	d->seq = h->nlmsg_seq;
	d->changed = false;
	rc = send_bytes(n, h, h->nlmsg_len);
	for (rc = rc == 0 ? 1 : rc; rc > 0;) {
		len = receive(n->fd, buf, 0);
		rc = len < 0 ? (int)len : take_dump(d, (void *)buf, len);
	}
	return rc == 0 && d->changed ? -EAGAIN : rc;
}

int
nfnl_dump(struct nfnl *n, const struct nfnl_question *q, nfnl_fn *fn, void *arg)
{
	struct dump d = { .fn = fn, .arg = arg };
	int rc = -EAGAIN;

	for (int i = q->once ? 1 : DUMP_TRIES; i > 0 && rc == -EAGAIN; i--)
		rc = dump_once(n, q, &d);
	return rc;
}

/* All messages of one notice come from one transaction, so the first tells whose. */
static int
drop_own(int fd, uint32_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(*code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ?
	    -errno : 0;
}

int
nfnl_listen(const struct nfnl *n)
{
	int group = NFNLGRP_NFTABLES, fd, rc;
	uint32_t port;

	fd = open_socket(&port);
	if (fd < 0)
		return fd;
	rc = drop_own(fd, n->port);
	if (rc == 0 && setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
	    sizeof(group)) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

int
nfnl_heard(int fd, nfnl_fn *fn, void *arg)
{
	char buf[RECV_BYTES] __attribute__((aligned(8)));
	const struct nlmsghdr *h;
	int left, lost = 0;
	ssize_t n;

	while ((n = receive(fd, buf, MSG_DONTWAIT)) != -EAGAIN) {
		if (n == 0 || (n < 0 && n != -ENOBUFS))
			return (int)n;
		if (n < 0) {
			lost = (int)n;
			continue;
		}
		left = (int)n;
		for (h = (void *)buf; mnl_nlmsg_ok(h, left);
		    h = mnl_nlmsg_next(h, &left))
			fn(arg, h);
	}
	return lost;
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
