/* SPDX-License-Identifier: GPL-2.0-or-later
 * unpack_nozstd.c - Zstandard, in a build without libzstd.
 */
#include "banner/tools/unpack.h"

const struct unpack_format unpack_zstd = {
	.name = "zstd", .magic = { 0x28, 0xb5, 0x2f, 0xfd }, .nmagic = 4,
};
