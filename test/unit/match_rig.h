/* SPDX-License-Identifier: GPL-2.0-or-later
 * match_rig.h - a filter made in the test; its failures are lines of text.
 */
#ifndef BANNER_TEST_MATCH_RIG_H
#define BANNER_TEST_MATCH_RIG_H

#include <errno.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/core/match.h"
#include "test/unit/unit.h"

#define NOW INT64_C(1124013600000)	/* 2005-08-14 10:00:00 UTC */

/* What came out, one line of text for each failure. */
static char out[8192];
static size_t user_len;
static unsigned weight;

static inline void
note(void *arg, const struct failure *f)
{
	char ip[ADDR_TEXT] = "-";
	size_t n = strlen(out);

	if (f->subject.kind == SUBJECT_ADDR)
		addr_print(&f->subject.addr, ip);
	else
		snprintf(ip, sizeof(ip), "%.*s", (int)f->subject.text.len,
		    f->subject.text.s);
	snprintf(out + n, sizeof(out) - n, "%s%s%s %.*s r%u l%zu t%lld\n",
	    f->jail ? (const char *)f->jail : "", f->jail ? ": " : "", ip,
	    (int)f->user.len, f->user.s ? f->user.s : "", f->rule, f->nlines,
	    (long long)(f->when_ms - NOW) / 1000);
	user_len = f->user.len;
	weight = f->weight;
}

struct bench {
	struct conf_filter filter;
	const char *fail[8], *ignore[8], *dates[4];
	struct rules_options o;
	struct rules *rules;
};

static inline void
bench_rules(struct bench *b)
{
	struct err e = { "" };

	while (b->fail[b->filter.failregex.n])
		b->filter.failregex.n++;
	while (b->ignore[b->filter.ignoreregex.n])
		b->filter.ignoreregex.n++;
	while (b->dates[b->filter.datepattern.n])
		b->filter.datepattern.n++;
	b->filter.failregex.v = b->fail;
	b->filter.ignoreregex.v = b->ignore;
	b->filter.datepattern.v = b->dates;
	b->filter.name = "test";
	b->filter.maxlines = b->filter.maxlines ? b->filter.maxlines : 1;
	b->o.filter = &b->filter;
	b->o.logtimezone = "UTC";
	if (rules_new(&b->o, &b->rules, &e) < 0)
		fail_msg("%s", e.text);
}

static inline const char *
feed(struct match *m, const char *text, bool live)
{
	struct block b = {
		.text = str_of(text), .read_ms = NOW, .line_ms = -1, .live = live
	};

	out[0] = '\0';
	match_block(m, &b, note, NULL);
	return out;
}

static inline struct match *
only(struct bench *b)
{
	struct match *m;
	struct err e;

	bench_rules(b);
	assert_int_equal(match_new(&b->rules, 1, &m, &e), 0);
	return m;
}

static inline void
done(struct match *m, struct bench *b)
{
	match_free(m);
	rules_free(b->rules);
}

#endif
