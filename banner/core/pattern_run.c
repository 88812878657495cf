/* SPDX-License-Identifier: GPL-2.0-or-later
 * pattern_run.c - searching, within limits.
 */
#include "banner/core/pattern_int.h"

#include <errno.h>
#include <stdlib.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"

/* Beyond these a search is given up. A decision of PCRE2 may read the text twice, so
 * how many there may be depends on its length. From GUARD_BYTES on that would break
 * honest lines, and the processor time is measured. */
enum {
	LIMIT_MATCH = 100 * 1000,
	LIMIT_MATCH_BYTES = 10 * 1000 * 1000,	/* decisions times length */
	LIMIT_DEPTH = 100 * 1000,
	LIMIT_HEAP_KIB = 32 * 1024,
	JIT_STACK_MIN = 32 * 1024,
	JIT_STACK_MAX = 1024 * 1024, /* the default, 32 KiB, fails at lines of 2 KB */
	GUARD_BYTES = 1024,
	GUARD_NS = 3 * 1000 * 1000,
	GUARD_ASK = 16,			/* callouts between two looks at the clock */
	GUARD_ASK_BYTES = 64 * 1024,	/* from this length on: at each */
};

struct pattern_run {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	uint32_t pairs, limit;
	int found; /* of the last search: pairs that are set, or <= 0 */
	bool guards;
	/* Of the search at hand, if it is guarded. */
	unsigned callouts, ask;
	int64_t started_ns;
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
	r->limit = LIMIT_MATCH;
	pcre2_set_match_limit(r->context, r->limit);
	pcre2_set_depth_limit(r->context, LIMIT_DEPTH);
	pcre2_set_heap_limit(r->context, LIMIT_HEAP_KIB);
	return r;
}

/* Of this thread: what others do on the machine is no fault of the regex. */
static int64_t
processor_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int
on_callout(pcre2_callout_block *block, void *arg)
{
	struct pattern_run *r = arg;

	if (++r->callouts % r->ask)
		return 0;
	return processor_ns() - r->started_ns > GUARD_NS ? PCRE2_ERROR_CALLOUT : 0;
}

struct pattern_run *
pattern_run_new(void)
{
	struct pattern_run *r = pattern_run_small();

	r->guards = true;
	pcre2_set_callout(r->context, on_callout, r);

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

/* The program of this number, made when first needed. */
static pcre2_code *
program(struct pattern *p, unsigned number)
{
	size_t at;
	int code;

	if (!p->code[number])
		p->code[number] = pattern_compile(p, number, &code, &at);
	if (p->code[number] && !p->jit_tried[number]) {
		p->jit_tried[number] = true;
		p->jit[number] = pcre2_jit_compile(p->code[number],
		    PCRE2_JIT_COMPLETE) == 0;
	}
	return p->code[number];
}

/* Which of the programs, and how far it may go. */
static unsigned
prepare(struct pattern_run *r, struct pattern *p, size_t len, bool ascii)
{
	unsigned number = p->wide || !ascii ? PROGRAM_UTF : 0;
	uint32_t limit = LIMIT_MATCH;

	if (!r->guards)
		return number;
	if (len >= GUARD_BYTES && !p->unguarded) {
		p->unguarded = !program(p, number | PROGRAM_GUARD);
		number |= p->unguarded ? 0 : PROGRAM_GUARD;
		r->callouts = 0;
		r->ask = len < GUARD_ASK_BYTES ? GUARD_ASK : 1;
		r->started_ns = processor_ns();
	} else if (len > LIMIT_MATCH_BYTES / LIMIT_MATCH) {
		limit = (uint32_t)(LIMIT_MATCH_BYTES / len);
	}
	if (limit != r->limit)
		pcre2_set_match_limit(r->context, limit);
	r->limit = limit;
	return number;
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
	case PCRE2_ERROR_CALLOUT:
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
	unsigned number = prepare(r, p, subject.len, ascii);
	PCRE2_SPTR s = (PCRE2_SPTR)(subject.s ? subject.s : "");
	pcre2_code *re = p->code[number];
	int rc;

	if (!re || !p->jit_tried[number])
		re = program(p, number);
	r->found = 0;
	if (!re || start > subject.len)
		return PATTERN_ERROR;
	reserve(r, p->groups + 1);
	/* pcre2_jit_match() checks nothing, so it gets only what cannot be wrong:
	 * bytes. Other lines pay for PCRE2's own check of their UTF-8. */
	if (p->jit[number] && ascii)
		rc = pcre2_jit_match(re, s, subject.len, start, 0, r->data, r->context);
	else
		rc = pcre2_match(re, s, subject.len, start, 0, r->data, r->context);
	if (rc == PCRE2_ERROR_JIT_STACKLIMIT)
		rc = pcre2_match(
		    re, s, subject.len, start, PCRE2_NO_JIT, r->data, r->context);
	r->found = rc;
	return result_of(rc);
}

_Static_assert(PCRE2_UNSET == SIZE_MAX, "what pattern_spans says of no part");

const size_t *
pattern_spans(const struct pattern_run *r, unsigned *n)
{
	*n = r->found > 0 ? (unsigned)r->found : 0;
	return pcre2_get_ovector_pointer(r->data);
}

bool
pattern_span(const struct pattern_run *r, unsigned group, size_t *from, size_t *to)
{
	unsigned n;
	const size_t *v = pattern_spans(r, &n);

	if (group >= n || v[2 * group] == SIZE_MAX)
		return false;
	*from = v[2 * group];
	*to = v[2 * group + 1];
	return true;
}
