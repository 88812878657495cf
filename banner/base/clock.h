/* SPDX-License-Identifier: GPL-2.0-or-later
 * clock.h - what the kernel's clocks say, as one number.
 *
 * Which clock is the caller's choice: CLOCK_REALTIME for what is said and stored,
 * CLOCK_BOOTTIME for what must go on while the machine sleeps, CLOCK_MONOTONIC for
 * pauses. Matching and counting ask no clock: time comes to them with the lines.
 */
#ifndef BANNER_CLOCK_H
#define BANNER_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t	clock_ms(clockid_t);
int64_t	clock_ns(clockid_t);

#endif
