/* SPDX-License-Identifier: GPL-2.0-or-later
 * feed.c - blocks of the sources to the matchers, failures to the engine.
 *
 * Sources that serve the same set of jails share one matcher; it is made when the
 * first block of such a source comes, because which globs name a file is only known
 * then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/table.h"
#include "banner/base/units.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/fallback.h"
#include "banner/daemon/engine/feed.h"
#include "banner/daemon/engine/lognames.h"
#include "banner/daemon/engine/names.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/told.h"

#define NAME "banner.source"

struct feed {
	struct engined *d;
	struct sources *sources;
	struct watch *watches;
	size_t n;
	struct addr *trusted;
	size_t ntrusted;
	struct table *matches; /* groups of a source -> struct match */
	struct told *told; /* places and sessions, to the store */
	struct backlog backlog;
	struct lognames *lognames;
	struct source *source; /* the block that is matched comes from it */
};

static struct match *
match_of(struct feed *f, const struct source *s)
{
	void *const *groups;
	size_t n = source_groups(s, &groups), bytes = n * sizeof(*groups);
	struct match *m = table_find(f->matches, groups, bytes);
	struct rules **rules;
	struct err e;

	if (m || !n)
		return m;
	rules = xcalloc(n, sizeof(struct rules *));
	for (size_t i = 0; i < n; i++)
		rules[i] = ((struct watch *)groups[i])->rules;
	if (match_new(rules, n, &m, &e) < 0) {
		log_error(NAME, "%s: %s", source_name(s), e.text);
		m = NULL;
	} else
		table_set(f->matches, groups, bytes, m);
	free(rules);
	return m;
}

static void
on_failure(void *arg, const struct failure *failure)
{
	struct feed *f = arg;

	for (size_t i = 0; i < f->n; i++) {
		struct watch *w = &f->watches[i];

		if (w->jail != failure->jail)
			continue;
		if (fallback_told(w, failure, source_is_journal(f->source)))
			return;
		w->matched_ms = f->d->read_ms;
	}
	if (failure->lookup)
		names_failure(f->d->names, failure);
	else
		engine_failure(f->d->engine, failure, f->d->read_ms);
}

static void
look_at(struct feed *f, struct match *m, const struct block *b)
{
	struct block named = *b;

	if (match_scan(m, b) && b->live)
		relay_soon(f->d->relay, b->read_ms);
	named.log = lognames_number(f->lognames, source_name(f->source));
	match_judge(m, &named, on_failure, f);
}

static void
on_block(void *arg, struct source *s, const struct block *b)
{
	struct feed *f = arg;
	struct match *m;

	f->source = s;
	if (source_is_journal(s) && fallback_over(s))
		return;
	m = match_of(f, s);
	f->d->read_ms = b->read_ms;
	if (m)
		look_at(f, m, b);
	for (size_t i = 0; i < f->n; i++)
		watch_warn(&f->watches[i], b->read_ms);
	if (!b->live && !f->d->caught_up)
		backlog_say(&f->backlog, f->sources, b->read_ms);
	if (!f->d->caught_up)
		pace_look(f->d->pace);
	engined_touch(f->d);
	engined_turn(f->d);
}

static void
on_missing(struct source *s, const char *detail)
{
	log_warn(NAME, "%s: no such file yet%s%s", s ? source_name(s) : "",
	    detail && detail[0] ? ": " : "", detail ? detail : "");
}

