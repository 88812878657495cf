/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_json.c - one JSON object for each failure, then one for the whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/tools/banregex.h"

enum { OUT_BYTES = 64 * 1024 };

static void
end_object(struct buf *b, size_t keep)
{
	buf_puts(b, "}\n");
	if (b->len < keep)
		return;
	fwrite(b->p, 1, b->len, stdout);
	buf_clear(b);
}

static void
add_number(struct buf *b, uint64_t v)
{
	char text[20], *p = text + sizeof(text);

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

static void
add_text(struct buf *b, const char *key, struct str value)
{
	buf_puts(b, ",\"");
	buf_puts(b, key);
	buf_puts(b, "\":");
	if (value.s)
		buf_json(b, value);
	else
		buf_puts(b, "null");
}

static void
add_time(struct buf *b, int64_t ms)
{
	uint64_t v = (uint64_t)(ms < 0 ? -ms : ms);

	buf_puts(b, ms < 0 ? ",\"time\":-" : ",\"time\":");
	add_number(b, v / 1000);
	if (v % 1000)
		buf_printf(b, ".%03u", (unsigned)(v % 1000));
}

static bool
is_users(const struct field *f)
{
	return str_is(f->name, "users");
}

/* All names tried in a session are one field, a list. */
static void
add_users(struct buf *b, const struct failure *f, bool first)
{
	bool open = false;

	for (size_t i = 0; i < f->nfields; i++) {
		if (!is_users(&f->fields[i]))
			continue;
		buf_puts(b, open ? "," : first ? "\"users\":[" : ",\"users\":[");
		open = true;
		buf_json(b, f->fields[i].value);
	}
	if (open)
		buf_putc(b, ']');
}

static void
add_fields(struct buf *b, const struct failure *f)
{
	bool first = true;

	buf_puts(b, ",\"fields\":{");
	for (size_t i = 0; i < f->nfields; i++) {
		if (is_users(&f->fields[i]))
			continue;
		if (!first)
			buf_putc(b, ',');
		first = false;
		buf_json(b, f->fields[i].name);
		buf_putc(b, ':');
		buf_json(b, f->fields[i].value);
	}
	add_users(b, f, first);
	buf_putc(b, '}');
}

static void
json_start(struct trial *t)
{
	t->report = xcalloc(1, sizeof(struct buf));
}

static void
json_failure(struct trial *t, const struct failure *f)
{
	char id[SUBJECT_TEXT + 1], host[ADDR_TEXT];
	struct buf *b = t->report;
	struct str h = { 0 };

	if (f->addr.family)
		h = str_of(addr_print(&f->addr, host));
	else if (failure_field(f, "dns").s)
		h = failure_field(f, "dns");
	buf_puts(b, "{\"line\":");
	add_number(b, t->line);
	add_time(b, f->when_ms);
	add_text(b, "id", str_of(failure_id(f, id)));
	add_text(b, "host", h);
	add_text(b, "user", f->user);
	add_fields(b, f);
	buf_puts(b, ",\"lines\":[");
	for (size_t i = 0; i < f->nlines; i++) {
		if (i > 0)
			buf_putc(b, ',');
		buf_json(b, f->lines[i]);
	}
	buf_puts(b, "],\"rule\":");
	add_number(b, f->rule);
	buf_puts(b, ",\"weight\":");
	add_number(b, f->weight);
	end_object(b, OUT_BYTES);
}

static void
add_rules(struct buf *b, const struct trial *t)
{
	buf_puts(b, ",\"rules\":[");
	for (size_t i = 0; i < rules_count(t->rules); i++) {
		buf_puts(b, i > 0 ? ",{\"regex\":" : "{\"regex\":");
		buf_json(b, str_of(t->filter.failregex.v[i]));
		buf_printf(b, ",\"hits\":%llu}",
		    (unsigned long long)rules_hits(t->rules, i));
	}
	buf_putc(b, ']');
}

static void
add_dates(struct buf *b, const struct trial *t)
{
	const char *name;
	uint64_t hits;

	buf_puts(b, ",\"dates\":[");
	for (size_t i = 0; rules_dates(t->rules, i, &name, &hits) && hits > 0; i++) {
		buf_puts(b, i > 0 ? ",{\"name\":" : "{\"name\":");
		buf_json(b, str_of(name));
		buf_printf(b, ",\"hits\":%llu}", (unsigned long long)hits);
	}
	buf_putc(b, ']');
}

static void
json_end(struct trial *t)
{
	const struct rules_stats *st = rules_stats(t->rules);
	const struct { const char *name; uint64_t value; } v[] = {
		{ "lines", st->lines },
		{ "matched", st->matched },
		{ "ignored", st->ignored },
		{ "missed", st->missed },
		{ "waiting", st->waiting },
		{ "errors", st->errors },
		{ "limit_hits", st->limit_hits },
		{ "no_date", st->no_date },
		{ "bad_host", st->bad_host },
		{ "too_long", t->too_long },
	};
	struct buf *b = t->report;

	buf_puts(b, "{\"summary\":true");
	for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
		buf_printf(b, ",\"%s\":%llu", v[i].name,
		    (unsigned long long)v[i].value);
	add_rules(b, t);
	add_dates(b, t);
	end_object(b, 0);
	buf_fini(b);
	free(b);
}

const struct reporter json_reporter = {
	.numbers = true, .start = json_start, .failure = json_failure, .end = json_end,
};
