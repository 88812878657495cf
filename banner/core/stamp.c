/* SPDX-License-Identifier: GPL-2.0-or-later
 * stamp.c - finding the date of a line, and learning where it is.
 *
 * The order of the templates is fail2ban's and changes as it does there: the last
 * winner is tried first, winners bubble up, and a date that stands further right than
 * dates used to (in the text of a message) only wins when nothing better is found.
 * Offsets are kept in characters because that is what they are compared in.
 */
#include "banner/core/stamp_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"

enum { NOTHING = -1 }; /* no character there, or none known so far */

enum { HEAD_MORE = 3, HEAD_MAX = 64 };

/* The last conversion: many lines of one second have the same date. Where the line
 * began with it, its head says all that the search saw. */
struct last_time {
	const struct stamp_template *template;
	char text[48];
	size_t len;
	char head[HEAD_MAX];	/* up to HEAD_MORE bytes behind the date */
	size_t head_len;	/* 0: not known */
	size_t cut_start;
	bool with_now; /* year or day were guessed, at now_s */
	int64_t now_s, seconds;
};

/* A match with its place in characters. */
struct candidate {
	struct stamp_match m;
	size_t start, end, index;
	bool fast; /* read by hand, not by the regex */
};

struct stamp {
	struct stamp_list list;
	struct stamp_zone zone;
	struct stamp_clock clock;
	struct pattern_run *run;
	int decade; /* last one of %ExY: 2 for 202x */
	int64_t decade_from_ms, decade_to_ms;
	size_t last; /* index of the last winner */
	size_t start, end; /* of its match, in characters */
	int before, first, final, after; /* characters around and inside of it */
	bool no_shortcuts;
	bool no_address; /* no template matches a line that begins with one */
	bool still; /* nothing is learned now */
	const char *later; /* what is to be listed for the first line, or NULL */
	struct last_time cache;
	struct candidate room[2];	/* of this search; too big to clear each time */
};

struct subject {
	struct str line;
	bool ascii;
	size_t chars;
	enum stamp_first first;
	bool hinting, hinted; /* hints may be looked for; were */
	struct stamp_hints hints;
};

static size_t
to_chars(const struct subject *s, size_t bytes)
{
	return s->ascii ? bytes : str_chars((struct str){ s->line.s, bytes });
}

static size_t
to_bytes(const struct subject *s, size_t chars)
{
	size_t i = 0;

	if (s->ascii)
		return chars < s->line.len ? chars : s->line.len;
	for (; i < s->line.len; i++)
		if ((s->line.s[i] & 0xc0) != 0x80 && chars-- == 0)
			break;
	return i;
}

/* The character at an offset in characters; its first byte and length do as well as
 * its code. NOTHING outside of the line. */
static int
char_at(const struct subject *s, size_t chars)
{
	size_t i;
	int c = 0;

	if (chars >= s->chars)
		return NOTHING;
	i = to_bytes(s, chars);
	do
		c = c << 8 | (unsigned char)s->line.s[i];
	while (++i < s->line.len && (s->line.s[i] & 0xc0) == 0x80);
	return c & 0x7fffffff;
}

static bool
is_word(int c)
{
	return c == NOTHING || c >= 0x80 || isalnum(c);
}

/* The regex for the present decade, compiled when it is first needed. */
static int
compile(struct stamp *st, struct stamp_template *t, struct err *e)
{
	char *text, *at;
	int rc;

	if (t->re && (t->decade == 0 || t->decade == st->decade))
		return 0;
	pattern_free(t->re);
	t->re = NULL;
	t->decade = 0;
	text = xstrdup(t->regex);
	while ((at = strchr(text, STAMP_DECADE))) {
		*at = (char)('0' + st->decade);
		t->decade = st->decade;
	}
	rc = pattern_new(text, PATTERN_PLAIN, &t->re, e);
	if (rc < 0)
		err_prefix(e, rc, "date pattern '%s', unfolded to '%s'", t->name, text);
	free(text);
	if (rc < 0)
		return rc;
	t->nfields = 0;
	for (unsigned g = 1; g <= pattern_groups(t->re); g++) {
		const char *name = pattern_group_name(t->re, g);

		if (!name || (name[1] != '\0' && strcmp(name, "epoch_") != 0) ||
		    t->nfields == STAMP_VALUES)
			continue;
		t->field[t->nfields].field = name[0];
		t->field[t->nfields++].group = g;
	}
	return 0;
}

static void
take_match(const struct stamp *st, const struct stamp_template *t, struct str line,
    struct stamp_match *m)
{
	size_t from, to;

