/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_line.c - lines of a log before some filters, with the search for literals and
 * without: the failures must be the same.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/core/match.h"

enum { NOW_S = 1124013600 };

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const fail[] = {
	"^ \\S+ sshd\\[\\d+\\]: Failed \\S+ for <F-USER>\\S+</F-USER> from <HOST>",
	"ip=<HOST>;.*authentication failed for .*$",
	"(?i)^\\s*error.*client <ADDR>(?: port \\d+)?$",
	"bad[0-9]x <F-ID>\\w+</F-ID>",
};

static void
note(void *arg, const struct failure *f)
{
	struct buf *b = arg;

	buf_printf(b, "%zu %u %lld;", f->at, f->rule, (long long)f->when_ms);
}

static void
run(struct str text, bool every, struct buf *out)
{
	struct conf_filter filter = { .maxlines = 1,
		.failregex = { .v = (void *)(uintptr_t)fail, .n = 4 } };
	struct rules_options o = { .filter = &filter, .raw = true,
		.no_literals = every };
	struct block b = { .text = text, .read_ms = NOW_S * INT64_C(1000),
		.line_ms = -1 };
	struct rules *r;
	struct match *m;
	struct err e;

	if (rules_new(&o, &r, &e) < 0 || match_new(&r, 1, &m, &e) < 0)
		abort();
	match_block(m, &b, note, out);
	match_free(m);
	rules_free(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };
	struct buf a = { 0 }, b = { 0 };

	run(text, false, &a);
	run(text, true, &b);
	if (!str_eq(buf_view(&a), buf_view(&b)))
		abort();
	buf_fini(&a);
	buf_fini(&b);
	return 0;
}
