/* SPDX-License-Identifier: GPL-2.0-or-later
 * stored.c - rotated files found again: by inode, by what is in them, by their birth.
 *
 * They lie in the folder of the file itself (links followed). Two kinds of proof are
 * asked for: the hash of the text before the offset (places), or a name made from the
 * log's and a birth after the file we know (files in between). Compressed ones cannot
 * be gone on with; the loss is said.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/source/files.h"
#include "banner/source/paths.h"

enum { SCANS = 20 };

struct beside {
	uint64_t ino;
	const char *base;	/* name of the log, links resolved */
	bool link;		/* the log's path is one */
};

/* One file beside the log, open. True: it was taken (fd is no longer ours). */
typedef bool (beside_fn)(void *arg, int fd, const struct stat *);

static bool
has_suffix_of_rotation(const char *suffix)
{
	static const char *const packed[] = { ".gz", ".bz2", ".xz", ".zst", ".lz4",
		".Z", ".lzo", ".zip" };
	struct str s = str_of(suffix);

	if (!strchr(".-_", suffix[0]) || !suffix[0])
		return false;
	for (size_t i = 0; i < sizeof(packed) / sizeof(*packed); i++)
		if (str_ends(s, packed[i]))
			return false;
	return strpbrk(suffix, "0123456789") || str_is(s, ".old") || str_is(s, ".bak");
}

/* app-2026-11-21.log and app-2026-11-22.log: the targets a dated link had. */
static bool
is_like_but_for_digits(const char *a, const char *b)
{
	bool digits = false;

	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			digits = true;
			a += strspn(a, "0123456789");
			b += strspn(b, "0123456789");
		} else if (*a++ != *b++) {
			return false;
		}
	}
	return digits && *a == *b;
}

/* audit.log.1, audit.log-20260729, audit-20260729.log of audit.log. */
static bool
is_rotation_of(const char *base, const char *name)
{
	size_t n = strlen(base), m = strlen(name);
	const char *dot = strrchr(base, '.');
	char middle[NAME_MAX + 1];
	size_t stem, ext;

	if (strncmp(name, base, n) == 0)
		return has_suffix_of_rotation(name + n);
	if (!dot || dot == base)
		return false;
	stem = (size_t)(dot - base);
	ext = n - stem;
	if (m <= n || strncmp(name, base, stem) != 0 ||
	    strcmp(name + m - ext, dot) != 0)
		return false;
	snprintf(middle, sizeof(middle), "%.*s", (int)(m - n), name + stem);
	return has_suffix_of_rotation(middle);
}

/* False: the entry was renamed or removed since the folder was read. */
static bool
try_beside(int folder, const struct listing_entry *d, beside_fn *fn, void *arg)
{
	struct stat st;
	int fd = openat(folder, d->name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	bool same;

	if (fd < 0)
		return errno != ENOENT;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return true;
	}
	same = st.st_ino == d->ino;
	if (!fn(arg, fd, &st))
		close(fd);
	return same;
}

static bool
is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

static bool
is_wanted(const struct beside *b, const struct listing_entry *d)
{
	if (b->ino)
		return d->ino == b->ino;
	return is_rotation_of(b->base, d->name) ||
	    (b->link && is_like_but_for_digits(b->base, d->name));
}

