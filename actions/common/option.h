/* SPDX-License-Identifier: GPL-2.0-or-later
 * option.h - what actions say of their options.
 */
#ifndef BANNER_ACTION_OPTION_H
#define BANNER_ACTION_OPTION_H

#include "banner/action.h"

/* Say that key cannot have this value, and what keys (up to one without a name) say it
 * can have. Returns -EINVAL. */
int option_refuse(const struct bn_host *, const struct bn_key *keys, const char *key,
    const char *value);

#endif