static void
on_event(void *arg, struct source *s, enum source_event event, const char *detail)
{
	static const char *const texts[] = {
		[SOURCE_OPENED] = "opened",
		[SOURCE_ROTATED] = "rotated",
		[SOURCE_TRUNCATED] = "was truncated",
		[SOURCE_GONE] = "is gone",
		[SOURCE_LONG_LINE] = "a line was too long and is skipped",
		[SOURCE_LOST] = "lines were lost",
		[SOURCE_ERROR] = "error",
		[SOURCE_DENIED] = "may not be read",
		[SOURCE_MISSING] = "",
		[SOURCE_CAUGHT_UP] = "",
	};
	struct feed *f = arg;
	const char *name = s ? source_name(s) : "";
	enum log_level level = LEVEL_WARNING;

	switch (event) {
	case SOURCE_MISSING: on_missing(s, detail); return;
	case SOURCE_CAUGHT_UP:
		if (feed_caught_up(f))
			engined_caught_up(f->d);
		return;
	case SOURCE_OPENED:
	case SOURCE_ROTATED:
		fallback_opened(s);
		engined_touch(f->d); /* its place */
		level = LEVEL_INFO;
		break;
	case SOURCE_DENIED: level = LEVEL_ERROR; break;
	case SOURCE_ERROR: level = LEVEL_ERROR; break;
	case SOURCE_TRUNCATED:
	case SOURCE_GONE:
	case SOURCE_LONG_LINE:
	case SOURCE_LOST: break;
	}
	log_line(level, NAME, "%s: %s%s%s", name, texts[event],
	    detail && detail[0] ? ": " : "", detail ? detail : "");
	if (event == SOURCE_DENIED)
		engined_denied(f->d);
}

static int64_t
on_line_time(void *arg, struct source *s, struct str line)
{
	struct match *m = match_of(arg, s);

	return m ? match_line_time(m, line, engined_now()) : -1;
}

static struct match *
on_match(void *arg, struct source *s)
{
	return match_of(arg, s);
}

static const char *
on_place(void *arg, const char *name)
{
	struct feed *f = arg;

	return engined_place(f->d, name);
}

static int64_t
on_now(void *arg)
{
	return engined_now();
}

static void
read_trusted(struct feed *f)
{
	const struct conf_list *l = &f->d->conf->daemon.trusted;

	f->trusted = xcalloc(l->n + 1, sizeof(*f->trusted));
	for (size_t i = 0; i < l->n; i++)
		if (addr_parse_prefix(str_of(l->v[i]), &f->trusted[f->ntrusted]) == 0)
			f->ntrusted++;
}

static int
watch_rules(struct feed *f, struct watch *w, struct err *e)
{
	struct rules_options o = {
		.filter = &w->conf->filter,
		.usedns = w->conf->usedns,
		.logtimezone = w->conf->logtimezone,
		.logencoding = w->conf->logencoding,
		.findtime_ms = w->conf->findtime_ms,
		.trusted = f->trusted,
		.ntrusted = f->ntrusted,
		.jail = w->jail,
		.gains = w->conf->known_ms > 0 || w->conf->known_host_ms > 0,
	};

	return rules_new(&o, &w->rules, e);
}

static int
watch_journal(struct feed *f, struct watch *w, struct err *e)
{
	const struct conf_options *o = &w->conf->backend_options;
	struct journal_request r = {
		.match = w->conf->filter.journalmatch.v,
		.nmatch = w->conf->filter.journalmatch.n,
		.path = conf_option(o, "journalpath", NULL),
		.files = conf_option(o, "journalfiles", NULL),
		.flags = conf_option(o, "journalflags", NULL),
		.name_space = conf_option(o, "namespace", NULL),
	};

	return sources_add_journal(f->sources, &r, w, e);
}

/* Without any log yet: the journal, until one comes. */
static void
watch_either(struct feed *f, struct watch *w)
{
	struct err e;
	int rc;

	if (!fallback_wanted(w->conf))
		return;
	rc = watch_journal(f, w, &e);
	w->fallback = rc == 0;
	if (rc == 0)
		log_info(NAME, "[%s] has no log yet and reads the journal",
		    w->conf->name);
	else if (rc != -ENOTSUP)
		log_error(NAME, "[%s] journal: %s", w->conf->name, e.text);
}

