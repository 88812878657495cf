/* SPDX-License-Identifier: GPL-2.0-or-later
 * seek.h - where a first read of a log begins: by the time in its lines.
 */
#ifndef BANNER_SOURCE_SEEK_H
#define BANNER_SOURCE_SEEK_H

#include <stdint.h>

struct source;

/* Offset of a line in fd at or before the first one dated since_ms or later. Lines
 * without a date are passed over; a part without any is read. Uses the buffer of the
 * set. */
uint64_t	seek_time(struct source *, int fd, uint64_t size, int64_t since_ms);

#endif
