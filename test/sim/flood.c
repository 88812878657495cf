/* SPDX-License-Identifier: GPL-2.0-or-later
 * flood.c - ten million sources that fail once, a hundred offenders among them.
 *
 * usage: flood [SOURCES [OFFENDERS [MEGABYTES]]]
 *
 * The engine must stay within MEGABYTES (0: does not matter) and every offender must be
 * banned. Each of them fails five times, a five-hundredth of the flood apart; findtime
 * is as long as the flood. Prints memory, speed and the result. A tenth of it is a
 * test; scripts/bench measures all of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "banner/conf/conf.h"
#include "banner/core/engine.h"

enum { SPAN_MS = 600000 };

struct flood {
	struct engine *en;
	uint64_t state;
	size_t banned;
	double slowest;		/* of a thousand failures, seconds */
};

static void
on_emit(void *arg, const struct order *o)
{
	struct flood *fl = arg;

	fl->banned += o->verb == VERB_BAN && o->ban->subject.addr.ip[0] == 203;
}

static void
on_notice(void *arg, const struct notice *n)
{
}

static uint32_t
random32(struct flood *fl)
{
	fl->state = fl->state * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(fl->state >> 32);
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
fail_once(struct flood *fl, const uint8_t ip[4], int64_t now_ms)
{
	struct str line = STR("Nov 21 23:40:00 host sshd[1]: Failed password for root");
	struct failure f = { .jail = engine_jail_at(fl->en, 0), .when_ms = now_ms,
	    .weight = 1, .lines = &line, .nlines = 1,
	    .subject = { .kind = SUBJECT_ADDR, .addr = { .family = 4, .plen = 32 } } };

	memcpy(f.subject.addr.ip, ip, 4);
	f.addr = f.subject.addr;
	engine_failure(fl->en, &f, now_ms);
}

/* Megabytes at the most. */
static double
report(struct flood *fl, double took, size_t n, size_t offenders)
{
	struct rusage ru;
	struct engine_stats s;

	getrusage(RUSAGE_SELF, &ru);
	engine_stats(fl->en, NULL, &s);
	printf("%zu failures in %.1f s: %.0f ns each, a thousand of them at most %.1f "
	    "ms\n", n, took, took * 1e9 / (double)n, fl->slowest * 1e3);
	printf("peak memory %.1f MB; %zu keys of at most %zu, %llu forgotten\n",
	    (double)ru.ru_maxrss / 1024, s.tracked_now, s.max_tracked,
	    (unsigned long long)s.evicted_keys);
	printf("%zu of %zu offenders banned\n", fl->banned, offenders);
	return (double)ru.ru_maxrss / 1024;
}

/* Every (sources / (offenders * 5))th failure is the next one of an offender. Each
 * offender's five follow each other through one stretch of the flood. */
static size_t
run(struct flood *fl, size_t sources, size_t offenders)
{
	size_t every = sources / (offenders * 5), n = 0, turn = 0;
	int64_t start = INT64_C(1700000000000);
	double before = seconds();

	for (size_t i = 0; i < sources; i++) {
		int64_t now =
		    start + (int64_t)((double)i / (double)sources * SPAN_MS);
		uint32_t r = random32(fl);
		uint8_t ip[4] = { (uint8_t)(11 + (r >> 24) % 100), (uint8_t)(r >> 16),
		    (uint8_t)(r >> 8), (uint8_t)r };

		fail_once(fl, ip, now);
		n++;
		if (i % 1000 == 999) {
			double after = seconds();

			if (after - before > fl->slowest)
				fl->slowest = after - before;
			before = after;
		}
		if (i % every || turn == offenders * 5)
			continue;
		fail_once(fl, (uint8_t[4]){ 203, 0, 113, (uint8_t)(turn / 5) }, now);
		turn++;
		n++;
	}
	return n;
}

int
main(int argc, char **argv)
{
	size_t sources = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000000;
	size_t offenders = argc > 2 ? strtoul(argv[2], NULL, 10) : 100;
	/* valgrind takes memory itself */
	double most = argc > 3 && !getenv("UNIT_SLOW") ? atof(argv[3]) : 0, used;
	struct conf_jail jail = { .name = "sshd",
		.enabled = true,
		.maxretry = 5,
		.maxmatches = 5,
		.findtime_ms = SPAN_MS,
		.bantime_ms = 86400000,
		.host6 = 64 };
	struct conf conf = { .jails = &jail, .njails = 1, .daemon.ban_rate = 1000000 };
	struct flood fl = { .state = 42 };
	struct engine_host host = { .arg = &fl, .emit = on_emit, .notice = on_notice };
	double begin = seconds();
	struct err e;
	size_t n;

	if (sources < offenders * 5 || offenders > 256 || offenders == 0 ||
	    engine_new(&conf, &host, &fl.en, &e) < 0)
		return 2;
	n = run(&fl, sources, offenders);
	used = report(&fl, seconds() - begin, n, offenders);
	engine_free(fl.en);
	return fl.banned != offenders || (most > 0 && used > most);
}
