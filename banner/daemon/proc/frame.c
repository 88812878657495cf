/* SPDX-License-Identifier: GPL-2.0-or-later
 * frame.c - sending and receiving the frames of wire.h.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "banner/daemon/proc/wire.h"

enum { KEEP_BYTES = 4 * WIRE_FRAME };

/* Bytes of whole records from at on that fit into one frame. */
static size_t
frame_length(const struct buf *b, size_t at)
{
	size_t n = 0;
	uint32_t len;

	while (at + n < b->len) {
		assert(b->len - at - n >= 8);
		memcpy(&len, b->p + at + n + 4, sizeof(len));
		if (n + 8 + len > WIRE_FRAME)
			break;
		n += 8 + len;
	}
	return n;
}

static int
send_frame(int sock, const char *p, size_t n, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec io = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	ssize_t rc;

	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control.room);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	do
		rc = sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (rc < 0 && errno == EINTR);
	/* The kernel is short of memory for a moment: as good as a full socket. */
	if (rc < 0 && (errno == ENOBUFS || errno == EWOULDBLOCK))
		return -EAGAIN;
	return rc < 0 ? -errno : 0;
}

int
wire_send(int sock, struct buf *out, int fd)
{
	size_t at = 0, n;
	int rc = 0;

	if (fd >= 0 && out->len > WIRE_FRAME)
		return -EMSGSIZE;
	while (at < out->len && rc == 0) {
		n = frame_length(out, at);
		rc = send_frame(sock, out->p + at, n, fd);
		if (rc == 0)
			at += n;
	}
	buf_drop(out, at);
	/* what a burst needed is not kept for ever */
	if (!out->len && out->cap > KEEP_BYTES)
		buf_fini(out);
	return rc;
}

/* The one descriptor we expect; of several none is kept. */
static int
take_fd(struct msghdr *m, int *fd)
{
	int bad = m->msg_flags & MSG_CTRUNC;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int one;

			memcpy(&one, CMSG_DATA(c) + i * sizeof(one), sizeof(one));
			if (*fd < 0) {
				*fd = one;
				continue;
			}
			close(one);
			bad = 1;
		}
	}
	if (!bad)
		return 0;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return -EBADMSG;
}

int
wire_recv(int sock, uint8_t frame[WIRE_FRAME], struct wire_in *in, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec io = { .iov_base = frame, .iov_len = WIRE_FRAME };
	struct msghdr m;
	bool reset = false;
	ssize_t n;

	*fd = -1;
	do {
		m = (struct msghdr){ .msg_iov = &io, .msg_iovlen = 1,
		    .msg_control = &control, .msg_controllen = sizeof(control.room) };
		n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		/* A peer that died with unread records of ours resets the connection,
		 * once; what it sent still waits behind that error. */
		if (n < 0 && errno == ECONNRESET && !reset) {
			reset = true;
			errno = EINTR;
		}
	} while (n < 0 && errno == EINTR);
	/* short of memory: the frame waits */
	if (n < 0)
		return errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
	if (take_fd(&m, fd) < 0)
		return -EBADMSG;
	if (m.msg_flags & MSG_TRUNC) {
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
		return -EBADMSG;
	}
	*in = (struct wire_in){ frame, frame + n, false };
	return (int)n;
}
