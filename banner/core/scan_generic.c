/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan_generic.c - the engines of processors without vector code of ours.
 */
#include "banner/core/scan_engine.h"

teddy_fn *
teddy_choose(unsigned i)
{
	return i == 0 ? teddy_plain : NULL;
}

lines_fn *
lines_choose(void)
{
	return lines_plain;
}
