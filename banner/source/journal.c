/* SPDX-License-Identifier: GPL-2.0-or-later
 * journal.c - the systemd journal as a source.
 *
 * Each entry is one line, in the words a syslog file would have:
 * "HOST IDENT[PID]: MESSAGE", with its own time, so no date is looked for. The place is
 * the journal's cursor. libsystemd tells of new entries and of rotated, removed and
 * added files by one descriptor. After such changes the journal is opened anew and read
 * on from the cursor: an open one never looks into a folder that came later, and
 * journald moves from /run to /var when somebody makes /var/log/journal.
 */
#include <errno.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/conf/journal_match.h"
#include "banner/source/inner.h"
#include "banner/source/journal_lib.h"

enum { JOURNAL_TURN = 256, AGAIN_MS = 2000 };

struct journal {
	struct source src;
	struct job job;
	struct journal_lib lib;
	sd_journal *j;
	struct event *readable, *again;
	char *path, *files, *name_space;
	int flags;
	char **match;
	size_t nmatch;
	uint64_t newest_us;	/* at the start: later entries are live */
	uint64_t entries;
	bool opened;		/* once */
	bool missing_said, error_said;
	struct buf line;
};

static struct journal *
journal_of(struct source *s)
{
	return (struct journal *)(void *)s;
}

static void
journal_close(struct journal *jo)
{
	if (jo->readable)
		event_free(jo->readable);
	jo->readable = NULL;
	if (jo->j)
		jo->lib.close(jo->j);
	jo->j = NULL;
}

static void
journal_free(struct source *s)
{
	struct journal *jo = journal_of(s);

	journal_close(jo);
	job_cancel(s->set, &jo->job);
	if (jo->again)
		event_free(jo->again);
	for (size_t i = 0; i < jo->nmatch; i++)
		free(jo->match[i]);
	free(jo->match);
	free(jo->path);
	free(jo->files);
	free(jo->name_space);
	buf_fini(&jo->line);
	free(jo);
}

/* Value of a field of the present entry; empty when it has none. */
static struct str
field(struct journal *jo, const char *name)
{
	const void *data;
	size_t len, skip = strlen(name) + 1;

	if (jo->lib.get_data(jo->j, name, &data, &len) < 0 || len < skip)
		return STR("");
	return (struct str){ (const char *)data + skip, len - skip };
}

static struct str
field_or(struct journal *jo, const char *name, const char *other)
{
	struct str s = field(jo, name);

	return s.len > 0 ? s : field(jo, other);
}

/* The kernel's lines carry the time since boot, as in the kernel's own log. */
static void
add_kernel_time(struct journal *jo, struct buf *b)
{
	uint64_t us = 0;

	if (str_u64(field(jo, "_SOURCE_MONOTONIC_TIMESTAMP"), &us) < 0 &&
	    jo->lib.get_monotonic_usec(jo->j, &us, NULL) < 0)
		us = 0;
	buf_printf(b, " [%12.6f]", (double)us / 1e6);
}

/* Fields are valid only until the next one is asked for: each is copied at once. */
static void
build_line(struct journal *jo)
{
	struct buf *b = &jo->line;
	struct str s, part;
	bool kernel = false;

	buf_clear(b);
	buf_str(b, field(jo, "_HOSTNAME"));
	s = field_or(jo, "SYSLOG_IDENTIFIER", "_COMM");
	if (s.len > 0) {
		kernel = str_is(s, "kernel");
		buf_puts(b, b->len > 0 ? " " : "");
		buf_str(b, s);
		s = field_or(jo, "SYSLOG_PID", "_PID");
		kernel = kernel && s.len == 0;
		if (s.len > 0)
			buf_printf(b, "[%.*s]", (int)s.len, s.s);
		buf_putc(b, ':');
	}
	if (kernel)
		add_kernel_time(jo, b);
	buf_puts(b, b->len > 0 ? " " : "");
	s = field(jo, "MESSAGE");
	while (str_cut(&s, '\n', &part)) {
		buf_str(b, part);
		buf_puts(b, s.s ? "\\n" : "");
	}
	buf_putc(b, '\n');
}

static uint64_t
entry_time(struct journal *jo, uint64_t *received_us)
{
	uint64_t us = 0;

	*received_us = 0;
	(void)jo->lib.get_realtime_usec(jo->j, received_us);
	if (str_u64(field(jo, "_SOURCE_REALTIME_TIMESTAMP"), &us) < 0)
		us = *received_us;
	return us;
}

