/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan.c - which literals to look for, and from places back to lines.
 *
 * Of each rule one set is chosen as its trigger, the one that is rarest in a sample of
 * the source: what the scan then costs is set by how often a trigger is met in vain.
 * A second set is the check: where a trigger hit, the line must also hold a member of
 * that one, unless it turns out that it nearly always does (looking is a loss then).
 * Up to eight literals, and those shorter than eight bytes, go to Teddy, the others to
 * the grams; both lists of places are merged in order and turned into lines.
 */
#include "banner/core/scan.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/buf.h"
#include "banner/base/table.h"
#include "banner/core/scan_engine.h"

enum { FEW_LITERALS = 8, GRAM_BYTES = 8, CHECK_SET_MAX = 12, CHECK_TRIAL = 200 };

struct check { const struct literal_set *set; };	/* NULL: none */

struct scan {
	struct arena *arena;
	struct scan_lit *lits;
	size_t nlits, nrules, words;
	struct check *checks;
	uint64_t *always;	/* rules without a literal */
	bool has_always;
	struct teddy teddy;
	teddy_fn *teddy_find;
	lines_fn *count_lines;
	struct grams *grams;
};

struct scan_run {
	const struct scan *scan;
	struct hits a, b;			/* of Teddy, of the grams */
	size_t next_a, next_b;
	size_t lines;				/* of the block */
	uint64_t *rules;			/* of the line at hand */
	struct { uint32_t tried, passed; } *checks;
};

/* ---- choice ---- */

static void
count_grams(struct gram_counts *c, struct str sample)
{
	const uint8_t *p = (const uint8_t *)sample.s;

	for (size_t i = 0; i + 4 <= sample.len; i++) {
		c->c4[gram_mix(gram4(p + i)) >> (32 - GRAM4_BITS)]++;
		c->c3[gram3_slot(p + i, GRAM3_BITS)]++;
	}
}

/* Upper bound of how often the text is in the sample: its rarest 4-gram. */
static uint32_t
frequency(const struct gram_counts *c, struct str s)
{
	uint32_t best = 2000;

	for (size_t i = 0; i + 4 <= s.len; i++) {
		uint32_t n = c->c4[gram_mix(gram4((const uint8_t *)s.s + i)) >>
		    (32 - GRAM4_BITS)];

		if (n < best)
			best = n;
	}
	return best;
}

static double
set_cost(const struct gram_counts *c, const struct literal_set *set, bool sampled)
{
	size_t shortest = ~(size_t)0;
	double f = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (sampled)
			f += frequency(c, set->v[i].text);
		if (set->v[i].text.len < shortest)
			shortest = set->v[i].text.len;
	}
	if (!sampled)
		return -literal_score(set);
	return f * 20 + (double)set->n + (shortest < GRAM_BYTES ? 20 : 0) +
	    (shortest < 4 ? 60 : 0) - 0.05 * (double)shortest;
}

static void
set_bit(uint64_t *words, size_t bit)
{
	words[bit / 64] |= UINT64_C(1) << (bit % 64);
}

/* One literal, looked for once however many rules have it. */
static void
add_literal(struct scan *sc, struct table *seen, const struct literal *l, size_t rule)
{
	struct scan_lit *lit;
	struct buf key = { 0 };
	uintptr_t at;

	buf_putc(&key, (char)(l->nocase | l->digits << 1));
	buf_str(&key, l->text);
	at = (uintptr_t)table_find(seen, key.p, key.len);
	if (!at) {
		sc->lits = xrealloc(sc->lits, (sc->nlits + 1) * sizeof(*sc->lits));
		lit = &sc->lits[sc->nlits++];
		*lit = (struct scan_lit){ .len = (uint32_t)l->text.len,
		    .nocase = l->nocase, .digits = l->digits,
		    .s = (const uint8_t *)arena_dup(sc->arena, l->text),
		    .rules = arena_alloc(sc->arena, sc->words * sizeof(uint64_t)) };
		at = sc->nlits;
		table_set(seen, key.p, key.len, (void *)at);
	}
	buf_fini(&key);
	set_bit(sc->lits[at - 1].rules, rule);
}

