/* SPDX-License-Identifier: GPL-2.0-or-later
 * hop.c - an attacker who has an IPv6 /48 and never uses an address twice.
 *
 * A jail that counts hosts takes a /64 for one: hopping inside of it does not help.
 * Who hops through all 65,536 of them costs the tracker no more than its cap, which is
 * counted; and a jail that counts networks (count = net/24,56) shuts out all that he
 * has with 256 bans.
 */
#include <stdio.h>
#include <string.h>

#include "banner/conf/conf.h"
#include "banner/core/engine.h"

enum { KEYS = 1000, NETS = 65536, HOST_RETRY = 5, NET_RETRY = 20 };
enum { HOST, NET };	/* the jails */
static const int64_t start_ms = INT64_C(1700000000000);

struct seen {
	size_t bans;
	struct addr last;
	bool banned[256];	/* each /56 */
};

static void
on_emit(void *arg, const struct order *o)
{
	struct seen *s = arg;

	if (o->verb != VERB_BAN)
		return;
	s->bans++;
	s->last = o->ban->subject.addr;
	if (s->last.plen == 56)
		s->banned[s->last.ip[6]] = true;
}

static void
on_notice(void *arg, const struct notice *n)
{
}

/* The nth address of 2001:db8:77:NET::/64; each is another one. */
static struct addr
address(unsigned net, unsigned n)
{
	struct addr a = { .family = 6, .plen = 128,
		.ip = { 0x20, 1, 0x0d, 0xb8, 0, 0x77, (uint8_t)(net >> 8),
		    (uint8_t)net } };

	memcpy(&a.ip[8], &n, sizeof(n));
	a.ip[15] = (uint8_t)(n + 1);
	return a;
}

static void
fail_from(struct engine *en, size_t jail, struct addr a)
{
	struct str line = STR("Nov 21 23:40:00 host sshd[1]: Failed password for root");
	struct failure f = { .jail = engine_jail_at(en, jail), .when_ms = start_ms,
		.weight = 1, .lines = &line, .nlines = 1, .addr = a,
		.subject = { .kind = SUBJECT_ADDR, .addr = a } };

	engine_failure(en, &f, start_ms);
}

static int
check(bool good, const char *what)
{
	if (!good)
		printf("wrong: %s\n", what);
	return good ? 0 : 1;
}

static int
hops(struct engine *en, struct seen *seen)
{
	struct engine_stats st;
	int wrong = 0;

	for (unsigned n = 0; n < HOST_RETRY - 1; n++)
		for (unsigned net = 0; net < NETS; net++)
			fail_from(en, HOST, address(net, n));
	engine_stats(en, "host", &st);
	wrong += check(st.tracked_now <= KEYS, "the tracker keeps its cap");
	wrong += check(st.evicted_keys >= (HOST_RETRY - 1) * NETS - KEYS,
	    "what was forgotten is counted");
	wrong += check(seen->bans == 0, "nobody was banned for one failure");

	for (unsigned n = 10; n < 10 + HOST_RETRY; n++)
		fail_from(en, HOST, address(7, n));
	wrong += check(seen->bans == 1 && seen->last.plen == 64 &&
	    seen->last.ip[7] == 7, "hopping inside a /64 is no help");

	/* what is banned gets through no more */
	for (unsigned net = 0; net < NETS; net++)
		if (!seen->banned[net % 256])
			fail_from(en, NET, address(net % 256 << 8 | net / 256, 100));
	engine_stats(en, "net", &st);
	wrong += check(seen->bans == 1 + 256 && st.banned_now == 256,
	    "each /56 of the /48 is banned");
	wrong += check(st.failures == 256 * NET_RETRY, "after so many failures each");
	return wrong;
}

int
main(void)
{
	struct conf_jail jails[] = {
		{ .name = "host", .enabled = true, .maxretry = HOST_RETRY,
		    .findtime_ms = 600000, .bantime_ms = 600000, .host6 = 64 },
		{ .name = "net", .enabled = true, .maxretry = NET_RETRY,
		    .findtime_ms = 600000, .bantime_ms = 600000, .host6 = 64,
		    .count = COUNT_NET, .net4 = 24, .net6 = 56 },
	};
	struct conf conf = { .jails = jails, .njails = 2, .daemon.max_tracked = KEYS };
	struct seen seen = { .bans = 0 };
	struct engine_host host = { .arg = &seen, .emit = on_emit,
		.notice = on_notice };
	struct engine *en;
	struct err e;
	int wrong;

	if (engine_new(&conf, &host, &en, &e) < 0)
		return 2;
	wrong = hops(en, &seen);
	engine_free(en);
	return wrong != 0;
}
