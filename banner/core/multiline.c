/* SPDX-License-Identifier: GPL-2.0-or-later
 * multiline.c - the last lines of a filter with maxlines > 1.
 */
#include "banner/core/multiline.h"

#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"

struct entry {
	struct str cut, full;	/* owned; cut is empty in a raw line */
	bool ascii, marked, raw;
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

/* A raw line will have two texts of about this length. */
static size_t
entry_bytes(const struct entry *e)
{
	return e->raw ? 2 * e->full.len + 1 : e->cut.len + e->full.len;
}

static struct entry
entry_of(const struct multiline_line *l)
{
	struct entry e = { .ascii = l->ascii, .marked = l->marked };

	e.cut = (struct str){ xstrndup(l->cut.s, l->cut.len), l->cut.len };
	e.full = (struct str){ xstrndup(l->full.s, l->full.len), l->full.len };
	return e;
}

static void
remove_at(struct multiline *m, size_t at)
{
	m->bytes -= entry_bytes(&m->v[at]);
	entry_free(&m->v[at]);
	memmove(m->v + at, m->v + at + 1, (--m->n - at) * sizeof(*m->v));
}

static size_t
add_entry(struct multiline *m, const struct entry *e)
{
	size_t lost = 0;

	while (m->n > 0 &&
	    (m->n == m->max || m->bytes + entry_bytes(e) > MULTILINE_BYTES)) {
		lost += m->n < m->max;
		remove_at(m, 0);
	}
	m->v[m->n++] = *e;
	m->bytes += entry_bytes(e);
	return lost;
}

size_t
multiline_add(struct multiline *m, const struct multiline_line *l)
{
	struct entry e = entry_of(l);

	return add_entry(m, &e);
}

size_t
multiline_add_raw(struct multiline *m, struct str raw)
{
	struct entry e = { .raw = true };

	e.full = (struct str){ xstrndup(raw.len ? raw.s : "", raw.len), raw.len };
	return add_entry(m, &e);
}

/* Behind the first raw line all are. */
static size_t
first_raw(const struct multiline *m)
{
	size_t i = m->n;

	while (i > 0 && m->v[i - 1].raw)
		i--;
	return i;
}

bool
multiline_raw(const struct multiline *m, struct str *raw)
{
	size_t i = first_raw(m);

	if (i == m->n)
		return false;
	*raw = m->v[i].full;
	return true;
}

void
multiline_settle(struct multiline *m, const struct multiline_line *l)
{
	struct entry *e = &m->v[first_raw(m)], old = *e;

	m->bytes -= entry_bytes(e);
	*e = entry_of(l);
	m->bytes += entry_bytes(e);
	entry_free(&old);
}

void
multiline_drop_raw(struct multiline *m)
{
	remove_at(m, first_raw(m));
}

bool
multiline_marked(const struct multiline *m)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].marked)
			return true;
	return false;
}

unsigned
multiline_max(const struct multiline *m)
{
	return m->max;
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
