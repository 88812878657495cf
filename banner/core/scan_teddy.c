/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan_teddy.c - a few literals: buckets of byte triples, and the plain engine.
 *
 * Each literal is known by three bytes (its rarest in the sample). Literals are put in
 * eight buckets so that the triples of a bucket share nibbles; a position is possible
 * for a bucket when all three bytes have its bit. Which of them it is a hash of the
 * triple says. The algorithm is the one known as Teddy from Intel's Hyperscan.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "banner/core/scan_engine.h"

void
hits_add(struct hits *h, size_t at, uint32_t lit)
{
	if (h->n == h->cap) {
		h->cap = h->cap ? 2 * h->cap : 256;
		h->v = xrealloc(h->v, h->cap * sizeof(*h->v));
	}
	h->v[h->n++] = (struct hit){ (uint32_t)at, lit };
}

bool
scan_is_all_at(const struct scan_lit *l, struct str text, size_t at)
{
	const uint8_t *p = (const uint8_t *)text.s + at;

	if (at > text.len || l->len > text.len - at)
		return false;
	if (l->digits && !literal_digits(text, at, l->digits))
		return false;
	if (!l->nocase)
		return memcmp(p, l->s, l->len) == 0;
	for (size_t i = 0; i < l->len; i++) {
		uint8_t c = p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != l->s[i])
			return false;
	}
	return true;
}

static uint32_t
rarest_window(const struct scan_lit *l, const struct gram_counts *counts)
{
	uint32_t best = 0;

	for (uint32_t k = 1; k + 3 <= l->len; k++)
		if (counts->c3[gram3_slot(l->s + k, GRAM3_BITS)] <
		    counts->c3[gram3_slot(l->s + best, GRAM3_BITS)])
			best = k;
	return best;
}

/* Bytes that pass for bucket b at place k of the triple. */
static int
width(const struct teddy *t, int k, int b, int extra)
{
	int lo = 0, hi = 0;

	for (int z = 0; z < 16; z++) {
		lo += (t->lo[k][z] >> b & 1) || (extra >= 0 && z == (extra & 15));
		hi += (t->hi[k][z] >> b & 1) || (extra >= 0 && z == extra >> 4);
	}
	return lo * hi;
}

/* The bucket whose space of triples grows least. */
static int
choose_bucket(const struct teddy *t, const uint8_t *f)
{
	double least = 1e30;
	int best = 0;

	for (int b = 0; b < TEDDY_BUCKETS; b++) {
		double before = 1, after = 1;

		for (int k = 0; k < 3; k++) {
			before *= width(t, k, b, -1);
			after *= width(t, k, b, f[k]);
		}
		if (after - before < least) {
			least = after - before;
			best = b;
		}
	}
	return best;
}

static void
set_byte(struct teddy *t, int k, uint8_t c, int b)
{
	uint8_t bit = (uint8_t)(1u << b);

	t->lo[k][c & 15] |= bit;
	t->hi[k][c >> 4] |= bit;
	t->byte[k][c] |= bit;
}

void
teddy_add(struct teddy *t, struct scan_lit *lits, uint32_t number,
    const struct gram_counts *counts)
{
	struct scan_lit *l = &lits[number];
	const uint8_t *f;
	uint32_t *head;
	int b;

	l->window = rarest_window(l, counts);
	f = l->s + l->window;
	head = &t->head[gram3_slot(f, TEDDY_HEAD_BITS)];
	l->next = *head;
	*head = number + 1;
	t->count++;
	b = choose_bucket(t, f);
	for (int k = 0; k < 3; k++) {
		set_byte(t, k, f[k], b);
		if (l->nocase && islower(f[k]))
			set_byte(t, k, (uint8_t)toupper(f[k]), b);
	}
}

void
teddy_confirm(const struct teddy_search *se, size_t at)
{
	const uint8_t *p = (const uint8_t *)se->text.s + at;
	uint32_t next = se->t->head[gram3_slot(p, TEDDY_HEAD_BITS)];

	while (next > 0) {
		const struct scan_lit *l = &se->lits[next - 1];

		if (at >= l->window && scan_is_at(l, se->text, at - l->window))
			hits_add(se->out, at, next - 1);
		next = l->next;
	}
}

void
teddy_rest(const struct teddy_search *se, size_t at)
{
	const uint8_t *p = (const uint8_t *)se->text.s;
	const struct teddy *t = se->t;

	for (; at + 3 <= se->text.len; at++) {
		if (t->byte[0][p[at]] & t->byte[1][p[at + 1]] & t->byte[2][p[at + 2]])
			teddy_confirm(se, at);
	}
}

void
teddy_plain(const struct teddy_search *se)
{
	teddy_rest(se, 0);
}

size_t
lines_plain(struct str text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++)
		n += text.s[i] == '\n';
	return n;
}
