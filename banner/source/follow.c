/* SPDX-License-Identifier: GPL-2.0-or-later
 * follow.c - one file name that is followed, whatever file bears it.
 */
#include "banner/source/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/source/paths.h"
#include "banner/source/seek.h"

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

static const struct source_kind follow_kind = {
	.place = follow_place, .free = follow_free,
};

/* The oldest file with unread bytes; cur comes last. */
static struct reader *
next_reader(struct follow *f)
{
	for (size_t i = 0; i < f->nold; i++)
		if (f->old[i]->more)
			return f->old[i];
	return f->cur && f->cur->more ? f->cur : NULL;
}

void
follow_wake(struct follow *f, struct reader *r)
{
	r->more = true;
	job_queue(f->src.set, &f->job);
}

void
follow_regroup(struct follow *f)
{
	size_t before = f->src.ngroups;

	f->src.ngroups = 0;
	for (size_t i = 0; i < f->nown; i++)
		source_add_group(&f->src, f->own[i]);
	for (struct follow *g = f->files->first; g; g = g->next)
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

static void
set_owner(struct follow *f, struct follow *owner)
{
	struct follow *was = f->owner;

	if (was == owner)
		return;
	f->owner = owner;
	if (was)
		follow_regroup(was);
	if (owner)
		follow_regroup(owner);
}

/* Whoever sleeps because of this inode takes the reader over, with its offset. */
static bool
hand_over(struct follow *f, struct reader *r)
{
	for (struct follow *g = f->files->first; g; g = g->next) {
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
		set_owner(g, NULL);
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

static void
set_timer(struct follow *f)
{
	int64_t now = mono_ms(), next = INT64_MAX, linger = f->src.set->linger_ms;
	struct stat st;

	for (size_t i = 0; i < f->nold; i++)
		if (f->old[i]->quiet_since + linger < next)
			next = f->old[i]->quiet_since + linger;
	if (f->cur && f->said == ENOENT && fstat(f->cur->fd, &st) == 0 &&
	    st.st_nlink == 0 && f->cur->quiet_since + GONE_MS < next)
		next = f->cur->quiet_since + GONE_MS;
	if (next != INT64_MAX)
		timer_after(&f->timer, next > now ? next - now : 1);
}

/* True when r has been at its end for so long. It is read once more, to be sure. */
static bool
is_quiet(struct follow *f, struct reader *r, int64_t ms)
{
	return !r->more && mono_ms() - r->quiet_since >= ms &&
	    reader_step(r, &f->src) == READER_EOF && mono_ms() - r->quiet_since >= ms;
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
	    st.st_nlink == 0 && is_quiet(f, f->cur, GONE_MS)) {
		leave(f, f->cur);
		f->cur = NULL;
	}
	if (next_reader(f))
		job_queue(f->src.set, &f->job);
	set_timer(f);
}

static void
was_truncated(struct follow *f, struct reader *r)
{
	uint64_t unread = r->seen > r->at.off ? r->seen - r->at.off : 0;
	uint64_t lost = follow_copy(f, r, unread);

	reader_rewind(r);
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
	source_event(&f->src, SOURCE_ERROR, "read: %s", strerror(errno));
	r->more = false;
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
	f->job.run = follow_run;
	evtimer_assign(&f->timer, fs->set->base, on_timer, f);
	return f;
}

static void
follow_step(void *arg, const char *folder, const char *name, bool file)
{
	struct follow *f = arg;
	int rc;

	if (!f->files->watch || f->polling)
		return;
	rc = watch_entry(f->files->watch, folder, name, file ? &f->watcher : NULL);
	if (rc == -EREMOTE)
		f->files->poll_all = true;
	if (rc == -EREMOTE || rc == -ENOSPC || rc == -ENOMEM)
		files_poll(f->files);
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
	if (!fs->watch || f->polling || path_is_remote(fd))
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
	set_timer(f);
}

/* Where a file that no place is known of begins. */
static void
first_offset(struct follow *f, struct reader *r, const struct stat *st, bool successor)
{
	struct sources *set = f->src.set;
	int64_t now = set->host.now_ms(set->host.arg);
	uint64_t size = (uint64_t)st->st_size, off = 0;

	if (successor)
		return;
	/* What lies in a file that is new to us is old, unless it was born under us. */
	if (!f->files->after_start || r->born_ns == 0 ||
	    r->born_ns / 1000000 < now - POLL_MS)
		r->live_from = size;
	if (f->tail)
		off = size;
	else if (size > 0)
		off = seek_time(&f->src, r->fd, size, now - set->opt.backlog_ms);
	(void)reader_seek(r, off);
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

void
follow_finish_oldest(struct follow *f)
{
	while (reader_step(f->old[0], &f->src) == READER_MORE)
		;
	drop_old(f, 0);
}

/* First the files that bore the name before. False: there are too many; the last of
 * those opened stands for the name, and we come back when they are read. */
static bool
take_older(struct follow *f, const struct stat *st)
{
	struct reader *before = f->cur;
	bool all = true;

	if (f->nwanted > 0)
		all = follow_resume(f, st);
	if (before) {
		f->cur = NULL;
		follow_add_old(f, before);
		all = follow_between(f, before, st->st_ino);
	}
	if (all || f->nold == 0)
		return true;
	f->cur = f->old[--f->nold];
	f->recheck = true;
	job_queue(f->src.set, &f->job);
	return false;
}

/* Another name bore the file, and left it before this one looked. */
static bool
left_by_another(struct follow *f, const struct stat *st)
{
	struct inode_key key = { st->st_dev, st->st_ino };
	const struct follow *g = table_find(f->files->left, &key, sizeof(key));
	const struct place *at = g ? follow_done(g, st, f->cur->born_ns) : NULL;

	return at && place_fits(f->cur->fd, at) && reader_seek(f->cur, at->off) == 0;
}

static void
set_offset(struct follow *f, const struct stat *st, bool successor)
{
	struct reader *r = f->cur;
	struct place *at = table_find(f->files->stored, &r->at.ino, sizeof(r->at.ino));

	if (left_by_another(f, st))
		return;
	if (!at || !place_fits(r->fd, at)) {
		first_offset(f, r, st, successor);
		return;
	}
	(void)reader_seek(r, at->off);
	r->live_from = (uint64_t)st->st_size;
	table_del(f->files->stored, &at->ino, sizeof(at->ino));
}

/* Open what bears the name. */
static int
take(struct follow *f)
{
	bool successor = f->opened || f->nwanted > 0, rotated = f->cur != NULL;
	struct stat st;
	int fd = path_open(f->src.name, false, &st, NULL, NULL);

	if (fd < 0)
		return fd;
	/* Another one by now: who bore the name until then is in no listing yet. */
	if (st.st_ino != f->seen.ino || st.st_dev != f->seen.dev)
		listing_drop(&f->files->listing);
	if (!take_older(f, &st)) {
		close(fd);
		return 0;
	}
	f->cur = follow_open(f, fd, &st);
	if (!f->cur) {
		/* It was found under a rotated name a moment ago. */
		f->recheck = true;
		job_queue(f->src.set, &f->job);
		return 0;
	}
	set_offset(f, &st, successor);
	f->src.stats.rotations += rotated;
	source_event(&f->src, rotated ? SOURCE_ROTATED : SOURCE_OPENED,
	    "from %llu of %llu", (unsigned long long)f->cur->at.off,
	    (unsigned long long)st.st_size);
	return 0;
}

static void
sleep_on(struct follow *f, struct follow *owner)
{
	if (f->cur)
		follow_add_old(f, f->cur);
	f->cur = NULL;
	f->src.stats.waiting = false;
	set_owner(f, owner);
	source_caught_up(&f->src);
}

/* Nothing bears the name now, but others may have since cur did. */
static void
take_unnamed(struct follow *f)
{
	struct reader *before = f->cur;

	follow_add_old(f, before);
	if (!follow_between(f, before, 0))
		f->recheck = true;
	f->cur = f->old[--f->nold];
	job_queue(f->src.set, &f->job);
}

/* Once for each reason, until it can be opened again. */
static void
no_file(struct follow *f, int rc)
{
	enum source_event what = SOURCE_ERROR;

	if (rc == -ENOTDIR)
		rc = -ENOENT;
	if (rc == -ENOENT)
		what = f->cur ? SOURCE_GONE : SOURCE_MISSING;
	else if (rc == -EACCES || rc == -EPERM)
		what = SOURCE_DENIED;
	f->src.stats.waiting = true;
	set_owner(f, NULL);
	if (rc == -ENOENT && !f->cur && f->nwanted > 0)
		follow_resume(f, NULL);
	else if (rc == -ENOENT && f->cur && follow_make_room(f))
		take_unnamed(f);
	if (f->said == -rc)
		return;
	f->said = -rc;
	source_event(&f->src, what, "%s", rc == -ENXIO ? "not a regular file" :
	    rc == -EPERM ? "a link of another user" : strerror(-rc));
	set_timer(f);
}

static bool
bears_old(struct follow *f, const struct stat *st)
{
	for (size_t i = 0; i < f->nold; i++) {
		struct reader *r = f->old[i];

		if (!reader_is(r, st) || r->copy)
			continue;
		/* It got its name back: whoever bore it meanwhile is the old one. */
		memmove(f->old + i, f->old + i + 1, (--f->nold - i) * sizeof(*f->old));
		if (f->cur)
			follow_add_old(f, f->cur);
		f->cur = r;
		return true;
	}
	return false;
}

/* The name is borne by the file that was seen. */
static int
see(struct follow *f)
{
	struct stat st = { .st_dev = (dev_t)f->seen.dev, .st_ino = (ino_t)f->seen.ino };
	struct reader *r = files_reader(f->files, &st);

	if (reader_is(f->cur, &st))
		return 0;
	if (f->cur && !follow_make_room(f))
		return -EAGAIN;
	if (r && r->owner != f) {
		sleep_on(f, r->owner);
		return 0;
	}
	set_owner(f, NULL);
	return bears_old(f, &st) ? 0 : take(f);
}

void
follow_peek(struct follow *f)
{
	struct stat st = { 0 };
	int fd;

	f->due = f->recheck = false;
	f->peeked = true;
	f->watcher.round++;
	f->seen_rc = fd = path_open(f->src.name, true, &st, follow_step, f);
	f->seen = (struct inode_key){ st.st_dev, st.st_ino };
	if (fd >= 0) {
		close(fd);
		f->seen_rc = 0;
	}
}

void
follow_judge(struct follow *f)
{
	int rc = f->seen_rc;

	f->peeked = false;
	if (rc == 0)
		rc = see(f);
	/* It changed under us, or there is no room: another look is to come. */
	if (rc == -EAGAIN)
		return;
	if (rc < 0) {
		no_file(f, rc);
		return;
	}
	f->said = 0;
	f->src.stats.waiting = false;
}
