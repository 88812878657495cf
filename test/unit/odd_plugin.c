/* SPDX-License-Identifier: GPL-2.0-or-later
 * odd_plugin.c - a plugin with one thing wrong, chosen by ODD, for test_plugin.c; one
 * does harm while it runs, as its option "color" says, for test_harm.py.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/action.h"

enum { ODD_ABI = 1, ODD_SIZE, ODD_NAME, ODD_SYMBOL, ODD_OPEN, ODD_FLAGS, ODD_KINDS,
	ODD_KEY_TWICE, ODD_OLD, ODD_HARM, ODD_POLL };
enum { BAD_BYTE = 66 };		/* the last of the addresses that it fails at */

static void
harm(const struct bn_host *h, const char *when)
{
	const char *color = h->get(h->ctx, "color");

	if (ODD != ODD_HARM || strncmp(color, when, strlen(when)) != 0)
		return;
	if (strstr(color, "-once") && access(h->get(h->ctx, "needed"), F_OK) == 0)
		return;
	while (strstr(color, "-hang"))
		pause();
	abort();
}

static int
odd_open(const struct bn_host *host, void **self)
{
	*self = (void *)host;
	harm(host, "open");
	return 0;
}

static int
odd_apply(void *self, struct bn_change *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].subject.addr.ip[3] == BAD_BYTE)
			harm(self, "ban");
	return 0;
}

static void
odd_close(void *self)
{
}

static const struct bn_key odd_keys[] = {
	{ "needed", NULL, "must be given" },
	{ ODD == ODD_KEY_TWICE ? "needed" : "color", "red", "has a fallback" },
	{ NULL, NULL, NULL }
};

#if ODD == 4 /* ODD_SYMBOL */
#define bn_action bn_other
#endif

BN_ACTION(odd) = {
	.abi = ODD == ODD_ABI ? BN_ACTION_ABI + 1 : BN_ACTION_ABI,
	/* An older one ends with close; what lies behind is not to be read. */
	.size = ODD == ODD_SIZE ? 40 : ODD == ODD_OLD ?
	    offsetof(struct bn_action_ops, mode) : sizeof(struct bn_action_ops),
	.flags = ODD == ODD_FLAGS ? BN_STATE | BN_EVENT : BN_STATE,
	.name = ODD == ODD_NAME ? "other" : "odd",
	.kinds = ODD == ODD_KINDS ? 0 : 1 << BN_ADDR,
	.keys = odd_keys, .open = ODD == ODD_OPEN ? 0 : odd_open, .apply = odd_apply,
	.close = odd_close, .poll_fd = ODD == ODD_POLL ? (int (*)(void *))1 : 0,
	.mode = ODD == ODD_OLD ? (uint32_t (*)(void *))1 : 0,
};
