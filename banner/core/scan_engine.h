/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan_engine.h - finding many literals in one pass; for scan*.c only.
 *
 * Two engines. Teddy: up to about 30 short literals by three nibble look-ups per 16 or
 * 32 bytes (in plain C: one table look-up per byte). Grams: many literals of 8 bytes
 * and more, by looking at one 4-gram in every stride bytes. Both report places that
 * were compared in full.
 */
#ifndef BANNER_SCAN_ENGINE_H
#define BANNER_SCAN_ENGINE_H

#include "banner/core/literal.h"

struct scan_lit {
	const uint8_t *s;
	uint32_t len;
	bool nocase;
	uint8_t digits;	/* as in struct literal */
	uint32_t window;	/* offset of the bytes the engine looks for */
	uint32_t next;		/* in Teddy: one more than the next of its list */
	uint64_t *rules;	/* rules that have it */
};

/* at: a place inside of the literal, where the engine saw it; never decreasing. */
struct hit { uint32_t at, lit; };
struct hits { struct hit *v; size_t n, cap; };
void	hits_add(struct hits *, size_t at, uint32_t lit);

/* How often 3-grams and 4-grams (case folded) are in the sample. */
enum { GRAM3_BITS = 16, GRAM4_BITS = 18 };
struct gram_counts { uint32_t c3[1 << GRAM3_BITS], c4[1 << GRAM4_BITS]; };

static inline uint32_t
gram4(const uint8_t *p)
{
	return (p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24) | 0x20202020u;
}

static inline uint32_t
gram_mix(uint32_t g)
{
	return g * 0x9E3779B1u;
}

static inline uint32_t
gram3_slot(const uint8_t *p, int bits)
{
	uint32_t g = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;

	return gram_mix(g | 0x202020u) >> (32 - bits);
}

/* Does lit stand at text[at]? Mostly its first byte says no, or the one before. */
bool	scan_is_all_at(const struct scan_lit *, struct str text, size_t at);

static inline bool
scan_is_at(const struct scan_lit *l, struct str text, size_t at)
{
	return at < text.len &&
	    !(((uint8_t)text.s[at] ^ l->s[0]) & (l->nocase ? ~0x20u : ~0u)) &&
	    (!l->digits || literal_digits(text, at, 1)) && scan_is_all_at(l, text, at);
}

enum { TEDDY_BUCKETS = 8, TEDDY_HEAD_BITS = 8 };
struct teddy {
	uint8_t lo[3][16], hi[3][16];		/* nibble -> buckets */
	uint8_t byte[3][256];			/* the same by byte, for plain C */
	uint32_t head[1 << TEDDY_HEAD_BITS]; /* by triple: one more than its number */
	size_t count;
};
void	teddy_add(struct teddy *, struct scan_lit *lits, uint32_t number,
	    const struct gram_counts *);
/* One search: the literals of t in text. */
struct teddy_search {
	const struct teddy *t;
	const struct scan_lit *lits;
	struct str text;
	struct hits *out;
};
typedef void (teddy_fn)(const struct teddy_search *);
/* What this processor has, the best first. NULL: no more. */
teddy_fn	*teddy_choose(unsigned i);
/* In plain C, from text[at] on; teddy_plain from the start. */
void	teddy_rest(const struct teddy_search *, size_t at);
void	teddy_plain(const struct teddy_search *);
/* Compare the literals whose triple stands at text[at]. */
void	teddy_confirm(const struct teddy_search *, size_t at);

struct grams;
struct grams	*grams_new(struct scan_lit *, const uint32_t *numbers, size_t n,
		    const struct gram_counts *);
void		 grams_free(struct grams *);
void		 grams_find(const struct grams *, const struct scan_lit *, struct str,
		    struct hits *);

/* Line ends in the text. */
typedef size_t (lines_fn)(struct str);
lines_fn	*lines_choose(void);
size_t		 lines_plain(struct str);

#endif
