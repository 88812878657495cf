/* SPDX-License-Identifier: GPL-2.0-or-later
 * lists.h - the guard's live groups, as the parent tells them.
 */
#ifndef BANNER_LISTS_H
#define BANNER_LISTS_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/daemon/proc/wire.h"

struct engined;

/* One part of a guard group as it came from the parent; applied with the last part. */
void lists_guard(
    struct engined *, const char *group, bool more, uint32_t n, struct wire_in *);

#endif
