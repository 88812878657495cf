/* SPDX-License-Identifier: GPL-2.0-or-later
 * unpack_nogzip.c - gzip, in a build without zlib.
 */
#include "banner/tools/unpack.h"

const struct unpack_format unpack_gzip = {
	.name = "gzip", .magic = { 0x1f, 0x8b, 8 }, .nmagic = 3,
};
