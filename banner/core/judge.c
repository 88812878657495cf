/* SPDX-License-Identifier: GPL-2.0-or-later
 * judge.c - one line before one jail: date, regexes, session, failure.
 */
#include "banner/core/judge.h"

#include <stdlib.h>
#include <string.h>

enum { LONG_TEXT = 1024 };	/* bytes from where on a search may take long */

/* Does the LF that ends a subject follow the line where it is? */
static bool
has_lf(const struct judge *j)
{
	struct str line = j->line.s, block = j->block->text;

	return line.s >= block.s && line.s + line.len < block.s + block.len &&
	    line.s[line.len] == '\n';
}

static void
cut_date(struct view *v)
{
	struct str s = v->j->line.s;
	struct buf *b = &v->r->cut;

	if (v->cut_start == 0 && has_lf(v->j)) {
		v->whole.s = (struct str){ s.s + v->cut_end, s.len - v->cut_end + 1 };
		v->whole.ascii = v->j->line.ascii;
		v->subject = v->whole;
		return;
	}
	buf_clear(b);
	buf_add(b, s.s, v->cut_start);
	buf_add(b, s.s + v->cut_end, s.len - v->cut_end);
	buf_putc(b, '\n');
	v->whole = (struct text){ buf_view(b), v->j->line.ascii };
	v->subject = v->whole;
}

static struct multiline_line
buffered(const struct view *v)
{
	return (struct multiline_line){ v->whole.s, v->j->line.s, v->whole.ascii,
		v->j->marked };
}

void
judge_lost(struct rules *r, size_t lines)
{
	r->lines_lost += lines;
	r->stats.losses += lines;
}

/* The subject of a multi-line filter is all of its buffer. */
static void
add_to_buffer(struct view *v)
{
	struct multiline_line line = buffered(v);

	judge_lost(v->r, multiline_add(v->r->multi, &line));
	multiline_text(v->r->multi, &v->whole);
	v->subject = v->whole;
}

/* Lines that were put in the buffer as they are: date and cut them now. */
static void
settle_buffer(const struct judge *j)
{
	struct judge past = *j;
	struct str raw;

	past.look_back = NULL;
	past.marked = false;
	while (multiline_raw(j->rules->multi, &raw)) {
		struct view v = { .j = &past, .r = j->rules };
		struct multiline_line line;

		decoder_line(j->rules->earlier, raw, &past.line);
		judge_when(&v);
		if (judge_too_old(&v)) {
			multiline_drop_raw(j->rules->multi);
			continue;
		}
		cut_date(&v);
		line = buffered(&v);
		multiline_settle(j->rules->multi, &line);
	}
}

/* PCRE2 gave up: a regex that may have matched did not say so. Counted, and the line
 * is refused unless another regex finds a failure in it. */
static bool
gave_up(struct view *v, struct regex *x, enum pattern_result result)
{
	if (result >= PATTERN_NO)
		return false;
	v->refused = true;
	if (result == PATTERN_LIMIT) {
		v->r->stats.limit_hits++;
		slow_add(&x->slow, v->j->block->read_ms);
	}
	return true;
}

/* A long text is searched only if all literals are there in order: whoever writes one
 * for a regex with several ".*" to fail late mostly has to leave one out. */
static enum pattern_result
search_text(struct view *v, struct regex *x, struct pattern *re)
{
	struct text t = v->subject;

	if (t.s.len > LONG_TEXT) {
		if (slow_is_worn_out(&x->slow, v->j->block))
			return PATTERN_LIMIT;
		if (!literal_in_order(&x->literals.order, t.s))
			return PATTERN_NO;
		if (x->end.len > 0)
			t.s = literal_until(t.s, x->end);
	}
	return pattern_search(v->j->run, re, t.s, 0, t.ascii);
}

static bool
search(struct view *v, struct regex *x, struct share *share, struct spans *out)
{
	struct judge *j = v->j;
	struct text *t = &v->subject;
	enum pattern_result result;

	if (share && share->seq == j->seq && str_eq(share->subject, t->s)) {
		result = share->result;
		if (result == PATTERN_YES)
			*out = share->spans;
		return !gave_up(v, x, result) && result == PATTERN_YES;
	}
	result = search_text(v, x, share ? share->re : x->re);
	if (result == PATTERN_YES)
		capture_spans(&x->map, j->run, out);
	if (share) {
		share->seq = j->seq;
		share->subject = t->s;
		share->result = result;
		if (result == PATTERN_YES)
			share->spans = *out;
	}
	return !gave_up(v, x, result) && result == PATTERN_YES;
}

/* An ignoreregex that gives up ignores: nobody is banned on half an answer. */
static bool
ignored(struct view *v, const struct text *t)
{
	for (size_t i = 0; i < v->r->nignore; i++) {
		enum pattern_result result =
		    pattern_search(v->j->run, v->r->ignore[i].re, t->s, 0, t->ascii);

		if (gave_up(v, &v->r->ignore[i], result))
			return true;
		if (result == PATTERN_YES) {
			v->r->ignore[i].hits++;
			v->ignored = true;
			return true;
		}
	}
	return false;
}

