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
 * Which lines are judged at all: plan.c knows texts that every match must hold, and one
 * scan over the block finds the lines that have some of them (candidates), with a bit
 * for each regex that can match there. A jail that has no bit in a line never sees it.
 * What fail2ban learns from such a line is learnt when it is needed: a candidate
 * without a date gets the date of the last dated line before it, so the lines between
 * it and the last line this jail has dated are looked at backwards until one has a
 * date. Each line is dated at most once in this way, so nobody can make it expensive
 * by writing lines without dates. The walk ends TAIL_BYTES before the block; beyond,
 * the last date known to the jail serves. The date templates learn from candidates
 * only.
 *
 * A filter of several lines (maxlines) has a buffer. A match needs a text that stands
 * in one of its lines; as long as a buffered line holds one, each line is judged as it
 * comes. Else the lines before a candidate, or at the end of the block, are only put in
 * the buffer, as many as it holds, and dated if a candidate comes.
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
#include "banner/core/plan.h"
#include "banner/core/tail.h"

struct member {
	struct match *match;
	struct rules *rules;
	struct share **shares;		/* prefregex, failregexes; NULL: alone */
	size_t decoder;			/* first member with this encoding */
	size_t first_bit, nbits;	/* in the scan's rule sets */
	bool own_bits;			/* one for each failregex */
	struct text text;		/* the line, if that is this one */
	uint64_t seq;			/* the line text is of */
	uint64_t dated_to; /* position in the stream: dates before it are known */
	uint64_t kept_to;	/* the multi-line buffer has the lines before it */
	bool marked;		/* and one of those may be part of a match */
};

struct match {
	struct member *members;
	size_t n;
	struct member **owner;		/* of each bit */
	size_t nmulti, nmarked;		/* multi-line members; with a marked line */
	bool every;			/* some member wants to see every line */
	struct rules **rules;		/* of the members */
	struct share **owned;		/* all shares */
	size_t nowned;
	struct pattern_run *run;
	struct plan plan;
	struct buf gathered;		/* small blocks, until they are a sample */
	struct tail tail;
	uint64_t seq;			/* candidates so far */
	uint64_t *no_bits;
	enum match_watch watching;
	match_line_fn *watch;
	void *watch_arg;
};

/* Less says little of the source; more takes time. */
enum {
	SAMPLE_LEAST = 64 * 1024,	/* of a block */
	SAMPLE_MOST = 256 * 1024,
	SAMPLE_GATHERED = 32 * 1024,	/* of lines that come one by one */
};

/* Who has a regex of this text: the first time its first place, later its share. */
struct sharing {
	struct table *seen;
	struct match *m;
};

static void
share_regex(struct sharing *s, const struct rules *r, struct regex *x,
    struct share **place)
{
	struct pattern *re = x->re;
	struct buf key = { 0 };
	struct share **first;

