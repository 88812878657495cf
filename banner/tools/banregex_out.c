/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_out.c - one chosen thing of each failure (-o), or the lines without (-i).
 */
#include <stdio.h>
#include <string.h>

#include "banner/tools/banregex.h"

/* Everything printed is text of a log: made safe for a terminal. */
static void
print(struct str s)
{
	struct buf b = { 0 };

	buf_safe(&b, s, LONGEST_LINE);
	buf_putc(&b, '\n');
	fwrite(b.p, 1, b.len, stdout);
	buf_fini(&b);
}

/* Of a fraction in milliseconds, without zeros at its end. */
static int
digits(int64_t ms)
{
	return ms % 100 == 0 ? 1 : ms % 10 == 0 ? 2 : 3;
}

static void
print_row(const struct failure *f, const char *id)
{
	int ms = (int)(f->when_ms % 1000);
	struct buf b = { 0 };

	buf_putc(&b, '[');
	buf_json(&b, str_of(id));
	while (ms && ms % 10 == 0)
		ms /= 10;
	buf_printf(&b, ",\t%lld.%0*d,\t{", (long long)(f->when_ms / 1000),
	    digits(f->when_ms % 1000), ms);
	for (size_t i = 0; i < f->nfields; i++) {
		buf_puts(&b, i > 0 ? ", " : "");
		buf_json(&b, f->fields[i].name);
		buf_puts(&b, ": ");
		buf_json(&b, f->fields[i].value);
	}
	buf_puts(&b, "}],\n");
	fwrite(b.p, 1, b.len, stdout);	/* JSON has no control characters */
	buf_fini(&b);
}

/* One tag of a template; an unknown capture is empty, as in actions. */
static void
add_tag(struct buf *b, struct str tag, const struct failure *f, const char *id)
{
	char name[64], host[ADDR_TEXT];

	if (str_is(tag, "ip") && f->addr.family)
		buf_puts(b, addr_print(&f->addr, host));
	else if (str_is(tag, "ip") || str_is(tag, "fid") || str_is(tag, "id"))
		buf_puts(b, id);
	else if (str_is(tag, "time"))
		buf_printf(b, "%lld", (long long)(f->when_ms / 1000));
	else if (str_is(tag, "msg") || str_is(tag, "matches"))
		for (size_t i = 0; i < f->nlines; i++) {
			buf_puts(b, i > 0 ? "\n" : "");
			buf_str(b, f->lines[i]);
		}
	else if (str_starts(tag, "F-") && tag.len < sizeof(name)) {
		for (size_t i = 2; i < tag.len; i++)
			name[i - 2] = (char)(tag.s[i] >= 'A' && tag.s[i] <= 'Z' ?
			    tag.s[i] | 0x20 : tag.s[i]);
		name[tag.len - 2] = '\0';
		buf_str(b, failure_field(f, name));
	}
}

static void
print_template(const char *format, const struct failure *f, const char *id)
{
	struct buf b = { 0 };

	while (*format) {
		size_t n = strcspn(format, "<"), tag;

		buf_add(&b, format, n);
		format += n;
		if (!*format)
			break;
		tag = strcspn(format, ">");
		if (!format[tag]) {
			buf_puts(&b, format);
			break;
		}
		add_tag(&b, (struct str){ format + 1, tag - 1 }, f, id);
		format += tag + 1;
	}
	print(buf_view(&b));
	buf_fini(&b);
}

static void
out_failure(struct trial *t, const struct failure *f)
{
	const char *format = t->o->out;
	char id[SUBJECT_TEXT + 1], host[ADDR_TEXT];

	failure_id(f, id);
	if (!strcmp(format, "id") || !strcmp(format, "fid"))
		print(str_of(id));
	else if (!strcmp(format, "ip"))
		print(str_of(f->addr.family ? addr_print(&f->addr, host) : id));
	else if (!strcmp(format, "msg"))
		for (size_t i = 0; i < f->nlines; i++)
			print(f->lines[i]);
	else if (!strcmp(format, "row"))
		print_row(f, id);
	else if (strchr(format, '<'))
		print_template(format, f, id);
	else
		print(failure_field(f, format));
}

const struct reporter out_reporter = { .failure = out_failure };

static void
invert_line(struct trial *t, struct str line, enum line_verdict verdict, int rule)
{
	if (verdict != LINE_MATCHED)
		print(line);
}

const struct reporter invert_reporter = { .watch = WATCH_ALL, .line = invert_line };
