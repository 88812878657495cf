/* SPDX-License-Identifier: GPL-2.0-or-later
 * session_merge.c - what one connection has shown so far (F-MLFID).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/session_data.h"

enum {
	BUCKETS = 128,
	SPARE_BYTES = 256,	/* of a value that are kept for the next one */
};

struct sessions *
sessions_new(const struct capture_names *names)
{
	struct sessions *ss = xcalloc(1, sizeof(*ss));

	ss->names = names;
	hash_key_random(&ss->secret);
	return ss;
}

static struct str
own_set(struct own *o, struct str v)
{
	if (v.len >= o->cap) {
		o->cap = v.len + 16;
		free(o->p);
		o->p = xmalloc(o->cap);
	}
	if (v.len > 0)
		memcpy(o->p, v.s, v.len);
	o->p[v.len] = '\0';
	return (struct str){ o->p, v.len };
}

static void
own_trim(struct own *o, size_t keep)
{
	if (o->cap <= keep)
		return;
	free(o->p);
	*o = (struct own){ 0 };
}

static void
session_trim(struct session *s, size_t nslots, size_t keep)
{
	own_trim(&s->own_key, keep);
	for (size_t i = 0; i < nslots; i++)
		own_trim(&s->own[i], keep);
	for (size_t i = 0; i < s->nusers; i++)
		own_trim(&s->own_users[i], keep);
	lines_clear(&s->matches);
	lines_clear(&s->nofail);
}

static void
session_free(struct session *s)
{
	if (!s)
		return;
	s->nusers = SESSION_USERS;
	session_trim(s, CAP_MAX, 0);
	free(s);
}

/* Its memory serves the next one: an attack is a new connection for each line. */
void
session_drop(struct sessions *ss, struct session *s)
{
	if (!s)
		return;
	session_trim(s, ss->names->n, SPARE_BYTES);
	s->chain = ss->spare;
	ss->spare = s;
}

static uint32_t
hash_of(const struct sessions *ss, struct str key)
{
	return (uint32_t)hash64(&ss->secret, key.s, key.len);
}

/* Out of the map; the caller drops it. */
static void
unlink_session(struct sessions *ss, struct session *s)
{
	struct session **at = &ss->buckets[s->hash % BUCKETS];

	while (*at != s)
		at = &(*at)->chain;
	*at = s->chain;
	*(s->prev ? &s->prev->next : &ss->first) = s->next;
	*(s->next ? &s->next->prev : &ss->last) = s->prev;
	s->prev = s->next = NULL;
	ss->n--;
}

void
sessions_free(struct sessions *ss)
{
	struct session *s, *next;

	if (!ss)
		return;
	for (s = ss->first; s; s = next) {
		next = s->next;
		session_free(s);
	}
	for (s = ss->spare; s; s = next) {
		next = s->chain;
		session_free(s);
	}
	session_free(ss->ended);
	free(ss->buckets);
	free(ss);
}

size_t
sessions_count(const struct sessions *ss)
{
	return ss->n;
}

const struct sessions_stats *
sessions_stats(const struct sessions *ss)
{
	return &ss->stats;
}

static struct session *
session_make(struct sessions *ss, struct str key, uint32_t hash, int64_t now_ms)
{
	struct session *s = ss->spare;

	if (s) {
		ss->spare = s->chain;
		memset(s->groups.v, 0, ss->names->n * sizeof(*s->groups.v));
		s->prev = s->next = NULL;
		s->nlent = s->nusers = 0;
		s->pending = false;
	} else {
		s = xcalloc(1, sizeof(*s));
	}
	s->key = own_set(&s->own_key, key);
	s->hash = hash;
	s->since_ms = now_ms;
	return s;
}

struct session *
session_new(struct sessions *ss, struct str key, int64_t now_ms)
{
	return session_make(ss, key, hash_of(ss, key), now_ms);
}

/* The oldest goes first; each insertion frees at most one place. */
void
session_keep(struct sessions *ss, struct session *s)
{
	struct session *old, **bucket;

	if (ss->n == SESSION_MAX) {
		old = ss->first;
		if (s->since_ms - old->since_ms > SESSION_TTL_MS)
			ss->stats.expired++;
		else
			ss->stats.evicted++;
		unlink_session(ss, old);
		session_drop(ss, old);
	}
	if (!ss->buckets)
		ss->buckets = xcalloc(BUCKETS, sizeof(struct session *));
	bucket = &ss->buckets[s->hash % BUCKETS];
	s->chain = *bucket;
	*bucket = s;
	s->prev = ss->last;
	*(ss->last ? &ss->last->next : &ss->first) = s;
	ss->last = s;
	ss->n++;
}

static struct session *
find_hashed(const struct sessions *ss, struct str key, uint32_t hash)
{
	struct session *s = ss->buckets ? ss->buckets[hash % BUCKETS] : NULL;

	while (s && (s->hash != hash || !str_eq(s->key, key)))
		s = s->chain;
	return s;
}

struct session *
session_find(const struct sessions *ss, struct str key)
{
	return find_hashed(ss, key, hash_of(ss, key));
}

static struct session *
find(struct sessions *ss, struct str key, uint32_t hash, int64_t now_ms)
{
	struct session *s = find_hashed(ss, key, hash);

	if (!s || now_ms - s->since_ms < SESSION_TTL_MS)
		return s;
	ss->stats.expired++;
	unlink_session(ss, s);
	session_drop(ss, s);
	return NULL;
}

void
session_set(struct sessions *ss, struct session *s, size_t slot, struct str v)
{
	if (v.len > SESSION_VALUE) {
		ss->stats.values_dropped++;
		return;
	}
	s->groups.v[slot] = own_set(&s->own[slot], v);
}