static void
watch_paths(struct feed *f, struct watch *w)
{
	bool polling = w->conf->backend == BACKEND_POLLING;
	struct err e;

	for (size_t i = 0; i < w->conf->nlogpath; i++) {
		const struct conf_path *p = &w->conf->logpath[i];
		int rc = w->conf->backend == BACKEND_SOCKET
		    ? sources_add_socket(f->sources, p->glob, w, &e)
		    : sources_add_glob(f->sources,
	    &(struct glob_request){ p->glob, p->tail, polling }, w, &e);

		if (rc < 0)
			log_error(NAME, "[%s] %s: %s", w->conf->name, p->glob, e.text);
	}
}

static void
watch_sources(struct feed *f, struct watch *w)
{
	const char *name = w->conf->name;
	struct err e;

	switch (w->conf->backend) {
	case BACKEND_JOURNAL:
		if (watch_journal(f, w, &e) < 0)
			log_error(NAME, "[%s] journal: %s", name, e.text);
		return;
	case BACKEND_STDIN:
		if (sources_add_fd(f->sources, STDIN_FILENO, "stdin", w, &e) < 0)
			log_error(NAME, "[%s] %s", name, e.text);
		return;
	case BACKEND_AUTO:
		watch_either(f, w);
		break;
	case BACKEND_FILE:
	case BACKEND_POLLING:
	case BACKEND_SOCKET:
		break;
	}
	watch_paths(f, w);
}

static void
add_watch(struct feed *f, struct jail *jail)
{
	struct watch *w = &f->watches[f->n];
	struct err e;

	*w = (struct watch){ .feed = f, .jail = jail, .conf = jail_conf(jail) };
	if (!w->conf || (!w->conf->filter.failregex.n && !w->conf->filter.parser))
		return; /* manual, or nothing to match */
	if (watch_rules(f, w, &e) < 0) {
		struct conf_place at = conf_jail_place(w->conf, &e);

		log_error(NAME, "[%s] does not run: %s:%d: %s", w->conf->name, at.file,
		    at.line, e.text);
		return;
	}
	f->n++;
	if (fallback_skips(w->conf))
		log_warn(NAME, "[%s] is skipped until the next reload: none of its "
		    "logs is there (skip_if_nologs)", w->conf->name);
	else
		watch_sources(f, w);
}

static int64_t
longest_findtime(struct engined *d)
{
	int64_t longest = MS_PER_MIN;

	for (size_t i = 0; i < engine_jails(d->engine); i++) {
		const struct conf_jail *c = jail_conf(engine_jail_at(d->engine, i));

		if (c && c->findtime_ms > longest)
			longest = c->findtime_ms;
	}
	return longest;
}

/* Each log is held open, those rotated away for a while: the usual 1,024 are few. */
static void
allow_many_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

int
feed_new(struct engined *d, struct feed **out, struct err *e)
{
	struct feed *f = xcalloc(1, sizeof(*f));
	struct source_host host = { .arg = f,
		.block = on_block,
		.event = on_event,
		.line_time = on_line_time,
		.place = on_place,
		.now_ms = on_now,
		.match = on_match };
	struct sources_options opt = { .max_line_bytes = d->conf->daemon.max_line_bytes,
		.backlog_ms = longest_findtime(d) };
	int rc;

	f->d = d;
	f->matches = table_new();
	f->told = told_new();
	f->lognames = lognames_new();
	read_trusted(f);
	f->watches = xcalloc(engine_jails(d->engine) + 1, sizeof(*f->watches));
	allow_many_files();
	rc = sources_new(d->base, &host, &opt, &f->sources, e);
	if (rc < 0) {
		feed_free(f);
		return rc;
	}
	for (size_t i = 0; i < engine_jails(d->engine); i++)
		add_watch(f, engine_jail_at(d->engine, i));
	*out = f;
	return 0;
}

void
feed_start(struct feed *f)
{
	sources_start(f->sources);
	if (feed_caught_up(f))
		engined_caught_up(f->d);
}

void
feed_hold(struct feed *f, bool held)
{
	sources_hold(f->sources, held);
}

