/* SPDX-License-Identifier: GPL-2.0-or-later
 * clock.c - what the kernel's clocks say, as one number.
 */
#include "banner/base/clock.h"

#include "banner/base/units.h"

int64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t
clock_ms(clockid_t clock)
{
	return clock_ns(clock) / 1000000;
}