static const struct literal_set *
copy_set(struct arena *a, const struct literal_set *set)
{
	struct literal_set *out = arena_alloc(a, sizeof(*out));

	out->n = set->n;
	out->v = arena_alloc(a, set->n * sizeof(*out->v));
	for (size_t i = 0; i < set->n; i++) {
		out->v[i].nocase = set->v[i].nocase;
		out->v[i].text = (struct str){ arena_dup(a, set->v[i].text),
		    set->v[i].text.len };
	}
	return out;
}

static void
choose(struct scan *sc, size_t number, const struct scan_rule *rule,
    const struct gram_counts *counts, struct table *seen)
{
	const struct literal_sets *sets = rule->sets;
	const struct literal_set *trigger = NULL, *check = NULL;
	bool sampled = counts->c4[0] != ~UINT32_C(0);
	double best = 1e300, second = 1e300;

	for (size_t i = 0; i < sets->n; i++) {
		const struct literal_set *set = &sets->v[i];
		double cost = set_cost(counts, set, sampled);

		if (cost < best) {
			if (trigger && trigger->n <= CHECK_SET_MAX) {
				second = best;
				check = trigger;
			}
			best = cost;
			trigger = set;
		} else if (cost < second && set->n <= CHECK_SET_MAX) {
			second = cost;
			check = set;
		}
	}
	if (!trigger) {
		set_bit(sc->always, number);
		sc->has_always = true;
		return;
	}
	for (size_t i = 0; i < trigger->n; i++)
		add_literal(sc, seen, &trigger->v[i], number);
	if (check && !rule->apart)
		sc->checks[number].set = copy_set(sc->arena, check);
}

/* Any date template may cut out a TAI64N label, whatever stands before it. */
static void
add_label(struct scan *sc, struct table *seen)
{
	struct literal label = { .text = STR("@40000000") };

	for (size_t i = 0; i < sc->nrules; i++)
		add_literal(sc, seen, &label, i);
}

/* ---- building ---- */

static void
build_engines(struct scan *sc, const struct gram_counts *counts)
{
	uint32_t *longer = xcalloc(sc->nlits + 1, sizeof(*longer));
	size_t n = 0;

	for (size_t i = 0; i < sc->nlits; i++) {
		if (sc->nlits > FEW_LITERALS && sc->lits[i].len >= GRAM_BYTES)
			longer[n++] = (uint32_t)i;
		else
			teddy_add(&sc->teddy, sc->lits, (uint32_t)i, counts);
	}
	sc->teddy_find = teddy_choose(0);
	sc->count_lines = lines_choose();
	if (n)
		sc->grams = grams_new(sc->lits, longer, n, counts);
	free(longer);
}

struct scan *
scan_new(const struct scan_rule *rules, size_t n, struct str sample, bool dates)
{
	struct gram_counts *counts = xcalloc(1, sizeof(*counts));
	struct scan *sc = xcalloc(1, sizeof(*sc));
	struct table *seen = table_new();

	sc->arena = arena_new();
	sc->nrules = n;
	sc->words = n / 64 + 1;
	sc->always = arena_alloc(sc->arena, sc->words * sizeof(uint64_t));
	sc->checks = arena_alloc(sc->arena, (n + 1) * sizeof(*sc->checks));
	if (sample.len)
		count_grams(counts, sample);
	else
		counts->c4[0] = ~UINT32_C(0);	/* no sample: go by looks */
	for (size_t i = 0; i < n; i++)
		choose(sc, i, &rules[i], counts, seen);
	if (dates && sc->nlits)
		add_label(sc, seen);
	build_engines(sc, counts);
	table_free(seen);
	free(counts);
	return sc;
}

void
scan_free(struct scan *sc)
{
	if (!sc)
		return;
	grams_free(sc->grams);
	free(sc->lits);
	arena_free(sc->arena);
	free(sc);
}

size_t
scan_words(const struct scan *sc)
{
	return sc->words;
}

/* ---- running ---- */

struct scan_run *
scan_run_new(const struct scan *sc)
{
	struct scan_run *run = xcalloc(1, sizeof(*run));

	run->scan = sc;
	run->rules = xcalloc(sc->words, sizeof(uint64_t));
	run->checks = xcalloc(sc->nrules + 1, sizeof(*run->checks));
	return run;
}

void
scan_run_free(struct scan_run *run)
{
	if (!run)
		return;
	free(run->a.v);
	free(run->b.v);
	free(run->rules);
	free(run->checks);
	free(run);
}