	if (!pattern_span(st->run, 0, &m->start, &m->end))
		m->start = m->end = 0;
	if (!pattern_span(st->run, 1, &m->cut_start, &m->cut_end))
		m->cut_start = m->cut_end = m->start;
	m->nvalues = 0;
	for (size_t i = 0; i < t->nfields; i++) {
		if (!pattern_span(st->run, t->field[i].group, &from, &to))
			continue;
		m->value[m->nvalues++] = (struct stamp_value){ t->field[i].field,
			{ line.s + from, to - from } };
	}
}

static const struct stamp_hints *
hints(struct subject *s)
{
	if (!s->hinted)
		stamp_hints(s->line, &s->hints);
	s->hinted = true;
	return &s->hints;
}

/* The match without the regex, where that is certain to be the same. */
static bool
search_fast(const struct stamp *st, const struct stamp_template *t, struct subject *s,
    const size_t span[2], struct stamp_match *m)
{
	struct str line = s->line;
	size_t from = 0;

	if (!s->ascii || t->shape == SHAPE_NONE || st->no_shortcuts)
		return false;
	if (span) {
		from = span[0];
		line.len = span[1] < line.len ? span[1] : line.len;
	} else if (!t->anchored) {
		/* Anywhere in the line: the first month between two separators is where
		 * the first date of this shape is. */
		if (t->shape != SHAPE_CLF || !(hints(s)->found & HINT_MONTH_SEP) ||
		    hints(s)->month_sep < 2)
			return false;
		from = hints(s)->month_sep - 2;
	}
	return stamp_fast(t, line, from, st->decade, m);
}

static bool
search_regex(struct stamp *st, struct stamp_template *t, const struct subject *s,
    const size_t span[2], struct stamp_match *m)
{
	size_t from = span ? to_bytes(s, span[0]) : 0;
	size_t to = span ? to_bytes(s, span[1]) : s->line.len;

	if (from > to || compile(st, t, NULL) < 0)
		return false;
	if (pattern_search(st->run, t->re, (struct str){ s->line.s, to }, from,
		s->ascii) != PATTERN_YES)
		return false;
	take_match(st, t, s->line, m);
	return true;
}

static bool
may_begin(enum stamp_first template, enum stamp_first line)
{
	if (template == FIRST_ANY || line == FIRST_ANY)
		return true;
	return template == FIRST_NO_ADDRESS ? line != FIRST_ADDRESS : template == line;
}

/* Search between two offsets in characters, or in the whole line. */
static bool
search(struct stamp *st, size_t index, struct subject *s, const size_t span[2],
    struct candidate *out)
{
	struct stamp_template *t = st->list.v[index];

	if (!may_begin(t->first, s->first))
		return false;
	out->fast = search_fast(st, t, s, span, &out->m);
	if (!out->fast) {
		if (!span && s->hinting && (t->needs & ~hints(s)->found))
			return false;
		if (!search_regex(st, t, s, span, &out->m))
			return false;
	}
	out->start = to_chars(s, out->m.start);
	out->end = to_chars(s, out->m.end);
	out->index = index;
	t->matches += !st->still;
	return true;
}

/* The line looks the same around the place of the last date. */
static bool
same_place(const struct stamp *st, const struct subject *s)
{
	int before = st->start > 0 ? char_at(s, st->start - 1) : NOTHING;
	int final = st->end > 0 ? char_at(s, st->end - 1) : NOTHING;

	if (before != st->before &&
	    (char_at(s, st->start) != st->first || is_word(st->first)))
		return false;
	return char_at(s, st->end) == st->after ||
	    (final == st->final && !is_word(st->final));
}

/* Try the last winner. 1: it wins again; 0: it matched elsewhere (a candidate) or not.
 * *skip: it need not be searched for again. */
static bool
search_last(struct stamp *st, struct subject *s, struct candidate *c,
    struct candidate *found, bool *skip)
{
	struct stamp_template *t = st->list.v[st->last];
	size_t span[2] = { st->start, st->end };
	bool part = !t->anchored && same_place(st, s);

	*skip = !part;
	if (!search(st, st->last, s, part ? span : NULL, c))
		return false;
	if (st->list.n == 1 || t->anchored ||
	    (c->start == st->start && c->end == st->end))
		return true;
	*found = *c;
	return false;
}

/* Is this match good enough to end the search? */
static bool
is_winner(const struct stamp *st, const struct candidate *c)
{
	const struct stamp_template *t = st->list.v[c->index];

	if (c->index + 1 >= st->list.n || t->anchored)
		return true;
	if (c->start == 0 && t->hits > 0 && st->list.v[c->index + 1]->matches == 0)
		return true;
	return c->start <= t->distance && c->start <= st->start;
}

static bool
search_all(struct stamp *st, struct subject *s, size_t skip, struct candidate *c,
    struct candidate *found)
{
	s->hinting = s->ascii && !st->no_shortcuts;
	for (size_t i = 0; i < st->list.n; i++) {
		if (i == skip || !search(st, i, s, NULL, c))
			continue;
		if (is_winner(st, c))
			return true;
		if (c->start < found->start)
			*found = *c;
	}
	if (found->start == SIZE_MAX)
		return false;
	*c = *found;
	return true;
}

