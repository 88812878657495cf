/* SPDX-License-Identifier: GPL-2.0-or-later
 * wire.c - writing and reading the records of wire.h.
 *
 * A record is u32 type, u32 length of the body, body. A string is u32 length, bytes,
 * and a NUL that is not counted.
 */
#include "banner/daemon/proc/wire.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { HEAD = 8 };

size_t
wire_start(struct buf *b, enum wire_type type)
{
	uint32_t head[2] = { (uint32_t)type, 0 };

	buf_add(b, head, sizeof(head));
	return b->len - sizeof(head);
}

int
wire_finish(struct buf *b, size_t at)
{
	uint32_t len;

	assert(b->len >= at + HEAD);
	if (b->len - at > WIRE_FRAME) {
		b->len = at;
		return -EMSGSIZE;
	}
	len = (uint32_t)(b->len - at - HEAD);
	memcpy(b->p + at + 4, &len, sizeof(len));
	return 0;
}

void
wire_empty(struct buf *b, enum wire_type type)
{
	wire_finish(b, wire_start(b, type));
}

void
wire_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, sizeof(v));
}

void
wire_u32(struct buf *b, uint32_t v)
{
	buf_add(b, &v, sizeof(v));
}

void
wire_u64(struct buf *b, uint64_t v)
{
	buf_add(b, &v, sizeof(v));
}

void
wire_i64(struct buf *b, int64_t v)
{
	buf_add(b, &v, sizeof(v));
}

void
wire_str(struct buf *b, struct str s)
{
	/* A length that does not fit makes a record that wire_finish refuses. */
	wire_u32(b, (uint32_t)s.len);
	buf_str(b, s);
	buf_putc(b, '\0');
}

void
wire_text(struct buf *b, const char *s)
{
	wire_str(b, str_of(s));
}

void
wire_addr(struct buf *b, const struct addr *a)
{
	buf_add(b, a, sizeof(*a));
}

void
wire_subject(struct buf *b, const struct subject *s)
{
	wire_u8(b, (uint8_t)s->kind);
	wire_addr(b, &s->addr);
	wire_str(b, s->text);
}

/* Log text for the record: cut visibly, so that the whole ban fits into a frame. */
static void
put_cut(struct buf *b, struct str s, size_t max)
{
	static const char dots[] = "...";
	size_t keep = max - (sizeof(dots) - 1);

	if (s.len <= max) {
		wire_str(b, s);
		return;
	}
	wire_u32(b, (uint32_t)max);
	buf_add(b, s.s, keep);
	buf_add(b, dots, sizeof(dots));
}

static void
put_lines(struct buf *b, const struct order *o)
{
	size_t first = o->nlines, room = WIRE_LINES;

	while (first > 0) {
		size_t len = o->lines[first - 1].len;

		len = (len > WIRE_LINE ? WIRE_LINE : len) + 5;
		if (len > room)
			break;
		room -= len;
		first--;
	}
	wire_u32(b, (uint32_t)(o->nlines - first));
	for (; first < o->nlines; first++)
		put_cut(b, o->lines[first], WIRE_LINE);
}

enum { FLAG_RESTORED = 1, FLAG_MANUAL = 2, FLAG_COMMENT = 4 };

void
wire_put_ban(struct buf *b, const struct order *o)
{
	const struct ban *n = o->ban;
	uint32_t nfields = (uint32_t)o->nfields;

	if (nfields > FAILURE_FIELDS)
		nfields = FAILURE_FIELDS;
	wire_u8(b, (uint8_t)o->verb);
	wire_u8(b, (uint8_t)o->cause);
	wire_u8(b, (uint8_t)((n->restored ? FLAG_RESTORED : 0) |
	    (n->manual ? FLAG_MANUAL : 0) | (n->comment ? FLAG_COMMENT : 0)));
	wire_u64(b, n->id);
	wire_text(b, n->jail);
	wire_subject(b, &n->subject);
	wire_i64(b, n->since_ms);
	wire_i64(b, n->until_ms);
	wire_u32(b, n->failures);
	wire_u32(b, n->count);
	put_cut(b, str_of(n->comment), WIRE_FIELD);
	put_lines(b, o);
	wire_u32(b, nfields);
	for (uint32_t i = 0; i < nfields; i++) {
		put_cut(b, o->fields[i].name, 64);
		put_cut(b, o->fields[i].value, WIRE_FIELD);
	}
}

void
wire_put_unban(struct buf *b, const struct order *o)
{
	wire_u64(b, o->ban->id);
	wire_u8(b, (uint8_t)o->cause);
}

