/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge_proto.c - lines of the controller become changes and answers.
 *
 * The language is described in banner-edge(7). Changes are carried out when all that
 * could be read is read; one OK then answers all of them.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/daemon/actor/actor.h"
#include "banner/tools/banner_edge.h"

/* A set that would remove more than half of at least this many needs "force". */
enum { HALF_LEAST = 10, BAD_TOLD = 100 };

/* FNV-1a, 64 bit (Fowler, Noll, Vo), over family, prefix length and address; the digest
 * of a set is the sum. It finds accidents; ssh keeps out forgers. */
static uint64_t
digest_one(const struct addr *a)
{
	const uint8_t *p = (const uint8_t *)a;
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(*a); i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static int
read_hex(struct str s, uint64_t *out)
{
	char text[17], *end;

	if (s.len == 0 || s.len > 16)
		return -EINVAL;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	*out = strtoull(text, &end, 16);
	return *end ? -EINVAL : 0;
}

void
edge_say(struct edge *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&e->out, fmt, ap);
	va_end(ap);
}

static void
protocol_error(struct edge *e, const char *why)
{
	edge_say(e, "BYE %s\n", why);
	e->bad = true;
}

/* "PREFIX [TTL]" */
static int
read_prefix(struct str rest, struct addr *a, int64_t *ttl_ms)
{
	struct str word;
	uint64_t s = 0;

	if (!str_word(&rest, &word) || addr_parse_prefix(word, a) < 0)
		return -EINVAL;
	if (str_word(&rest, &word) && (str_u64(word, &s) < 0 || s > INT32_MAX))
		return -EINVAL;
	*ttl_ms = (int64_t)s * MS_PER_S;
	return rest.len ? -EINVAL : 0;
}

/* A bucket that holds two seconds of the policy's rate. */
static bool
rate_allows(struct edge *e)
{
	uint64_t full = e->conf.rate * 2000;
	int64_t now = edge_now();

	if (!e->conf.rate)
		return true;
	e->tokens += (uint64_t)(now - e->tokens_ms) * e->conf.rate;
	e->tokens_ms = now;
	if (e->tokens > full)
		e->tokens = full;
	if (e->tokens < 1000)
		return false;
	e->tokens -= 1000;
	return true;
}

static void
refuse(struct edge *e, uint64_t seq, struct str prefix, const char *why)
{
	edge_say(e, "ERR %llu %.*s %s\n", (unsigned long long)seq,
	    (int)(prefix.len > 60 ? 60 : prefix.len), prefix.s, why);
}

static void
on_add(struct edge *e, struct str rest)
{
	struct str word, prefix;
	const char *why;
	struct addr a;
	int64_t ttl;
	uint64_t seq;

	if (!str_word(&rest, &word) || str_u64(word, &seq) < 0) {
		protocol_error(e, "A without a number");
		return;
	}
	e->seq = seq;
	prefix = rest;
	str_word(&prefix, &word);
	if (read_prefix(rest, &a, &ttl) < 0) {
		refuse(e, seq, word, "syntax");
		return;
	}
	why = edge_policy(e, &a);
	if (!why && !rate_allows(e))
		why = "rate";
	if (why) {
		refuse(e, seq, word, why);
		return;
	}
	edge_row_set(e, &a, ttl, seq);
}

static void
on_del(struct edge *e, struct str rest)
{
	struct str word;
	struct edge_row *r;
	struct addr a;
	int64_t ttl;
	uint64_t seq;

	if (!str_word(&rest, &word) || str_u64(word, &seq) < 0 ||
	    read_prefix(rest, &a, &ttl) < 0) {
		protocol_error(e, "D needs a number and a prefix");
		return;
	}
	e->seq = seq;
	r = edge_row_find(e, &a);
	if (r) {
		r->seq = seq;
		edge_row_end(e, r);
	}
}

/* S GENERATION COUNT DIGEST exact|add|force */
static void
on_set(struct edge *e, struct str rest)
{
	struct edge_sync *s = &e->sync;
	struct str g, n, d, mode;
	uint64_t was = s->generation;

	*s = (struct edge_sync){ .active = true, .v = s->v, .cap = s->cap };
	if (!str_word(&rest, &g) || !str_word(&rest, &n) || !str_word(&rest, &d) ||
	    !str_word(&rest, &mode) || str_u64(g, &s->generation) < 0 ||
	    str_u64(n, &s->count) < 0 || read_hex(d, &s->digest) < 0) {
		s->generation = was;
		protocol_error(e, "S needs generation, count, digest and mode");
		return;
	}
	s->force = str_is(mode, "force");
	s->exact = s->force || str_is(mode, "exact");
	if (!s->exact && !str_is(mode, "add"))
		protocol_error(e, "the mode of S is exact, force or add");
}

