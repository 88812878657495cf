/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_edge.c - what a controller may say to banner-edge.
 *
 * Whatever comes, the policy holds: never more bans than it allows, none that is
 * shorter, and every answer is a line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/core/guard.h"
#include "banner/daemon/actor/actor.h"
#include "banner/tools/banner_edge.h"

enum { BANS = 4 };

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static int
kernel_open(const struct bn_host *host, void **self)
{
	*self = NULL;
	return 0;
}

/* Some are somebody else's. */
static int
kernel_apply(void *self, struct bn_change *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct bn_addr *a = &v[i].subject.addr;

		if (a->plen < (a->family == 4 ? 24 : 48))
			abort();
		v[i].err = a->ip[3] == 7 && v[i].verb == BN_ADD ? -EEXIST : 0;
	}
	return 0;
}

static void
kernel_close(void *self)
{
}

static int64_t
now(void *arg)
{
	return edge_now();
}

static void
log_line(void *arg, enum bn_level level, const char *action, const char *text)
{
	edge_say(arg, "LOG error %s\n", text);
}

static int
free_row(void *arg, const void *key, size_t len, void *row)
{
	free(row);
	return 1;
}

static void
open_edge(struct edge *e)
{
	static const struct bn_key none[] = { { NULL, NULL, NULL } };
	struct instance_options o = { .conf = &e->action,
		.plugin = &e->plugin,
		.host = { .arg = e, .now_ms = now, .outcome = edge_outcome,
		    .log = log_line } };
	struct err err;

	*e = (struct edge){ .dir = -1, .journal = -1, .lock = -1,
		.conf = { .plugin = "kernel", .plen4 = 24, .plen6 = 48,
		    .max_bans = BANS },
		.action = { .name = "kernel", .plugin = "kernel", .scope = "" },
		.plugin.ops = { .abi = BN_ACTION_ABI, .size = sizeof(e->plugin.ops),
		    .flags = BN_STATE, .name = "kernel", .kinds = 1 << BN_ADDR,
		    .keys = none, .open = kernel_open, .apply = kernel_apply,
		    .close = kernel_close } };
	e->rows = table_new();
	e->guard = guard_new();
	o.guard = e->guard;
	if (instance_new(&o, &e->instance, &err) < 0)
		abort();
}

static void
close_edge(struct edge *e)
{
	instance_free(e->instance);
	heap_fini(&e->ends);
	table_each(e->rows, free_row, NULL);
	table_free(e->rows);
	guard_free(e->guard);
	edge_state_close(e);
	free(e->sync.v);
	buf_fini(&e->in);
	buf_fini(&e->out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct edge e;

	open_edge(&e);
	for (size_t at = 0, part; at < n && !e.bad; at += part) {
		part = n - at < 700 ? n - at : 700;
		buf_reserve(&e.in, part);
		memcpy(e.in.p + e.in.len, p + at, part);
		e.in.len += part;
		edge_input(&e);
		if (table_count(e.rows) > BANS)
			abort();
		if (e.out.len && e.out.p[e.out.len - 1] != '\n')
			abort();
	}
	close_edge(&e);
	return 0;
}
