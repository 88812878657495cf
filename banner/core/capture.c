/* SPDX-License-Identifier: GPL-2.0-or-later
 * capture.c - the named groups of a filter's regexes, as numbered slots.
 */
#include "banner/core/capture.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

static const char *const reserved[CAP_NAMED] = {
	[CAP_FID] = "fid", [CAP_IP4] = "ip4", [CAP_IP6] = "ip6", [CAP_DNS] = "dns",
	[CAP_CIDR] = "cidr", [CAP_USER] = "user", [CAP_MLFID] = "mlfid",
	[CAP_FORGET] = "mlfforget", [CAP_GAINED] = "mlfgained", [CAP_NOFAIL] = "nofail",
	[CAP_CONTENT] = "content", [CAP_PENDING] = "mlfpending",
	[CAP_AHEAD] = "mlfahead", [CAP_WEIGHT] = "weight",
	[CAP_EVENT] = "event", [CAP_TRACE] = "trace",
};

static bool
is_hidden(struct str name, size_t slot)
{
	return (slot >= CAP_FORGET && slot < CAP_NAMED) || str_starts(name, "alt_") ||
	    str_starts(name, "tuple_") || str_starts(name, "skiplines");
}

static void
add_name(struct capture_names *names, struct str name)
{
	size_t slot = names->n++;

	names->name[slot] = name;
	if (!is_hidden(name, slot))
		names->shown[names->nshown++] = (uint8_t)slot;
}

void
capture_names_init(struct capture_names *names)
{
	names->n = names->nshown = 0;
	while (names->n < CAP_NAMED)
		add_name(names, str_of(reserved[names->n]));
}

void
capture_names_fini(struct capture_names *names)
{
	for (size_t i = CAP_NAMED; i < names->n; i++)
		free((char *)(uintptr_t)names->name[i].s);
	names->n = 0;
}

/* The slot of this name, made if need be. -ENOSPC: too many names. */
static int
capture_slot(struct capture_names *names, struct str name)
{
	for (size_t i = 0; i < names->n; i++)
		if (str_eq(name, names->name[i]))
			return (int)i;
	if (names->n == CAP_MAX)
		return -ENOSPC;
	add_name(names, (struct str){ xstrndup(name.s, name.len), name.len });
	return (int)names->n - 1;
}

/* "alt_user_1" -> "user": the name behind the prefix, without a trailing "_digits". */
static struct str
base_name(struct str name, const char *prefix)
{
	size_t skip = strlen(prefix), end = name.len;

	while (end > skip && isdigit((unsigned char)name.s[end - 1]))
		end--;
	if (end == name.len || end <= skip || name.s[end - 1] != '_')
		end = name.len;
	else
		end--;
	name = (struct str){ name.s + skip, end - skip };
	if (str_is(name, "id"))
		return STR("fid");
	if (str_is(name, "port"))
		return STR("fport");
	return name;
}

/* Alternatives are tried in the order of their names. */
static int
map_joined(struct capture_map *map, struct capture_names *names, size_t slot)
{
	struct str name = names->name[slot];
	bool alt = str_starts(name, "alt_");
	size_t i;
	int to;

	if (!alt && !str_starts(name, "tuple_"))
		return 0;
	to = capture_slot(names, base_name(name, alt ? "alt_" : "tuple_"));
	if (to < 0)
		return to;
	if (alt) {
		for (i = map->nalt++; i > 0; i--) {
			if (strcmp(names->name[map->alt[i - 1].from].s,
				name.s) < 0)
				break;
			map->alt[i] = map->alt[i - 1];
		}
		map->alt[i].from = (uint8_t)slot;
		map->alt[i].to = (uint8_t)to;
	} else {
		map->tuple[map->ntuple].from = (uint8_t)slot;
		map->tuple[map->ntuple++].to = (uint8_t)to;
	}
	return 0;
}

