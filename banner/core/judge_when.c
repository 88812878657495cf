/* SPDX-License-Identifier: GPL-2.0-or-later
 * judge_when.c - when a line happened.
 */
#include "banner/core/judge.h"

#include <stdlib.h>

#include "banner/base/units.h"

enum { FRESH_MS = 60 * 1000 };	/* older dates are not those of lines without one */

static bool
last_is_fresh(const struct view *v)
{
	return v->r->has_last && v->r->last_ms > v->j->block->read_ms - FRESH_MS;
}

static void
set_when(struct view *v, int64_t ms, bool seen)
{
	v->has_when = true;
	v->when_ms = ms;
	if (seen && !v->j->still) {
		v->r->has_last = true;
		v->r->last_ms = ms;
	}
}

/* A line without a date happened with the last dated one when that is not old, else
 * now, if we are following the log. In a backlog nobody knows; and a tool that reads
 * old logs (findtime 0) takes the last date, whatever its age. */
static void
undated(struct view *v)
{
	struct judge *j = v->j;

	if (j->look_back && !j->still)
		j->look_back(j);
	if (last_is_fresh(v) || (v->r->o.findtime_ms == 0 && v->r->has_last))
		set_when(v, v->r->last_ms, false);
	else if (v->r->o.findtime_ms == 0 || j->block->live)
		set_when(v, j->block->read_ms, false);
}

/* As judge_too_old() does for a line of its own: following a log, a date that is far
 * off counts as now. */
bool
judge_earlier_date(struct judge *j, struct str line)
{
	struct rules *r = j->rules;
	int64_t now = j->block->read_ms;
	struct stamp_hit hit;
	struct text t;

	decoder_line(r->earlier, line, &t);
	if (!stamp_find(r->stamp, t.s, now, &hit) || !hit.has_time)
		return false;
	r->has_last = true;
	r->last_ms = (int64_t)(hit.when_s * 1000.0);
	if (r->o.findtime_ms > 0 && j->block->live &&
	    llabs(r->last_ms - now) > FRESH_MS)
		r->last_ms = now;
	return true;
}

static bool
find_stamp(struct view *v, struct stamp_hit *hit)
{
	struct stamp *st = v->r->stamp;
	struct judge *j = v->j;

	return j->still ? stamp_peek(st, j->line.s, j->block->read_ms, hit) :
	    stamp_find(st, j->line.s, j->block->read_ms, hit);
}

void
judge_when(struct view *v)
{
	struct judge *j = v->j;
	struct stamp_hit hit = { 0 };

	if (j->block->line_ms >= 0) {
		set_when(v, j->block->line_ms, true);
		return;
	}
	if (!find_stamp(v, &hit)) {
		undated(v);
		/* "0000-12-30" looks like a date and is none: cut out all the same,
		 * but not when a date before it serves. */
		if (last_is_fresh(v))
			return;
		v->cut_start = hit.cut_start;
		v->cut_end = hit.cut_end;
		return;
	}
	v->cut_start = hit.cut_start;
	v->cut_end = hit.cut_end;
	if (hit.has_time) {
		double ms = hit.when_s * 1000.0;

		set_when(v, (int64_t)(ms < 0 ? ms - 0.5 : ms + 0.5), true);
	} else if (last_is_fresh(v)) {
		set_when(v, v->r->last_ms, false);
	} else {
		set_when(v, j->block->read_ms, false);
	}
}

bool
judge_too_old(struct view *v)
{
	int64_t now = v->j->block->read_ms, delta = (v->when_ms - now) / MS_PER_S;

	if (v->r->o.findtime_ms == 0 || !v->has_when)
		return false;
	if (v->j->block->live) {
		if (delta > 60 || delta < -60)
			set_when(v, now, true);
		return false;
	}
	if (v->when_ms >= now - v->r->o.findtime_ms)
		return false;
	v->r->stats.too_old++;
	return true;
}