bool
feed_backlog(struct feed *f, struct backlog *out)
{
	backlog_measure(&f->backlog, f->sources, engined_now());
	*out = f->backlog;
	return f->backlog.left > 0;
}

bool
feed_caught_up(const struct feed *f)
{
	return sources_caught_up(f->sources);
}

size_t
feed_watches(const struct feed *f)
{
	return f->n;
}

const struct watch *
feed_watch(const struct feed *f, size_t i)
{
	return &f->watches[i];
}

const struct watch *
feed_watch_find(const struct feed *f, const char *jail)
{
	for (size_t i = 0; i < f->n; i++)
		if (!strcmp(f->watches[i].conf->name, jail))
			return &f->watches[i];
	return NULL;
}

struct select {
	const struct watch *watch;
	feed_source_fn *fn;
	void *arg;
};

static void
select_source(void *arg, struct source *s)
{
	struct select *sel = arg;
	void *const *groups;
	size_t n = source_groups(s, &groups), i = 0;

	while (i < n && groups[i] != sel->watch)
		i++;
	if (!sel->watch || i < n)
		sel->fn(sel->arg, s);
}

void
feed_sources(struct feed *f, const struct watch *w, feed_source_fn *fn, void *arg)
{
	struct select sel = { w, fn, arg };

	sources_each(f->sources, select_source, &sel);
}

size_t
feed_refused(const struct feed *f)
{
	return sources_refused(f->sources);
}

const char *
feed_log(const struct feed *f, uint16_t number)
{
	return lognames_of(f->lognames, number);
}

struct places_arg {
	struct feed *f;
	bool all;
	feed_place_fn *fn;
	void *arg;
};

static void
place_of(void *arg, struct source *s)
{
	struct places_arg *a = arg;
	const char *name = source_name(s), *place = source_place(s);

	if (!place || !place[0])
		return;
	if (told_place(a->f->told, name, place) || a->all)
		a->fn(a->arg, name, place);
}

void
feed_places(struct feed *f, bool all, feed_place_fn *fn, void *arg)
{
	struct places_arg a = { f, all, fn, arg };

	sources_each(f->sources, place_of, &a);
}

struct sessions_arg {
	struct feed *f;
	const char *jail;
	bool all;
	feed_record_fn *fn;
	void *arg;
};

static void
session_of(void *arg, struct str key, struct str record)
{
	const struct sessions_arg *a = arg;

	if (told_session(a->f->told, a->jail, key, record) || a->all)
		a->fn(a->arg, a->jail, key, record);
}

static void
session_closed(void *arg, const char *jail, struct str key)
{
	const struct sessions_arg *a = arg;

	a->fn(a->arg, jail, key, (struct str){ "", 0 });
}

void
feed_sessions(struct feed *f, bool all, feed_record_fn *fn, void *arg)
{
	struct sessions_arg a = { .f = f, .all = all, .fn = fn, .arg = arg };

	told_round(f->told);
	for (size_t i = 0; i < f->n; i++) {
		a.jail = f->watches[i].conf->name;
		rules_sessions(f->watches[i].rules, session_of, &a);
	}
	told_closed(f->told, session_closed, &a);
}

void
feed_session_put(struct feed *f, const char *jail, struct str key, struct str record)
{
	const struct watch *w = feed_watch_find(f, jail);

	/* one that ends before it is stored again must go from the store, too */
	(void)told_session(f->told, jail, key, record);
	if (w && rules_session_put(w->rules, key, record) < 0)
		log_warn(NAME, "[%s] a stored session is not understood", jail);
}

static void
free_match(void *m)
{
	match_free(m);
}

void
feed_free(struct feed *f)
{
	if (!f)
		return;
	sources_free(f->sources);
	table_free_with(f->matches, free_match);
	told_free(f->told);
	lognames_free(f->lognames);
	for (size_t i = 0; i < f->n; i++)
		rules_free(f->watches[i].rules);
	free(f->watches);
	free(f->trusted);
	free(f);
}
