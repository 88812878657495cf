/* SPDX-License-Identifier: GPL-2.0-or-later
 * tell.h - answers of an actor about what lies behind its plugins: hosts, entries.
 */
#ifndef BANNER_TELL_H
#define BANNER_TELL_H

#include "banner/base/buf.h"

struct instance;

/* WIRE_TARGET records of one instance: of a ban, or (0) of the hosts themselves. */
void tell_targets(
    struct buf *out, struct instance *, unsigned number, uint64_t id, uint64_t ban);
/* WIRE_FOUND records of one instance. 0 or -errno as instance_unnamed. */
int tell_unnamed(struct buf *out, struct instance *, unsigned number);

/* WIRE_KNOWN, the question of one instance. */
struct actor_question;
void	tell_known(struct buf *out, const struct actor_question *, unsigned number);

#endif
