/* SPDX-License-Identifier: GPL-2.0-or-later
 * banctl_compare.c - which bans fail2ban and bannerd have in common, and why not all.
 *
 * Two bans are the same when jail and address are, and less than TOGETHER_MS lie
 * between them. Only the time that both logs cover is looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/base/units.h"
#include "banner/tools/banctl_compare.h"
#include "banner/tools/banctl_log.h"

#ifndef BANNER_DRY_RUN_LOG
#define BANNER_DRY_RUN_LOG "/var/lib/banner/dry-run/bans.log"
#endif

enum { TOGETHER_MS = 10 * 60 * 1000, EDGE_MS = 5000 };

struct comparison {
	struct said_log theirs, ours;
	bool json;
	int64_t from_ms, to_ms;
	int64_t *earlier_ms;	/* per common ban, how much earlier ours was */
	size_t same, only_theirs, only_ours;
};

static bool
counts(const struct comparison *c, const struct said_event *e)
{
	return e->what == SAID_BAN && e->ms >= c->from_ms && e->ms <= c->to_ms;
}

static struct said_event *
partner(struct comparison *c, const struct said_event *e)
{
	size_t n;
	struct said_event *v = said_of(&c->ours, e->jail, e->subject, &n);

	for (size_t i = 0; i < n; i++)
		if (v[i].what == SAID_BAN && !v[i].used &&
		    llabs(v[i].ms - e->ms) < TOGETHER_MS)
			return &v[i];
	return NULL;
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
match_bans(struct comparison *c)
{
	for (size_t i = 0; i < c->theirs.n; i++) {
		struct said_event *e = &c->theirs.v[i], *p;

		if (!counts(c, e) || !(p = partner(c, e)))
			continue;
		e->used = p->used = true;
		c->earlier_ms = xrealloc(
		    c->earlier_ms, (c->same + 1) * sizeof(*c->earlier_ms));
		c->earlier_ms[c->same++] = e->ms - p->ms;
	}
	if (c->same)
		qsort(c->earlier_ms, c->same, sizeof(*c->earlier_ms), by_number);
}

/* What one side said of a subject around the time the other banned it. */
struct around {
	size_t found, ignored;
	const struct said_event *ban; /* in force then */
	const char *why_ignored;
};

static struct around
look_around(const struct said_log *l, const struct said_event *e)
{
	struct around a = { 0 };
	size_t n;
	const struct said_event *v = said_of(l, e->jail, e->subject, &n);

	for (size_t i = 0; i < n; i++) {
		bool near = llabs(v[i].ms - e->ms) < 2 * (int64_t)TOGETHER_MS;

		if (v[i].what == SAID_BAN && v[i].ms <= e->ms)
			a.ban = &v[i];
		else if (v[i].what == SAID_UNBAN && v[i].ms <= e->ms)
			a.ban = NULL;
		else if (v[i].what == SAID_FOUND && near)
			a.found++;
		else if (v[i].what == SAID_IGNORE && near) {
			a.ignored++;
			a.why_ignored = v[i].rest;
		}
	}
	return a;
}

static void
reason(struct buf *b, const char *other, const struct around *mine,
    const struct around *others)
{
	char when[UNITS_TEXT];

	if (others->ban)
		buf_printf(b, "%s had banned it already at %s", other,
		    units_time(others->ban->ms, when));
	else if (others->ignored)
		buf_printf(b, "%s ignored it %s", other, others->why_ignored);
	else if (!mine->found)
		buf_puts(b, "no failure before it: by hand, or from a database");
	else if (!others->found)
		buf_printf(b, "%s found no failure: does it read this log, with this "
		    "rule?", other);
	else if (others->found < mine->found)
		buf_printf(b, "%s found %zu failures of %zu", other, others->found,
		    mine->found);
	else
		buf_printf(b, "both found %zu failures: findtime is an exact window "
		    "here, an estimate there", mine->found);
}

/* One ban that only one side made. */
static void
say_ban(const struct comparison *c, const struct said_event *e, const char *side,
    struct str why)
{
	char when[UNITS_TEXT];
	struct buf b = { 0 };

	if (!c->json) {
		printf("  %s [%s] %s: %s\n", units_time(e->ms, when), e->jail,
		    e->subject, why.s);
		return;
	}
	buf_printf(&b, "{\"only\":\"%s\",\"time_ms\":%lld,\"jail\":", side,
	    (long long)e->ms);
	buf_json(&b, str_of(e->jail));
	buf_puts(&b, ",\"subject\":");
	buf_json(&b, str_of(e->subject));
	buf_puts(&b, ",\"reason\":");
	buf_json(&b, why);
	printf("%s}\n", b.p);
	buf_fini(&b);
}

static size_t
say_only(struct comparison *c, const struct said_log *mine,
    const struct said_log *other, const char *const names[2])
{
	struct buf why = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < mine->n; i++)
		n += counts(c, &mine->v[i]) && !mine->v[i].used;
	if (!c->json)
		printf("only %s:\t%zu\n", names[0], n);
	for (size_t i = 0; i < mine->n; i++) {
		const struct said_event *e = &mine->v[i];
		struct around a, b;

		if (!counts(c, e) || e->used)
			continue;
		a = look_around(mine, e);
		b = look_around(other, e);
		buf_clear(&why);
		reason(&why, names[1], &a, &b);
		say_ban(c, e, names[0], buf_view(&why));
	}
	buf_fini(&why);
	return n;
}

