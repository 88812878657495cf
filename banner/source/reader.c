/* SPDX-License-Identifier: GPL-2.0-or-later
 * reader.c - one open file: its whole lines in blocks, from an offset on.
 *
 * Each read begins PLACE_TAIL bytes before the offset. When these are not the bytes
 * that were there, the file was truncated, even if it has grown past the offset again:
 * one system call both reads and checks.
 */
#include "banner/source/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/clock.h"
#include "banner/source/ahead.h"
#include "banner/source/inner.h"
#include "banner/source/lines.h"

int64_t
reader_birth_ns(int fd)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &sx) < 0 ||
	    !(sx.stx_mask & STATX_BTIME))
		return 0;
	return sx.stx_btime.tv_sec * INT64_C(1000000000) + sx.stx_btime.tv_nsec;
}

/* Of the first line, or of as much of it as is kept. */
static struct str
head_of(struct str text)
{
	struct str line;

	str_cut(&text, '\n', &line);
	if (line.len > READER_HEAD)
		line.len = READER_HEAD;
	return line;
}

static void
keep_head(struct reader *r, struct str text)
{
	struct str head = head_of(text);

	r->head.upto = 0;
	r->head.len = head.len;
	memcpy(r->head.text, head.s, head.len);
}

struct reader *
reader_new(int fd, const struct stat *st)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	char head[READER_HEAD];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	r->fd = fd;
	r->at = (struct place){ .dev = st->st_dev, .ino = st->st_ino,
	    .hash = place_hash("", 0) };
	r->born_ns = reader_birth_ns(fd);
	keep_head(r, (struct str){ head, n > 0 ? (size_t)n : 0 });
	r->quiet_since = clock_ms(CLOCK_MONOTONIC);
	r->more = true;
	r->wd = -1;
	return r;
}

static void
stop_ahead(struct reader *r)
{
	if (!r->ahead)
		return;
	ahead_free(r->ahead);
	r->ahead = NULL;
	r->set->ahead = NULL;
}

void
reader_free(struct reader *r)
{
	if (!r)
		return;
	stop_ahead(r);
	close(r->fd);
	free(r);
}

bool
reader_is(const struct reader *r, const struct stat *st)
{
	return r && r->at.ino == st->st_ino && r->at.dev == st->st_dev;
}

void
reader_renew(struct reader *r, int fd)
{
	close(r->fd);
	r->fd = fd;
}

void
reader_succeeds(struct reader *r, const struct reader_head *before)
{
	r->head = *before;
}

int
reader_seek(struct reader *r, uint64_t off)
{
	int rc = place_hash_at(r->fd, off, &r->at.hash);

	stop_ahead(r);
	if (rc < 0)
		return rc;
	r->at.off = r->scan = r->seen = off;
	r->skipping = false;
	return 0;
}

/* The n bytes at p, which end before + n bytes into what was read, are done with. */
static void
advance(struct reader *r, const char *p, size_t n)
{
	size_t before = r->at.off < PLACE_TAIL ? (size_t)r->at.off : PLACE_TAIL;
	size_t tail = before + n < PLACE_TAIL ? before + n : PLACE_TAIL;

	r->at.off += n;
	r->at.hash = place_hash(p + n - tail, tail);
}

static void
hand_on(struct reader *r, struct source *src, struct str data)
{
	size_t max = (size_t)src->set->opt.max_line_bytes;
	struct str run;

	for (;;) {
		enum lines_kind kind = runs_next(&data, max, &run);

		if (kind == LINES_PART)
			return;
		if (kind == LINES_LONG && run.s[run.len - 1] != '\n') {
			r->skipping = true;
			r->scan = r->at.off + run.len;
			return;
		}
		if (kind == LINES_LONG)
			source_long_line(src, r->at.off);
		else
			source_push(src, &(struct block){ .text = run, .line_ms = -1,
			    .offset = r->at.off, .live = r->at.off >= r->live_from });
		advance(r, run.s, run.len);
	}
}

static enum reader_end
truncated(struct reader *r)
{
	r->more = true;
	return READER_TRUNCATED;
}

/* Look for the end of a line longer than the cap. The place stays at its beginning, so
 * that a restart does not take its rest for a line. */
static enum reader_end
skip_step(struct reader *r, struct source *src)
{
	struct sources *set = src->set;
	struct stat st;
	ssize_t got;
	char *lf;

	if (fstat(r->fd, &st) < 0)
		return READER_FAILED;
	if ((uint64_t)st.st_size < r->scan || !place_fits(r->fd, &r->at))
		return truncated(r);
	got = pread(r->fd, set->buf, set->cap, (off_t)r->scan);
	if (got < 0)
		return READER_FAILED;
	lf = memchr(set->buf, '\n', (size_t)got);
	r->more = got > 0;
	r->scan += lf ? (size_t)(lf + 1 - set->buf) : (size_t)got;
	if (r->seen < r->scan)
		r->seen = r->scan;
	if (!lf)
		return got > 0 ? READER_MORE : READER_EOF;
	source_long_line(src, r->at.off);
	return reader_seek(r, r->scan) < 0 ? truncated(r) : READER_MORE;
}

/* None is too long. */
static bool
is_plain(struct str lines, size_t max)
{
	struct str run;

	return runs_next(&lines, max, &run) == LINES_RUN && lines.len == 0;
}

