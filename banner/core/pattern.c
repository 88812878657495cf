/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern.c - one regex of a filter: made, checked, asked for its groups.
 */
#include "banner/core/pattern_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

void
ptext_add(struct ptext *t, struct str s, size_t at)
{
	size_t need = t->text.len + s.len;

	if (need > t->cap) {
		t->cap = need * 2;
		t->at = xrealloc(t->at, t->cap * sizeof(*t->at));
	}
	for (size_t i = t->text.len; i < need; i++)
		t->at[i] = (uint32_t)at;
	buf_str(&t->text, s);
}

void
ptext_fini(struct ptext *t)
{
	buf_fini(&t->text);
	free(t->at);
	*t = (struct ptext){ 0 };
}

static void
pattern_parts_fini(struct pattern_parts *parts)
{
	for (unsigned g = 0; g <= PATTERN_MAX_GROUPS; g++)
		free(parts->names[g]);
	ptext_fini(&parts->text);
}

int
pattern_err(struct err *e, const struct ptext *in, size_t at, const char *fmt, ...)
{
	char text[600];
	size_t column = 0;
	va_list ap;

	if (at < in->text.len)
		column = in->at[at] + 1U;
	else if (in->text.len > 0)
		column = in->at[in->text.len - 1] + 2U;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(e, -EINVAL, "%s", text);
	return err_column(e, -EINVAL, column);
}

pcre2_code *
pattern_compile(const struct pattern *p, unsigned program, int *code, size_t *at)
{
	pcre2_compile_context *cc = pcre2_compile_context_create(NULL);
	uint32_t options = p->options;
	struct buf text = { 0 };
	pcre2_code *re;

	if (!cc)
		return NULL;
	/* Never the library's default: with CR or ANY, "." would stop at a CR. */
	pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
	if (program & PROGRAM_UTF)
		options |= PCRE2_UTF | (p->ascii ? 0 : PCRE2_UCP);
	if (program & PROGRAM_GUARD)
		pattern_guarded(p->text, &text);
	else
		buf_puts(&text, p->text);
	re = pcre2_compile((PCRE2_SPTR)(text.len ? text.p : ""), text.len, options,
	    code, at, cc);
	buf_fini(&text);
	pcre2_compile_context_free(cc);
	return re;
}

/* The user's column for an offset in the text PCRE2 was given. */
static int
compile_error(const struct pattern_parts *parts, int code, size_t at, struct err *e)
{
	PCRE2_UCHAR reason[256];

	if (pcre2_get_error_message(code, reason, sizeof(reason)) < 0)
		snprintf((char *)reason, sizeof(reason), "PCRE2 error %d", code);
	/* PCRE2 points behind what it read. */
	return pattern_err(e, &parts->text, at > 0 ? at - 1 : 0, "%s", (char *)reason);
}

static int
check_id(const struct pattern *p, unsigned flags, struct err *e)
{
	static const char *const ids[] = { "fid", "ip4", "ip6", "dns", "mlfid" };

	if (flags & (PATTERN_PREFIX | PATTERN_PLAIN))
		return 0;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		if (pattern_group(p, ids[i]) > 0)
			return 0;
	return err_set(e, -EINVAL,
	    "nothing to ban in it: it has none of <HOST>, <ADDR>,"
	    " <IP4>, <IP6>, <DNS>, <F-ID>, <F-MLFID>");
}

static struct pattern *
pattern_of(struct pattern_parts *parts, unsigned flags)
{
	struct pattern *p = xcalloc(1, sizeof(*p));

	p->text = xstrndup(parts->text.text.p, parts->text.text.len);
	p->groups = parts->groups;
	p->names = xcalloc(p->groups + 1, sizeof(*p->names));
	for (unsigned g = 1; g <= p->groups; g++) {
		p->names[g] = parts->names[g];
		parts->names[g] = NULL;
	}
	p->wide = parts->wide;
	p->ascii = parts->ascii;
	for (int i = 0; i < PROGRAMS; i++)
		p->jit_tried[i] = parts->atomic;
	/* ALT_CIRCUMFLEX: Python's multi-line ^ also matches after a last newline. */
	p->options = PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C |
	    (flags & PATTERN_MULTILINE ? PCRE2_MULTILINE : 0);
	return p;
}

static int
pattern_build(
    const struct ptext *in, unsigned flags, struct pattern **out, struct err *e)
{
	struct pattern_parts parts = { 0 };
	struct pattern *p = NULL;
	pcre2_code *re;
	size_t at = 0;
	int code = 0, rc;

	rc = pattern_translate(in, &parts, e);
	if (rc < 0)
		goto out;
	ptext_add(&parts.text, STR(""), 0);
	p = pattern_of(&parts, flags);
	rc = check_id(p, flags, e);
	if (rc < 0)
		goto out;
	/* Only to see that it can be: most regexes never meet a line. */
	re = pattern_compile(p, p->wide, &code, &at);
	if (!re) {
		rc = compile_error(&parts, code, at, e);
		goto out;
	}
	pcre2_code_free(re);
	*out = p;
	p = NULL;
out:
	pattern_free(p);
	pattern_parts_fini(&parts);
	return rc;
}

int
pattern_new(const char *regex, unsigned flags, struct pattern **out, struct err *e)
{
	struct ptext in = { 0 };
	int rc;

	if (!(flags & PATTERN_PLAIN) && str_trim(str_of(regex)).len == 0)
		return err_set(e, -EINVAL, "empty regex");
	rc = pattern_expand(regex, flags, &in, e);
	if (rc == 0)
		rc = pattern_build(&in, flags, out, e);
	ptext_fini(&in);
	return rc;
}

void
pattern_free(struct pattern *p)
{
	if (!p)
		return;
	for (unsigned g = 0; g <= p->groups; g++)
		free(p->names[g]);
	free(p->names);
	free(p->text);
	for (int i = 0; i < PROGRAMS; i++)
		pcre2_code_free(p->code[i]);
	free(p);
}

const char *
pattern_text(const struct pattern *p)
{
	return p->text;
}

unsigned
pattern_group(const struct pattern *p, const char *name)
{
	for (unsigned g = 1; g <= p->groups; g++)
		if (p->names[g] && strcmp(p->names[g], name) == 0)
			return g;
	return 0;
}

size_t
pattern_groups(const struct pattern *p)
{
	return p->groups;
}

const char *
pattern_group_name(const struct pattern *p, unsigned group)
{
	return group <= p->groups ? p->names[group] : NULL;
}
