/* SPDX-License-Identifier: GPL-2.0-or-later
 * ignorecache.c - answers to questions, kept for a while.
 */
#include "banner/core/ignorecache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/base/table.h"
#include "banner/conf/cachespec.h"

enum { KEY_MAX = 4096 };

struct answer {
	struct answer *next;	/* younger */
	int64_t until_ms;
	bool ignore;
	uint16_t len;
	char key[];
};

struct ignorecache {
	char *key;		/* with its tags */
	uint64_t max;
	int64_t time_ms;
	struct table *table;
	struct answer *oldest, **end;
	size_t n;		/* in the list, replaced ones too */
};

int
ignorecache_new(const char *option, struct ignorecache **out, struct err *e)
{
	struct ignorecache *c;
	struct cachespec spec;
	int rc = cachespec_parse(option, &spec, e);

	if (rc < 0)
		return err_prefix(e, rc, "ignorecache");
	c = xcalloc(1, sizeof(*c));
	c->key = xstrndup(spec.key.s, spec.key.len);
	c->max = spec.max;
	c->time_ms = spec.time_ms;
	c->end = &c->oldest;
	c->table = table_new();
	*out = c;
	return 0;
}

static void
drop_oldest(struct ignorecache *c)
{
	struct answer *a = c->oldest;

	c->oldest = a->next;
	if (!c->oldest)
		c->end = &c->oldest;
	if (table_find(c->table, a->key, a->len) == a)
		table_del(c->table, a->key, a->len);
	free(a);
	c->n--;
}

void
ignorecache_free(struct ignorecache *c)
{
	if (!c)
		return;
	while (c->oldest)
		drop_oldest(c);
	table_free(c->table);
	free(c->key);
	free(c);
}

/* <ip>, <ip-host>, <fid> or <F-NAME>. A tag of nothing is empty. */
static void
add_tag(struct buf *b, struct str tag, const struct failure *f)
{
	char text[ADDR_TEXT];

	if (str_starts(tag, "ip")) {
		if (f->addr.family)
			buf_puts(b, addr_print(&f->addr, text));
		return;
	}
	if (str_is(tag, "fid") || str_is(tag, "F-ID")) {
		if (f->subject.kind == SUBJECT_ADDR)
			buf_puts(b, addr_print(&f->subject.addr, text));
		else
			buf_str(b, f->subject.text);
		return;
	}
	if (str_starts(tag, "F-"))
		tag = (struct str){ tag.s + 2, tag.len - 2 };
	for (size_t i = 0; i < f->nfields; i++) {
		struct str name = f->fields[i].name;

		if (name.len == tag.len && strncasecmp(name.s, tag.s, tag.len) == 0)
			buf_str(b, f->fields[i].value);
	}
}

/* False: too long to be kept; cut keys of different clients could be one. */
static bool
cache_key(const struct ignorecache *c, const struct failure *f, struct buf *b)
{
	struct str rest = str_of(c->key), part;

	while (rest.len && str_cut(&rest, '<', &part)) {
		buf_str(b, part);
		if (!rest.s || !memchr(rest.s, '>', rest.len))
			break;
		str_cut(&rest, '>', &part);
		add_tag(b, part, f);
		if (!rest.s)
			break;
	}
	if (rest.s && rest.len)
		buf_str(b, rest);
	return b->len <= KEY_MAX;
}

enum ignore_known
ignorecache_find(struct ignorecache *c, const struct failure *f, int64_t now_ms)
{
	struct buf b = { .len = 0 };
	const struct answer *a = NULL;

	if (cache_key(c, f, &b))
		a = table_find(c->table, b.p ? b.p : "", b.len);
	buf_fini(&b);
	if (!a || a->until_ms <= now_ms)
		return IGNORE_UNKNOWN;
	return a->ignore ? IGNORE_YES : IGNORE_NO;
}

void
ignorecache_set(struct ignorecache *c, const struct failure *f, bool ignore,
    int64_t now_ms)
{
	struct buf b = { .len = 0 };
	struct answer *a;

	if (!cache_key(c, f, &b)) {
		buf_fini(&b);
		return;
	}
	a = xcalloc(1, sizeof(*a) + b.len + 1);
	a->len = (uint16_t)b.len;
	if (b.len)
		memcpy(a->key, b.p, b.len);
	buf_fini(&b);
	a->until_ms = now_ms + c->time_ms;
	a->ignore = ignore;
	table_set(c->table, a->key, a->len, a);
	*c->end = a;
	c->end = &a->next;
	c->n++;
	while (c->oldest && (c->oldest->until_ms <= now_ms || c->n > c->max))
		drop_oldest(c);
}
