/* SPDX-License-Identifier: GPL-2.0-or-later
 * ahead.c - a part of a big file, read and looked through by several threads.
 */
#include "banner/source/ahead.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/core/match.h"
#include "banner/core/scan.h"

enum { PIECE = 256 * 1024, MORE = 4 * 1024, THREADS_MAX = 16, SLOTS_EACH = 2 };

/* A piece on its way: free, being read, or found. */
struct slot {
	struct buf buf;
	struct str lines;
	uint64_t offset;	/* of buf in the file */
	struct scan_run *run;
	bool found, plain;	/* plain: the run is of these lines */
	int error;
};

struct ahead {
	struct ahead_want want;
	pthread_mutex_t lock;
	pthread_cond_t turn;	/* a slot became found, or free */
	pthread_t thread[THREADS_MAX];
	size_t nthreads;
	struct slot *slot;
	size_t nslots;
	uint64_t npieces, taken, done;	/* pieces: begun by a thread, given back */
	bool given, stop;
};

/* Up to n bytes at offset behind what is in the slot; how many there were. */
static size_t
read_at(const struct ahead *a, struct slot *s, uint64_t offset, size_t n)
{
	uint64_t to = a->want.to;
	size_t got = 0;

	if (offset + n > to)
		n = offset < to ? (size_t)(to - offset) : 0;
	buf_reserve(&s->buf, n);
	while (got < n) {
		ssize_t rc = pread(a->want.fd, s->buf.p + s->buf.len, n - got,
		    (off_t)(offset + got));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			s->error = -errno;
		if (rc <= 0)
			break;
		s->buf.len += (size_t)rc;
		got += (size_t)rc;
	}
	return got;
}

/* The end of the last line, from offset on. Of a line that is too long only as much is
 * kept as shows that it is. */
static void
finish_line(const struct ahead *a, struct slot *s, uint64_t offset)
{
	size_t start = s->buf.len, from = start, most = a->want.max_line, got;
	const char *lf = NULL;

	while (!lf && (got = read_at(a, s, offset, MORE)) > 0) {
		offset += got;
		lf = memchr(s->buf.p + from, '\n', s->buf.len - from);
		if (!lf && s->buf.len - start > 2 * most)
			s->buf.len = start + most + MORE;
		from = s->buf.len;
	}
	if (lf)
		s->buf.len = (size_t)(lf + 1 - s->buf.p);
}

/* The lines that begin in this piece: the byte before it tells whether one does at
 * its start. */
static void
read_piece(const struct ahead *a, struct slot *s, uint64_t number)
{
	size_t before = number > 0, got;
	const char *first;

	s->offset = a->want.from + number * PIECE - before;
	buf_clear(&s->buf);
	s->lines = (struct str){ "", 0 };
	got = read_at(a, s, s->offset, PIECE + before);
	first = before ? memchr(s->buf.p, '\n', got - (got > 0)) : s->buf.p - 1;
	if (!first || got <= before)
		return;
	before = (size_t)(first + 1 - s->buf.p);
	if (s->buf.p[got - 1] != '\n')
		finish_line(a, s, s->offset + got);
	s->lines = (struct str){ s->buf.p + before, s->buf.len - before };
}

/* Locked: the next piece, or a wait until there is a slot for it. */
static void
look_through(struct ahead *a)
{
	uint64_t number = a->taken;
	struct slot *s = &a->slot[number % a->nslots];

	if (number == a->npieces || number >= a->done + a->nslots) {
		pthread_cond_wait(&a->turn, &a->lock);
		return;
	}
	a->taken++;
	pthread_mutex_unlock(&a->lock);
	read_piece(a, s, number);
	s->plain = s->lines.len > 0 && a->want.plain(s->lines, a->want.max_line);
	if (s->plain)
		scan_find(s->run, s->lines);
	pthread_mutex_lock(&a->lock);
	s->found = true;
	pthread_cond_broadcast(&a->turn);
}

static void *
work(void *arg)
{
	struct ahead *a = arg;

	pthread_mutex_lock(&a->lock);
	while (!a->stop && a->taken < a->npieces)
		look_through(a);
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* Signals are for the thread that was there before. */
static void
start_threads(struct ahead *a, size_t n)
{
	sigset_t all, was;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	while (a->nthreads < n &&
	    !pthread_create(&a->thread[a->nthreads], NULL, work, a))
		a->nthreads++;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

static size_t
processors(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);

	return n < THREADS_MAX ? (size_t)n : THREADS_MAX;
}

struct ahead *
ahead_new(const struct ahead_want *want)
{
	size_t n = processors();
	struct ahead *a;

	if (n < 2 || want->to < want->from + AHEAD_LEAST)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->want = *want;
	a->npieces = (want->to - want->from + PIECE - 1) / PIECE;
	a->nslots = n * SLOTS_EACH;
	a->slot = xcalloc(a->nslots, sizeof(*a->slot));
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->turn, NULL);
	read_at(a, &a->slot[0], want->from, PIECE);
	match_sample(want->match, buf_view(&a->slot[0].buf));
	for (size_t i = 0; i < a->nslots; i++)
		a->slot[i].run = match_ahead(want->match);
	start_threads(a, n - 1); /* who judges looks through pieces as well */
	if (a->nthreads > 0)
		return a;
	ahead_free(a);
	return NULL;
}

/* The piece that the caller had is free again. */
static void
give_back(struct ahead *a)
{
	if (!a->given)
		return;
	a->slot[a->done++ % a->nslots].found = false;
	a->given = false;
	pthread_cond_broadcast(&a->turn);
}

int
ahead_next(struct ahead *a, struct ahead_piece *out)
{
	struct slot *s;

	pthread_mutex_lock(&a->lock);
	do {
		give_back(a);
		if (a->done == a->npieces) {
			pthread_mutex_unlock(&a->lock);
			return 0;
		}
		s = &a->slot[a->done % a->nslots];
		while (!s->found)
			look_through(a);
		a->given = true;
	} while (s->lines.len == 0 && s->error == 0);
	pthread_mutex_unlock(&a->lock);
	if (s->error < 0)
		return s->error;
	*out = (struct ahead_piece){ s->lines,
	    s->offset + (uint64_t)(s->lines.s - s->buf.p), s->plain ? s->run : NULL };
	return 1;
}

void
ahead_free(struct ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_broadcast(&a->turn);
	pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < a->nthreads; i++)
		pthread_join(a->thread[i], NULL);
	for (size_t i = 0; i < a->nslots; i++) {
		scan_run_free(a->slot[i].run);
		buf_fini(&a->slot[i].buf);
	}
	pthread_cond_destroy(&a->turn);
	pthread_mutex_destroy(&a->lock);
	free(a->slot);
	free(a);
}