static void
hand_on(struct journal *jo)
{
	uint64_t received, us = entry_time(jo, &received);
	char *cursor;

	build_line(jo);
	jo->entries++;
	if (jo->line.len - 1 > jo->src.set->opt.max_line_bytes)
		source_long_line(&jo->src, jo->entries);
	else
		source_push(&jo->src, &(struct block){ .text = buf_view(&jo->line),
		    .line_ms = (int64_t)(us / 1000), .offset = jo->entries,
		    .live = received > jo->newest_us });
	if (jo->lib.get_cursor(jo->j, &cursor) < 0)
		return;
	source_set_place(&jo->src, cursor);
	free(cursor);
}

/* To the entry the place names: the next one is the first unread. */
static int
seek_place(struct journal *jo)
{
	int rc = jo->lib.seek_cursor(jo->j, jo->src.place);

	if (rc < 0)
		return rc;
	rc = jo->lib.next(jo->j);
	if (rc <= 0 || jo->lib.test_cursor(jo->j, jo->src.place) > 0)
		return rc;
	/* The entry is gone: we stand on the first after it, which is unread. */
	hand_on(jo);
	return 0;
}

static int
seek_first(struct journal *jo)
{
	struct sources *set = jo->src.set;
	int64_t since = set->host.now_ms(set->host.arg) - set->opt.backlog_ms;

	if (!jo->opened && jo->lib.seek_tail(jo->j) >= 0 &&
	    jo->lib.previous(jo->j) > 0)
		(void)jo->lib.get_realtime_usec(jo->j, &jo->newest_us);
	if (jo->src.place[0]) {
		int rc = seek_place(jo);

		if (rc != -EINVAL)
			return rc;
		source_event(&jo->src, SOURCE_ERROR, "the stored place is not "
		    "understood; reading as if for the first time");
		jo->src.place[0] = '\0';
	}
	return jo->lib.seek_realtime_usec(
	    jo->j, since > 0 ? (uint64_t)since * 1000 : 0);
}

static void	try_open(struct journal *);

static void
failed(struct journal *jo, const char *what, int rc)
{
	if (!jo->error_said)
		source_event(&jo->src, SOURCE_ERROR, "journal: %s: %s; trying again",
		    what, strerror(-rc));
	jo->error_said = true;
	journal_close(jo);
	timer_after(jo->again, AGAIN_MS);
}

static bool
journal_run(struct job *job)
{
	struct journal *jo = (struct journal *)(void *)((char *)job -
	    offsetof(struct journal, job));
	int rc = 0;

	for (int i = 0; jo->j && i < JOURNAL_TURN; i++) {
		rc = jo->lib.next(jo->j);
		if (rc <= 0)
			break;
		hand_on(jo);
	}
	if (rc < 0)
		failed(jo, "next entry", rc);
	else if (rc == 0)
		source_caught_up(&jo->src);
	return rc > 0;
}

static void
look(struct journal *jo)
{
	int rc = jo->lib.process(jo->j);

	if (rc == SD_JOURNAL_INVALIDATE) {
		journal_close(jo);
		try_open(jo);
	} else if (rc < 0) {
		failed(jo, "changes", rc);
	} else {
		job_queue(jo->src.set, &jo->job);
	}
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	look(arg);
}

static int
open_files(struct journal *jo)
{
	char *list = xstrdup(jo->files), *save = NULL;
	glob_t g = { 0 };
	int rc = -ENOENT, how = GLOB_NOCHECK;

	for (char *p = strtok_r(list, ", \n", &save); p;
	     p = strtok_r(NULL, ", \n", &save)) {
		glob(p, how, NULL, &g);
		how |= GLOB_APPEND;
	}
	if (g.gl_pathc > 0)
		rc = jo->lib.open_files(&jo->j, (const char **)g.gl_pathv, 0);
	globfree(&g);
	free(list);
	return rc;
}

/* Lines and + are alternatives; the journal itself ORs one field and ANDs different. */
static int
add_matches(struct journal *jo)
{
	int rc = 0;

	for (size_t i = 0; i < jo->nmatch && rc >= 0; i++) {
		struct str rest = str_of(jo->match[i]);
		char *word = xmalloc(rest.len + 1);

		while (rc >= 0 && journal_match_word(&rest, word, NULL) > 0)
			rc = strcmp(word, "+") == 0
			    ? jo->lib.add_disjunction(jo->j)
			    : jo->lib.add_match(jo->j, word, 0);
		if (rc >= 0)
			rc = jo->lib.add_disjunction(jo->j);
		free(word);
	}
	return rc;
}

