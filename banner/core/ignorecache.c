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
#include "banner/base/units.h"
#include "banner/conf/span.h"

enum { KEY_MAX = 4096, COUNT_MAX = 100000 };

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

static int
cache_option(struct ignorecache *c, struct str name, struct str value, struct err *e)
{
	if (str_is(name, "key")) {
		free(c->key);
		c->key = xstrndup(value.s, value.len);
		return 0;
	}
	if (str_is(name, "max-count")) {
		if (str_u64(value, &c->max) < 0 || c->max == 0 || c->max > COUNT_MAX)
			return err_set(e, -EINVAL, "ignorecache: max-count must be "
			    "1 to %d", COUNT_MAX);
		return 0;
	}
	if (str_is(name, "max-time")) {
		int rc = span_ms(value, &c->time_ms, e);

		return rc < 0 ? err_prefix(e, rc, "ignorecache: max-time") : 0;
	}
	return err_set(e, -EINVAL, "ignorecache: unknown option '%.*s', expected key, "
	    "max-count or max-time", (int)name.len, name.s);
}

/* One name=value, value perhaps in quotes, up to a comma. */
static int
cache_part(struct ignorecache *c, struct str *rest, struct err *e)
{
	struct str name, value;
	const char *end;

	if (!str_cut(rest, '=', &name) || !rest->s)
		return err_set(e, -EINVAL, "ignorecache: expected name=value");
	name = str_trim(name);
	*rest = str_trim(*rest);
	if (rest->len && (rest->s[0] == '"' || rest->s[0] == '\'')) {
		char quote = rest->s[0];

		end = memchr(rest->s + 1, quote, rest->len - 1);
		if (!end)
			return err_set(e, -EINVAL, "ignorecache: missing %c", quote);
		value = (struct str){ rest->s + 1, (size_t)(end - rest->s - 1) };
		rest->len -= (size_t)(end + 1 - rest->s);
		rest->s = end + 1;
		*rest = str_trim(*rest);
		if (rest->len && rest->s[0] == ',') {
			rest->s++;
			rest->len--;
		}
		return cache_option(c, name, value, e);
	}
	str_cut(rest, ',', &value);
	return cache_option(c, name, str_trim(value), e);
}

int
ignorecache_new(const char *option, struct ignorecache **out, struct err *e)
{
	struct ignorecache *c = xcalloc(1, sizeof(*c));
	struct str rest = str_trim(str_of(option));
	int rc = 0;

	c->max = 100;
	c->time_ms = 5 * MS_PER_MIN;
	c->end = &c->oldest;
	c->table = table_new();
	while (rc == 0 && rest.s && rest.len) {
		rc = cache_part(c, &rest, e);
		if (rest.s)
			rest = str_trim(rest);
	}
	if (rc == 0 && !c->key)
		rc = err_set(e, -EINVAL, "ignorecache: no key=\"...\"");
	if (rc < 0) {
		ignorecache_free(c);
		return rc;
	}
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
