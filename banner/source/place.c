/* SPDX-License-Identifier: GPL-2.0-or-later
 * place.c - the text that finds the next unread line of a file again.
 */
#include "banner/source/place.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "banner/base/table.h"

static int
hex(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.len == 0 || s.len > 16)
		return -EINVAL;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.s[i];
		int digit = c >= '0' && c <= '9' ? c - '0' :
		    c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (digit < 0)
			return -EINVAL;
		v = v << 4 | (uint64_t)digit;
	}
	*out = v;
	return 0;
}

static int
place_parse(struct str word, struct place *p)
{
	uint64_t *to[] = { &p->dev, &p->ino, &p->off, &p->hash };
	struct str part;

	for (size_t i = 0; i < 4; i++)
		if (!str_cut(&word, ':', &part) || hex(part, to[i]) < 0)
			return -EINVAL;
	return word.s ? -EINVAL : 0;
}

int
places_parse(struct str text, struct place out[PLACE_FILES])
{
	struct str word;
	int n = 0;

	while (str_word(&text, &word))
		if (n == PLACE_FILES || place_parse(word, &out[n++]) < 0)
			return -EINVAL;
	return n;
}

void
place_add(struct buf *b, const struct place *p)
{
	buf_printf(b, "%s%" PRIx64 ":%" PRIx64 ":%" PRIx64 ":%" PRIx64,
	    b->len > 0 ? " " : "", p->dev, p->ino, p->off, p->hash);
}

uint64_t
place_hash(const void *p, size_t n)
{
	static const struct hash_key fixed = { { 0x62616e6e65722070, 0x6c616365 } };

	return hash64(&fixed, p, n);
}

int
place_hash_at(int fd, uint64_t off, uint64_t *hash)
{
	char tail[PLACE_TAIL];
	size_t n = off < PLACE_TAIL ? (size_t)off : PLACE_TAIL;
	ssize_t got = pread(fd, tail, n, (off_t)(off - n));

	if (got < 0)
		return -errno;
	if ((size_t)got < n)
		return -ENODATA;
	*hash = place_hash(tail, n);
	return 0;
}

bool
place_fits(int fd, const struct place *p)
{
	uint64_t hash = 0;

	return place_hash_at(fd, p->off, &hash) == 0 && hash == p->hash;
}