static int
journal_open(struct journal *jo)
{
	int rc, fd;

	if (jo->path)
		rc = jo->lib.open_directory(&jo->j, jo->path, 0);
	else if (jo->files)
		rc = open_files(jo);
	else if (jo->name_space)
		rc = jo->lib.open_namespace(&jo->j, jo->name_space, jo->flags);
	else
		rc = jo->lib.open(&jo->j, jo->flags);
	if (rc < 0)
		return rc;
	/* Longer fields come cut, one byte over the cap tells. */
	jo->lib.set_data_threshold(jo->j, jo->src.set->opt.max_line_bytes + 64);
	rc = add_matches(jo);
	if (rc < 0)
		return rc;
	fd = jo->lib.get_fd(jo->j);
	if (fd < 0)
		return fd;
	/* The files that were found just now count as changes. */
	(void)jo->lib.process(jo->j);
	jo->readable =
	    event_new(jo->src.set->base, fd, EV_READ | EV_PERSIST, on_readable, jo);
	event_add(jo->readable, NULL);
	return seek_first(jo);
}

static void
try_open(struct journal *jo)
{
	int rc = journal_open(jo);

	jo->src.stats.waiting = rc == -ENOENT;
	if (rc == -ENOENT) {
		if (!jo->missing_said)
			source_event(&jo->src, SOURCE_MISSING, "no journal yet");
		jo->missing_said = true;
		journal_close(jo);
		timer_after(jo->again, AGAIN_MS);
	} else if (rc < 0) {
		failed(jo, "open", rc);
	} else {
		if (!jo->opened || jo->error_said)
			source_event(&jo->src, SOURCE_OPENED, "journal");
		jo->opened = true;
		jo->error_said = false;
		/* Network file systems tell nobody of changes. */
		if (jo->lib.reliable_fd(jo->j) == 0)
			timer_after(jo->again, POLL_MS);
		job_queue(jo->src.set, &jo->job);
	}
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	struct journal *jo = arg;

	if (!jo->j) {
		try_open(jo);
		return;
	}
	look(jo);
	if (jo->j)
		timer_after(jo->again, POLL_MS);
}

static void
journal_start(struct source *s)
{
	struct journal *jo = journal_of(s);
	const struct source_host *host = &s->set->host;
	const char *place = host->place ? host->place(host->arg, s->name) : NULL;

	if (place)
		source_set_place(s, place);
	try_open(jo);
	s->behind = jo->j != NULL;
}

static const struct source_kind journal_kind = {
	.start = journal_start, .free = journal_free,
};

static int
check_request(const struct journal_request *req, int *flags, struct err *e)
{
	int64_t n = SD_JOURNAL_SYSTEM;

	if (req->flags && (str_i64(str_of(req->flags), &n) < 0 || n < 0 || n > 255))
		return err_set(e, -EINVAL, "journalflags: a number is expected, not %s",
		    req->flags);
	*flags = (int)n;
	for (size_t i = 0; i < req->nmatch; i++) {
		struct str rest = str_of(req->match[i]);
		char *word = xmalloc(rest.len + 1);
		int rc;

		while ((rc = journal_match_word(&rest, word, e)) > 0)
			;
		free(word);
		if (rc < 0)
			return err_prefix(e, rc, "journalmatch");
	}
	return 0;
}

/* Equal requests have equal names, so the place is found again. */
static void
name_of(const struct journal_request *req, struct buf *b)
{
	const struct { const char *key, *value; } parts[] = {
		{ "", req->path }, { "files=", req->files },
		{ "namespace=", req->name_space }, { "flags=", req->flags },
	};

	buf_puts(b, "journal:");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (parts[i].value)
			buf_printf(b, "%s%s:", parts[i].key, parts[i].value);
	for (size_t i = 0; i < req->nmatch; i++)
		buf_printf(b, "%s%s", i > 0 ? " + " : "", req->match[i]);
}

int
sources_add_journal(struct sources *set, const struct journal_request *req, void *group,
    struct err *e)
{
	struct buf name = { 0 };
	struct journal_lib lib;
	struct journal *jo;
	int flags = 0, rc = check_request(req, &flags, e);

	if (rc == 0)
		rc = journal_lib_load(&lib, e);
	if (rc < 0)
		return rc;
	jo = xcalloc(1, sizeof(*jo));
	jo->lib = lib;
	jo->flags = flags;
	jo->path = req->path ? xstrdup(req->path) : NULL;
	jo->files = req->files ? xstrdup(req->files) : NULL;
	jo->name_space = req->name_space ? xstrdup(req->name_space) : NULL;
	jo->match = xcalloc(req->nmatch + 1, sizeof(*jo->match));
	for (; jo->nmatch < req->nmatch; jo->nmatch++)
		jo->match[jo->nmatch] = xstrdup(req->match[jo->nmatch]);
	jo->job.of = &jo->src;
	jo->job.run = journal_run;
	jo->again = evtimer_new(set->base, on_again, jo);
	name_of(req, &name);
	source_init(&jo->src, set, &journal_kind, name.p);
	source_add_group(&jo->src, group);
	buf_fini(&name);
	if (set->started)
		journal_start(&jo->src);
	return 0;
}