static void
learn(struct stamp *st, const struct subject *s, const struct candidate *c)
{
	struct stamp_template *t = st->list.v[c->index];
	size_t i = c->index;

	t->hits++;
	t->used_ms = st->clock.now_ms;
	t->distance = c->start;
	if (st->list.first_unused == i)
		st->list.first_unused++;
	st->start = c->start;
	st->end = c->end;
	st->before = c->start > 0 ? char_at(s, c->start - 1) : NOTHING;
	st->first = char_at(s, c->start);
	st->final = c->end > 0 ? char_at(s, c->end - 1) : NOTHING;
	st->after = char_at(s, c->end);
	if (i > 0 && i != st->last)
		i = stamp_list_forward(&st->list, i);
	st->last = i;
}

/* %ExY takes 2000 up to the decade of three years from now, at least 202x. */
static void
set_now(struct stamp *st, int64_t now_ms)
{
	int year, month, day;

	st->clock.now_ms = now_ms;
	if (now_ms >= st->decade_from_ms && now_ms < st->decade_to_ms)
		return;
	stamp_civil(stamp_clock_now(&st->clock) / (24 * 60 * 60), &year, &month, &day);
	st->decade = (year + 3) / 10 - 200;
	st->decade = st->decade < 2 ? 2 : st->decade > 9 ? 9 : st->decade;
	st->cache.head_len = 0;
	/* Looked at again in a day. */
	st->decade_from_ms = now_ms;
	st->decade_to_ms = now_ms + MS_PER_DAY;
}

/* Many jails never have a line; and the defaults are known to compile. */
static void
prepare(struct stamp *st)
{
	if (st->later)
		stamp_list_add(&st->list, st->later, NULL);
	st->later = NULL;
	if (st->run)
		return;
	st->run = pattern_run_small();
	st->no_address = true;
	for (size_t i = 0; i < st->list.n; i++)
		st->no_address &= !may_begin(st->list.v[i]->first, FIRST_ADDRESS);
}

static bool
cache_holds(const struct stamp *st)
{
	const struct last_time *c = &st->cache;

	return !c->with_now || c->now_s == st->clock.now_ms / MS_PER_S;
}

/* stamp_convert() with the memory of the last text. */
static int
convert(struct stamp *st, const struct stamp_template *t, const struct stamp_match *m,
    struct str text, int64_t *seconds)
{
	struct last_time *c = &st->cache;
	bool fits = t->whole && text.len <= sizeof(c->text) && !st->no_shortcuts;
	int rc;

	if (fits && c->template == t && cache_holds(st) &&
	    str_eq(text, (struct str){ c->text, c->len })) {
		*seconds = c->seconds;
		return 0;
	}
	st->clock.asked = false;
	rc = stamp_convert(&st->clock, m, &st->zone, seconds);
	if (rc < 0 || !fits)
		return rc;
	c->template = t;
	c->with_now = st->clock.asked;
	c->now_s = st->clock.now_ms / MS_PER_S;
	c->seconds = *seconds;
	c->len = text.len;
	memcpy(c->text, text.s, text.len);
	c->head_len = 0;
	return 0;
}

/* A date at the begin of the line was read by hand and converted: another line with
 * this head gives the same, whatever follows. A regex may have looked further, at a
 * fraction or a zone that turned out to be none. */
static void
keep_head(struct stamp *st, const struct stamp_template *t, struct str line,
    const struct stamp_hit *hit)
{
	struct last_time *c = &st->cache;
	size_t n = hit->cut_end + HEAD_MORE;

	c->head_len = 0;
	if (st->still || !t->anchored || c->template != t || n > HEAD_MAX ||
	    n > line.len || c->len != hit->cut_end - hit->cut_start)
		return;
	memcpy(c->head, line.s, n);
	c->head_len = n;
	c->cut_start = hit->cut_start;
}

/* The whole search, for a line that begins as the last one that was learned from. */
static bool
same_head(struct stamp *st, struct str line, struct stamp_hit *hit)
{
	const struct last_time *c = &st->cache;
	struct stamp_template *t;

	if (c->head_len == 0 || line.len < c->head_len || st->last >= st->list.n ||
	    st->list.v[st->last] != c->template || !cache_holds(st) ||
	    memcmp(line.s, c->head, c->head_len) != 0)
		return false;
	if (!st->still) {
		t = st->list.v[st->last];
		t->hits++;
		t->matches++;
		t->used_ms = st->clock.now_ms;
	}
	*hit = (struct stamp_hit){ .cut_start = c->cut_start,
		.cut_end = c->cut_start + c->len, .when_s = (double)c->seconds,
		.has_time = true };
	return true;
}