int
capture_map_new(const struct pattern *p, struct capture_names *names,
    struct capture_map *map, struct err *e)
{
	memset(map, 0, sizeof(*map));
	for (unsigned g = 1; g <= pattern_groups(p); g++) {
		const char *name = pattern_group_name(p, g);
		int slot;

		if (!name)
			continue;
		slot = capture_slot(names, str_of(name));
		if (slot < 0 || map->n == CAP_MAX ||
		    map_joined(map, names, (size_t)slot) < 0)
			return err_set(e, -EINVAL,
			    "more than %d different named groups", CAP_MAX - CAP_NAMED);
		map->v[map->n].group = g;
		map->v[map->n++].slot = (uint8_t)slot;
	}
	return 0;
}

bool
capture_map_has_id(const struct capture_map *map)
{
	for (size_t i = 0; i < map->n; i++)
		if (map->v[i].slot <= CAP_DNS || map->v[i].slot == CAP_MLFID)
			return true;
	for (size_t i = 0; i < map->nalt; i++)
		if (map->alt[i].to <= CAP_DNS)
			return true;
	return false;
}

void
capture_spans(const struct capture_map *map, const struct pattern_run *run,
    struct spans *out)
{
	unsigned n;
	const size_t *v = pattern_spans(run, &n);

	out->v[0].from = n > 0 ? (int32_t)v[0] : 0;
	out->v[0].to = n > 0 ? (int32_t)v[1] : 0;
	for (size_t i = 0; i < map->n; i++) {
		unsigned g = map->v[i].group;
		bool set = g < n && v[2 * g] != SIZE_MAX;

		out->v[i + 1].from = set ? (int32_t)v[2 * g] : SPAN_NONE;
		out->v[i + 1].to = set ? (int32_t)v[2 * g + 1] : SPAN_NONE;
	}
}

static void
join_alternatives(const struct capture_map *map, struct captures *c)
{
	for (size_t i = 0; i < map->nalt; i++) {
		struct str v = c->v[map->alt[i].from];

		if (v.len > 0 && c->v[map->alt[i].to].len == 0)
			c->v[map->alt[i].to] = v;
	}
}

/* The scratch is made large enough first: values point into it. */
static void
join_tuples(const struct capture_map *map, struct captures *c, struct buf *scratch)
{
	size_t need = 0;

	for (size_t i = 0; i < map->ntuple; i++)
		need +=
		    2 * (c->v[map->tuple[i].from].len + c->v[map->tuple[i].to].len + 2);
	buf_clear(scratch);
	buf_reserve(scratch, need * (map->ntuple + 1));
	for (size_t i = 0; i < map->ntuple; i++) {
		struct str part = c->v[map->tuple[i].from];
		struct str *to = &c->v[map->tuple[i].to];
		size_t start = scratch->len;

		if (!part.s)
			continue;
		if (to->s) {
			buf_str(scratch, *to);
			buf_putc(scratch, ' ');
		}
		buf_str(scratch, part);
		*to = (struct str){ scratch->p + start, scratch->len - start };
	}
}

static void
read_spans(const struct capture_map *map, const struct spans *spans, struct str subject,
    struct captures *c)
{
	for (size_t i = 0; i < map->n; i++) {
		int32_t from = spans->v[i + 1].from, to = spans->v[i + 1].to;

		if (from != SPAN_NONE)
			c->v[map->v[i].slot] =
			    (struct str){ subject.s + from, (size_t)(to - from) };
	}
}

/* Only groups of this regex are joined, not those that are in c already. */
static void
read_joined(const struct capture_map *map, const struct spans *spans,
    struct str subject, struct captures *c, struct buf *scratch)
{
	struct captures own = { 0 };

	read_spans(map, spans, subject, &own);
	join_alternatives(map, &own);
	if (map->ntuple > 0)
		join_tuples(map, &own, scratch);
	for (size_t i = 0; i < CAP_MAX; i++)
		if (own.v[i].s)
			c->v[i] = own.v[i];
}

void
capture_read(const struct capture_map *map, const struct spans *spans,
    struct str subject, struct captures *c, struct buf *scratch)
{
	if (map->nalt == 0 && map->ntuple == 0)
		read_spans(map, spans, subject, c);
	else
		read_joined(map, spans, subject, c, scratch);
}
