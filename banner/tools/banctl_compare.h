/* SPDX-License-Identifier: GPL-2.0-or-later
 * banctl_compare.h - two logs of bans side by side: fail2ban's and ours.
 *
 * For the trial: bannerd --dry-run writes what it would have done in fail2ban's shape,
 * so both logs are read by the same few rules.
 */
#ifndef BANNER_BANCTL_COMPARE_H
#define BANNER_BANCTL_COMPARE_H

#include <stdbool.h>

/* argv: compare THEIRS [OURS]; OURS is the dry run's log when it is not named.
 * json: an object for each ban that only one made, then one with the sums.
 * Exit code: 0 the same bans, 1 not, 2 usage or a file that cannot be read. */
int	banctl_compare(char **argv, bool json);

#endif
