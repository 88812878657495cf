/* SPDX-License-Identifier: GPL-2.0-or-later
 * tell.c - what plugins tell, as records.
 */
#include <string.h>

#include "banner/daemon/actor/actor.h"
#include "banner/daemon/actor/tell.h"

struct tell {
	struct buf *out;
	unsigned number;
	uint64_t id;
};

static void
put_target(void *arg, const char *name, const char *state)
{
	struct tell *t = arg;
	size_t at = wire_start(t->out, WIRE_TARGET);

	wire_u64(t->out, t->id);
	wire_u32(t->out, t->number);
	wire_text(t->out, name);
	wire_text(t->out, state);
	wire_finish(t->out, at);
}

void
tell_targets(
    struct buf *out, struct instance *in, unsigned number, uint64_t id, uint64_t ban)
{
	struct tell t = { out, number, id };

	if (ban)
		instance_where(in, ban, put_target, &t);
	else
		instance_targets(in, put_target, &t);
}

static void
put_found(void *arg, const struct bn_subject *s)
{
	struct tell *t = arg;
	struct addr a = { .family = s->addr.family, .plen = s->addr.plen };
	size_t at;

	if (s->kind != BN_ADDR)
		return;
	memcpy(a.ip, s->addr.ip, sizeof(a.ip));
	at = wire_start(t->out, WIRE_FOUND);
	wire_u32(t->out, t->number);
	wire_addr(t->out, &a);
	wire_finish(t->out, at);
}

int
tell_unnamed(struct buf *out, struct instance *in, unsigned number)
{
	struct tell t = { .out = out, .number = number };

	return instance_unnamed(in, put_found, &t);
}

void
tell_known(struct buf *out, const struct actor_question *q, unsigned number)
{
	size_t at = wire_start(out, WIRE_KNOWN);

	wire_u32(out, number);
	wire_u64(out, q->ticket);
	wire_text(out, q->user);
	wire_addr(out, &q->from);
	wire_finish(out, at);
}