/* False: the line is not for this filter. */
static bool
prefilter(struct view *v)
{
	struct room *room = &v->j->room;
	struct regex *x = v->r->pref;
	struct str content;

	if (!x)
		return true;
	memset(room->pre.v, 0, v->r->names.n * sizeof(*room->pre.v));
	if (!search(v, x, v->j->shares ? v->j->shares[0] : NULL, &room->spans))
		return false;
	x->hits++;
	capture_read(&x->map, &room->spans, v->subject.s, &room->pre,
	    &v->r->joined_pre);
	content = room->pre.v[CAP_CONTENT];
	room->pre.v[CAP_CONTENT] = (struct str){ 0 };
	if (content.len > 0) {
		buf_clear(&v->r->content);
		buf_str(&v->r->content, content);
		buf_putc(&v->r->content, '\n');
		v->subject.s = buf_view(&v->r->content);
	}
	return true;
}

static void
add_field(
    struct field *fields, struct failure *f, struct str name, struct str value)
{
	if (f->nfields < FAILURE_FIELDS)
		fields[f->nfields++] = (struct field){ name, value };
}

static bool
is_trusted(const struct rules *r, const struct addr *a)
{
	for (size_t i = 0; a->family && i < r->o.ntrusted; i++)
		if (addr_contains(&r->o.trusted[i], a))
			return true;
	return false;
}

static void
report(struct view *v, struct failure *f)
{
	struct rules *r = v->r;
	int64_t now = v->j->block->read_ms;

	r->stats.own_peer += !f->gained && is_trusted(r, &f->addr);
	f->jail = r->o.jail;
	f->at = v->j->at;
	f->origin = v->j->block->origin;
	f->log = v->j->block->log;
	f->when_ms = r->o.findtime_ms > 0 && v->when_ms > now ? now : v->when_ms;
	v->matched |= !f->gained;
	v->j->rule = (int)f->rule;
	v->j->fn(v->j->arg, f);
}

static void
report_captures(struct view *v, const struct captures *c, struct session *s,
    struct failure *f)
{
	const struct capture_names *names = &v->r->names;
	struct field *fields = v->j->room.fields;
	const struct str *users;
	size_t nusers = s ? session_users(s, &users) : 0;

	for (size_t i = 0; i < names->nshown; i++) {
		size_t slot = names->shown[i];

		if (c->v[slot].s)
			add_field(fields, f, names->name[slot], c->v[slot]);
	}
	for (size_t i = 0; i < nusers; i++)
		add_field(fields, f, STR("users"), users[i]);
	f->fields = fields;
	f->user = c->v[CAP_USER];
	f->attempt.exact.part[0] = c->v[CAP_EVENT];
	f->attempt.exact.kind = c->v[CAP_TRACE];
	if (v->r->parser)
		f->attempt.loose =
		    (struct attempt_key){ { STR("parser") }, STR("regex") };
	report(v, f);
}

/* F-WEIGHT is ours: how many attempts the line speaks of. */
static unsigned
weight_of(const struct judge *j, const struct regex *x, const struct captures *c)
{
	uint64_t n;

	if (!c->v[CAP_WEIGHT].s || str_u64(c->v[CAP_WEIGHT], &n) < 0 || n < 1)
		n = 1;
	n = n < WEIGHT_MAX ? n * j->times : WEIGHT_MAX;
	return x->weight * (unsigned)(n < WEIGHT_MAX ? n : WEIGHT_MAX);
}

static void
count_sessions(struct rules *r)
{
	const struct sessions_stats *st = sessions_stats(r->sessions);

	r->stats.sessions_dropped = st->expired + st->evicted;
	r->stats.losses = st->lines_dropped + st->values_dropped + st->users_dropped +
	    st->keys_refused + r->lines_lost;
}

/* Groups of a hit become a failure, alone or together with the session's. */
static void
conclude(struct view *v, size_t rule, const struct captures *c, struct failure *f)
{
	struct session *s = NULL;

	f->rule = (unsigned)rule;
	f->weight = weight_of(v->j, &v->r->fail[rule], c);
	if (c->v[CAP_MLFID].s) {
		s = session_merge(v->r->sessions, c, f->lines, f->nlines,
		    v->j->block->read_ms);
		v->ignored |= !s;
		count_sessions(v->r);
		if (!s)
			return;
		c = session_captures(s);
		f->nlines = session_lines(s, &f->lines);
	} else if (c->v[CAP_NOFAIL].len > 0) {
		v->ignored = true;
		return;
	}
	if (judge_subject(v->r, c, f))
		report_captures(v, c, s, f);
	else if (s) {
		session_pending(v->r->sessions, s);
		v->waiting = true;
	}
}

static void
report_login(struct view *v, const struct captures *c, struct failure *f)
{
	v->ignored = f->gained = true;
	f->user = c->v[CAP_USER];
	if (judge_subject(v->r, c, f) && f->addr.family)
		report(v, f);
}

