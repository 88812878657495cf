/* SPDX-License-Identifier: GPL-2.0-or-later
 * subject.c - subjects as keys, and as text.
 */
#include "banner/core/subject.h"

#include <string.h>

#include "banner/base/buf.h"

size_t
subject_key(uint8_t out[SUBJECT_KEY], uint32_t group, const struct subject *s)
{
	size_t len = s->text.len < SUBJECT_TEXT ? s->text.len : SUBJECT_TEXT;

	memcpy(out, &group, 4);
	out[4] = (uint8_t)s->kind;
	switch (s->kind) {
	case SUBJECT_ADDR:
		memcpy(out + 5, &s->addr, sizeof(s->addr));
		return 5 + sizeof(s->addr);
	case SUBJECT_USER:
	case SUBJECT_ID:
		memcpy(out + 5, s->text.s, len);
		return 5 + len;
	case SUBJECT_NONE:
		break;
	}
	return 5;
}

bool
subject_eq(const struct subject *a, const struct subject *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == SUBJECT_ADDR)
		return addr_eq(&a->addr, &b->addr);
	return a->kind == SUBJECT_NONE || str_eq(a->text, b->text);
}

void
subject_put(struct buf *b, const struct subject *s)
{
	char text[ADDR_TEXT];

	switch (s->kind) {
	case SUBJECT_ADDR: buf_puts(b, addr_print(&s->addr, text)); break;
	case SUBJECT_USER:
	case SUBJECT_ID: buf_safe(b, s->text, SUBJECT_TEXT); break;
	case SUBJECT_NONE: buf_puts(b, "total"); break;
	}
}

const char *
subject_text(const struct subject *s, struct buf *b)
{
	buf_clear(b);
	subject_put(b, s);
	return buf_view(b).s;
}
