/* SPDX-License-Identifier: GPL-2.0-or-later
 * session_merge.c - what one connection has shown so far (F-MLFID).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/session_data.h"

struct sessions *
sessions_new(const struct capture_names *names)
{
	struct sessions *ss = xcalloc(1, sizeof(*ss));

	ss->names = names;
	ss->by_key = table_new();
	return ss;
}

/* Out of the map; the caller frees it. */
static void
unlink_session(struct sessions *ss, struct session *s)
{
	table_del(ss->by_key, s->key.s, s->key.len);
	*(s->prev ? &s->prev->next : &ss->first) = s->next;
	*(s->next ? &s->next->prev : &ss->last) = s->prev;
	s->prev = s->next = NULL;
	ss->n--;
}

void
session_free(struct session *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < CAP_MAX; i++)
		if (s->own[i])	/* few are, and this is done for every failure */
			free(s->own[i]);
	lines_clear(&s->matches);
	lines_clear(&s->nofail);
	for (size_t i = 0; i < s->nusers; i++)
		free((char *)(uintptr_t)s->users[i].s);
	free((char *)(uintptr_t)s->key.s);
	free(s);
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
	session_free(ss->ended);
	table_free(ss->by_key);
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

struct session *
session_new(struct str key, int64_t now_ms)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->key = (struct str){ xstrndup(key.s, key.len), key.len };
	s->since_ms = now_ms;
	return s;
}

/* The oldest goes first; each insertion frees at most one place. */
void
session_keep(struct sessions *ss, struct session *s)
{
	struct session *old;

	if (ss->n == SESSION_MAX) {
		old = ss->first;
		if (s->since_ms - old->since_ms > SESSION_TTL_MS)
			ss->stats.expired++;
		else
			ss->stats.evicted++;
		unlink_session(ss, old);
		session_free(old);
	}
	s->prev = ss->last;
	*(ss->last ? &ss->last->next : &ss->first) = s;
	ss->last = s;
	ss->n++;
	table_set(ss->by_key, s->key.s, s->key.len, s);
}

static struct session *
find(struct sessions *ss, struct str key, int64_t now_ms)
{
	struct session *s = table_find(ss->by_key, key.s, key.len);

	if (!s || now_ms - s->since_ms < SESSION_TTL_MS)
		return s;
	ss->stats.expired++;
	unlink_session(ss, s);
	session_free(s);
	return NULL;
}

void
session_set(struct sessions *ss, struct session *s, size_t slot, struct str v)
{
	if (v.len > SESSION_VALUE) {
		ss->stats.values_dropped++;
		return;
	}
	free(s->own[slot]);
	s->own[slot] = xstrndup(v.len ? v.s : "", v.len);
	s->groups.v[slot] = (struct str){ s->own[slot], v.len };
}

static bool
is_set(const struct session *s, size_t slot)
{
	return s->groups.v[slot].len > 0;
}

static void
unset(struct session *s, size_t slot)
{
	free(s->own[slot]);
	s->own[slot] = NULL;
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
	s->users[s->nusers++] = (struct str){ xstrndup(user.s, user.len), user.len };
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

/* A first line that also says goodbye leaves nothing behind; users count only where
 * there is a memory of them. */
static struct session *
new_session(struct sessions *ss, const struct captures *c, const struct turn *t,
    int64_t now_ms)
{
	struct session *s = session_new(c->v[CAP_MLFID], now_ms);

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
	struct session *s = find(ss, c->v[CAP_MLFID], now_ms);

	session_free(ss->ended);
	ss->ended = NULL;
	if (s)
		known_session(ss, s, c, &t);
	else
		s = new_session(ss, c, &t, now_ms);
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
		lines_prepend(&s->matches, &s->nofail, &ss->stats);
		lines_add(&s->matches, lines, nlines, &ss->stats);
		return s;
	}
	if (!t.forget)
		lines_add(&s->nofail, lines, nlines, &ss->stats);
	return NULL;
}

void
session_pending(struct session *s)
{
	s->pending = true;
}

const struct captures *
session_captures(const struct session *s)
{
	return &s->groups;
}

size_t
session_lines(const struct session *s, const struct str **lines)
{
	*lines = s->matches.v;
	return s->matches.n;
}

size_t
session_users(const struct session *s, const struct str **users)
{
	*users = s->users;
	return s->nusers;
}
