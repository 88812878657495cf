/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern_run.c - searching, within limits.
 */
#include "banner/core/pattern_int.h"

#include <errno.h>
#include <stdlib.h>

#include "banner/base/arena.h"

/* Beyond these a search is given up: about 2 ms for the worst line of 64 KiB. A match
 * limit ten times smaller breaks honest lines of 15 KB. */
enum {
	LIMIT_MATCH = 100 * 1000,
	LIMIT_DEPTH = 100 * 1000,
	LIMIT_HEAP_KIB = 32 * 1024,
	JIT_STACK_MIN = 32 * 1024,
	JIT_STACK_MAX = 1024 * 1024, /* the default, 32 KiB, fails at lines of 2 KB */
};

struct pattern_run {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint32_t pairs;
	int found; /* of the last search: pairs that are set, or <= 0 */
};

static void
oom(const void *p)
{
	if (!p)
		abort();
}

struct pattern_run *
pattern_run_small(void)
{
	struct pattern_run *r = xcalloc(1, sizeof(*r));

	r->pairs = 32;
	r->data = pcre2_match_data_create(r->pairs, NULL);
	r->context = pcre2_match_context_create(NULL);
	oom(r->data);
	oom(r->context);
	pcre2_set_match_limit(r->context, LIMIT_MATCH);
	pcre2_set_depth_limit(r->context, LIMIT_DEPTH);
	pcre2_set_heap_limit(r->context, LIMIT_HEAP_KIB);
	return r;
}

struct pattern_run *
pattern_run_new(void)
{
	struct pattern_run *r = pattern_run_small();

	/* Without JIT support there is no stack, and none is needed. */
	r->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	if (r->stack)
		pcre2_jit_stack_assign(r->context, NULL, r->stack);
	return r;
}

void
pattern_run_free(struct pattern_run *r)
{
	if (!r)
		return;
	pcre2_match_data_free(r->data);
	pcre2_match_context_free(r->context);
	pcre2_jit_stack_free(r->stack);
	free(r);
}

/* The program for this kind of subject, made when first needed. */
static pcre2_code *
program(struct pattern *p, bool utf)
{
	size_t at;
	int code;

	if (!p->code[utf])
		p->code[utf] = pattern_compile(p, utf, &code, &at);
	if (p->code[utf] && !p->jit_tried[utf]) {
		p->jit_tried[utf] = true;
		p->jit[utf] = pcre2_jit_compile(p->code[utf], PCRE2_JIT_COMPLETE) == 0;
	}
	return p->code[utf];
}

static void
reserve(struct pattern_run *r, uint32_t pairs)
{
	if (pairs <= r->pairs)
		return;
	pcre2_match_data_free(r->data);
	r->data = pcre2_match_data_create(pairs, NULL);
	oom(r->data);
	r->pairs = pairs;
}

static enum pattern_result
result_of(int rc)
{
	if (rc > 0)
		return PATTERN_YES;
	switch (rc) {
	case PCRE2_ERROR_NOMATCH: return PATTERN_NO;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_JIT_STACKLIMIT:
	case PCRE2_ERROR_NOMEMORY: return PATTERN_LIMIT;
	}
	return PATTERN_ERROR;
}

enum pattern_result
pattern_search(struct pattern_run *r, struct pattern *p, struct str subject,
    size_t start, bool ascii)
{
	bool utf = p->wide || !ascii;
	PCRE2_SPTR s = (PCRE2_SPTR)(subject.s ? subject.s : "");
	pcre2_code *re = program(p, utf);
	int rc;

	r->found = 0;
	if (!re || start > subject.len)
		return PATTERN_ERROR;
	reserve(r, p->groups + 1);
	/* pcre2_jit_match() checks nothing, so it gets only what cannot be wrong:
	 * bytes. Other lines pay for PCRE2's own check of their UTF-8. */
	if (p->jit[utf] && ascii)
		rc = pcre2_jit_match(re, s, subject.len, start, 0, r->data, r->context);
	else
		rc = pcre2_match(re, s, subject.len, start, 0, r->data, r->context);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(
		    re, s, subject.len, start, PCRE2_NO_JIT, r->data, r->context);
	r->found = rc;
	return result_of(rc);
}

bool
pattern_span(const struct pattern_run *r, unsigned group, size_t *from, size_t *to)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(r->data);

	if (r->found <= 0 || group >= (unsigned)r->found || v[2 * group] == PCRE2_UNSET)
		return false;
	*from = v[2 * group];
	*to = v[2 * group + 1];
	return true;
}

bool
pattern_jit_works(void)
{
	int code, rc;
	PCRE2_SIZE at;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR) "a", 1, 0, &code, &at, NULL);

	rc = re ? pcre2_jit_compile(re, PCRE2_JIT_COMPLETE) : -1;
	pcre2_code_free(re);
	return rc == 0;
}
