/* SPDX-License-Identifier: GPL-2.0-or-later
 * native_nft.c - plugin nft is part of this build.
 */
#include "banner/conf/native.h"

bool
native_has_nft(void)
{
	return true;
}
