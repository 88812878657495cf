/* SPDX-License-Identifier: GPL-2.0-or-later
 * session_store.c - collected lines, and sessions as records.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/session_data.h"

static void
drop_first(struct lines *l)
{
	l->bytes -= l->v[0].len;
	free((char *)(uintptr_t)l->v[0].s);
	memmove(l->v, l->v + 1, --l->n * sizeof(*l->v));
}

void
lines_clear(struct lines *l)
{
	for (size_t i = 0; i < l->n; i++)
		free((char *)(uintptr_t)l->v[i].s);
	free(l->v);
	*l = (struct lines){ 0 };
}

/* Takes over s. */
static void
append(struct lines *l, struct str s, struct sessions_stats *st)
{
	while (l->n > 0 &&
	    (l->n >= SESSION_LINES || l->bytes + s.len > SESSION_LINES_BYTES)) {
		drop_first(l);
		st->lines_dropped++;
	}
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 4;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = s;
	l->bytes += s.len;
}

void
lines_add(struct lines *l, const struct str *lines, size_t n, struct sessions_stats *st)
{
	for (size_t i = 0; i < n; i++) {
		struct str s = { NULL, lines[i].len };

		s.s = xstrndup(s.len ? lines[i].s : "", s.len);
		append(l, s, st);
	}
}

void
lines_prepend(struct lines *to, struct lines *from, struct sessions_stats *st)
{
	if (from->n == 0)
		return;
	for (size_t i = 0; i < to->n; i++)
		append(from, to->v[i], st);
	free(to->v);
	*to = *from;
	*from = (struct lines){ 0 };
}

static void
item(struct buf *b, const char *name, struct str v)
{
	buf_printf(b, "%s %zu:", name, v.len);
	buf_str(b, v);
}

static void
session_record(const struct sessions *ss, const struct session *s, struct buf *b)
{
	char since[32];

	snprintf(since, sizeof(since), "%lld", (long long)s->since_ms);
	item(b, "=since", str_of(since));
	if (s->pending)
		item(b, "=pending", STR(""));
	for (size_t i = 0; i < s->nusers; i++)
		item(b, "=user", s->users[i]);
	for (size_t i = 0; i < s->matches.n; i++)
		item(b, "=match", s->matches.v[i]);
	for (size_t i = 0; i < s->nofail.n; i++)
		item(b, "=nofail", s->nofail.v[i]);
	for (size_t i = 0; i < ss->names->n; i++)
		if (s->groups.v[i].s)
			item(b, ss->names->name[i].s, s->groups.v[i]);
}

void
sessions_each(const struct sessions *ss, session_fn *fn, void *arg)
{
	struct buf b = { 0 };

	for (const struct session *s = ss->first; s; s = s->next) {
		buf_clear(&b);
		session_record(ss, s, &b);
		fn(arg, s->key, buf_view(&b));
	}
	buf_fini(&b);
}

/* "name length:bytes" off the front. 1: an item, 0: the end, -EINVAL. */
static int
next_item(struct str *rest, struct str *name, struct str *value)
{
	struct str number;
	uint64_t len;

	if (rest->len == 0)
		return 0;
	if (!str_cut(rest, ' ', name) || !rest->s || !str_cut(rest, ':', &number) ||
	    !rest->s || str_u64(number, &len) < 0 || len > rest->len)
		return -EINVAL;
	*value = (struct str){ rest->s, (size_t)len };
	rest->s += len;
	rest->len -= (size_t)len;
	return 1;
}

/* A group the filter no longer has is left out: the filter may have changed. */
static void
put_group(struct sessions *ss, struct session *s, struct str name, struct str v)
{
	for (size_t i = 0; i < ss->names->n; i++)
		if (str_eq(name, ss->names->name[i]))
			session_set(ss, s, i, v);
}

static int
put_item(struct sessions *ss, struct session *s, struct str name, struct str v)
{
	if (str_is(name, "=since"))
		return str_i64(v, &s->since_ms);
	if (str_is(name, "=pending"))
		s->pending = true;
	else if (str_is(name, "=user"))
		session_user_add(ss, s, v);
	else if (str_is(name, "=match"))
		lines_add(&s->matches, &v, 1, &ss->stats);
	else if (str_is(name, "=nofail"))
		lines_add(&s->nofail, &v, 1, &ss->stats);
	else if (str_starts(name, "="))
		return -EINVAL;
	else
		put_group(ss, s, name, v);
	return 0;
}

int
sessions_put(struct sessions *ss, struct str key, struct str record)
{
	struct session *s;
	struct str name, value;
	int rc;

	if (key.len > SESSION_KEY || session_find(ss, key))
		return -EINVAL;
	s = session_new(ss, key, 0);
	while ((rc = next_item(&record, &name, &value)) > 0)
		if (put_item(ss, s, name, value) < 0) {
			rc = -EINVAL;
			break;
		}
	if (rc < 0) {
		session_drop(ss, s);
		return rc;
	}
	session_keep(ss, s);
	return 0;
}