	buf_putc(&key, r->multi && x != r->pref ? 'm' : ' ');
	buf_puts(&key, pattern_text(re));
	first = table_find(s->seen, key.p, key.len);
	if (!first) {
		*place = xcalloc(1, sizeof(**place));
		(*place)->re = re;
		s->m->owned = xrealloc(s->m->owned,
		    (s->m->nowned + 1) * sizeof(*s->m->owned));
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

static void
add_member(struct match *m, struct sharing *s, size_t i, struct rules *r)
{
	struct member *mb = &m->members[i];

	mb->match = m;
	m->rules[i] = mb->rules = r;
	mb->nbits = plan_bits(r);
	mb->own_bits = plan_own_bits(r);
	mb->first_bit = i > 0 ? mb[-1].first_bit + mb[-1].nbits : 0;
	m->owner = xrealloc(m->owner,
	    (mb->first_bit + mb->nbits + 1) * sizeof(struct member *));
	for (size_t bit = 0; bit < mb->nbits; bit++)
		m->owner[mb->first_bit + bit] = mb;
	while (!decoder_same(m->rules[mb->decoder]->decoder, r->decoder))
		mb->decoder++;
	m->nmulti += r->multi && mb->own_bits;
	m->every |= r->o.no_literals;
	share_member(s, mb);
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
	m->rules = xcalloc(n, sizeof(struct rules *));
	m->n = n;
	m->run = pattern_run_new();
	for (size_t i = 0; i < n; i++)
		add_member(m, &s, i, rules[i]);
	m->no_bits = xcalloc((m->members[n - 1].first_bit + m->members[n - 1].nbits) /
	    64 + 1, sizeof(uint64_t));
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
	free(m->owner);
	free(m->no_bits);
	free(m->rules);
	free(m->members);
	plan_fini(&m->plan);
	buf_fini(&m->gathered);
	tail_fini(&m->tail);
	pattern_run_free(m->run);
	free(m);
}

void
match_watch_lines(struct match *m, enum match_watch what, match_line_fn *fn, void *arg)
{
	m->watching = what;
	m->watch = fn;
	m->watch_arg = arg;
}

/* One block on its way. */
struct passage {
	struct match *m;
	struct judge j;
	struct str told;	/* with a watch: what it has not been told of yet */
	size_t done;		/* of the block: behind the last line judged */
};

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

static bool
earlier_line(void *arg, struct str line)
{
	struct judge *j = arg;

	return !judge_earlier_date(j, line);
}

static void
look_back(struct judge *j)
{
	struct member *mb = j->member;
	struct match *m = mb->match;
	struct tail_range r = { m->tail.end + j->at, mb->dated_to };

	if (r.from > r.to)
		tail_back(&m->tail, j->block->text, r, earlier_line, j);
}

static bool
has_bit(const struct member *mb, const uint64_t *bits)
{
	for (size_t i = mb->first_bit; i < mb->first_bit + mb->nbits; i++)
		if (bits[i / 64] >> i % 64 & 1)
			return true;
	return false;
}

static bool
keeps_lines(const struct member *mb)
{
	return mb->rules->multi && mb->own_bits;
}

/* The lines before offset end of the block that the buffer has not seen, if they are
 * among its last ones. */
static void
keep_lines(struct member *mb, struct str text, size_t end)
{
	uint64_t block = mb->match->tail.end;
	size_t from = mb->kept_to > block ? (size_t)(mb->kept_to - block) : 0;
	unsigned most = multiline_max(mb->rules->multi);
	size_t start = end;

	for (unsigned n = 0; n < most && start > from; n++) {
		const char *lf = start - from < 2 ? NULL :
		    memrchr(text.s + from, '\n', start - from - 1);

		start = lf ? (size_t)(lf + 1 - text.s) : from;
	}
	while (start < end) {
		const char *lf = memchr(text.s + start, '\n', end - start);
		size_t next = lf ? (size_t)(lf + 1 - text.s) : end;

		judge_lost(mb->rules, multiline_add_raw(mb->rules->multi,
		    (struct str){ text.s + start, next - start - (lf != NULL) }));
		start = next;
	}
	mb->kept_to = block + end;
}

static void
set_marked(struct member *mb)
{
	bool marked = multiline_marked(mb->rules->multi);

	mb->match->nmarked += (size_t)marked - (size_t)mb->marked;
	mb->marked = marked;
}

static enum line_verdict
judge_member(struct passage *p, struct member *mb, struct str raw, const uint64_t *bits,
    bool has)
{
	bool multi = keeps_lines(mb);
	enum line_verdict verdict;

	p->j.member = mb;
	p->j.rules = mb->rules;
	p->j.shares = mb->shares;
	p->j.first_bit = mb->first_bit;
	p->j.bits =
	    mb->own_bits && !multi && !mb->rules->o.no_literals ? bits : NULL;
	p->j.still = !has && !multi;
	p->j.marked = has;
	if (multi)
		keep_lines(mb, p->j.block->text, p->j.at);
	p->j.line = decoded(p->m, mb, raw);
	verdict = judge_line(&p->j);
	if (multi) {
		mb->kept_to = p->m->tail.end + p->done;
		set_marked(mb);
	}
	if (!p->j.still)
		mb->dated_to = p->m->tail.end + p->j.at + raw.len;
	return verdict;
}

/* The watch hears of every line: these were no candidates. */
static void
tell_missed(struct passage *p, const char *until)
{
	struct match *m = p->m;
	struct text t;

	while (p->told.len > 0 && p->told.s < until) {
		struct str line;

		str_cut(&p->told, '\n', &line);
		if (!p->told.s)
			p->told = (struct str){ until, 0 };
		decoder_line(m->rules[0]->decoder, line, &t);
		for (size_t i = 0; i < m->n; i++)
			m->watch(m->watch_arg, t.s, LINE_MISSED, -1);
	}
}

/* All members, for those who watch; else the ones that have a bit. */
static void
judge_watched(struct passage *p, struct str line, const uint64_t *bits)
{
	struct match *m = p->m;

	for (size_t i = 0; i < m->n; i++) {
		struct member *mb = &m->members[i];
		enum line_verdict verdict = LINE_MISSED;
		bool has = has_bit(mb, bits);

		p->j.rule = -1;
		if (has || mb->marked || mb->rules->o.no_literals)
			verdict = judge_member(p, mb, line, bits, has);
		if (m->watching != WATCH_NONE)
			m->watch(m->watch_arg, decoded(m, mb, line).s, verdict,
			    p->j.rule);
	}
}

static void
judge_owners(struct passage *p, struct str line, const uint64_t *bits)
{
	struct member *last = NULL;

	for (size_t w = 0; w < scan_words(p->m->plan.scan); w++) {
		for (uint64_t left = bits[w]; left; left &= left - 1) {
			size_t bit = w * 64 + (size_t)__builtin_ctzll(left);

			if (p->m->owner[bit] == last)
				continue;
			last = p->m->owner[bit];
			judge_member(p, last, line, bits, true);
		}
	}
}

static void
judge_all(struct passage *p, struct str line, const uint64_t *bits)
{
	struct match *m = p->m;
	struct str skipped;

	if (m->watching == WATCH_ALL)
		tell_missed(p, line.s);
	p->j.seq = ++m->seq;
	p->j.at = (size_t)(line.s - p->j.block->text.s);
	p->done = p->j.at + line.len + 1;
	if (m->watching == WATCH_NONE && !m->every && m->nmarked == 0)
		judge_owners(p, line, bits);
	else
		judge_watched(p, line, bits);
	if (m->watching == WATCH_ALL)
		str_cut(&p->told, '\n', &skipped);
}

/* Lines that are no candidates, as long as a match of several lines may go on there. */
static void
catch_up(struct passage *p, size_t until)
{
	struct str text = p->j.block->text;

	while (p->m->nmarked > 0 && p->done < until) {
		const char *at = text.s + p->done;
		const char *lf = memchr(at, '\n', until - p->done);
		size_t len = lf ? (size_t)(lf - at) : until - p->done;

		judge_all(p, (struct str){ at, len }, p->m->no_bits);
	}
}

static void
candidate(void *arg, struct str line, const uint64_t *bits)
{
	struct passage *p = arg;
	size_t at = (size_t)(line.s - p->j.block->text.s);

	if (p->m->nmarked > 0)
		catch_up(p, at);
	judge_all(p, line, bits);
}

/* Small blocks are gathered; before they are enough, what to look for is chosen by the
 * looks of it. */
static struct str
gather(struct match *m, struct str text)
{
	size_t room = SAMPLE_GATHERED - m->gathered.len;

	if (text.len >= SAMPLE_LEAST)
		return text;
	buf_add(&m->gathered, text.s, text.len < room ? text.len : room);
	return m->gathered.len == SAMPLE_GATHERED ? buf_view(&m->gathered) :
	    (struct str){ "", 0 };
}

void
match_sample(struct match *m, struct str text)
{
	if (m->plan.sampled)
		return;
	text = gather(m, text);
	if (m->plan.scan && text.len == 0)
		return;
	if (text.len > SAMPLE_MOST)
		text.len = SAMPLE_MOST;
	plan_make(&m->plan, m->rules, m->n, text);
	if (m->plan.sampled)
		buf_fini(&m->gathered);
}

struct scan_run *
match_ahead(const struct match *m)
{
	return scan_run_new(m->plan.scan);
}

static void
count_lines(struct match *m, size_t lines)
{
	for (size_t i = 0; i < m->n; i++) {
		struct rules_stats *st = &m->rules[i]->stats;

		st->lines += lines;
		st->missed = st->lines - st->matched - st->ignored - st->errors -
		    st->waiting;
	}
}

void
match_found(struct match *m, struct scan_run *run, const struct block *block,
    match_fn *fn, void *arg)
{
	struct passage p = {
		.m = m,
		.j = { .run = m->run, .block = block, .fn = fn, .arg = arg,
		    .look_back = look_back },
		.told = block->text,
	};

	scan_tell(run, block->text, candidate, &p);
	catch_up(&p, block->text.len);
	for (size_t i = 0; m->nmulti > 0 && i < m->n; i++)
		if (keeps_lines(&m->members[i]))
			keep_lines(&m->members[i], block->text, block->text.len);
	if (m->watching == WATCH_ALL)
		tell_missed(&p, block->text.s + block->text.len);
	count_lines(m, scan_lines(run));
	tail_add(&m->tail, block->text);
}

/* What was found in the block, ahead of its turn or by match_scan. */
static struct scan_run *
run_of(const struct match *m, const struct block *block)
{
	return block->found && block->found_for == m ? block->found : m->plan.run;
}

bool
match_scan(struct match *m, const struct block *block)
{
	if (!block->found || block->found_for != m) {
		match_sample(m, block->text);
		scan_find(m->plan.run, block->text);
	}
	return scan_any(run_of(m, block));
}

void
match_judge(struct match *m, const struct block *block, match_fn *fn, void *arg)
{
	match_found(m, run_of(m, block), block, fn, arg);
}

void
match_block(struct match *m, const struct block *block, match_fn *fn, void *arg)
{
	match_scan(m, block);
	match_judge(m, block, fn, arg);
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