static bool
line_has(struct str line, const struct literal *l)
{
	return l->nocase || memmem(line.s, line.len, l->text.s, l->text.len);
}

/* Does the line hold a member of the rule's second set, or is it not worth asking? */
static bool
check_passes(struct scan_run *run, size_t rule, struct str line)
{
	const struct literal_set *set = run->scan->checks[rule].set;

	if (!set || (run->checks[rule].tried > CHECK_TRIAL &&
	    run->checks[rule].passed * 3 > run->checks[rule].tried))
		return true;
	run->checks[rule].tried++;
	for (size_t i = 0; i < set->n; i++) {
		if (line_has(line, &set->v[i])) {
			run->checks[rule].passed++;
			return true;
		}
	}
	return false;
}

static void
tell_line(struct scan_run *run, struct str line, scan_fn *fn, void *arg)
{
	bool any = false;

	for (size_t w = 0; w < run->scan->words; w++) {
		for (uint64_t m = run->rules[w]; m; m &= m - 1) {
			size_t bit = (size_t)__builtin_ctzll(m);

			if (!check_passes(run, w * 64 + bit, line))
				run->rules[w] &= ~(UINT64_C(1) << bit);
		}
		run->rules[w] |= run->scan->always[w];
		any |= run->rules[w] != 0;
	}
	if (any)
		fn(arg, line, run->rules);
	memset(run->rules, 0, run->scan->words * sizeof(uint64_t));
}

/* Both lists are in order of place already. */
void
scan_find(struct scan_run *run, struct str block)
{
	const struct scan *sc = run->scan;

	run->a.n = run->b.n = 0;
	run->next_a = run->next_b = 0;
	if (sc->teddy.count)
		sc->teddy_find(&(struct teddy_search){ &sc->teddy, sc->lits, block,
		    &run->a });
	if (sc->grams)
		grams_find(sc->grams, sc->lits, block, &run->b);
	run->lines = sc->count_lines(block) +
	    (block.len && block.s[block.len - 1] != '\n');
}

size_t
scan_lines(const struct scan_run *run)
{
	return run->lines;
}

bool
scan_any(const struct scan_run *run)
{
	return run->a.n > 0 || run->b.n > 0 || (run->scan->has_always && run->lines);
}

/* The next place of both lists; NULL: no more. */
static const struct hit *
peek_hit(const struct scan_run *run)
{
	const struct hit *a = run->next_a < run->a.n ? &run->a.v[run->next_a] : NULL;
	const struct hit *b = run->next_b < run->b.n ? &run->b.v[run->next_b] : NULL;

	return !b || (a && a->at <= b->at) ? a : b;
}

/* Rules of all hits before offset end. */
static void
add_hits(struct scan_run *run, size_t end)
{
	const struct hit *h;

	while ((h = peek_hit(run)) && h->at < end) {
		const uint64_t *rules = run->scan->lits[h->lit].rules;

		for (size_t w = 0; w < run->scan->words; w++)
			run->rules[w] |= rules[w];
		if (run->next_a < run->a.n && h == &run->a.v[run->next_a])
			run->next_a++;
		else
			run->next_b++;
	}
}

static struct str
line_at(struct str block, size_t from)
{
	const char *end = memchr(block.s + from, '\n', block.len - from);

	return (struct str){ block.s + from,
	    end ? (size_t)(end - block.s) - from : block.len - from };
}

static void
every_line(struct scan_run *run, struct str block, scan_fn *fn, void *arg)
{
	for (size_t at = 0; at < block.len;) {
		struct str line = line_at(block, at);

		at += line.len + 1;
		add_hits(run, at);
		tell_line(run, line, fn, arg);
	}
}

size_t
scan_tell(struct scan_run *run, struct str block, scan_fn *fn, void *arg)
{
	const struct hit *h;
	size_t from = 0;

	if (run->scan->has_always) {
		every_line(run, block, fn, arg);
		return run->lines;
	}
	while ((h = peek_hit(run))) {
		const char *lf = memrchr(block.s + from, '\n', h->at - from);
		struct str line = line_at(block,
		    lf ? (size_t)(lf + 1 - block.s) : from);

		from = (size_t)(line.s - block.s) + line.len;
		add_hits(run, from + 1);
		tell_line(run, line, fn, arg);
	}
	return run->lines;
}
