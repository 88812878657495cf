/* SPDX-License-Identifier: GPL-2.0-or-later
 * request.c - words of a request, JSON of a reply.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/daemon/control/request.h"

struct split {
	const char *s, *end;
	char *out; /* next byte of the word */
};

static int
split_quoted(struct split *p, struct err *e)
{
	char quote = *p->s++;

	while (p->s < p->end && *p->s != quote) {
		if (quote == '"' && *p->s == '\\' && p->s + 1 < p->end)
			p->s++;
		*p->out++ = *p->s++;
	}
	if (p->s == p->end)
		return err_set(e, -EINVAL, "a quote (%c) is not closed", quote);
	p->s++;
	return 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One word to p->out, with its NUL. */
static int
split_word(struct split *p, struct err *e)
{
	int rc = 0;

	while (rc == 0 && p->s < p->end && !is_blank(*p->s)) {
		if (*p->s == '\'' || *p->s == '"') {
			rc = split_quoted(p, e);
			continue;
		}
		if (*p->s == '\\' && p->s + 1 < p->end)
			p->s++;
		*p->out++ = *p->s++;
	}
	*p->out++ = '\0';
	return rc;
}

static void
take_form(struct request *r)
{
	if (!r->argc)
		return;
	if (!strcmp(r->argv[0], "json"))
		r->form = FORM_JSON;
	else if (!strcmp(r->argv[0], "f2b"))
		r->form = FORM_F2B;
	else
		return;
	r->argc--;
	memmove(r->argv, r->argv + 1, (r->argc + 1) * sizeof(*r->argv));
}

int
request_parse(struct request *r, struct str line, struct err *e)
{
	struct split p = { line.s, line.s + line.len, NULL };
	int rc = 0;

	if (memchr(line.s, '\0', line.len))
		return err_set(e, -EINVAL, "a request holds no NUL");
	r->line = p.out = xmalloc(line.len * 2 + 2);
	r->argv = xcalloc(REQUEST_WORDS + 1, sizeof(*r->argv));
	while (rc == 0) {
		while (p.s < p.end && is_blank(*p.s))
			p.s++;
		if (p.s == p.end)
			break;
		if (r->argc == REQUEST_WORDS)
			return err_set(e, -EINVAL, "more than %d words", REQUEST_WORDS);
		r->argv[r->argc++] = p.out;
		rc = split_word(&p, e);
	}
	take_form(r);
	return rc;
}

void
request_fini(struct request *r)
{
	free(r->argv);
	free(r->line);
	free(r->check);
	free(r->ids);
	buf_fini(&r->out);
	buf_fini(&r->bans);
	buf_fini(&r->silent);
}

int
refuse(struct request *r, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->err.text, sizeof(r->err.text), fmt, ap);
	va_end(ap);
	r->code = code;
	return -EINVAL;
}

static void
json_begin(struct buf *b, const char *key)
{
	if (b->len && !strchr("{[:", b->p[b->len - 1]))
		buf_putc(b, ',');
	if (key) {
		buf_json(b, str_of(key));
		buf_putc(b, ':');
	}
}

void
json_open(struct buf *b, const char *key, char bracket)
{
	json_begin(b, key);
	buf_putc(b, bracket);
}

void
json_close(struct buf *b, char bracket)
{
	buf_putc(b, bracket);
}

void
json_text(struct buf *b, const char *key, const char *value)
{
	if (value) {
		json_str(b, key, str_of(value));
		return;
	}
	json_begin(b, key);
	buf_puts(b, "null");
}

void
json_str(struct buf *b, const char *key, struct str value)
{
	json_begin(b, key);
	buf_json(b, value);
}

void
json_number(struct buf *b, const char *key, int64_t n)
{
	json_begin(b, key);
	buf_printf(b, "%lld", (long long)n);
}

void
json_bool(struct buf *b, const char *key, bool yes)
{
	json_begin(b, key);
	buf_puts(b, yes ? "true" : "false");
}

int
parse_subject(const char *text, struct subject *s, struct err *e)
{
	struct str t = str_of(text), bare = t;

	if (str_starts(t, "[") && str_ends(t, "]"))
		bare = (struct str){ t.s + 1, t.len - 2 };
	*s = (struct subject){ .kind = SUBJECT_ADDR };
	if (addr_parse_prefix(bare, &s->addr) == 0)
		return 0;
	if (!t.len || t.len > SUBJECT_TEXT)
		return err_set(
		    e, -EINVAL, "\"%.60s\" is neither an address nor a name", text);
	*s = (struct subject){ .kind = SUBJECT_ID, .text = t };
	if (!strncmp(text, "user:", 5)) {
		s->kind = SUBJECT_USER;
		s->text = str_of(text + 5);
	}
	return 0;
}
