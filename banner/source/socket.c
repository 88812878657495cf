/* SPDX-License-Identifier: GPL-2.0-or-later
 * socket.c - a unix datagram socket that syslog daemons write to.
 *
 * One datagram is one line, whatever is in it: LF inside becomes the two characters \n,
 * so nobody can smuggle in a second line. Lines of one host are gathered into a block.
 * Nothing can be read again, so there is no place; when we are slow the kernel makes
 * the sender wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/syslog.h"
#include "banner/source/inner.h"
#include "banner/source/origin.h"

enum { SOCKET_TURN = 512 };	/* datagrams before the loop has its turn */

struct socket_source {
	struct source src;
	struct event *readable;
	int fd;
	struct buf lines;	/* of one host, not handed on yet */
	struct buf origin;
	struct buf classic;	/* the datagram, if it came by RFC 5424 */
	uint64_t offset;
	char *datagram;		/* max_line_bytes + 1 */
};

static void
socket_free(struct source *s)
{
	struct socket_source *so = (struct socket_source *)(void *)s;

	event_free(so->readable);
	close(so->fd);
	buf_fini(&so->lines);
	buf_fini(&so->origin);
	buf_fini(&so->classic);
	free(so->datagram);
	free(so);
}

static void
flush(struct socket_source *so)
{
	size_t n = so->lines.len;

	source_push(&so->src, &(struct block){ .text = buf_view(&so->lines),
	    .line_ms = -1, .offset = so->offset, .live = true,
	    .origin = buf_view(&so->origin) });
	so->offset += n;
	buf_clear(&so->lines);
}

static void
one_line(struct socket_source *so, struct str text)
{
	struct str origin;

	while (text.len > 0 && (text.s[text.len - 1] == '\n' || !text.s[text.len - 1]))
		text.len--;
	buf_clear(&so->classic);
	if (syslog_classic(text, &so->classic))
		text = buf_view(&so->classic);
	origin = origin_cut(&text);
	if (so->lines.len + text.len > READ_BYTES ||
	    !str_eq(origin, buf_view(&so->origin))) {
		flush(so);
		buf_clear(&so->origin);
		buf_str(&so->origin, origin);
	}
	for (struct str part; str_cut(&text, '\n', &part); ) {
		buf_str(&so->lines, part);
		if (text.s)
			buf_puts(&so->lines, "\\n");
	}
	buf_putc(&so->lines, '\n');
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct socket_source *so = arg;
	size_t max = (size_t)so->src.set->opt.max_line_bytes;

	for (int i = 0; i < SOCKET_TURN; i++) {
		ssize_t n = recv(fd, so->datagram, max, MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			source_event(&so->src, SOURCE_ERROR, "%s", strerror(errno));
		if (n < 0)
			break;
		if ((size_t)n > max)
			source_long_line(&so->src, so->offset + so->lines.len);
		else if (n > 0)
			one_line(so, (struct str){ so->datagram, (size_t)n });
	}
	flush(so);
}

static void
socket_start(struct source *s)
{
	struct socket_source *so = (struct socket_source *)(void *)s;

	source_event(s, SOURCE_OPENED, "listening");
	event_add(so->readable, NULL);
}

static const struct source_kind socket_kind = {
	.start = socket_start, .free = socket_free,
};

/* Remove a socket nobody listens on any more, never anything else. */
static int
remove_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd, rc;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0 ? -EADDRINUSE
									: 0;
	close(fd);
	return rc < 0 || unlink(sa->sun_path) == 0 ? rc : -errno;
}

static int
socket_bind(const char *path, int *out)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, rc, big = 4 << 20;

	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	rc = remove_stale(&sa);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    chmod(path, 0660) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	/* The system's limit holds where we may not force it. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof(big));
	*out = fd;
	return 0;
}

int
sources_add_socket(struct sources *set, const char *path, void *group, struct err *e)
{
	struct source *one = source_find(set, &socket_kind, path);
	struct socket_source *so;
	int fd = -1, rc;

	if (one) {
		source_add_group(one, group);
		return 0;
	}
	rc = socket_bind(path, &fd);
	if (rc < 0)
		return err_set(e, rc, "log socket %s: %s", path, strerror(-rc));
	so = xcalloc(1, sizeof(*so));
	so->fd = fd;
	so->datagram = xmalloc((size_t)set->opt.max_line_bytes + 1);
	so->readable = event_new(set->base, fd, EV_READ | EV_PERSIST, on_readable, so);
	source_init(&so->src, set, &socket_kind, path);
	source_add_group(&so->src, group);
	if (set->started)
		socket_start(&so->src);
	return 0;
}
