/* SPDX-License-Identifier: GPL-2.0-or-later
 * guard_in.c - a group of the guard, as it arrives in records.
 */
#include "banner/daemon/proc/guard_in.h"

#include <errno.h>
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/core/guard.h"
#include "banner/daemon/proc/wire.h"

enum { ENTRIES_MAX = 100000 };

int
guard_in_record(struct guard_in *g, struct guard *guard, struct wire_in *in)
{
	const char *group = wire_get_text(in);
	bool more = wire_get_u8(in);
	uint32_t n = wire_get_u32(in);

	for (uint32_t i = 0; i < n && !in->bad && g->n < ENTRIES_MAX; i++) {
		struct guard_entry *e;

		g->v = xrealloc(g->v, (g->n + 1) * sizeof(*e));
		e = &g->v[g->n++];
		e->net = wire_get_addr(in);
		/* The offset for now: the buffer may still move. */
		e->reason = (const char *)g->reasons.len;
		buf_puts(&g->reasons, wire_get_text(in));
		buf_putc(&g->reasons, '\0');
	}
	if (in->bad)
		return -EBADMSG;
	if (more)
		return 0;
	for (size_t i = 0; i < g->n; i++)
		g->v[i].reason = g->reasons.p + (size_t)g->v[i].reason;
	guard_set(guard, group, g->v, g->n);
	g->group = group;
	g->n = 0;
	buf_clear(&g->reasons);
	return 1;
}

void
guard_in_fini(struct guard_in *g)
{
	free(g->v);
	buf_fini(&g->reasons);
}