static void
set_line(struct edge *e, struct str line)
{
	struct edge_sync *s = &e->sync;
	struct str rest = line, prefix;
	struct edge_want w;
	const char *why;

	if (read_prefix(line, &w.addr, &w.ttl_ms) < 0) {
		s->bad++;
		return;
	}
	s->sum += digest_one(&w.addr);
	if (s->n >= e->conf.max_bans)
		why = "limit";
	else if (w.addr.plen < (w.addr.family == 4 ? e->conf.plen4 : e->conf.plen6))
		why = "prefix too short";
	else
		why = NULL;
	if (why) {
		if (s->refused++ < BAD_TOLD && str_word(&rest, &prefix))
			refuse(e, 0, prefix, why);
		return;
	}
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 1024;
		s->v = xrealloc(s->v, s->cap * sizeof(*s->v));
	}
	s->v[s->n++] = w;
}

/* What is in force and named by the set. */
static uint64_t
count_kept(struct edge *e)
{
	const struct edge_sync *s = &e->sync;
	uint64_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct bn_subject b = { .kind = BN_ADDR,
			.addr = { s->v[i].addr.family, s->v[i].addr.plen, { 0 } } };

		memcpy(b.addr.ip, s->v[i].addr.ip, sizeof(b.addr.ip));
		kept += instance_has(e->instance, &b);
	}
	return kept;
}

static bool
set_refused(struct edge *e, uint64_t in_force, uint64_t kept)
{
	const struct edge_sync *s = &e->sync;
	unsigned long long g = s->generation;

	if (s->bad || s->n + s->refused != s->count || s->sum != s->digest) {
		edge_say(e,
		    "REFUSED %llu damaged: %llu of %llu lines, %llu unreadable, "
		    "digest %llx\n",
		    g, (unsigned long long)s->n + s->refused,
		    (unsigned long long)s->count, (unsigned long long)s->bad,
		    (unsigned long long)s->sum);
		return true;
	}
	if (s->exact && !s->force && in_force >= HALF_LEAST &&
	    kept < in_force - in_force / 2 && in_force - kept > in_force / 2) {
		edge_say(e, "REFUSED %llu half: would remove %llu of %llu\n", g,
		    (unsigned long long)(in_force - kept),
		    (unsigned long long)in_force);
		return true;
	}
	return false;
}

struct stale {
	struct edge *e;
	struct edge_row **v;
	size_t n;
};

static int
find_stale(void *arg, const void *key, size_t len, void *row)
{
	struct stale *s = arg;
	struct edge_row *r = row;

	if (r->generation != s->e->sync.generation)
		s->v[s->n++] = r;
	return 1;
}

/* Rows that the set does not name: their removal is what COMPLETE does. */
static void
end_stale(struct edge *e)
{
	struct stale s = { .e = e };

	s.v = xcalloc(table_count(e->rows) + 1, sizeof(struct edge_row *));
	table_each(e->rows, find_stale, &s);
	for (size_t i = 0; i < s.n; i++)
		edge_row_end(e, s.v[i]);
	free(s.v);
}

/* A set that only adds may not fill the rows beyond the policy's limit; one that is
 * exact was held against it while it was read. */
static void
set_rows(struct edge *e)
{
	struct edge_sync *s = &e->sync;
	char text[ADDR_TEXT];
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct edge_want *w = &s->v[i];
		const char *why = s->exact ? NULL : edge_policy(e, &w->addr);

		if (why && s->refused++ < BAD_TOLD)
			refuse(e, 0, str_of(addr_print(&w->addr, text)), why);
		if (why)
			continue;
		edge_row_set(e, &w->addr, w->ttl_ms, 0);
		n++;
	}
	s->n = n;
}

/* How many of the set are in force now; those that the guard refused are counted. */
static uint64_t
count_applied(struct edge *e)
{
	struct edge_sync *s = &e->sync;
	uint64_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		const struct edge_row *r = edge_row_find(e, &s->v[i].addr);

		n += r && r->err == 0;
		s->refused += r && r->err == -EPERM;
	}
	return n;
}

