/* SPDX-License-Identifier: GPL-2.0-or-later
 * match.c - blocks of lines in, failures out: the one door of matching.
 *
 * Matching is arranged so that the common line, of which nobody wants anything, costs
 * next to nothing, and so that no jail can notice it was not alone.
 *
 * Several jails read one source. Their rules meet here; each keeps what is its own:
 * the order in which its date templates are tried, its sessions, its line buffer, its
 * last date. What is the same for all is done once per line. Decoding: once for each
 * encoding. Searching: regexes with equal text (after tag expansion) are one "share",
 * which remembers the result for the line and the text it searched. The text must be
 * compared too, for two jails may cut different dates, or different contents, from the
 * same line; then they search each for itself.
 *
 * Order is part of the answer. Lines are judged in the order of the source, jails in
 * the order given, regexes in the order of the filter: the first that matches wins,
 * except for tools that ask for all.
 *
 * A regex that PCRE2 gives up on (match limit) makes the line refused and counted for
 * its jail. It is neither a match nor a miss, and nothing is switched off for it:
 * otherwise whoever can write such a line could blind a jail. The other regexes of the
 * jail still look at the line, for the same reason.
 *
 * No clock is read here; block.read_ms is now. All memory that lines can grow is
 * capped where it lives: session.h, multiline.h.
 */
#include "banner/core/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"
#include "banner/core/judge.h"

struct member {
	struct rules *rules;
	struct share **shares;		/* prefregex, failregexes; NULL: alone */
	size_t decoder;			/* first member with this encoding */
	struct text text;		/* the line, if that is this one */
	uint64_t seq;			/* the line text is of */
};

struct match {
	struct member *members;
	size_t n;
	struct share **owned;		/* all shares */
	size_t nowned;
	struct pattern_run *run;
	uint64_t seq;			/* lines so far */
	match_line_fn *watch;
	void *watch_arg;
};

/* Who has a regex of this text: the first time its first place, later its share. */
struct sharing {
	struct table *seen;
	struct match *m;
};

static void
share_regex(struct sharing *s, const struct rules *r, struct regex *x, struct share **place)
{
	struct buf key = { 0 };
	struct share **first;

	buf_putc(&key, r->multi && x != r->pref ? 'm' : ' ');
	buf_puts(&key, pattern_text(x->re));
	first = table_find(s->seen, key.p, key.len);
	if (!first) {
		*place = xcalloc(1, sizeof(**place));
		(*place)->re = x->re;
		s->m->owned = xrealloc(s->m->owned, (s->m->nowned + 1) * sizeof(*s->m->owned));
		s->m->owned[s->m->nowned++] = *place;
		table_set(s->seen, key.p, key.len, place);
	} else {
		*place = *first;
	}
	buf_fini(&key);
}

static void
share_member(struct sharing *s, struct member *mb)
{
	struct rules *r = mb->rules;

	mb->shares = xcalloc(r->nfail + 1, sizeof(struct share *));
	if (s->m->n == 1)
		return;		/* nobody to share with */
	if (r->pref)
		share_regex(s, r, r->pref, &mb->shares[0]);
	for (size_t i = 0; i < r->nfail; i++)
		share_regex(s, r, &r->fail[i], &mb->shares[i + 1]);
}

int
match_new(struct rules *const *rules, size_t n, struct match **out, struct err *e)
{
	struct match *m = xcalloc(1, sizeof(*m));
	struct sharing s = { table_new(), m };

	if (n == 0) {
		table_free(s.seen);
		free(m);
		return err_set(e, -EINVAL, "no rules to match");
	}
	m->members = xcalloc(n, sizeof(*m->members));
	m->n = n;
	m->run = pattern_run_new();
	for (size_t i = 0; i < n; i++) {
		struct member *mb = &m->members[i];

		mb->rules = rules[i];
		while (!decoder_same(rules[mb->decoder]->decoder, rules[i]->decoder))
			mb->decoder++;
		share_member(&s, mb);
	}
	table_free(s.seen);
	*out = m;
	return 0;
}

void
match_free(struct match *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->members[i].shares);
	for (size_t i = 0; i < m->nowned; i++)
		free(m->owned[i]);
	free(m->owned);
	free(m->members);
	pattern_run_free(m->run);
	free(m);
}

void
match_watch_lines(struct match *m, match_line_fn *fn, void *arg)
{
	m->watch = fn;
	m->watch_arg = arg;
}

static struct text
decoded(struct match *m, const struct member *mb, struct str raw)
{
	struct member *first = &m->members[mb->decoder];

	if (first->seq != m->seq) {
		first->seq = m->seq;
		decoder_line(first->rules->decoder, raw, &first->text);
	}
	return first->text;
}

static void
judge_member(struct match *m, struct member *mb, struct str raw, struct judge *j)
{
	enum line_verdict verdict;

	j->rules = mb->rules;
	j->shares = mb->shares;
	j->line = decoded(m, mb, raw);
	verdict = judge_line(j);
	if (m->watch)
		m->watch(m->watch_arg, j->line.s, verdict, j->rule);
}

void
match_block(struct match *m, const struct block *block, match_fn *fn, void *arg)
{
	struct judge j = { .run = m->run, .block = block, .fn = fn, .arg = arg };
	struct str rest = block->text, line;

	while (rest.len > 0 && str_cut(&rest, '\n', &line)) {
		j.seq = ++m->seq;
		for (size_t i = 0; i < m->n; i++) {
			m->members[i].rules->stats.lines++;
			judge_member(m, &m->members[i], line, &j);
		}
	}
}

int64_t
match_line_time(struct match *m, struct str line, int64_t now_ms)
{
	struct stamp_hit hit;
	struct text t;

	for (size_t i = 0; i < m->n; i++) {
		struct rules *r = m->members[i].rules;

		decoder_line(r->decoder, line, &t);
		if (stamp_find(r->stamp, t.s, now_ms, &hit) && hit.has_time)
			return (int64_t)(hit.when_s * 1000.0);
	}
	return -1;
}
