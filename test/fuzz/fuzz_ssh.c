/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_ssh.c - what a proxy may answer to the ssh action: banner-edge's lines, or ip's.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/unit/ssh_rig.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct ssh_rig *r)
{
	const struct ssh *s = r->self;
	const struct host *h = &s->hosts[0];

	if (h->acked > oplog_last(&s->log) || h->acked > h->sent ||
	    h->nfails > FAILS_MAX || s->set.n != 3)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ssh_rig r;
	size_t half = n / 2;

	if (n < 2 || rig_open(&r, "one", p[0] & 1 ? "banner-edge" : "iproute") < 0)
		return 0;
	rig_wait(&r);
	for (unsigned i = 1; i <= 3; i++)
		rig_change(&r, BN_ADD, i);
	bn_action.complete(r.self, p[0] & 2);
	for (size_t at = 1; at < n && r.far[0] >= 0; at = at < half ? half : n) {
		size_t part = (at < half ? half : n) - at;

		send(r.far[0], p + at, part, MSG_NOSIGNAL);
		rig_run(&r);
	}
	check(&r);
	rig_change(&r, BN_DEL, 3);
	rig_close(&r);
	return 0;
}