static void
set_apply(struct edge *e)
{
	struct edge_sync *s = &e->sync;
	struct instance_stats st;
	uint64_t before, kept, applied;

	instance_work_off(e->instance);
	instance_stats(e->instance, &st);
	before = st.in_force;
	kept = count_kept(e);
	if (set_refused(e, before, kept))
		return;
	if (s->exact)
		instance_begin(e->instance, s->generation);
	set_rows(e);
	if (s->exact) {
		end_stale(e);
		instance_complete(e->instance, s->generation, s->force);
	}
	instance_work_off(e->instance);
	edge_state_write(e);
	applied = count_applied(e);
	edge_say(e, "SYNCED %llu added=%llu removed=%llu kept=%llu refused=%llu\n",
	    (unsigned long long)s->generation,
	    (unsigned long long)(applied > kept ? applied - kept : 0),
	    (unsigned long long)(s->exact ? before - kept : 0),
	    (unsigned long long)kept, (unsigned long long)s->refused);
}

static void
on_end(struct edge *e, struct str rest)
{
	struct edge_sync *s = &e->sync;
	uint64_t g;

	if (str_u64(rest, &g) < 0 || g != s->generation)
		s->bad++;
	s->active = false;
	set_apply(e);
	free(s->v);
	s->v = NULL;
	s->n = s->cap = 0;
}

/* Everything before the P is carried out before it is answered. */
static void
settle(struct edge *e)
{
	instance_work_off(e->instance);
	edge_state_write(e);
	if (e->answered != e->seq)
		edge_say(e, "OK %llu\n", (unsigned long long)e->seq);
	e->answered = e->seq;
}

static void
on_ping(struct edge *e, struct str rest)
{
	struct instance_stats st;

	settle(e);
	instance_stats(e->instance, &st);
	edge_say(e,
	    "PONG %.*s in_force=%llu failing=%llu conflicts=%llu refused=%llu "
	    "repaired=%llu\n",
	    (int)(rest.len > 20 ? 20 : rest.len), rest.s,
	    (unsigned long long)st.in_force, (unsigned long long)st.failing,
	    (unsigned long long)st.conflicts, (unsigned long long)st.refused,
	    (unsigned long long)st.repaired);
}

static void
on_hello(struct edge *e, struct str rest)
{
	struct instance_stats st;
	struct str word;
	uint64_t version;

	if (!str_word(&rest, &word) || str_u64(word, &version) < 0 ||
	    version != EDGE_PROTOCOL) {
		protocol_error(e, "this banner-edge speaks version 1");
		return;
	}
	e->greeted = true;
	instance_work_off(e->instance);
	instance_stats(e->instance, &st);
	edge_say(e, "HELLO %d plugin=%s in_force=%llu version=" BANNER_VERSION "\n",
	    EDGE_PROTOCOL, e->conf.plugin, (unsigned long long)st.in_force);
}

static void
on_line(struct edge *e, struct str line)
{
	struct str word;

	if (!e->greeted && !str_starts(line, "HELLO ")) {
		protocol_error(e, "HELLO comes first");
		return;
	}
	if (e->sync.active && !str_starts(line, "E ")) {
		set_line(e, line);
		return;
	}
	if (!str_word(&line, &word) || word.len > 5)
		protocol_error(e, "unknown word");
	else if (str_is(word, "A"))
		on_add(e, line);
	else if (str_is(word, "D"))
		on_del(e, line);
	else if (str_is(word, "P"))
		on_ping(e, str_trim(line));
	else if (str_is(word, "S"))
		on_set(e, line);
	else if (str_is(word, "E"))
		on_end(e, str_trim(line));
	else if (str_is(word, "HELLO"))
		on_hello(e, line);
	else
		protocol_error(e, "unknown word");
}

void
edge_input(struct edge *e)
{
	size_t used = 0;
	char *end;

	while (!e->bad && used < e->in.len &&
	    (end = memchr(e->in.p + used, '\n', e->in.len - used))) {
		on_line(
		    e, (struct str){ e->in.p + used, (size_t)(end - e->in.p) - used });
		used = (size_t)(end - e->in.p) + 1;
	}
	buf_drop(&e->in, used);
	if (e->in.len > EDGE_LINE)
		protocol_error(e, "line too long");
	if (e->greeted && !e->sync.active)
		settle(e);
}