static struct str
skipped_lines(struct view *v, const struct regex *x, const struct spans *spans)
{
	struct buf *b = &v->r->content;

	buf_clear(b);
	for (size_t i = 0; i < x->map.n; i++)
		if (spans->v[i + 1].from != SPAN_NONE &&
		    str_starts(v->r->names.name[x->map.v[i].slot], "skiplines"))
			buf_add(b, v->subject.s.s + spans->v[i + 1].from,
			    (size_t)(spans->v[i + 1].to - spans->v[i + 1].from));
	return buf_view(b);
}

/* The matched lines leave the buffer. Places in a prefregex's content say nothing of
 * lines: then all of them go. */
static size_t
take_lines(struct view *v, const struct regex *x, const struct spans *spans,
    const struct str **lines, struct text *judged)
{
	struct covered all = { 0, v->whole.s.len };
	struct covered c = { (size_t)spans->v[0].from, (size_t)spans->v[0].to };
	struct text cut;
	size_t n;

	if (v->r->pref)
		return multiline_take(v->r->multi, all, (struct str){ 0 }, lines, &cut);
	n = multiline_take(v->r->multi, c, skipped_lines(v, x, spans), lines, &cut);
	*judged = cut;
	return n;
}

/* One failregex matched. */
static void
take_hit(struct view *v, size_t rule, const struct spans *spans)
{
	struct regex *x = &v->r->fail[rule];
	struct captures *c = &v->j->room.hit;
	struct failure f = { .lines = &v->j->shown, .nlines = 1 };
	struct text judged = v->subject;

	if (v->r->pref)
		memcpy(c->v, v->j->room.pre.v, v->r->names.n * sizeof(*c->v));
	else
		memset(c->v, 0, v->r->names.n * sizeof(*c->v));
	capture_read(&x->map, spans, v->subject.s, c, &v->r->joined);
	if (v->r->multi)
		f.nlines = take_lines(v, x, spans, &f.lines, &judged);
	if (ignored(v, &judged))
		return;
	x->hits++;
	if (!v->has_when)
		v->r->stats.no_date++;
	else if (rule < rules_count(v->r))
		conclude(v, rule, c, &f);
	else
		report_login(v, c, &f);
}

static bool
can_match(const struct judge *j, size_t rule)
{
	size_t bit = j->first_bit + rule + (j->rules->parser != NULL);

	return !j->bits || (j->bits[bit / 64] >> bit % 64 & 1);
}

static void
try_regexes(struct view *v)
{
	struct spans *spans = &v->j->room.spans;
	struct rules *r = v->r;
	bool all = r->o.check_all && !r->multi;

	if (r->nignore > 0 && r->nignore + 2 < r->nfail && ignored(v, &v->whole))
		return;
	if (!prefilter(v))
		return;
	for (size_t i = 0; i < r->nfail; i++) {
		struct share *share = v->j->shares ? v->j->shares[i + 1] : NULL;

		if (!can_match(v->j, i) || !search(v, &r->fail[i], share, spans))
			continue;
		take_hit(v, i, spans);
		if (!all)
			return;
	}
}

/* False: the line is none of the parser's. */
static bool
try_parser(struct view *v)
{
	struct rules *r = v->r;
	struct parser_env env = { r->o.trusted, r->o.ntrusted, &r->o.filter->options };
	struct parser_out out = { .weight = 1 };
	struct failure f = { .lines = &v->j->shown, .nlines = 1 };
	bool gained = false;

	switch (r->parser->parse(v->j->line.s, &env, &out)) {
	case PARSER_NONE:
		return false;
	case PARSER_NOFAIL:
		v->ignored = true;
		r->stats.own_peer += out.own_peer;
		return true;
	case PARSER_GAINED:
		v->ignored = true;
		if (!r->o.gains)
			return true;
		gained = true;
		break;
	case PARSER_FAIL:
		break;
	}
	if (!v->has_when) {
		r->stats.no_date++;
		return true;
	}
	f.gained = gained;
	f.subject = (struct subject){ .kind = SUBJECT_ADDR, .addr = out.host };
	if (out.host.family == 0)
		f.subject = (struct subject){ .kind = SUBJECT_NONE };
	f.addr = out.host;
	f.user = out.user;
	f.attempt = out.attempt;
	if (v->j->times > 1)
		f.attempt.once = (struct str){ 0 };
	f.weight = out.weight * v->j->times;
	f.fields = out.fields;
	f.nfields = out.nfields;
	report(v, &f);
	return true;
}

enum line_verdict
judge_once(struct judge *j)
{
	struct rules *r = j->rules;
	struct view v = { .j = j, .r = r };

	if (r->multi)
		settle_buffer(j);
	judge_when(&v);
	if (!judge_too_old(&v)) {
		if (!r->parser || !try_parser(&v)) {
			cut_date(&v);
			if (r->multi)
				add_to_buffer(&v);
			try_regexes(&v);
		}
	}
	if (v.matched) {
		r->stats.matched++;
		return LINE_MATCHED;
	}
	if (v.refused) {
		r->stats.errors++;
		return LINE_REFUSED;
	}
	if (v.ignored) {
		r->stats.ignored++;
		return LINE_IGNORED;
	}
	if (v.waiting) {
		r->stats.waiting++;
		return LINE_WAITING;
	}
	return LINE_MISSED;
}
