/* SPDX-License-Identifier: GPL-2.0-or-later
 * stream.c - lines from a descriptor: a pipe, a terminal, a file given as input.
 *
 * Nothing can be read again, so there is no place. The descriptor stays the caller's in
 * its flags (it may be shared with a terminal): it is read only when it is readable.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/source/inner.h"
#include "banner/source/lines.h"

struct stream {
	struct source src;
	struct job job;
	struct event *readable;	/* NULL: always, and read by the job */
	int fd;
	size_t len;		/* bytes of the incomplete line in buf */
	uint64_t offset;	/* of buf */
	bool skipping;		/* inside a line longer than the cap */
	bool ended;
	char *buf;
};

static void
stream_free(struct source *s)
{
	struct stream *st = (struct stream *)(void *)s;

	if (st->readable)
		event_free(st->readable);
	job_cancel(s->set, &st->job);
	free(st->buf);
	free(st);
}

/* Drop the first n bytes of the n + rest there. */
static void
consume(struct stream *st, size_t n)
{
	st->offset += n;
	st->len -= n;
	memmove(st->buf, st->buf + n, st->len);
}

/* The end of a line longer than the cap is looked for; false: it is not there yet. */
static bool
skip(struct stream *st)
{
	char *lf = memchr(st->buf, '\n', st->len);

	st->skipping = !lf;
	consume(st, lf ? (size_t)(lf + 1 - st->buf) : st->len);
	return lf != NULL;
}

static void
hand_on(struct stream *st)
{
	struct str rest, run;
	enum lines_kind kind;

	if (st->skipping && !skip(st))
		return;
	rest = (struct str){ st->buf, st->len };
	while ((kind = runs_next(&rest, st->src.set->opt.max_line_bytes, &run)) !=
	    LINES_PART) {
		uint64_t at = st->offset + (uint64_t)(run.s - st->buf);

		if (kind == LINES_LONG) {
			source_long_line(&st->src, at);
			st->skipping = run.s[run.len - 1] != '\n';
		} else {
			source_push(&st->src,
			    &(struct block){ .text = run,
				.line_ms = -1,
				.offset = at,
				.live = st->readable != NULL });
		}
	}
	consume(st, st->len - rest.len);
}

static void
stream_end(struct stream *st, int err)
{
	st->ended = true;
	if (st->readable)
		event_del(st->readable);
	if (st->len > 0)
		source_push(&st->src,
		    &(struct block){ .text = { st->buf, st->len },
			.line_ms = -1,
			.offset = st->offset,
			.live = st->readable != NULL });
	st->len = 0;
	if (err)
		source_event(&st->src, SOURCE_ERROR, "read: %s", strerror(err));
	source_caught_up(&st->src);
	source_event(&st->src, SOURCE_GONE, "end of input");
}

static bool
stream_read(struct stream *st)
{
	ssize_t n = read(st->fd, st->buf + st->len, st->src.set->cap - st->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n <= 0) {
		stream_end(st, n < 0 ? errno : 0);
		return false;
	}
	st->len += (size_t)n;
	hand_on(st);
	return true;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	stream_read(arg);
}

static bool
stream_run(struct job *j)
{
	return stream_read((struct stream *)(void *)((char *)j -
	    offsetof(struct stream, job)));
}

static void
stream_start(struct source *s)
{
	struct stream *st = (struct stream *)(void *)s;

	source_event(s, SOURCE_OPENED, "descriptor %d", st->fd);
	if (st->readable)
		event_add(st->readable, NULL);
	else
		job_queue(s->set, &st->job);
}

/* Regular files and /dev/null can always be read, and epoll refuses them. */
static bool
is_always_readable(int fd)
{
	struct epoll_event readable = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);
	bool refused = ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &readable) < 0 &&
	    errno == EPERM;

	if (ep >= 0)
		close(ep);
	return refused;
}

static const struct source_kind stream_kind = {
	.start = stream_start, .free = stream_free,
};

int
sources_add_fd(
    struct sources *set, int fd, const char *name, void *group, struct err *e)
{
	struct source *one = source_find(set, &stream_kind, name);
	struct stream *st;
	struct stat sb;

	if (one) {
		source_add_group(one, group);
		return 0;
	}
	if (fstat(fd, &sb) < 0)
		return err_set(e, -errno, "%s: %s", name, strerror(errno));
	if (S_ISDIR(sb.st_mode))
		return err_set(e, -EISDIR, "%s is a folder", name);
	st = xcalloc(1, sizeof(*st));
	st->fd = fd;
	st->buf = xmalloc(set->cap);
	st->job.of = &st->src;
	st->job.run = stream_run;
	source_init(&st->src, set, &stream_kind, name);
	source_add_group(&st->src, group);
	st->src.behind = is_always_readable(fd);
	if (!st->src.behind)
		st->readable = event_new(set->base, fd, EV_READ | EV_PERSIST,
		    on_readable, st);
	if (set->started)
		stream_start(&st->src);
	return 0;
}
