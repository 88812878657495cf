/* SPDX-License-Identifier: GPL-2.0-or-later
 * follow.c - one file name that is followed, whatever file bears it.
 */
#include "banner/source/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/source/paths.h"

static struct follow *
follow_of(struct source *s)
{
	return (struct follow *)(void *)s;
}

static void
follow_place(struct source *s)
{
	struct follow *f = follow_of(s);
	struct buf b = { 0 };

	if (!f->opened)
		return;		/* what was stored still holds */
	for (size_t i = 0; i < f->nold; i++)
		place_add(&b, &f->old[i]->at);
	if (f->cur)
		place_add(&b, &f->cur->at);
	source_set_place(s, b.p ? b.p : "");
	buf_fini(&b);
}

static void
follow_free(struct source *s)
{
	struct follow *f = follow_of(s);

	for (size_t i = 0; i < f->nold; i++)
		reader_free(f->old[i]);
	reader_free(f->cur);
	job_cancel(s->set, &f->job);
	event_del(&f->timer);
	free(f->own);
	free(f);
}

/* The oldest file with unread bytes; cur comes last. */
static struct reader *
next_reader(struct follow *f)
{
	for (size_t i = 0; i < f->nold; i++)
		if (f->old[i]->more)
			return f->old[i];
	return f->cur && f->cur->more ? f->cur : NULL;
}

static bool
follow_old(struct source *s)
{
	const struct reader *r = next_reader(follow_of(s));

	return r && r->at.off < r->live_from;
}

static const struct source_kind follow_kind = {
	.place = follow_place, .old = follow_old, .free = follow_free,
};

void
follow_wake(struct follow *f, struct reader *r)
{
	r->more = true;
	job_queue(f->src.set, &f->job);
}

/* Where to begin to look for them: among thousands of files, if there are any. */
static struct follow *
first_sleeper(const struct follow *f)
{
	return f->sleepers > 0 ? f->files->first : NULL;
}

/* Whoever sleeps on it belongs to its readers: gather the groups anew. */
static void
follow_regroup(struct follow *f)
{
	size_t before = f->src.ngroups;

	f->src.ngroups = 0;
	for (size_t i = 0; i < f->nown; i++)
		source_add_group(&f->src, f->own[i]);
	for (struct follow *g = first_sleeper(f); g; g = g->next)
		for (size_t i = 0; g->owner == f && i < g->nown; i++)
			source_add_group(&f->src, g->own[i]);
	if (f->opened && f->src.ngroups != before)
		source_event(&f->src, SOURCE_OPENED, "its groups changed");
}

void
follow_add_group(struct follow *f, void *group)
{
	for (size_t i = 0; i < f->nown; i++)
		if (f->own[i] == group)
			return;
	f->own = xrealloc(f->own, (f->nown + 1) * sizeof(*f->own));
	f->own[f->nown++] = group;
	follow_regroup(f);
	if (f->owner)
		follow_regroup(f->owner);
}

void
follow_set_owner(struct follow *f, struct follow *owner)
{
	struct follow *was = f->owner;

	if (was == owner)
		return;
	f->owner = owner;
	if (was) {
		was->sleepers--;
		follow_regroup(was);
	}
	if (owner) {
		owner->sleepers++;
		follow_regroup(owner);
	}
}

/* Whoever sleeps because of this inode takes the reader over, with its offset. */
static bool
hand_over(struct follow *f, struct reader *r)
{
	for (struct follow *g = first_sleeper(f); g; g = g->next) {
		struct stat st;
		int fd;

		if (g->owner != f || g->cur)
			continue;
		fd = path_open(g->src.name, true, &st, NULL, NULL);
		if (fd < 0)
			continue;
		close(fd);
		if (!reader_is(r, &st))
			continue;
		r->owner = g;
		g->cur = r;
		g->opened = true;
		follow_set_owner(g, NULL);
		source_event(&g->src, SOURCE_OPENED, "read as %s up to %llu",
		    f->src.name, (unsigned long long)r->at.off);
		follow_wake(g, r);
		return true;
	}
	return false;
}

