/* SPDX-License-Identifier: GPL-2.0-or-later
 * looks.c - questions of the engine to an actor: is this subject in force out there?
 */
#include "banner/daemon/actor/looks.h"

#include <errno.h>
#include <string.h>

#include "banner/daemon/actor/actor.h"

int
looks_add(struct looks *l, struct look_open o, struct wire_in *in)
{
	o.subject = (struct subject){ .kind = SUBJECT_ADDR, .addr = wire_get_addr(in) };
	if (in->bad)
		return -EBADMSG;
	if (l->n == LOOKS_MAX)
		memmove(l->v, l->v + 1, --l->n * sizeof(l->v[0]));
	l->v[l->n++] = o;
	return 0;
}

static void
put_answer(const struct look_open *o, int found, struct buf *out)
{
	size_t at = wire_start(out, WIRE_LOOKED);

	wire_u64(out, o->id);
	wire_u32(out, o->number);
	wire_u8(out, found > 0);
	wire_u32(out, found < 0 ? (uint32_t)-found : 0);
	wire_finish(out, at);
}

void
looks_answer(struct looks *l, struct buf *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		int found = instance_look(l->v[i].instance, &l->v[i].subject);

		if (found == -EAGAIN)
			l->v[kept++] = l->v[i];
		else
			put_answer(&l->v[i], found, out);
	}
	l->n = kept;
}
