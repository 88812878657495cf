/* SPDX-License-Identifier: GPL-2.0-or-later
 * runtime.h - jails changed while they run, by an administrator.
 *
 * A change lasts until the next reload, which makes new jails from the configuration.
 * Bans in force keep their ends, and what was counted is kept as far as the new limits
 * still count it; a limit that is reached by that bans at the next failure.
 */
#ifndef BANNER_RUNTIME_H
#define BANNER_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct jail;

enum jail_limit { JAIL_BANTIME, JAIL_FINDTIME, JAIL_MAXRETRY, JAIL_MAXMATCHES };

/* Times are milliseconds (bantime below 0: for ever), the others numbers. -ERANGE: with
 * what is expected in e. */
int	jail_set_limit(struct jail *, enum jail_limit, int64_t value, struct err *);

/* A stopped jail counts and bans nothing. Its bans are for the caller to lift. */
void	jail_stop(struct jail *, bool stopped);
bool	jail_is_stopped(const struct jail *);

#endif
