/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan_grams.c - many literals: one 4-gram in every stride bytes of text.
 *
 * Of each literal a window of w bytes is taken, the rarest in the sample; all its
 * w - 3 4-grams go into a bitmap. A text that holds the window has one of them at any
 * place of every w - 3 bytes, so it is enough to look there. Case is folded in the
 * grams (by OR 0x20) and settled when the place is compared.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/core/scan_engine.h"

enum { BITMAP_BITS = 17, HEAD_BITS = 13, WINDOW_MAX = 24 };

struct gram_ref { uint32_t gram, lit, off; int32_t next; };

struct grams {
	uint64_t bitmap[(1 << BITMAP_BITS) / 64];
	int32_t head[1 << HEAD_BITS];
	struct gram_ref *refs;
	size_t nrefs, stride;
};

static uint32_t
rarest_window(const struct scan_lit *l, uint32_t w, const struct gram_counts *counts)
{
	uint64_t least = ~UINT64_C(0);
	uint32_t best = 0;

	for (uint32_t k = 0; k + w <= l->len; k++) {
		uint64_t sum = 0;

		for (uint32_t z = 0; z + 4 <= w; z++)
			sum += counts->c4[gram_mix(gram4(l->s + k + z)) >>
			    (32 - GRAM4_BITS)];
		if (sum < least) {
			least = sum;
			best = k;
		}
	}
	return best;
}

static void
add_gram(struct grams *g, const struct scan_lit *l, uint32_t number, uint32_t off)
{
	uint32_t gram = gram4(l->s + off), mix = gram_mix(gram);
	uint32_t bit = mix >> (32 - BITMAP_BITS), slot = mix >> (32 - HEAD_BITS);

	g->bitmap[bit / 64] |= UINT64_C(1) << (bit % 64);
	g->refs[g->nrefs] = (struct gram_ref){ gram, number, off, g->head[slot] };
	g->head[slot] = (int32_t)g->nrefs++;
}

struct grams *
grams_new(struct scan_lit *lits, const uint32_t *numbers, size_t n,
    const struct gram_counts *counts)
{
	struct grams *g = xcalloc(1, sizeof(*g));
	uint32_t w = WINDOW_MAX;

	for (size_t i = 0; i < n; i++)
		if (lits[numbers[i]].len < w)
			w = lits[numbers[i]].len;
	memset(g->head, -1, sizeof(g->head));
	g->stride = w - 3;
	g->refs = xcalloc(n * g->stride, sizeof(*g->refs));
	for (size_t i = 0; i < n; i++) {
		struct scan_lit *l = &lits[numbers[i]];

		l->window = rarest_window(l, w, counts);
		for (uint32_t k = 0; k < g->stride; k++)
			add_gram(g, l, numbers[i], l->window + k);
	}
	return g;
}

void
grams_free(struct grams *g)
{
	if (g)
		free(g->refs);
	free(g);
}

static inline unsigned
maybe(const struct grams *g, const uint8_t *p)
{
	uint32_t bit = gram_mix(gram4(p)) >> (32 - BITMAP_BITS);

	return (unsigned)(g->bitmap[bit / 64] >> (bit % 64) & 1);
}

static void
look_up(const struct grams *g, const struct scan_lit *lits, struct str text, size_t at,
    struct hits *out)
{
	uint32_t gram = gram4((const uint8_t *)text.s + at);
	int32_t k = g->head[gram_mix(gram) >> (32 - HEAD_BITS)];

	for (; k >= 0; k = g->refs[k].next) {
		const struct gram_ref *ref = &g->refs[k];

		if (ref->gram == gram && at >= ref->off &&
		    scan_is_at(&lits[ref->lit], text, at - ref->off))
			hits_add(out, at, ref->lit);
	}
}

void
grams_find(const struct grams *g, const struct scan_lit *lits, struct str text,
    struct hits *out)
{
	const uint8_t *p = (const uint8_t *)text.s;
	size_t s = g->stride, at = 0;

	for (; at + 3 * s + 4 <= text.len; at += 4 * s) {
		unsigned a = maybe(g, p + at), b = maybe(g, p + at + s),
		    c = maybe(g, p + at + 2 * s), d = maybe(g, p + at + 3 * s);

		if (__builtin_expect(a | b | c | d, 0)) {
			if (a)
				look_up(g, lits, text, at, out);
			if (b)
				look_up(g, lits, text, at + s, out);
			if (c)
				look_up(g, lits, text, at + 2 * s, out);
			if (d)
				look_up(g, lits, text, at + 3 * s, out);
		}
	}
	for (; at + 4 <= text.len; at += s)
		if (maybe(g, p + at))
			look_up(g, lits, text, at, out);
}