/* Remember where it was left, in place of the oldest such. */
static void
remember(struct follow *f, const struct reader *r)
{
	struct done_file *d = &f->done[f->ndone++ % FOLLOW_DONE];
	struct inode_key old = { d->at.dev, d->at.ino }, key = { r->at.dev, r->at.ino };

	if (table_find(f->files->left, &old, sizeof(old)) == f)
		table_del(f->files->left, &old, sizeof(old));
	*d = (struct done_file){ r->at, r->born_ns };
	table_set(f->files->left, &key, sizeof(key), f);
}

/* Forget where files were left. */
static void
unremember(struct follow *f)
{
	for (unsigned i = 0; i < FOLLOW_DONE; i++) {
		struct inode_key key = { f->done[i].at.dev, f->done[i].at.ino };

		if (table_find(f->files->left, &key, sizeof(key)) == f)
			table_del(f->files->left, &key, sizeof(key));
	}
	memset(f->done, 0, sizeof(f->done));
	f->ndone = 0;
}

void
follow_forget(struct follow *f)
{
	if (f->named || f->src.hidden || f->cur || f->nold > 0 || f->nwanted > 0 ||
	    f->owner || f->said != ENOENT || f->sleepers > 0)
		return;
	f->src.hidden = true;
	f->files->forgotten++;
	files_room(f->files);
}

void
follow_remember(struct follow *f)
{
	if (f->src.hidden)
		f->files->forgotten--;
	f->src.hidden = false;
}

void
follow_rename(struct follow *f, const char *path)
{
	struct source *s = &f->src;

	follow_remember(f);
	unremember(f);
	job_cancel(s->set, &f->job);
	event_del(&f->timer);
	free(s->name);
	s->name = xstrdup(path);
	s->stats = (struct source_stats){ 0 };
	s->place[0] = '\0';
	s->long_said_ms = 0;
	s->ngroups = f->nown = 0;
	f->watcher.round++;
	f->said = 0;
	f->looked = f->opened = f->recheck = f->unwatched = f->polling = false;
}

/* The file is read and left for ever. */
static void
leave(struct follow *f, struct reader *r)
{
	struct inode_key key = { r->at.dev, r->at.ino };

	if (!r->copy && hand_over(f, r))
		return;
	reader_last_line(r, &f->src);
	remember(f, r);
	table_del(f->files->by_inode, &key, sizeof(key));
	if (f->files->watch)
		watch_drop(f->files->watch, r);
	reader_free(r);
}

static void
drop_old(struct follow *f, size_t i)
{
	struct reader *r = f->old[i];

	f->nold--;
	memmove(f->old + i, f->old + i + 1, (f->nold - i) * sizeof(*f->old));
	leave(f, r);
}

const struct place *
follow_done(const struct follow *f, const struct stat *st, int64_t born_ns)
{
	for (unsigned i = 0; i < FOLLOW_DONE; i++) {
		const struct done_file *d = &f->done[i];

		if (d->at.ino == st->st_ino && d->at.dev == st->st_dev &&
		    d->born_ns == born_ns)
			return &d->at;
	}
	return NULL;
}

void
follow_set_timer(struct follow *f)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), next = INT64_MAX;
	int64_t linger = f->src.set->linger_ms;
	struct stat st;

	for (size_t i = 0; i < f->nold; i++)
		if (f->old[i]->quiet_since + linger < next)
			next = f->old[i]->quiet_since + linger;
	if (f->cur && f->said == ENOENT && fstat(f->cur->fd, &st) == 0 &&
	    st.st_nlink == 0 && f->cur->quiet_since + GONE_LINGERS * linger < next)
		next = f->cur->quiet_since + GONE_LINGERS * linger;
	if (next != INT64_MAX)
		timer_after(&f->timer, next > now ? next - now : 1);
}

/* True when r has been at its end for so long. It is read once more, to be sure. */
static bool
is_quiet(struct follow *f, struct reader *r, int64_t ms)
{
	return !r->more && clock_ms(CLOCK_MONOTONIC) - r->quiet_since >= ms &&
	    reader_step(r, &f->src) == READER_EOF &&
	    clock_ms(CLOCK_MONOTONIC) - r->quiet_since >= ms;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct follow *f = arg;
	int64_t linger = f->src.set->linger_ms;
	struct stat st;

	for (size_t i = 0; i < f->nold; )
		if (is_quiet(f, f->old[i], linger))
			drop_old(f, i);
		else
			i++;
	if (f->cur && f->said == ENOENT && fstat(f->cur->fd, &st) == 0 &&
	    st.st_nlink == 0 && is_quiet(f, f->cur, GONE_LINGERS * linger)) {
		leave(f, f->cur);
		f->cur = NULL;
		follow_forget(f);
	}
	if (next_reader(f))
		job_queue(f->src.set, &f->job);
	follow_set_timer(f);
}

