/* SPDX-License-Identifier: GPL-2.0-or-later
 * attempts.c - failures as rows, for those who report them.
 */
#include "banner/core/attempts.h"

enum { WORD = 32, NAME = 100 };

static struct str
field(const struct failure *f, const char *name)
{
	for (size_t i = 0; i < f->nfields; i++)
		if (str_is(f->fields[i].name, name))
			return f->fields[i].value;
	return (struct str){ 0 };
}

static struct str
service_of(const struct failure *f)
{
	static const char *const names[] = { "service", "protocol", "mech" };
	struct str s = { 0 };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && s.len == 0; i++)
		s = field(f, names[i]);
	return s;
}

static void
put_word(struct buf *b, struct str s, size_t max)
{
	size_t at;

	buf_putc(b, '\t');
	at = b->len;
	buf_safe(b, s, max);
	if (b->len == at)
		buf_putc(b, '-');
}

void
attempt_row(const struct failure *f, struct buf *b)
{
	char addr[ADDR_TEXT];

	buf_reserve(b, ADDR_TEXT + WORD + NAME);
	buf_i64(b, f->when_ms);
	buf_putc(b, '\t');
	buf_puts(b, addr_print(&f->addr, addr));
	put_word(b, service_of(f), WORD);
	put_word(b, f->user, NAME);
}

size_t
attempt_fields(const struct str *rows, size_t n, struct buf *b,
    struct field out[ATTEMPT_FIELDS])
{
	size_t from[ATTEMPT_FIELDS + 1], nfields = 0, first = n, bytes = 0;

	while (first > 0 && bytes < (ATTEMPT_FIELDS - 1) * (ATTEMPT_BYTES - 200))
		bytes += rows[--first].len + 1;
	for (size_t i = first; i < n && nfields <= ATTEMPT_FIELDS; i++) {
		if (nfields == 0 ||
		    b->len - from[nfields - 1] + rows[i].len + 1 > ATTEMPT_BYTES) {
			if (nfields == ATTEMPT_FIELDS)
				break;
			from[nfields++] = b->len;
		}
		buf_str(b, rows[i]);
		buf_putc(b, '\n');
	}
	from[nfields] = b->len;
	for (size_t i = 0; i < nfields; i++)
		out[i] = (struct field){ STR("attempts"),
			{ b->p + from[i], from[i + 1] - from[i] } };
	return nfields;
}
