/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_ahead.c - a big file, read and looked through by several threads.
 *
 * The file is cut in pieces of equal size; a piece has the lines that begin in it. A
 * thread takes the next piece, reads it and finds the places where something may match.
 * The judging, which has a memory, is done by the caller's thread alone, piece after
 * piece in order: so the result is that of reading line by line.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/core/scan.h"
#include "banner/tools/banregex.h"

enum { PIECE = 256 * 1024, MORE = 4 * 1024, THREADS_MAX = 16, SLOTS_EACH = 4 };

/* A piece on its way: free, being read, or found. */
struct slot {
	struct buf buf;
	struct str lines;
	struct scan_run *run;
	bool found, plain;	/* plain: the run is of these lines */
	int error;
};

struct pool {
	const struct ahead *a;
	pthread_mutex_t lock;
	pthread_cond_t turn;	/* a slot became found, or free */
	struct slot slot[THREADS_MAX * SLOTS_EACH];
	size_t nslots;
	uint64_t npieces, taken, done;	/* pieces: begun by a thread, judged */
	bool stop;
};

/* Up to n bytes at offset behind what is in the slot; how many there were. */
static size_t
read_at(struct pool *p, struct slot *s, uint64_t offset, size_t n)
{
	size_t got = 0;

	if (offset + n > p->a->size)
		n = offset < p->a->size ? (size_t)(p->a->size - offset) : 0;
	buf_reserve(&s->buf, n);
	while (got < n) {
		ssize_t rc = pread(p->a->fd, s->buf.p + s->buf.len, n - got,
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
finish_line(struct pool *p, struct slot *s, uint64_t offset)
{
	size_t start = s->buf.len, from = start, got;
	const char *lf = NULL;

	while (!lf && (got = read_at(p, s, offset, MORE)) > 0) {
		offset += got;
		lf = memchr(s->buf.p + from, '\n', s->buf.len - from);
		if (!lf && s->buf.len - start > 2 * LONGEST_LINE)
			s->buf.len = start + LONGEST_LINE + MORE;
		from = s->buf.len;
	}
	if (lf)
		s->buf.len = (size_t)(lf + 1 - s->buf.p);
}

/* The lines that begin in this piece: the byte before it tells whether one does at
 * its start. */
static void
read_piece(struct pool *p, struct slot *s, uint64_t number)
{
	uint64_t start = number * PIECE;
	size_t before = number > 0, got;
	const char *first;

	buf_clear(&s->buf);
	s->lines = (struct str){ "", 0 };
	got = read_at(p, s, start - before, PIECE + before);
	first = before ? memchr(s->buf.p, '\n', got - (got > 0)) : s->buf.p - 1;
	if (!first || got <= before)
		return;
	before = (size_t)(first + 1 - s->buf.p);
	if (s->buf.p[got - 1] != '\n')
		finish_line(p, s, start - (number > 0) + got);
	s->lines = (struct str){ s->buf.p + before, s->buf.len - before };
}

static void *
work(void *arg)
{
	struct pool *p = arg;

	pthread_mutex_lock(&p->lock);
	while (!p->stop && p->taken < p->npieces) {
		uint64_t number = p->taken;
		struct slot *s = &p->slot[number % p->nslots];

		if (number >= p->done + p->nslots) {
			pthread_cond_wait(&p->turn, &p->lock);
			continue;
		}
		p->taken++;
		pthread_mutex_unlock(&p->lock);
		read_piece(p, s, number);
		s->plain = s->lines.len > 0 && trial_is_plain(s->lines);
		if (s->plain)
			scan_find(s->run, s->lines);
		pthread_mutex_lock(&p->lock);
		s->found = true;
		pthread_cond_broadcast(&p->turn);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int
judge_all(struct pool *p, struct trial *t)
{
	uint64_t line = 1;
	int rc = 0;

	for (uint64_t i = 0; i < p->npieces && rc == 0; i++) {
		struct slot *s = &p->slot[i % p->nslots];

		pthread_mutex_lock(&p->lock);
		while (!s->found)
			pthread_cond_wait(&p->turn, &p->lock);
		pthread_mutex_unlock(&p->lock);
		rc = s->error;
		line += s->plain ? trial_found(t, s->run, s->lines, line) :
		    trial_feed(t, s->lines, line);
		pthread_mutex_lock(&p->lock);
		s->found = false;
		p->done++;
		p->stop = rc < 0;
		pthread_cond_broadcast(&p->turn);
		pthread_mutex_unlock(&p->lock);
		p->a->progress(p->a->arg, p->done * PIECE < p->a->size ?
		    p->done * PIECE : p->a->size);
	}
	return rc;
}

/* What the file is like: its beginning. */
static void
sample(struct pool *p, struct trial *t)
{
	struct slot *s = &p->slot[0];

	read_at(p, s, 0, PIECE);
	match_sample(t->match, buf_view(&s->buf));
	buf_clear(&s->buf);
}

int
trial_ahead(struct trial *t, const struct ahead *a)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread[THREADS_MAX];
	struct pool *p;
	size_t started = 0;
	int rc = 1;

	if (n < 2 || t->o->no_prefilter)
		return 1;
	p = xcalloc(1, sizeof(*p));
	p->a = a;
	p->npieces = (a->size + PIECE - 1) / PIECE;
	n = n < THREADS_MAX ? n : THREADS_MAX;
	p->nslots = (size_t)n * SLOTS_EACH;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->turn, NULL);
	sample(p, t);
	for (size_t i = 0; i < p->nslots; i++)
		p->slot[i].run = match_ahead(t->match);
	while (started < (size_t)n && !pthread_create(&thread[started], NULL, work, p))
		started++;
	if (started > 0)
		rc = judge_all(p, t);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	for (size_t i = 0; i < p->nslots; i++) {
		scan_run_free(p->slot[i].run);
		buf_fini(&p->slot[i].buf);
	}
	pthread_cond_destroy(&p->turn);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return rc;
}
