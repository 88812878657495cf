/* SPDX-License-Identifier: GPL-2.0-or-later
 * unpack_zstd.c - Zstandard, by libzstd.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

#include "banner/base/arena.h"
#include "banner/tools/unpack.h"

struct zstd {
	int fd;
	ZSTD_DStream *stream;
	ZSTD_inBuffer in;
	size_t room;
	char *buf;
	bool inside;		/* of a frame */
};

static void
zstd_close(void *state)
{
	struct zstd *z = state;

	ZSTD_freeDStream(z->stream);
	free(z->buf);
	free(z);
}

static void *
zstd_open(int fd)
{
	struct zstd *z = xcalloc(1, sizeof(*z));

	z->fd = fd;
	z->room = ZSTD_DStreamInSize();
	z->buf = xmalloc(z->room);
	z->in.src = z->buf;
	z->stream = ZSTD_createDStream();
	if (z->stream)
		return z;
	zstd_close(z);
	errno = ENOMEM;
	return NULL;
}

/* False: the end of the file, or *rc < 0. */
static bool
fill(struct zstd *z, ssize_t *rc)
{
	ssize_t n;

	do
		n = read(z->fd, z->buf, z->room);
	while (n < 0 && errno == EINTR);
	*rc = n < 0 ? -errno : 0;
	z->in.pos = 0;
	z->in.size = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static ssize_t
zstd_read(void *state, void *to, size_t n)
{
	ZSTD_outBuffer out = { to, n, 0 };
	struct zstd *z = state;
	ssize_t rc = 0;

	while (out.pos == 0) {
		size_t left;

		/* What was read may have more text in it than fitted before. */
		if (z->in.pos == z->in.size && !z->inside && !fill(z, &rc))
			return rc;
		left = ZSTD_decompressStream(z->stream, &out, &z->in);
		if (ZSTD_isError(left))
			return -EBADMSG;
		z->inside = left > 0;
		if (out.pos == 0 && z->inside && z->in.pos == z->in.size &&
		    !fill(z, &rc))
			return rc < 0 ? rc : -EBADMSG;
	}
	return (ssize_t)out.pos;
}

const struct unpack_format unpack_zstd = {
	.name = "zstd", .magic = { 0x28, 0xb5, 0x2f, 0xfd }, .nmagic = 4,
	.open = zstd_open, .read = zstd_read, .close = zstd_close,
};
