/* SPDX-License-Identifier: GPL-2.0-or-later
 * unpack.h - packed logs, read as the text they hold.
 *
 * Formats: gzip (RFC 1952) by zlib and Zstandard (RFC 8878) by libzstd, each of any
 * number of members or frames one behind the other. Which formats a build knows is
 * chosen by files; one it does not know is still recognised, and refused by name.
 */
#ifndef BANNER_UNPACK_H
#define BANNER_UNPACK_H

#include <stddef.h>
#include <sys/types.h>

#include "banner/base/err.h"

struct unpack;

/* By the first bytes of the regular file fd, which stays the caller's and must outlive
 * *out. 0 packed; 1 not packed, nothing was read; -ENOTSUP with text: this build cannot
 * unpack it. */
int	unpack_open(int fd, struct unpack **out, struct err *);
/* Bytes of text, 0 at the end, -errno: -EBADMSG when what is packed is damaged or ends
 * too early. */
ssize_t	unpack_read(struct unpack *, void *to, size_t n);
void	unpack_close(struct unpack *);

/* One format; NULL functions: not in this build. */
struct unpack_format {
	const char *name;
	unsigned char magic[4];
	size_t nmagic;
	void *(*open)(int fd);			/* NULL: it cannot be */
	ssize_t (*read)(void *, void *to, size_t n);
	void (*close)(void *);
};
extern const struct unpack_format unpack_gzip, unpack_zstd;

#endif
