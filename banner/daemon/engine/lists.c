/* SPDX-License-Identifier: GPL-2.0-or-later
 * lists.c - applying the guard's groups.
 */
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/core/engine_state.h"
#include "banner/core/guard.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/lists.h"

#define NAME "banner.engine"
enum { GUARD_MAX = 8192 };

static void
apply_group(struct engined *d, const char *group, const struct guard_part *p)
{
	size_t released;

	guard_set(engine_guard(d->engine), group, p->v, p->n);
	released = engine_guard_changed(d->engine, engined_now());
	if (released)
		log_warn(NAME, "%zu bans lifted: they hit what is never banned (%s)",
		    released, group);
}

void
lists_guard(
    struct engined *d, const char *group, bool more, uint32_t n, struct wire_in *in)
{
	struct guard_part *p = &d->guard_part;

	for (uint32_t i = 0; i < n && !in->bad && p->n < GUARD_MAX; i++) {
		p->v = xrealloc(p->v, (p->n + 1) * sizeof(*p->v));
		p->v[p->n].net = wire_get_addr(in);
		p->v[p->n++].reason = xstrdup(wire_get_text(in));
	}
	if (more)
		return;
	apply_group(d, group, p);
	for (size_t i = 0; i < p->n; i++)
		free((void *)(uintptr_t)p->v[i].reason);
	free(p->v);
	*p = (struct guard_part){ 0 };
	engined_turn(d);
}