static bool
is_set(const struct session *s, size_t slot)
{
	return s->groups.v[slot].len > 0;
}

static void
unset(struct session *s, size_t slot)
{
	s->groups.v[slot] = (struct str){ 0 };
}

void
session_user_add(struct sessions *ss, struct session *s, struct str user)
{
	if (user.len == 0)
		return;
	for (size_t i = 0; i < s->nusers; i++)
		if (str_eq(s->users[i], user))
			return;
	if (s->nusers == SESSION_USERS || user.len > SESSION_VALUE) {
		ss->stats.users_dropped++;
		return;
	}
	s->users[s->nusers] = own_set(&s->own_users[s->nusers], user);
	s->nusers++;
}

/* An address that a later line gives replaces the one known so far, of whatever
 * family: the newest line says who it is. */
static void
take_groups(struct sessions *ss, struct session *s, const struct captures *c)
{
	if (c->v[CAP_IP4].s || c->v[CAP_IP6].s || c->v[CAP_DNS].s) {
		unset(s, CAP_IP4);
		unset(s, CAP_IP6);
		unset(s, CAP_DNS);
		unset(s, CAP_CIDR);
	}
	for (size_t i = 0; i < ss->names->n; i++)
		if (c->v[i].s && i != CAP_FORGET && i != CAP_CONTENT &&
		    i != CAP_WEIGHT)
			session_set(ss, s, i, c->v[i]);
}

/* What the flags of the hit say, and of the session before it. */
struct turn {
	bool gained, nofail, forget;
	bool was_nofail;	/* the line before was no failure by itself */
};

static void
known_session(struct sessions *ss, struct session *s, const struct captures *c,
    struct turn *t)
{
	session_user_add(ss, s, c->v[CAP_USER]);
	s->nlent = 0;
	t->was_nofail = is_set(s, CAP_NOFAIL) || is_set(s, CAP_GAINED);
	unset(s, CAP_NOFAIL);
	unset(s, CAP_GAINED);
	if (t->gained)
		s->pending = false;
	if (!t->was_nofail && !s->pending)
		lines_clear(&s->matches);	/* they were reported already */
	take_groups(ss, s, c);
	if (!t->forget)
		return;
	unlink_session(ss, s);
	ss->ended = s;
}

/* A failure of one hit is told with the lines of it as they are. They would be reported
 * already at the next, so they are only copied for one that is to follow them. */
static void
take_lines(struct sessions *ss, struct session *s, const struct str *lines, size_t n)
{
	if (s->matches.n == 0 && s->nofail.n == 0) {
		s->lent = lines;
		s->nlent = n;
		return;
	}
	lines_prepend(&s->matches, &s->nofail, &ss->stats);
	lines_add(&s->matches, lines, n, &ss->stats);
}

/* A first line that also says goodbye leaves nothing behind; users count only where
 * there is a memory of them. */
static struct session *
new_session(struct sessions *ss, const struct captures *c, const struct turn *t,
    struct session *s)
{
	take_groups(ss, s, c);
	if (t->forget || s->key.len > SESSION_KEY) {
		ss->stats.keys_refused += !t->forget;
		ss->ended = s;
		return s;
	}
	session_user_add(ss, s, c->v[CAP_USER]);
	session_keep(ss, s);
	return s;
}

struct session *
session_merge(struct sessions *ss, const struct captures *c, const struct str *lines,
    size_t nlines, int64_t now_ms)
{
	struct turn t = {
		.gained = c->v[CAP_GAINED].len > 0,
		.nofail = c->v[CAP_NOFAIL].len > 0 || c->v[CAP_GAINED].len > 0,
		.forget = c->v[CAP_FORGET].len > 0,
	};
	uint32_t hash = hash_of(ss, c->v[CAP_MLFID]);
	struct session *s = find(ss, c->v[CAP_MLFID], hash, now_ms);

	session_drop(ss, ss->ended);
	ss->ended = NULL;
	if (s)
		known_session(ss, s, c, &t);
	else
		s = new_session(ss, c, &t,
		    session_make(ss, c->v[CAP_MLFID], hash, now_ms));
	if (t.gained && !is_set(s, CAP_NOFAIL))
		session_set(ss, s, CAP_NOFAIL, c->v[CAP_GAINED]);
	/* A login after failures, or as a second user, is a failure too. */
	if (s->pending || is_set(s, CAP_PENDING) || s->nusers > 1) {
		s->pending = false;
		unset(s, CAP_PENDING);
		unset(s, CAP_NOFAIL);
		unset(s, CAP_GAINED);
		t.nofail = t.gained = false;
	}
	if (!t.nofail && is_set(s, CAP_AHEAD) && c->v[CAP_AHEAD].len == 0) {
		unset(s, CAP_AHEAD);
		return NULL;
	}
	if (!t.nofail) {
		take_lines(ss, s, lines, nlines);
		return s;
	}
	if (!t.forget)
		lines_add(&s->nofail, lines, nlines, &ss->stats);
	return NULL;
}

void
session_pending(struct sessions *ss, struct session *s)
{
	s->pending = true;
	lines_add(&s->matches, s->lent, s->nlent, &ss->stats);
	s->nlent = 0;
}

const struct captures *
session_captures(const struct session *s)
{
	return &s->groups;
}

size_t
session_lines(const struct session *s, const struct str **lines)
{
	*lines = s->nlent > 0 ? s->lent : s->matches.v;
	return s->nlent > 0 ? s->nlent : s->matches.n;
}

size_t
session_users(const struct session *s, const struct str **users)
{
	*users = s->users;
	return s->nusers;
}
