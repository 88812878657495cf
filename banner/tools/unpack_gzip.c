/* SPDX-License-Identifier: GPL-2.0-or-later
 * unpack_gzip.c - gzip, by zlib.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>
#include <zlib.h>

#include "banner/tools/unpack.h"

enum { ZLIB_BYTES = 128 * 1024 };

static void *
gzip_open(int fd)
{
	int own = dup(fd);	/* gzclose() closes it */
	gzFile z = own < 0 ? NULL : gzdopen(own, "rb");

	if (z)
		gzbuffer(z, ZLIB_BYTES);
	else if (own >= 0)
		close(own);
	return z;
}

/* What can be read of a file that ends too early is given before the error. */
static ssize_t
gzip_read(void *state, void *to, size_t n)
{
	gzFile z = state;
	int got = gzread(z, to, n < INT_MAX ? (unsigned)n : INT_MAX), code = Z_OK;

	if (got > 0)
		return got;
	gzerror(z, &code);
	if (got == 0 && code == Z_OK)
		return 0;
	return code == Z_ERRNO ? -errno : -EBADMSG;
}

static void
gzip_close(void *state)
{
	gzclose(state);
}

const struct unpack_format unpack_gzip = {
	.name = "gzip", .magic = { 0x1f, 0x8b, 8 }, .nmagic = 3,
	.open = gzip_open, .read = gzip_read, .close = gzip_close,
};
