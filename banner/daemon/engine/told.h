/* SPDX-License-Identifier: GPL-2.0-or-later
 * told.h - which places and sessions the store has been told.
 *
 * A MARK comes many times a second; the store gets what is new since the last one. Of a
 * record that was told only a hash is kept.
 */
#ifndef BANNER_TOLD_H
#define BANNER_TOLD_H

#include <stdbool.h>

#include "banner/base/str.h"

struct told;

struct told *told_new(void);
void told_free(struct told *);

/* True: the store does not have this place of the source. From now on it counts as
 * told; name and place are copied. */
bool told_place(struct told *, const char *source, const char *place);

/* A round names all sessions of all jails: told_round, then told_session for each,
 * which is true when the store does not have this record, and then told_closed. */
void told_round(struct told *);
bool told_session(struct told *, const char *jail, struct str key, struct str record);
/* Sessions of earlier rounds that this one did not name; they are forgotten. fn may not
 * call back. */
typedef void(told_closed_fn)(void *arg, const char *jail, struct str key);
void told_closed(struct told *, told_closed_fn *, void *arg);

#endif
