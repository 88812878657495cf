/* SPDX-License-Identifier: GPL-2.0-or-later
 * hash.c - SipHash-2-4 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012).
 *
 * The 128-bit variant is the one of the authors' reference code: another constant
 * in v1 and in the finalisation, and a second output word after four more rounds.
 */
#include "banner/base/table.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct sip {
	uint64_t v[4];
};

static inline uint64_t
rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

static inline void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline void
sip_word(struct sip *s, uint64_t m)
{
	s->v[3] ^= m;
	sip_round(s->v);
	sip_round(s->v);
	s->v[0] ^= m;
}

/* Everything up to the finalisation, which differs between 64 and 128 bits. Inlined the
 * state stays in registers. */
static inline __attribute__((always_inline)) struct sip
sip_input(const struct hash_key *k, const void *data, size_t len, uint64_t tweak)
{
	struct sip s = { {
		k->k[0] ^ UINT64_C(0x736f6d6570736575),
		k->k[1] ^ UINT64_C(0x646f72616e646f6d) ^ tweak,
		k->k[0] ^ UINT64_C(0x6c7967656e657261),
		k->k[1] ^ UINT64_C(0x7465646279746573),
	} };
	const uint8_t *p = data;
	size_t left = len;
	uint64_t m;

	for (; left >= 8; p += 8, left -= 8) {
		memcpy(&m, p, 8);
		sip_word(&s, le64toh(m));
	}
	m = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		m |= (uint64_t)p[i] << (8 * i);
	sip_word(&s, m);
	return s;
}

static inline uint64_t
sip_output(struct sip *s)
{
	for (int i = 0; i < 4; i++)
		sip_round(s->v);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

uint64_t
hash64(const struct hash_key *k, const void *data, size_t len)
{
	struct sip s = sip_input(k, data, len, 0);

	s.v[2] ^= 0xff;
	return sip_output(&s);
}

struct hash128
hash128(const struct hash_key *k, const void *data, size_t len)
{
	struct sip s = sip_input(k, data, len, 0xee);
	struct hash128 h;

	s.v[2] ^= 0xee;
	h.h[0] = sip_output(&s);
	s.v[1] ^= 0xdd;
	h.h[1] = sip_output(&s);
	return h;
}

/* A guessable key would let log writers choose collisions: rather no process. With
 * 16 bytes getrandom(2) is never interrupted half-way. */
void
hash_key_random(struct hash_key *k)
{
	if (getrandom(k, sizeof(*k), 0) != (ssize_t)sizeof(*k))
		abort();
}