/* The time of a match into hit; text is what is cut. False: no such moment. */
static bool
read_time(struct stamp *st, const struct stamp_template *t, const struct candidate *c,
    struct str text, struct stamp_hit *hit)
{
	const struct stamp_match *m = &c->m;
	int64_t seconds;

	switch (t->kind) {
	case STAMP_FIELDS:
		if (convert(st, t, m, text, &seconds) < 0)
			return false;
		hit->when_s = (double)seconds;
		return true;
	case STAMP_EPOCH:
	case STAMP_LONG_EPOCH:
		/* A pattern around {EPOCH} is cut whole. */
		for (size_t i = 0; i < m->nvalues; i++)
			if (m->value[i].field == 'e')
				text = m->value[i].text;
		hit->when_s = stamp_epoch(t->kind, text);
		return true;
	case STAMP_TAI: hit->when_s = stamp_tai(text); return true;
	}
	return false;
}

static bool
search_line(struct stamp *st, struct str line, struct stamp_hit *hit)
{
	struct subject s = { .line = line, .ascii = str_is_ascii(line) };
	struct candidate *c = &st->room[0], *found = &st->room[1];
	const struct stamp_template *t;
	struct str text;
	bool skip = false;

	found->start = SIZE_MAX;
	s.chars = s.ascii ? line.len : str_chars(line);
	s.first = s.ascii && !st->no_shortcuts ? stamp_first(line) : FIRST_ANY;
	if (st->no_address && s.first == FIRST_ADDRESS)
		return false;
	if (st->last >= st->list.n || !search_last(st, &s, c, found, &skip))
		if (!search_all(st, &s, skip ? st->last : SIZE_MAX, c, found))
			return false;
	t = st->list.v[c->index];
	if (!st->still)
		learn(st, &s, c);
	*hit = (struct stamp_hit){ .cut_start = c->m.cut_start,
		.cut_end = c->m.cut_end };
	hit->has_time = hit->cut_end > hit->cut_start;
	text = (struct str){ line.s + hit->cut_start, hit->cut_end - hit->cut_start };
	if (hit->has_time && !read_time(st, t, c, text, hit))
		return false;
	if (c->fast)
		keep_head(st, t, line, hit);
	return true;
}

bool
stamp_find(struct stamp *st, struct str line, int64_t now_ms, struct stamp_hit *hit)
{
	set_now(st, now_ms);
	prepare(st);
	return same_head(st, line, hit) || search_line(st, line, hit);
}

bool
stamp_peek(struct stamp *st, struct str line, int64_t now_ms, struct stamp_hit *hit)
{
	bool found;

	st->still = true;
	found = stamp_find(st, line, now_ms, hit);
	st->still = false;
	return found;
}

/* What somebody wrote is checked now. */
static int
add_patterns(struct stamp *st, const struct conf_list *patterns, struct err *e)
{
	if (!patterns || patterns->n == 0)
		st->later = "{DEFAULT}";
	else if (patterns->n == 1)
		st->later = stamp_list_defaults(patterns->v[0]);
	for (size_t i = 0; !st->later && i < patterns->n; i++) {
		size_t from = st->list.n;
		int rc = stamp_list_add(&st->list, patterns->v[i], e);

		for (; rc == 0 && from < st->list.n; from++)
			rc = compile(st, st->list.v[from], e);
		if (rc < 0)
			return err_about(e, rc, "datepattern", i + 1);
	}
	return 0;
}

int
stamp_new(const struct conf_list *patterns, const char *zone, struct stamp **out,
    struct err *e)
{
	struct stamp *st = xcalloc(1, sizeof(*st));
	int rc = 0;

	st->last = SIZE_MAX;
	st->start = 1;
	st->end = SIZE_MAX;
	st->before = st->first = st->final = st->after = NOTHING;
	st->decade = 2;
	if (zone) {
		rc = err_about(e, stamp_zone_check(zone, e), "logtimezone", 0);
		st->zone.set = true;
	}
	if (rc == 0 && zone)
		rc = stamp_zone_parse(str_of(zone), &st->zone.minutes);
	if (rc == 0)
		rc = add_patterns(st, patterns, e);
	if (rc < 0)
		stamp_free(st);
	else
		*out = st;
	return rc;
}

void
stamp_free(struct stamp *st)
{
	if (!st)
		return;
	stamp_list_fini(&st->list);
	pattern_run_free(st->run);
	free(st);
}

bool
stamp_template(struct stamp *st, size_t i, const char **name, uint64_t *hits)
{
	prepare(st);
	if (i >= st->list.n)
		return false;
	*name = st->list.v[i]->name;
	*hits = st->list.v[i]->hits;
	return true;
}

void
stamp_no_shortcuts(struct stamp *st)
{
	st->no_shortcuts = true;
}