static bool
scan_once(const struct beside *b, const struct listing *l, beside_fn *fn, void *arg)
{
	int folder = open(l->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* There an entry may tell another inode number than its file does. */
	bool stable = true, remote = folder >= 0 && path_is_remote(folder);
	struct listing_entry d;

	for (size_t at = 0; folder >= 0 && listing_next(l, &at, &d);)
		if (is_wanted(b, &d) && !try_beside(folder, &d, fn, arg))
			stable = remote;
	if (folder >= 0)
		close(folder);
	return stable;
}

/* Offer the files beside f's: all that have the inode, or all that have names of
 * rotation when ino is 0. A folder whose files are being renamed is read again: a file
 * could have been missed under both its names. The same file may be offered twice. */
static void
beside(const struct follow *f, uint64_t ino, beside_fn *fn, void *arg)
{
	const char *path = f->src.name;
	char *real = realpath(path, NULL), *at = real ? real : xstrdup(path);
	char *base = strrchr(at, '/');
	struct beside b = { ino, base + 1, is_link(path) };
	struct listing *l = &f->files->listing;

	*base = '\0';
	for (int tries = 0; tries < SCANS; tries++) {
		listing_read(l, at[0] ? at : "/");
		if (scan_once(&b, l, fn, arg))
			break;
		listing_drop(l);
	}
	if (!f->files->batch)
		listing_drop(l);
	free(at);
}

struct search {
	struct follow *f;
	const struct place *at;
	struct reader *got;
	bool copy;
};

static bool
take_fitting(void *arg, int fd, const struct stat *st)
{
	struct search *s = arg;

	if (s->got || !place_fits(fd, s->at) || files_reader(s->f->files, st))
		return false;
	s->got = follow_open(s->f, fd, st);
	if (!s->got)
		return true;
	(void)reader_seek(s->got, s->at->off);
	s->got->copy = s->copy;
	return true;
}

/* The file of a place, by inode or (a copy, another file system) by its text. */
static struct reader *
find_place(struct follow *f, const struct place *at)
{
	struct search s = { .f = f, .at = at };

	beside(f, at->ino, take_fitting, &s);
	if (s.got)
		return s.got;
	s.copy = true;
	/* Without text before it, any file would fit. */
	if (at->off > 0)
		beside(f, 0, take_fitting, &s);
	return s.got;
}

static void
resume_one(struct follow *f, const struct place *at)
{
	struct stat key = { .st_dev = (dev_t)at->dev, .st_ino = (ino_t)at->ino };
	struct reader *r;
	struct stat now;

	/* Another name has opened it, from this place (stored table). */
	if (files_reader(f->files, &key))
		return;
	if (f->nold == FOLLOW_OLD)
		follow_finish_oldest(f);
	r = find_place(f, at);
	if (r) {
		r->live_from = fstat(r->fd, &now) == 0 ? (uint64_t)now.st_size : 0;
		follow_add_old(f, r);
	} else {
		source_event(&f->src, SOURCE_LOST, "the file read up to %llu before is "
		    "gone: what was written to it since is not known",
		    (unsigned long long)at->off);
	}
	table_del(f->files->stored, &at->ino, sizeof(at->ino));
}

bool
follow_resume(struct follow *f, int fd, const struct stat *st, struct place *copied)
{
	size_t n = f->nwanted;

	f->nwanted = 0;
	for (size_t i = 0; i < n; i++) {
		const struct place *at = &f->wanted[i];
		bool same = st && st->st_ino == at->ino;
		/* Without text before it, any file would fit. */
		bool copy = st && !same && i == n - 1 && at->off > 0;

		/* The file that bears the name is taken by its name. */
		if ((same || copy) && place_fits(fd, at)) {
			if (copy)
				*copied = *at;
			continue;
		}
		resume_one(f, at);
	}
	if (f->nold == 0)
		return true;
	if (st) {
		f->src.stats.rotations++;
		return follow_between(f, f->old[f->nold - 1], st->st_ino);
	}
	/* Nothing bears the name: the last of them may still be written to. */
	f->cur = f->old[--f->nold];
	return true;
}

struct between {
	struct follow *f;
	const struct reader *before;
	uint64_t now;		/* inode that bears the name */
	size_t n;
	bool more;		/* than could be kept */
	struct { int64_t born_ns; int fd; struct stat st; } file[FOLLOW_OLD];
};

/* A copy of a file we read is not a file of its own. */
static bool
begins_alike(int a, int b)
{
	char x[PLACE_TAIL], y[PLACE_TAIL];
	ssize_t n = pread(a, x, sizeof(x), 0), m = pread(b, y, sizeof(y), 0);

	return n > 0 && m > 0 && memcmp(x, y, (size_t)(n < m ? n : m)) == 0;
}

static bool
is_between(const struct between *b, int fd, const struct stat *st, int64_t born)
{
	const struct files *fs = b->f->files;

	for (size_t i = 0; i < b->n; i++)
		if (b->file[i].st.st_ino == st->st_ino)
			return false;
	return born != 0 && born >= b->before->born_ns && st->st_ino != b->now &&
	    !files_reader(b->f->files, st) &&
	    !table_find(fs->stored, &st->st_ino, sizeof(st->st_ino)) &&
	    !follow_done(b->f, st, born) && !begins_alike(fd, b->before->fd);
}

/* Keep the first born ones, in order. */
static bool
collect_between(void *arg, int fd, const struct stat *st)
{
	struct between *b = arg;
	int64_t born = reader_birth_ns(fd);
	size_t i;

	if (!is_between(b, fd, st, born))
		return false;
	if (b->n == FOLLOW_OLD) {
		b->more = true;
		if (b->file[b->n - 1].born_ns <= born)
			return false;
		close(b->file[--b->n].fd);
	}
	for (i = b->n++; i > 0 && b->file[i - 1].born_ns > born; i--)
		b->file[i] = b->file[i - 1];
	b->file[i].born_ns = born;
	b->file[i].fd = fd;
	b->file[i].st = *st;
	return true;
}

bool
follow_between(struct follow *f, const struct reader *before, uint64_t ino)
{
	struct between b = { .f = f, .before = before, .now = ino };
	bool full = false;

	if (before->born_ns == 0)
		return true;
	beside(f, 0, collect_between, &b);
	for (size_t i = 0; i < b.n; i++) {
		struct reader *r;

		full = full || !follow_make_room(f);
		if (full) {
			close(b.file[i].fd);
			continue;
		}
		r = follow_open(f, b.file[i].fd, &b.file[i].st);
		if (!r)
			continue;
		/* Nobody saw it bear the name: only its own dates are believed. */
		r->live_from = (uint64_t)b.file[i].st.st_size;
		follow_add_old(f, r);
	}
	return !full && !b.more;
}

uint64_t
follow_copy(struct follow *f, const struct reader *r, uint64_t unread)
{
	struct search s = { .f = f, .at = &r->at, .copy = true };
	struct stat st;
	uint64_t had;

	if (r->at.off == 0 || f->nold == FOLLOW_OLD)
		return unread;
	beside(f, 0, take_fitting, &s);
	if (!s.got)
		return unread;
	follow_add_old(f, s.got);
	had = fstat(s.got->fd, &st) == 0 ? (uint64_t)st.st_size - r->at.off : 0;
	return had < unread ? unread - had : 0;
}
