/* SPDX-License-Identifier: GPL-2.0-or-later
 * sources.c - the set of all sources, and their jobs.
 */
#include "banner/source/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/source/inner.h"
#include "banner/source/lines.h"

enum { LONG_SAY_MS = 60000 };

void
timer_after(struct event *ev, int64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
	    .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	evtimer_add(ev, &tv);
}

static bool
is_old(struct source *s)
{
	return s->behind && (!s->kind->old || s->kind->old(s));
}

static void
jobs_run(evutil_socket_t fd, short what, void *arg)
{
	struct sources *set = arg;
	int64_t end = clock_ms(CLOCK_MONOTONIC) + JOBS_SLICE_MS;

	while (set->jobs && clock_ms(CLOCK_MONOTONIC) < end) {
		struct job *j = set->jobs;

		set->jobs = j->next;
		if (!set->jobs)
			set->jobs_end = &set->jobs;
		if (set->held && is_old(j->of)) {
			j->next = set->parked;
			set->parked = j;
			continue;
		}
		j->queued = false;
		if (j->run(j))
			job_queue(set, j);
	}
	if (set->jobs)
		timer_after(set->jobs_event, 0);
}

void
job_queue(struct sources *set, struct job *j)
{
	if (j->queued)
		return;
	j->queued = true;
	j->next = NULL;
	if (!set->jobs)
		timer_after(set->jobs_event, 0);
	*set->jobs_end = j;
	set->jobs_end = &j->next;
}

void
jobs_now(struct sources *set)
{
	if (!set->jobs)
		return;
	event_del(set->jobs_event);
	jobs_run(-1, 0, set);
}

/* Where it is linked in; what is linked there is NULL: not in this list. */
static struct job **
find_job(struct job **at, const struct job *j)
{
	while (*at && *at != j)
		at = &(*at)->next;
	return at;
}

void
job_cancel(struct sources *set, struct job *j)
{
	struct job **at;

	if (!j->queued)
		return;
	at = find_job(&set->jobs, j);
	if (!*at)
		at = find_job(&set->parked, j);
	else if (!j->next)
		set->jobs_end = at;
	*at = j->next;
	j->queued = false;
}

void
sources_hold(struct sources *set, bool held)
{
	set->held = held;
	while (!held && set->parked) {
		struct job *j = set->parked;

		set->parked = j->next;
		j->queued = false;
		job_queue(set, j);
	}
}

int
sources_new(struct event_base *base, const struct source_host *host,
    const struct sources_options *opt, struct sources **out, struct err *e)
{
	struct sources *set;

	if (opt->max_line_bytes > SOURCE_LINE_MAX)
		return err_set(e, -ERANGE, "the longest line may have %d bytes",
		    SOURCE_LINE_MAX);
	set = xcalloc(1, sizeof(*set));
	set->base = base;
	set->host = *host;
	set->opt = *opt;
	if (set->opt.max_line_bytes == 0)
		set->opt.max_line_bytes = SOURCE_LINE_DEFAULT;
	set->last = &set->first;
	set->jobs_end = &set->jobs;
	set->linger_ms = LINGER_MS;
	set->files_max = SOURCE_FILES_MAX;
	set->jobs_event = evtimer_new(base, jobs_run, set);
	/* A line up to the cap, its LF and what is read again before it must fit. */
	set->cap = READ_BYTES + (size_t)set->opt.max_line_bytes;
	set->buf = xmalloc(set->cap);
	*out = set;
	return 0;
}

void
sources_free(struct sources *set)
{
	if (!set)
		return;
	for (struct source *s = set->first, *next; s; s = next) {
		char *name = s->name;
		void **groups = s->groups;

		next = s->next;
		s->kind->free(s);
		free(name);
		free(groups);
	}
	files_free(set->files);
	event_free(set->jobs_event);
	free(set->buf);
	free(set);
}

void
sources_start(struct sources *set)
{
	set->started = true;
	if (set->files)
		files_start(set->files);
	for (struct source *s = set->first; s; s = s->next)
		if (s->kind->start)
			s->kind->start(s);
}

bool
sources_caught_up(const struct sources *set)
{
	for (const struct source *s = set->first; s; s = s->next)
		if (s->behind)
			return false;
	return true;
}

size_t
sources_refused(const struct sources *set)
{
	return files_refused(set->files);
}

void
sources_each(struct sources *set, source_fn *fn, void *arg)
{
	for (struct source *s = set->first; s; s = s->next)
		if (!s->hidden)
			fn(arg, s);
}

void
source_init(struct source *s, struct sources *set, const struct source_kind *kind,
    const char *name)
{
	s->set = set;
	s->kind = kind;
	s->name = xstrdup(name);
	*set->last = s;
	set->last = &s->next;
	set->n++;
}

struct source *
source_find(const struct sources *set, const struct source_kind *kind, const char *name)
{
	struct source *s = set->first;

	while (s && (s->kind != kind || strcmp(s->name, name) != 0))
		s = s->next;
	return s;
}

void
source_add_group(struct source *s, void *group)
{
	for (size_t i = 0; i < s->ngroups; i++)
		if (s->groups[i] == group)
			return;
	s->groups = xrealloc(s->groups, (s->ngroups + 1) * sizeof(*s->groups));
	s->groups[s->ngroups++] = group;
}

void
source_event(struct source *s, enum source_event what, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->set->host.event(s->set->host.arg, s, what, text);
}

void
source_push(struct source *s, struct block *b)
{
	struct sources *set = s->set;

	if (b->text.len == 0)
		return;
	b->read_ms = set->host.now_ms(set->host.arg);
	s->stats.bytes += b->text.len;
	s->stats.lines += runs_count(b->text) + (b->text.s[b->text.len - 1] != '\n');
	s->stats.last_line_ms = b->read_ms;
	set->host.block(set->host.arg, s, b);
}

void
source_long_line(struct source *s, uint64_t offset)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	s->stats.long_lines++;
	if (s->long_said_ms != 0 && now - s->long_said_ms < LONG_SAY_MS)
		return;
	s->long_said_ms = now;
	source_event(s, SOURCE_LONG_LINE,
	    "a line longer than %llu bytes at offset %llu "
	    "was skipped; %llu so far",
	    (unsigned long long)s->set->opt.max_line_bytes, (unsigned long long)offset,
	    (unsigned long long)s->stats.long_lines);
}

void
source_caught_up(struct source *s)
{
	if (!s->behind)
		return;
	s->behind = false;
	source_event(s, SOURCE_CAUGHT_UP, "%llu bytes",
	    (unsigned long long)s->stats.bytes);
}

bool
source_set_place(struct source *s, const char *place)
{
	size_t n = strlen(place);

	if (n >= sizeof(s->place)) {
		source_event(s, SOURCE_ERROR, "a place of %zu bytes is too long", n);
		return false;
	}
	memcpy(s->place, place, n + 1);
	return true;
}

size_t
source_groups(const struct source *s, void *const **groups)
{
	*groups = s->groups;
	return s->ngroups;
}

const char *
source_name(const struct source *s)
{
	return s->name;
}

const char *
source_place(const struct source *s)
{
	/* The text is made when asked for: it is our own cache, not a change the
	 * caller could see. */
	struct source *own = (struct source *)(uintptr_t)s;

	if (s->kind->place)
		s->kind->place(own);
	return s->place;
}

void
source_stats(const struct source *s, struct source_stats *out)
{
	*out = s->stats;
}
