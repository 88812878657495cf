/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor_want.c - the wanted set of one action instance.
 */
#include "banner/daemon/actor/actor_want.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/uncleared.h"

void
wants_init(struct wants *s)
{
	*s = (struct wants){ .table = table_new(), .ids = table_new(),
	    .jails = table_new() };
	TAILQ_INIT(&s->dirty);
	TAILQ_INIT(&s->failed);
}

static void
want_free(void *value)
{
	struct want *w = value;

	for (uint32_t i = 0; i < w->nholders; i++)
		want_fields_free(w->holders[i].fields);
	free(w->holders);
	free(w);
}

void
wants_fini(struct wants *s)
{
	table_free(s->ids);
	table_free_with(s->table, want_free);
	table_free_with(s->jails, free);
}

const char *
wants_jail(struct wants *s, const char *name)
{
	size_t len = strlen(name);
	char *known = table_find(s->jails, name, len);

	if (!known) {
		known = xstrdup(name);
		table_set(s->jails, name, len, known);
	}
	return known;
}

enum { KEY_TEXT = 1 + sizeof(struct bn_addr), KEY_MAX = 1024 };

/* kind, address, text, NUL, jail, NUL, and the ban if it is an event. */
static size_t
make_key(char key[KEY_MAX], const struct want_name *n)
{
	size_t text = n->subject.text ? strlen(n->subject.text) + 1 : 1;
	size_t jail = strlen(n->jail) + 1, id = n->id ? sizeof(n->id) : 0;

	if (KEY_TEXT + text + jail + id > KEY_MAX)
		return 0;
	key[0] = (char)n->subject.kind;
	memcpy(key + 1, &n->subject.addr, sizeof(n->subject.addr));
	memcpy(key + KEY_TEXT, n->subject.text ? n->subject.text : "", text);
	memcpy(key + KEY_TEXT + text, n->jail, jail);
	memcpy(key + KEY_TEXT + text + jail, &n->id, id);
	return KEY_TEXT + text + jail + id;
}

struct want *
wants_get(struct wants *s, const struct want_name *n, bool create)
{
	char key[KEY_MAX] UNCLEARED;
	size_t len = make_key(key, n);
	struct want *w;

	if (len == 0)
		return NULL;
	w = table_find(s->table, key, len);
	if (w || !create)
		return w;
	w = xcalloc(1, sizeof(*w) + len);
	memcpy(w->key, key, len);
	w->keylen = (uint16_t)len;
	w->subject = n->subject;
	if (n->subject.text)
		w->subject.text = w->key + KEY_TEXT;
	table_set(s->table, key, len, w);
	return w;
}

struct want *
wants_by_id(const struct wants *s, uint64_t ban)
{
	return table_find(s->ids, &ban, sizeof(ban));
}

void
wants_queue(struct wants *s, struct want *w, enum want_queue queue)
{
	if (w->queue == queue)
		return;
	if (w->queue == QUEUE_DIRTY)
		TAILQ_REMOVE(&s->dirty, w, link);
	if (w->queue == QUEUE_FAILED) {
		TAILQ_REMOVE(&s->failed, w, link);
		s->nfailed--;
	}
	if (queue == QUEUE_DIRTY)
		TAILQ_INSERT_TAIL(&s->dirty, w, link);
	if (queue == QUEUE_FAILED) {
		TAILQ_INSERT_TAIL(&s->failed, w, link);
		s->nfailed++;
	}
	w->queue = queue;
}

void
wants_drop(struct wants *s, struct want *w)
{
	assert(!w->busy);
	while (w->nholders > 0)
		want_leave(s, w, &w->holders[w->nholders - 1]);
	wants_queue(s, w, QUEUE_NONE);
	table_del(s->table, w->key, w->keylen);
	s->nin_force -= w->in_force;
	s->nrefused -= w->refused;
	want_free(w);
}

struct holder *
want_holder(const struct want *w, uint64_t ban)
{
	for (uint32_t i = 0; i < w->nholders; i++)
		if (w->holders[i].id == ban)
			return &w->holders[i];
	return NULL;
}

struct holder *
want_hold(struct wants *s, struct want *w, uint64_t ban)
{
	struct holder *h = want_holder(w, ban);

	if (h)
		return h;
	w->holders = xrealloc(w->holders, (w->nholders + 1) * sizeof(*h));
	h = &w->holders[w->nholders++];
	*h = (struct holder){ .id = ban, .told = 1 };
	table_set(s->ids, &ban, sizeof(ban), w);
	return h;
}

void
want_leave(struct wants *s, struct want *w, struct holder *h)
{
	size_t at = (size_t)(h - w->holders);

	table_del(s->ids, &h->id, sizeof(h->id));
	want_fields_free(h->fields);
	w->nholders--;
	memmove(h, h + 1, (w->nholders - at) * sizeof(*h));
}

bool
want_needed(const struct want *w)
{
	for (uint32_t i = 0; i < w->nholders; i++)
		if (!w->holders[i].leaving)
			return !w->refused;
	return false;
}

const struct holder *
want_first(const struct want *w)
{
	for (uint32_t i = 0; i < w->nholders; i++)
		if (!w->holders[i].leaving)
			return &w->holders[i];
	return w->nholders ? &w->holders[0] : NULL;
}

int64_t
want_until(const struct want *w)
{
	int64_t until = -1;

	for (uint32_t i = 0; i < w->nholders; i++) {
		if (w->holders[i].leaving)
			continue;
		if (w->holders[i].until_ms == 0)
			return 0;
		if (w->holders[i].until_ms > until)
			until = w->holders[i].until_ms;
	}
	return until < 0 ? 0 : until;
}

/* A C string of log text: what lies behind a NUL would be lost, so NULs are shown. */
static char *
put_text(char *at, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		*at++ = s.s[i] ? s.s[i] : '?';
	*at++ = '\0';
	return at;
}

/* "matches": the lines of evidence, one below the other. */
static char *
matches(const struct wire_ban *b)
{
	struct wire_in lines = b->lines;
	char *text = xmalloc((size_t)(lines.end - lines.p) + 1), *at = text;

	for (uint32_t i = 0; i < b->nlines; i++) {
		at = put_text(at, wire_get_str(&lines));
		at[-1] = '\n';
	}
	if (b->nlines > 0)
		at--;
	*at = '\0';
	return text;
}

struct want_fields *
want_fields_new(const struct wire_ban *b)
{
	size_t n = b->nfields + 1, text = (size_t)(b->fields.end - b->fields.p);
	struct wire_in fields = b->fields;
	struct want_fields *f = xcalloc(1, sizeof(*f) + (n + 1) * sizeof(*f->v) + text);
	char *at = (char *)&f->v[n + 1];

	f->matches = matches(b);
	f->v[0] = (struct bn_field){ "matches", f->matches };
	for (size_t i = 1; i < n; i++) {
		f->v[i].name = at;
		at = put_text(at, wire_get_str(&fields));
		f->v[i].value = at;
		at = put_text(at, wire_get_str(&fields));
	}
	return f;
}

void
want_fields_trim(struct want_fields *f)
{
	if (!f)
		return;
	free(f->matches);
	f->matches = NULL;
	f->v[0].value = "";
}

void
want_fields_free(struct want_fields *f)
{
	want_fields_trim(f);
	free(f);
}