static void
was_truncated(struct follow *f, struct reader *r)
{
	uint64_t unread = r->seen > r->at.off ? r->seen - r->at.off : 0;
	uint64_t lost = follow_copy(f, r, unread);

	reader_rewind(r);
	if (r->remote && r == f->cur)
		follow_renew(f);
	source_event(&f->src, SOURCE_TRUNCATED, "%llu bytes were unread, %llu are lost",
	    (unsigned long long)unread, (unsigned long long)lost);
	if (lost > 0) {
		f->src.stats.lost_bytes += lost;
		source_event(
		    &f->src, SOURCE_LOST, "%llu bytes", (unsigned long long)lost);
	}
}

static void
read_failed(struct follow *f, struct reader *r)
{
	if (!r->failed)
		source_event(&f->src, SOURCE_ERROR, "read: %s; tried again each second",
		    strerror(errno));
	r->failed = true;
	r->more = false;
	if (f->files->watch)
		watch_drop(f->files->watch, r);
	files_poll(f->files);
}

static bool
follow_run(struct job *j)
{
	struct follow *f = (struct follow *)(void *)((char *)j -
	    offsetof(struct follow, job));
	struct reader *r = next_reader(f);

	if (r) {
		switch (reader_step(r, &f->src)) {
		case READER_MORE:
		case READER_EOF:
			r->failed = false;
			break;
		case READER_TRUNCATED:
			was_truncated(f, r);
			break;
		case READER_FAILED:
			read_failed(f, r);
			break;
		}
		f->src.stats.behind_bytes = f->cur && f->cur->at.off < f->cur->live_from
		    ? f->cur->live_from - f->cur->at.off : 0;
		if (f->cur && f->cur->at.off >= f->cur->live_from && r == f->cur)
			source_caught_up(&f->src);
		if (r->copy && !r->more && f->nold > 0 && r == f->old[0])
			drop_old(f, 0);
	}
	if (next_reader(f))
		return true;
	source_caught_up(&f->src);
	if (f->recheck) {
		follow_peek(f);
		follow_judge(f);
	}
	return next_reader(f) != NULL;
}

struct follow *
follow_new(struct files *fs, const char *path)
{
	struct follow *f = xcalloc(1, sizeof(*f));

	source_init(&f->src, fs->set, &follow_kind, path);
	f->files = fs;
	f->job.of = &f->src;
	f->job.run = follow_run;
	evtimer_assign(&f->timer, fs->set->base, on_timer, f);
	return f;
}

struct reader *
follow_open(struct follow *f, int fd, const struct stat *st)
{
	struct files *fs = f->files;
	struct inode_key key = { st->st_dev, st->st_ino };
	struct reader *r;
	int rc = 0;

	if (files_reader(fs, st)) {
		close(fd);
		return NULL;
	}
	r = reader_new(fd, st);
	r->owner = f;
	table_set(fs->by_inode, &key, sizeof(key), r);
	f->opened = true;
	r->remote = path_is_remote(fd);
	if (!fs->watch || f->polling || r->remote)
		files_poll(fs);
	else if ((rc = watch_file(fs->watch, r)) < 0)
		files_unwatched(fs, &f->src, rc);
	if (!fs->after_start)
		f->src.behind = true;
	job_queue(fs->set, &f->job);
	return r;
}

void
follow_add_old(struct follow *f, struct reader *r)
{
	f->old[f->nold++] = r;
	follow_set_timer(f);
}

bool
follow_make_room(struct follow *f)
{
	if (f->nold < FOLLOW_OLD)
		return true;
	if (f->old[0]->more || reader_step(f->old[0], &f->src) != READER_EOF) {
		f->recheck = true;
		follow_wake(f, f->old[0]);
		return false;
	}
	drop_old(f, 0);
	return true;
}

const struct place *
follow_drain(struct follow *f, struct reader *r)
{
	while (reader_step(r, &f->src) == READER_MORE)
		;
	return &r->at;
}

void
follow_finish_oldest(struct follow *f)
{
	(void)follow_drain(f, f->old[0]);
	drop_old(f, 0);
}
