/* SPDX-License-Identifier: GPL-2.0-or-later
 * option.c - what actions say of their options.
 */
#include "actions/common/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int
option_refuse(const struct bn_host *h, const struct bn_key *keys, const char *key,
    const char *value)
{
	const struct bn_key *k = keys;
	char text[256];

	while (k->name && strcmp(k->name, key) != 0)
		k++;
	snprintf(text, sizeof(text), "option %s cannot be \"%.80s\": %s", key, value,
	    k->name ? k->help : "");
	h->log(h->ctx, BN_ERROR, text);
	return -EINVAL;
}
