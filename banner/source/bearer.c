/* SPDX-License-Identifier: GPL-2.0-or-later
 * bearer.c - what file bears a followed name now, and what that means.
 */
#include "banner/source/files.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "banner/source/paths.h"
#include "banner/source/seek.h"

static void
follow_step(void *arg, const char *folder, const char *name, bool file)
{
	struct follow *f = arg;
	int rc = f->polling ? -EREMOTE : files_watch_entry(f->files, folder, name,
	    file ? &f->watcher : NULL);

	if (rc < 0)
		files_unwatched(f->files, &f->src, rc);
	f->unwatched |= rc < 0;
}

/* What is known of the file that bears the name now. */
struct bearer {
	struct stat st;
	bool successor;			/* another one bore the name before */
	struct reader_head before;	/* how that one began */
	struct place copied;	/* that one, if this is a copy of it; off 0: no */
};

/* What lies in a file that is new to us is old, unless it was born under us. */
static bool
is_old(const struct follow *f, const struct reader *r, const struct bearer *b)
{
	struct sources *set = f->src.set;

	if (!f->files->after_start)
		return true;
	if (b->successor)
		return r->born_ns < b->before.born_ns;
	return r->born_ns == 0 || r->born_ns / 1000000 <
	    set->host.now_ms(set->host.arg) - POLL_MS;
}

/* Where a file that no place is known of begins. */
static void
first_offset(struct follow *f, struct reader *r, const struct bearer *b)
{
	struct sources *set = f->src.set;
	int64_t now = set->host.now_ms(set->host.arg);
	uint64_t size = (uint64_t)b->st.st_size, off = 0;

	if (is_old(f, r, b))
		r->live_from = size;
	if (b->successor)
		return;
	if (f->tail)
		off = size;
	else if (size > 0)
		off = seek_time(&f->src, r->fd, size, now - set->opt.backlog_ms);
	(void)reader_seek(r, off);
}

/* First the files that bore the name before. False: there are too many; the last of
 * those opened stands for the name, and we come back when they are read. */
static bool
take_older(struct follow *f, int fd, struct bearer *b)
{
	struct reader *before = f->cur;
	bool all = true;

	if (f->nwanted > 0)
		all = follow_resume(f, fd, &b->st, &b->copied);
	if (before) {
		b->before = before->head;
		b->before.upto = before->at.off;
		b->before.born_ns = before->born_ns;
		/* Without text before it, any file would fit. */
		if (before->at.off > 0 && place_fits(fd, &before->at))
			b->copied = *follow_drain(f, before);
		f->cur = NULL;
		follow_add_old(f, before);
		all = follow_between(f, before, b->st.st_ino);
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
set_offset(struct follow *f, const struct bearer *b)
{
	struct reader *r = f->cur;
	struct place *at = table_find(f->files->stored, &r->at.ino, sizeof(r->at.ino));

	if (left_by_another(f, &b->st))
		return;
	if (b->copied.off > 0 && place_fits(r->fd, &b->copied)) {
		(void)reader_seek(r, b->copied.off);
		if (!f->files->after_start)
			r->live_from = (uint64_t)b->st.st_size;
		return;
	}
	if (!at || !place_fits(r->fd, at)) {
		first_offset(f, r, b);
		reader_succeeds(r, &b->before);
		return;
	}
	(void)reader_seek(r, at->off);
	r->live_from = (uint64_t)b->st.st_size;
	table_del(f->files->stored, &at->ino, sizeof(at->ino));
}

/* Open what bears the name. */
static int
take(struct follow *f)
{
	struct bearer b = { .successor = f->opened || f->nwanted > 0 };
	bool rotated = f->cur != NULL;
	int fd = path_open(f->src.name, false, &b.st, NULL, NULL);

	if (fd < 0)
		return fd;
	/* Another one by now: who bore the name until then is in no listing yet. */
	if (b.st.st_ino != f->seen.ino || b.st.st_dev != f->seen.dev)
		listing_drop(&f->files->listing);
	if (!take_older(f, fd, &b)) {
		close(fd);
		return 0;
	}
	f->cur = follow_open(f, fd, &b.st);
	if (!f->cur) {
		/* It was found under a rotated name a moment ago. */
		f->recheck = true;
		job_queue(f->src.set, &f->job);
		return 0;
	}
	set_offset(f, &b);
	f->src.stats.rotations += rotated;
	source_event(&f->src, rotated ? SOURCE_ROTATED : SOURCE_OPENED,
	    "from %llu of %llu", (unsigned long long)f->cur->at.off,
	    (unsigned long long)b.st.st_size);
	return 0;
}

static void
sleep_on(struct follow *f, struct follow *owner)
{
	if (f->cur)
		follow_add_old(f, f->cur);
	f->cur = NULL;
	f->src.stats.waiting = false;
	follow_set_owner(f, owner);
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

/* Nothing need happen to the name for it to be opened after all. */
static bool
is_passing(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -EIO ||
	    rc == -ESTALE;
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
	follow_set_owner(f, NULL);
	if (rc == -ENOENT && !f->cur && f->nwanted > 0)
		follow_resume(f, -1, NULL, NULL);
	else if (rc == -ENOENT && f->cur && follow_make_room(f))
		take_unnamed(f);
	if (is_passing(rc)) {
		f->unwatched = true;
		files_unopened(f->files, &f->src, rc);
	}
	if (f->said == -rc || is_passing(rc)) {
		follow_forget(f);
		return;
	}
	f->said = -rc;
	source_event(&f->src, what, "%s", rc == -ENXIO ? "not a regular file" :
	    rc == -EPERM ? "a link of another user" : strerror(-rc));
	follow_set_timer(f);
	follow_forget(f);
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

/* Where the network is between, an inode number may be that of the name, whatever file
 * bears it (sshfs), and only a new descriptor shows what others wrote (nfs(5), close to
 * open). If it is another file its text tells, and it is taken for truncated. */
void
follow_renew(struct follow *f)
{
	struct stat st;
	int fd = path_open(f->src.name, false, &st, NULL, NULL);

	if (fd < 0)
		return;
	if (reader_is(f->cur, &st)) {
		reader_renew(f->cur, fd);
		follow_wake(f, f->cur);
	} else
		close(fd);
}

/* The name is borne by the file that was seen. */
static int
see(struct follow *f)
{
	struct stat st = { .st_dev = (dev_t)f->seen.dev, .st_ino = (ino_t)f->seen.ino };
	struct reader *r = files_reader(f->files, &st);

	if (reader_is(f->cur, &st) && f->cur->remote)
		follow_renew(f);
	if (reader_is(f->cur, &st))
		return 0;
	if (f->cur && !follow_make_room(f))
		return -EAGAIN;
	if (r && r->owner != f) {
		sleep_on(f, r->owner);
		return 0;
	}
	follow_set_owner(f, NULL);
	return bears_old(f, &st) ? 0 : take(f);
}

void
follow_peek(struct follow *f)
{
	struct stat st = { 0 };
	int fd;

	f->due = f->recheck = f->unwatched = false;
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
	follow_remember(f);
}
