/* SPDX-License-Identifier: GPL-2.0-or-later
 * native_none.c - plugin nft is not part of this build.
 */
#include "banner/conf/native.h"

bool
native_has_nft(void)
{
	return false;
}