/* Threads read ahead for one reader at a time; true when it is this one. */
static bool
start_ahead(struct reader *r, struct source *src)
{
	const struct source_host *host = &src->set->host;
	struct ahead_want want = { .fd = r->fd, .from = r->at.off, .to = r->live_from,
		.max_line = (size_t)src->set->opt.max_line_bytes, .plain = is_plain };

	if (r->ahead || src->set->ahead || !host->match || r->at.off < r->alone_to ||
	    r->live_from < r->at.off + AHEAD_LEAST)
		return r->ahead != NULL;
	want.match = r->match = host->match(host->arg, src);
	r->ahead = want.match ? ahead_new(&want) : NULL;
	if (!r->ahead) {
		r->alone_to = r->live_from;
		return false;
	}
	r->set = src->set;
	r->set->ahead = r;
	return true;
}

/* The next piece of the backlog, from the threads. False: it must be read here, for the
 * backlog is over, or a line in this piece is too long or not ended yet. */
static bool
step_ahead(struct reader *r, struct source *src, enum reader_end *end)
{
	struct ahead_piece p;
	int rc;

	if (!start_ahead(r, src))
		return false;
	rc = ahead_next(r->ahead, &p);
	if (rc > 0 && !place_fits(r->fd, &r->at)) {
		stop_ahead(r);
		*end = truncated(r);
		return true;
	}
	if (rc <= 0 || !p.run || p.offset != r->at.off || p.text.len < PLACE_TAIL) {
		r->alone_to = rc > 0 ? p.offset + p.text.len : r->live_from;
		stop_ahead(r);
		return false;
	}
	if (r->seen < p.offset + p.text.len)
		r->seen = p.offset + p.text.len;
	r->quiet_since = clock_ms(CLOCK_MONOTONIC);
	source_push(src, &(struct block){ .text = p.text, .line_ms = -1,
	    .offset = p.offset, .found = p.run, .found_for = r->match });
	advance(r, p.text.s, p.text.len);
	*end = READER_MORE;
	return true;
}

/* A writer without O_APPEND goes on at its old offset after a truncation and leaves a
 * hole of NUL bytes in front. False: no hole. */
static bool
skip_hole(struct reader *r, const char *data, size_t n)
{
	off_t at = (off_t)r->at.off, to = lseek(r->fd, at, SEEK_DATA);
	size_t nul = 0;

	if (to <= at) {
		while (nul < n && data[nul] == '\0')
			nul++;
		to = at + (off_t)nul;
	}
	return to > at && reader_seek(r, (uint64_t)to) == 0;
}

/* The first bytes of a text. If the one before began alike, it was edited or restored:
 * then its lines are as old as they say. It may still be being written. */
static void
begin(struct reader *r, struct str data)
{
	struct str was = { r->head.text, r->head.len }, head = head_of(data);
	uint64_t upto = r->head.upto;
	struct stat st;

	if (head.len == data.len && head.len < was.len)
		return;		/* it may go on */
	if (upto > 0 && was.len > 0 && str_eq(head, was) && fstat(r->fd, &st) == 0) {
		r->live_from = (uint64_t)st.st_size;
		if (r->live_from < upto)
			r->live_from = upto;
	}
	keep_head(r, data);
}

enum reader_end
reader_step(struct reader *r, struct source *src)
{
	struct sources *set = src->set;
	size_t before = r->at.off < PLACE_TAIL ? (size_t)r->at.off : PLACE_TAIL;
	enum reader_end end;
	struct str data;
	ssize_t got;

	if (r->skipping)
		return skip_step(r, src);
	if (step_ahead(r, src, &end))
		return end;
	got = pread(r->fd, set->buf, set->cap, (off_t)(r->at.off - before));
	if (got < 0)
		return READER_FAILED;
	if ((size_t)got < before || place_hash(set->buf, before) != r->at.hash)
		return truncated(r);
	data = (struct str){ set->buf + before, (size_t)got - before };
	if (r->at.off + data.len < r->seen)
		return truncated(r);	/* into the incomplete last line */
	if (r->rewound && data.len > 0 && data.s[0] == '\0' &&
	    skip_hole(r, data.s, data.len))
		return READER_MORE;
	if (r->at.off + data.len > r->seen)
		r->quiet_since = clock_ms(CLOCK_MONOTONIC);
	r->seen = r->at.off + data.len;
	r->rewound &= data.len == 0;
	if (r->at.off == 0 && data.len > 0)
		begin(r, data);
	hand_on(r, src, data);
	r->more = (size_t)got == set->cap || r->skipping;
	return r->more ? READER_MORE : READER_EOF;
}

uint64_t
reader_rewind(struct reader *r)
{
	uint64_t lost = r->seen > r->at.off ? r->seen - r->at.off : 0;

	stop_ahead(r);
	if (r->at.off > 0)
		r->head.upto = r->at.off;
	r->at.off = r->scan = r->seen = r->live_from = 0;
	r->at.hash = place_hash("", 0);
	r->skipping = false;
	r->rewound = r->more = true;
	return lost;
}

void
reader_last_line(struct reader *r, struct source *src)
{
	struct sources *set = src->set;
	size_t max = (size_t)set->opt.max_line_bytes;
	ssize_t got;

	if (r->skipping) {
		source_long_line(src, r->at.off);
		return;
	}
	got = pread(r->fd, set->buf, max, (off_t)r->at.off);
	if (got <= 0)
		return;
	source_push(src, &(struct block){ .text = { set->buf, (size_t)got },
	    .line_ms = -1, .offset = r->at.off, .live = r->at.off >= r->live_from });
	(void)reader_seek(r, r->at.off + (uint64_t)got);
}