int
wire_next(struct wire_in *frame, enum wire_type *type, struct wire_in *body)
{
	uint32_t t, len;

	if (frame->p == frame->end)
		return 0;
	t = wire_get_u32(frame);
	len = wire_get_u32(frame);
	if (frame->bad || len > (size_t)(frame->end - frame->p) ||
	    t < WIRE_HELLO || t > WIRE_LAST) {
		frame->p = frame->end;
		frame->bad = true;
		return -EBADMSG;
	}
	*type = (enum wire_type)t;
	*body = (struct wire_in){ frame->p, frame->p + len, false };
	frame->p += len;
	return 1;
}

static inline void
get(struct wire_in *in, void *out, size_t n)
{
	if (in->bad || (size_t)(in->end - in->p) < n) {
		in->bad = true;
		memset(out, 0, n);
		return;
	}
	memcpy(out, in->p, n);
	in->p += n;
}

uint8_t
wire_get_u8(struct wire_in *in)
{
	uint8_t v;

	get(in, &v, sizeof(v));
	return v;
}

uint32_t
wire_get_u32(struct wire_in *in)
{
	uint32_t v;

	get(in, &v, sizeof(v));
	return v;
}

uint64_t
wire_get_u64(struct wire_in *in)
{
	uint64_t v;

	get(in, &v, sizeof(v));
	return v;
}

int64_t
wire_get_i64(struct wire_in *in)
{
	int64_t v;

	get(in, &v, sizeof(v));
	return v;
}

struct str
wire_get_str(struct wire_in *in)
{
	uint32_t len = wire_get_u32(in);
	struct str s = { (const char *)in->p, len };

	if (in->bad || len >= (size_t)(in->end - in->p) || in->p[len] != '\0') {
		in->bad = true;
		return STR("");
	}
	in->p += len + 1;
	return s;
}

const char *
wire_get_text(struct wire_in *in)
{
	struct str s = wire_get_str(in);

	if (strlen(s.s) != s.len) {
		in->bad = true;
		return "";
	}
	return s.s;
}

struct addr
wire_get_addr(struct wire_in *in)
{
	static const struct addr none;
	struct addr a, m;

	get(in, &a, sizeof(a));
	if (a.family == 0 && memcmp(&a, &none, sizeof(a)) == 0)
		return none;
	if ((a.family != 4 && a.family != 6) || a.plen > (a.family == 4 ? 32 : 128)) {
		in->bad = true;
		return none;
	}
	/* Host bits must be zero: two values of one prefix would be two bans of it. */
	m = a;
	m.plen++;
	m = addr_mask(&m, a.plen);
	if (!addr_eq(&m, &a))
		in->bad = true;
	return in->bad ? none : a;
}

struct subject
wire_get_subject(struct wire_in *in)
{
	static const struct subject none = { .kind = SUBJECT_NONE, .text = { "", 0 } };
	struct subject s;
	uint8_t kind = wire_get_u8(in);

	s.addr = wire_get_addr(in);
	s.text = wire_get_str(in);
	if (kind > SUBJECT_NONE || s.text.len > SUBJECT_TEXT ||
	    (kind == SUBJECT_ADDR && s.addr.family == 0))
		in->bad = true;
	s.kind = (enum subject_kind)kind;
	return in->bad ? none : s;
}

int
wire_done(const struct wire_in *in)
{
	return in->bad || in->p != in->end ? -EBADMSG : 0;
}

/* Step over n strings; what lies there is checked now, so that later reading of the
 * returned part cannot fail. */
static struct wire_in
get_list(struct wire_in *in, uint32_t n)
{
	struct wire_in list = { in->p, in->p, false };

	for (uint32_t i = 0; i < n && !in->bad; i++)
		wire_get_str(in);
	list.end = in->bad ? list.p : in->p;
	return list;
}

int
wire_get_ban(struct wire_in *in, struct wire_ban *w)
{
	uint8_t verb = wire_get_u8(in), cause = wire_get_u8(in),
		flags = wire_get_u8(in);
	struct ban *n = &w->ban;

	n->id = wire_get_u64(in);
	n->jail = wire_get_text(in);
	n->subject = wire_get_subject(in);
	n->since_ms = wire_get_i64(in);
	n->until_ms = wire_get_i64(in);
	n->failures = wire_get_u32(in);
	n->count = wire_get_u32(in);
	n->comment = wire_get_text(in);
	n->restored = flags & FLAG_RESTORED;
	n->manual = flags & FLAG_MANUAL;
	if (!(flags & FLAG_COMMENT))
		n->comment = NULL;
	w->verb = (enum verb)verb;
	w->cause = (enum cause)cause;
	w->nlines = wire_get_u32(in);
	w->lines = get_list(in, w->nlines);
	w->nfields = wire_get_u32(in);
	if (w->nfields > FAILURE_FIELDS || verb > VERB_PROLONG || cause > CAUSE_CONFIG)
		in->bad = true;
	w->fields = get_list(in, 2 * w->nfields);
	return in->bad ? -EBADMSG : 0;
}
