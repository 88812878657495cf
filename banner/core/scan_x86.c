/* SPDX-License-Identifier: GPL-2.0-or-later
 * scan_x86.c - Teddy and line counting with AVX2 or SSSE3, as the processor has it.
 *
 * The vector loops stop before a load could pass the end of the text; the rest goes
 * through the plain engine.
 */
#include <immintrin.h>
#include "banner/core/scan_engine.h"

static void
confirm_mask(const struct teddy_search *se, size_t at, uint32_t mask)
{
	for (; mask; mask &= mask - 1)
		teddy_confirm(se, at + (size_t)__builtin_ctz(mask));
}

__attribute__((target("avx2"))) static inline __m256i
look32(__m256i lo, __m256i hi, const uint8_t *p)
{
	const __m256i low = _mm256_set1_epi8(15);
	__m256i v = _mm256_loadu_si256((const __m256i_u *)p);

	return _mm256_and_si256(_mm256_shuffle_epi8(lo, _mm256_and_si256(v, low)),
	    _mm256_shuffle_epi8(hi, _mm256_and_si256(_mm256_srli_epi16(v, 4), low)));
}

__attribute__((target("avx2"))) static void
teddy_avx2(const struct teddy_search *se)
{
	const uint8_t *p = (const uint8_t *)se->text.s;
	const struct teddy *t = se->t;
	const size_t len = se->text.len;
	__m256i lo[3], hi[3];
	size_t at = 0;

	for (int k = 0; k < 3; k++) {
		lo[k] = _mm256_broadcastsi128_si256(
		    _mm_loadu_si128((const __m128i_u *)t->lo[k]));
		hi[k] = _mm256_broadcastsi128_si256(
		    _mm_loadu_si128((const __m128i_u *)t->hi[k]));
	}
	for (; at + 34 <= len; at += 32) {
		__m256i r = _mm256_and_si256(look32(lo[0], hi[0], p + at),
		    _mm256_and_si256(look32(lo[1], hi[1], p + at + 1),
		    look32(lo[2], hi[2], p + at + 2)));

		if (__builtin_expect(_mm256_testz_si256(r, r), 1))
			continue;
		confirm_mask(se, at, ~(uint32_t)_mm256_movemask_epi8(
		    _mm256_cmpeq_epi8(r, _mm256_setzero_si256())));
	}
	teddy_rest(se, at);
}

__attribute__((target("ssse3"))) static inline __m128i
look16(__m128i lo, __m128i hi, const uint8_t *p)
{
	const __m128i low = _mm_set1_epi8(15);
	__m128i v = _mm_loadu_si128((const __m128i_u *)p);

	return _mm_and_si128(_mm_shuffle_epi8(lo, _mm_and_si128(v, low)),
	    _mm_shuffle_epi8(hi, _mm_and_si128(_mm_srli_epi16(v, 4), low)));
}

__attribute__((target("ssse3"))) static void
teddy_ssse3(const struct teddy_search *se)
{
	const uint8_t *p = (const uint8_t *)se->text.s;
	const struct teddy *t = se->t;
	const size_t len = se->text.len;
	__m128i lo[3], hi[3];
	size_t at = 0;

	for (int k = 0; k < 3; k++) {
		lo[k] = _mm_loadu_si128((const __m128i_u *)t->lo[k]);
		hi[k] = _mm_loadu_si128((const __m128i_u *)t->hi[k]);
	}
	for (; at + 18 <= len; at += 16) {
		__m128i r = _mm_and_si128(look16(lo[0], hi[0], p + at),
		    _mm_and_si128(look16(lo[1], hi[1], p + at + 1),
		    look16(lo[2], hi[2], p + at + 2)));
		uint32_t z = 0xffffu & ~(uint32_t)_mm_movemask_epi8(
		    _mm_cmpeq_epi8(r, _mm_setzero_si128()));

		if (__builtin_expect(z, 0))
			confirm_mask(se, at, z);
	}
	teddy_rest(se, at);
}

__attribute__((target("avx2"))) static size_t
lines_avx2(struct str text)
{
	const __m256i lf = _mm256_set1_epi8('\n');
	const uint8_t *p = (const uint8_t *)text.s;
	__m256i total = _mm256_setzero_si256();
	uint64_t v[4];
	size_t at = 0;

	while (at + 32 <= text.len) {
		__m256i part = _mm256_setzero_si256();

		/* a byte of part counts to 255 at most */
		for (int k = 0; k < 255 && at + 32 <= text.len; k++, at += 32)
			part = _mm256_sub_epi8(part, _mm256_cmpeq_epi8(
			    _mm256_loadu_si256((const __m256i_u *)(p + at)), lf));
		total = _mm256_add_epi64(total,
		    _mm256_sad_epu8(part, _mm256_setzero_si256()));
	}
	_mm256_storeu_si256((__m256i_u *)v, total);
	return v[0] + v[1] + v[2] + v[3] +
	    lines_plain((struct str){ text.s + at, text.len - at });
}

teddy_fn *
teddy_choose(unsigned i)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2") && i-- == 0)
		return teddy_avx2;
	if (__builtin_cpu_supports("ssse3") && i-- == 0)
		return teddy_ssse3;
	return i == 0 ? teddy_plain : NULL;
}

lines_fn *
lines_choose(void)
{
	__builtin_cpu_init();
	return __builtin_cpu_supports("avx2") ? lines_avx2 : lines_plain;
}
