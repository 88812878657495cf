/* SPDX-License-Identifier: GPL-2.0-or-later
 * multiline.c - the last lines of a filter with maxlines > 1.
 */
#include "banner/core/multiline.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

struct entry {
	struct str cut, full;	/* owned */
	bool ascii;
};

struct multiline {
	unsigned max;
	size_t n, ntaken, bytes;
	struct entry *v, *taken;	/* max each */
	struct str *lines;		/* of taken, for the caller */
	struct buf text, taken_text;
};

struct multiline *
multiline_new(unsigned max)
{
	struct multiline *m = xcalloc(1, sizeof(*m));

	m->max = max;
	m->v = xcalloc(max, sizeof(*m->v));
	m->taken = xcalloc(max, sizeof(*m->taken));
	m->lines = xcalloc(max, sizeof(*m->lines));
	return m;
}

static void
entry_free(struct entry *e)
{
	free((char *)(uintptr_t)e->cut.s);
	free((char *)(uintptr_t)e->full.s);
}

static void
forget_taken(struct multiline *m)
{
	for (size_t i = 0; i < m->ntaken; i++)
		entry_free(&m->taken[i]);
	m->ntaken = 0;
}

void
multiline_free(struct multiline *m)
{
	if (!m)
		return;
	forget_taken(m);
	for (size_t i = 0; i < m->n; i++)
		entry_free(&m->v[i]);
	free(m->v);
	free(m->taken);
	free(m->lines);
	buf_fini(&m->text);
	buf_fini(&m->taken_text);
	free(m);
}

static size_t
entry_bytes(const struct entry *e)
{
	return e->cut.len + e->full.len;
}

size_t
multiline_add(struct multiline *m, struct str cut, struct str full, bool ascii)
{
	struct entry e = { .ascii = ascii };
	size_t lost = 0;

	e.cut = (struct str){ xstrndup(cut.s, cut.len), cut.len };
	e.full = (struct str){ xstrndup(full.s, full.len), full.len };
	while (m->n > 0 &&
	    (m->n == m->max || m->bytes + entry_bytes(&e) > MULTILINE_BYTES)) {
		lost += m->n < m->max;
		m->bytes -= entry_bytes(&m->v[0]);
		entry_free(&m->v[0]);
		memmove(m->v, m->v + 1, --m->n * sizeof(*m->v));
	}
	m->v[m->n++] = e;
	m->bytes += entry_bytes(&e);
	return lost;
}

static void
join(const struct entry *v, size_t n, struct buf *b, struct text *t)
{
	buf_clear(b);
	t->ascii = true;
	for (size_t i = 0; i < n; i++) {
		buf_str(b, v[i].cut);
		t->ascii &= v[i].ascii;
	}
	t->s = buf_view(b);
}

void
multiline_text(struct multiline *m, struct text *t)
{
	join(m->v, m->n, &m->text, t);
}

/* Lines that lie wholly or partly in what is covered. */
static void
find_lines(const struct multiline *m, struct covered c, size_t *first, size_t *end)
{
	size_t at = 0;

	*first = *end = m->n;
	for (size_t i = 0; i < m->n; i++) {
		size_t next = at + m->v[i].cut.len;

		/* A match that begins at a line's LF begins in the next line. */
		if (*first == m->n && c.from + 1 < next)
			*first = i;
		if (*end == m->n && c.to <= next)
			*end = i + 1;
		at = next;
	}
	if (*end < *first + 1 && *first < m->n)
		*end = *first + 1;
}

/* Each skipped line sends the first equal one of the taken lines back. */
static void
give_back(struct multiline *m, struct str skipped, size_t at)
{
	struct str line;
	size_t i = 0;

	while (skipped.s && skipped.len > 0 && str_cut(&skipped, '\n', &line)) {
		size_t k;

		for (k = i; k < m->ntaken; k++)
			if (m->taken[k].cut.len == line.len + 1 &&
			    !memcmp(m->taken[k].cut.s, line.s, line.len))
				break;
		if (k == m->ntaken)
			continue;
		memmove(m->v + at + 1, m->v + at, (m->n - at) * sizeof(*m->v));
		m->v[at++] = m->taken[k];
		m->n++;
		m->bytes += entry_bytes(&m->taken[k]);
		m->ntaken--;
		memmove(m->taken + k, m->taken + k + 1,
		    (m->ntaken - k) * sizeof(*m->v));
		i = k;
	}
}

size_t
multiline_take(struct multiline *m, struct covered c, struct str skipped,
    const struct str **lines, struct text *cut)
{
	size_t first, end;

	forget_taken(m);
	find_lines(m, c, &first, &end);
	for (size_t i = first; i < end; i++) {
		m->taken[m->ntaken++] = m->v[i];
		m->bytes -= entry_bytes(&m->v[i]);
	}
	memmove(m->v + first, m->v + end, (m->n - end) * sizeof(*m->v));
	m->n -= end - first;
	give_back(m, skipped, first);
	for (size_t i = 0; i < m->ntaken; i++)
		m->lines[i] = m->taken[i].full;
	join(m->taken, m->ntaken, &m->taken_text, cut);
	*lines = m->lines;
	return m->ntaken;
}
