/* SPDX-License-Identifier: GPL-2.0-or-later
 * evidence.c - the last matched lines of everybody, in one ring.
 *
 * Positions count units of 8 bytes and wrap at 32 bits; the ring holds a power of two
 * of them, so a position gives its place directly. A position is alive when it is less
 * than a ring behind the head, and the owner in the record is the one who asks.
 */
#include "banner/core/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

enum { UNIT = 8, BYTES_MIN = 65536, BYTES_MAX = 1 << 30 };

struct record {
	struct evidence_owner owner;
	uint32_t prev, len : 31, is_row : 1;
	struct evidence_from from;
};

struct evidence {
	char *ring;
	uint32_t units;		/* power of two */
	uint32_t head;		/* position of the next record; never 0 */
	uint64_t used; /* units ever written, to know what is not written yet */
};

struct evidence *
evidence_new(size_t bytes)
{
	struct evidence *ev = xcalloc(1, sizeof(*ev));
	size_t size = BYTES_MIN;

	ev->head = 1;
	if (bytes < BYTES_MIN)
		return ev;
	while (size * 2 <= bytes && size * 2 <= BYTES_MAX)
		size *= 2;
	ev->ring = xmalloc(size);
	ev->units = (uint32_t)(size / UNIT);
	return ev;
}

void
evidence_free(struct evidence *ev)
{
	if (!ev)
		return;
	free(ev->ring);
	free(ev);
}

static char *
place(const struct evidence *ev, uint32_t mark)
{
	return ev->ring + (size_t)(mark & (ev->units - 1)) * UNIT;
}

/* A record does not wrap around the end of the ring. */
static uint32_t
room(struct evidence *ev, uint32_t units)
{
	uint32_t left = ev->units - (ev->head & (ev->units - 1));

	if (left < units) {
		ev->head += left;
		ev->used += left;
	}
	if (ev->head == 0) {
		ev->head = units;	/* 0 means no mark: leave one record out */
		ev->used += units;
	}
	return ev->head;
}

/* All of the record but its length is the caller's. */
static uint32_t
add(struct evidence *ev, struct record r, struct str line)
{
	bool cut = line.len > EVIDENCE_LINE;
	size_t len = cut ? EVIDENCE_LINE : line.len;
	uint32_t units, at;
	char *p;

	if (!ev->ring)
		return 0;
	r.len = (uint32_t)(len + (cut ? 3 : 0)) & 0xffff;
	units = (uint32_t)((sizeof(r) + r.len + UNIT - 1) / UNIT);
	at = room(ev, units);
	p = place(ev, at);
	memcpy(p, &r, sizeof(r));
	memcpy(p + sizeof(r), line.s, len);
	if (cut)
		memcpy(p + sizeof(r) + len, "...", 3);
	ev->head += units;
	ev->used += units;
	return at;
}

uint32_t
evidence_add(struct evidence *ev, const struct evidence_owner *who, uint32_t mark,
    struct str line, struct evidence_from from)
{
	return add(ev, (struct record){ .owner = *who, .prev = mark, .from = from },
	    line);
}

struct evidence_from
evidence_from(struct str line)
{
	struct record r;

	memcpy(&r, line.s - sizeof(r), sizeof(r));
	return r.from;
}

uint32_t
evidence_add_row(struct evidence *ev, const struct evidence_owner *who, uint32_t mark,
    struct str row)
{
	return add(ev, (struct record){ .owner = *who, .prev = mark, .is_row = true },
	    row);
}

static bool
alive(const struct evidence *ev, uint32_t mark)
{
	uint32_t behind = ev->head - mark;

	return mark && behind && behind <= ev->units && behind <= ev->used;
}

struct found { struct str *v; size_t n, max; };

static void
walk(const struct evidence *ev, const struct evidence_owner *who, uint32_t mark,
    bool rows, struct found *f)
{
	struct str *lines = f->v;
	size_t n = 0, max = f->max;

	while (n < max && ev->ring && alive(ev, mark)) {
		struct record r;

		memcpy(&r, place(ev, mark), sizeof(r));
		if (memcmp(&r.owner, who, sizeof(*who)) != 0)
			break;
		if (r.is_row == rows)
			lines[n++] =
			    (struct str){ place(ev, mark) + sizeof(r), r.len };
		if (ev->head - r.prev <= ev->head - mark)
			break;		/* a chain leads back, never forward */
		mark = r.prev;
	}
	for (size_t i = 0; i < n / 2; i++) {
		struct str s = lines[i];

		lines[i] = lines[n - 1 - i];
		lines[n - 1 - i] = s;
	}
	f->n = n;
}

size_t
evidence_get(const struct evidence *ev, const struct evidence_owner *who, uint32_t mark,
    struct str *lines, size_t max)
{
	struct found f = { lines, 0, max };

	walk(ev, who, mark, false, &f);
	return f.n;
}

size_t
evidence_get_rows(const struct evidence *ev, const struct evidence_owner *who,
    uint32_t mark, struct str *rows, size_t max)
{
	struct found f = { rows, 0, max };

	walk(ev, who, mark, true, &f);
	return f.n;
}
