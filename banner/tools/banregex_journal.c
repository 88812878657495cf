/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_journal.c - the journal as a log: systemd-journal[journalpath=...].
 *
 * Read from its first entry to the last one that is there, with the source of the
 * daemon, so that lines are what backend = systemd makes of entries.
 */
#include <errno.h>
#include <event2/event.h>
#include <string.h>

#include "banner/conf/expand.h"
#include "banner/conf/journal_match.h"
#include "banner/source/source.h"
#include "banner/tools/banregex.h"

#define NAME "systemd-journal"

struct reading {
	struct trial *t;
	struct event_base *base;
	struct err *err;
	int rc;
};

bool
log_is_journal(const char *log)
{
	size_t n = strlen(NAME);

	return !strncmp(log, NAME, n) && (!log[n] || log[n] == '[');
}

static void
on_block(void *arg, struct source *s, const struct block *b)
{
	struct reading *r = arg;

	(void)s;
	r->t->entry_ms = b->line_ms;
	trial_found(r->t, NULL, b->text, b->offset);
}

static void
on_event(void *arg, struct source *s, enum source_event event, const char *detail)
{
	struct reading *r = arg;

	(void)s;
	switch (event) {
	case SOURCE_ERROR:
	case SOURCE_DENIED:
	case SOURCE_MISSING:
		r->rc = err_set(r->err, -ENOENT, "%s: %s", r->t->o->log,
		    detail[0] ? detail : "cannot be read");
		event_base_loopbreak(r->base);
		break;
	case SOURCE_CAUGHT_UP:
		event_base_loopbreak(r->base);
		break;
	case SOURCE_LONG_LINE:
		r->t->too_long++;
		break;
	case SOURCE_OPENED:
	case SOURCE_ROTATED:
	case SOURCE_TRUNCATED:
	case SOURCE_GONE:
	case SOURCE_LOST:
		break;
	}
}

static int64_t
on_now(void *arg)
{
	return ((struct reading *)arg)->t->now_ms;
}

static int
add(struct reading *r, struct sources *sources)
{
	struct trial *t = r->t;
	const char *const *match = t->filter.journalmatch.v;
	struct journal_request q = { .match = match,
		.nmatch = t->filter.journalmatch.n };
	struct conf_options o = { 0 };
	const char *name;
	int rc = bracket_parse(t->arena, str_of(t->o->log), &name, &o, r->err);

	if (rc == 0)
		rc = journal_options_check(&o, r->err);
	if (rc < 0)
		return rc;
	if (t->o->journalmatch) {
		q.match = &t->o->journalmatch;
		q.nmatch = 1;
	}
	q.path = conf_option(&o, "journalpath", NULL);
	q.files = conf_option(&o, "journalfiles", NULL);
	q.flags = conf_option(&o, "journalflags", NULL);
	q.name_space = conf_option(&o, "namespace", NULL);
	return sources_add_journal(sources, &q, NULL, r->err);
}

int
trial_journal(struct trial *t, struct err *e)
{
	struct reading r = { .t = t, .err = e, .base = event_base_new() };
	struct source_host host = { .arg = &r, .block = on_block, .event = on_event,
		.now_ms = on_now };
	struct sources_options all = { .max_line_bytes = LONGEST_LINE,
		.backlog_ms = t->now_ms };
	struct sources *sources = NULL;

	if (!r.base)
		return err_set(e, -ENOMEM, "no event loop");
	r.rc = sources_new(r.base, &host, &all, &sources, e);
	if (r.rc == 0)
		r.rc = add(&r, sources);
	if (r.rc == 0) {
		sources_start(sources);
		if (r.rc == 0 && !sources_caught_up(sources))
			event_base_dispatch(r.base);
	}
	sources_free(sources);
	event_base_free(r.base);
	return r.rc;
}