static void
say_seconds(int64_t ms, char out[32])
{
	snprintf(out, 32, "%lld.%lld s", (long long)(llabs(ms) / 1000),
	    (long long)(llabs(ms) % 1000 / 100));
}

static void
say_same(const struct comparison *c)
{
	char most[32], middle[32];
	size_t later = 0;

	printf("the same:\t%zu", c->same);
	if (!c->same) {
		putchar('\n');
		return;
	}
	while (later < c->same && c->earlier_ms[later] < 0)
		later++;
	say_seconds(c->earlier_ms[c->same / 2], middle);
	say_seconds(c->earlier_ms[c->same - 1], most);
	printf(", banner %s by %s in the middle, at most %s earlier; later in %zu\n",
	    c->earlier_ms[c->same / 2] < 0 ? "later" : "earlier", middle,
	    c->earlier_ms[c->same - 1] < 0 ? "0.0 s" : most, later);
}

/* The object that says how many, behind those of single bans. */
static void
say_sums(const struct comparison *c)
{
	printf("{\"from_ms\":%lld,\"to_ms\":%lld,\"same\":%zu,\"only_fail2ban\":%zu,"
	    "\"only_banner\":%zu", (long long)c->from_ms + EDGE_MS,
	    (long long)c->to_ms - EDGE_MS, c->same, c->only_theirs, c->only_ours);
	if (c->same)
		printf(",\"earlier_ms\":{\"least\":%lld,\"middle\":%lld,\"most\":%lld}",
		    (long long)c->earlier_ms[0],
		    (long long)c->earlier_ms[c->same / 2],
		    (long long)c->earlier_ms[c->same - 1]);
	puts("}");
}

/* The time that both cover; a ban at its edge may have its partner outside. */
static void
set_span(struct comparison *c)
{
	int64_t a = c->theirs.first_ms, b = c->ours.first_ms;
	int64_t x = c->theirs.last_ms, y = c->ours.last_ms;

	c->from_ms = (a > b ? a : b) - EDGE_MS;
	c->to_ms = (x < y ? x : y) + EDGE_MS;
}

static int
compare(struct comparison *c)
{
	static const char *const names[] = { "fail2ban", "banner", "fail2ban" };
	char from[UNITS_TEXT], to[UNITS_TEXT];

	set_span(c);
	if (!c->theirs.first_ms || !c->ours.first_ms || c->from_ms > c->to_ms) {
		puts(c->json ? "{\"error\":\"the two logs have no time in common\"}"
			     : "the two logs have no time in common");
		return 1;
	}
	match_bans(c);
	if (!c->json) {
		printf("compared:\t%s to %s\n", units_time(c->from_ms + EDGE_MS, from),
		    units_time(c->to_ms - EDGE_MS, to));
		say_same(c);
	}
	c->only_theirs = say_only(c, &c->theirs, &c->ours, names);
	c->only_ours = say_only(c, &c->ours, &c->theirs, names + 1);
	if (c->json)
		say_sums(c);
	return c->only_theirs || c->only_ours;
}

static int
read_side(struct said_log *l, const char *path)
{
	int rc = said_read(l, path);

	if (rc < 0)
		fprintf(stderr, "banctl: %s: %s\n", path, strerror(-rc));
	return rc;
}

int
banctl_compare(char **argv, bool json)
{
	struct comparison c = { .json = json };
	int rc = 2;

	if (!argv[1] || (argv[2] && argv[3])) {
		fputs("usage: banctl compare FAIL2BAN-LOG [BANNER-LOG]\n", stderr);
		return 2;
	}
	if (read_side(&c.theirs, argv[1]) == 0 &&
	    read_side(&c.ours, argv[2] ? argv[2] : BANNER_DRY_RUN_LOG) == 0)
		rc = compare(&c);
	said_free(&c.theirs);
	said_free(&c.ours);
	free(c.earlier_ms);
	return rc;
}
