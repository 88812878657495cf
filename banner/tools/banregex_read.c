/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_read.c - a log in big blocks, numbered lines out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/base/clock.h"
#include "banner/core/scan_engine.h"
#include "banner/source/ahead.h"
#include "banner/tools/banregex.h"
#include "banner/tools/unpack.h"

enum { BLOCK = 256 * 1024 };

bool
log_is_file(const char *log)
{
	struct stat st;

	return !strcmp(log, "-") || stat(log, &st) == 0;
}

static void
on_failure(void *arg, const struct failure *f)
{
	struct trial *t = arg;

	if (t->reporter->numbers) {
		t->line += lines_choose()((struct str){
		    t->segment + t->counted, f->at - t->counted });
		t->counted = f->at;
	}
	if (t->reporter->failure)
		t->reporter->failure(t, f);
}

static void
on_line(void *arg, struct str line, enum line_verdict verdict, int rule)
{
	struct trial *t = arg;

	t->reporter->line(t, line, verdict, rule);
}

uint64_t
trial_found(struct trial *t, struct scan_run *run, struct str text, uint64_t first)
{
	struct block b = { .text = text, .read_ms = t->now_ms, .line_ms = -1 };
	uint64_t before = rules_stats(t->rules)->lines;

	if (text.len == 0)
		return 0;
	t->segment = text.s;
	t->counted = 0;
	t->line = first;
	if (t->o->journal)
		b.line_ms = t->entry_ms ? t->entry_ms : t->now_ms;
	match_watch_lines(t->match, t->watch, on_line, t);
	if (run)
		match_found(t->match, run, &b, on_failure, t);
	else
		match_block(t->match, &b, on_failure, t);
	return rules_stats(t->rules)->lines - before;
}

static uint64_t
feed_segment(struct trial *t, struct str text, uint64_t first)
{
	return trial_found(t, NULL, text, first);
}

static bool
begins_skipped(char c)
{
	return c == '#' || c == '\n' || c == '\r';
}

/* Bytes side by side, as gcc and clang know them on every machine. */
typedef unsigned char lane __attribute__((vector_size(32)));
enum { LANE = sizeof(lane) };

/* Is an LF followed by what begins a line that is left out? */
__attribute__((always_inline)) static inline bool
look_for_skipped(const char *p, size_t n)
{
	lane found = { 0 };
	size_t i = 0;
	int any = 0;

	for (; i + LANE + 1 <= n; i += LANE) {
		lane v, next;

		memcpy(&v, p + i, LANE);
		memcpy(&next, p + i + 1, LANE);
		found |= (lane)(v == '\n') &
		    ((lane)(next == '#') | (lane)(next == '\n') | (lane)(next == '\r'));
	}
	for (size_t k = 0; k < LANE; k++)
		any |= found[k];
	for (; i + 1 < n && !any; i++)
		any = p[i] == '\n' && begins_skipped(p[i + 1]);
	return any;
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static bool
look_avx2(const char *p, size_t n)
{
	return look_for_skipped(p, n);
}
#endif

static bool
has_skipped(const char *p, size_t n)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("avx2"))
		return look_avx2(p, n);
#endif
	return look_for_skipped(p, n);
}

/* One that is too long covers one of the pieces. */
bool
trial_is_plain(struct str s)
{
	enum { PIECE = LONGEST_LINE / 2 };

	if (begins_skipped(s.s[0]) || has_skipped(s.s, s.len))
		return false;
	for (size_t i = 0; i + PIECE <= s.len; i += PIECE)
		if (!memchr(s.s + i, '\n', PIECE))
			return false;
	return true;
}

/* Comments and empty lines are not lines of a log, but they have numbers. */
static uint64_t
feed_chosen(struct trial *t, struct str text, uint64_t first_line)
{
	struct str rest = text, line, run = { text.s, 0 };
	uint64_t number = first_line, run_first = first_line;

	while (rest.s && rest.len > 0) {
		bool last = !memchr(rest.s, '\n', rest.len);
		const char *start = rest.s;
		size_t whole;

		str_cut(&rest, '\n', &line);
		whole = line.len + !last;
		while (line.len > 0 && line.s[line.len - 1] == '\r')
			line.len--;
		number++;
		if (line.len > 0 && line.s[0] != '#' && line.len <= LONGEST_LINE) {
			run.len += whole;
			continue;
		}
		t->too_long += line.len > LONGEST_LINE;
		feed_segment(t, run, run_first);
		run = (struct str){ start + whole, 0 };
		run_first = number;
	}
	feed_segment(t, run, run_first);
	return number - first_line;
}

uint64_t
trial_feed(struct trial *t, struct str text, uint64_t first_line)
{
	if (text.len == 0)
		return 0;
	return trial_is_plain(text) ? feed_segment(t, text, first_line) :
	    feed_chosen(t, text, first_line);
}

struct reading {
	struct trial *t;
	struct buf buf;
	uint64_t line;		/* number of the first line in buf */
	bool skipping;		/* inside a line that is too long */
	uint64_t bytes, size;
	struct unpack *unpack;	/* NULL: the file is the text */
	bool progress;
	int64_t started_ns;
	double shown_s;		/* since then */
};

static void
show_progress(struct reading *r)
{
	double s;

	if (!r->progress || r->bytes == 0)
		return;
	s = (double)(clock_ns(CLOCK_MONOTONIC) - r->started_ns) / 1e9;
	if (s < r->shown_s + 0.1)
		return;
	r->shown_s = s;
	fprintf(stderr, "\r%3llu %%  %llu matched  %.0f s left  ",
	    (unsigned long long)(r->bytes * 100 / r->size),
	    (unsigned long long)rules_stats(r->t->rules)->matched,
	    s * (double)(r->size - r->bytes) / (double)r->bytes);
}

static void
on_progress(void *arg, uint64_t bytes)
{
	struct reading *r = arg;

	r->bytes = bytes;
	show_progress(r);
}

/* Whole lines go on; a line that does not end within the cap is skipped whole. */
static void
drain(struct reading *r, bool end)
{
	const char *lf = memrchr(r->buf.p, '\n', r->buf.len);
	struct str whole = { r->buf.p, lf ? (size_t)(lf + 1 - r->buf.p) : 0 };

	if (end)
		whole.len = r->buf.len;
	if (r->skipping && whole.len > 0) {
		const char *first = memchr(whole.s, '\n', whole.len);
		size_t n = first ? (size_t)(first + 1 - whole.s) : whole.len;

		whole.s += n;
		whole.len -= n;
		r->line++;
		r->skipping = false;
		r->t->too_long++;
	}
	r->line += trial_feed(r->t, whole, r->line);
	if (whole.s + whole.len > r->buf.p)
		buf_drop(&r->buf, (size_t)(whole.s + whole.len - r->buf.p));
	if (!end && r->buf.len > LONGEST_LINE + 2) {
		r->skipping = true;
		buf_clear(&r->buf);
	}
}

/* As read(2), but -errno; counts the bytes of the file. */
static ssize_t
read_text(struct reading *r, int fd, void *to, size_t n)
{
	ssize_t got;

	if (r->unpack) {
		got = unpack_read(r->unpack, to, n);
		r->bytes = (uint64_t)lseek(fd, 0, SEEK_CUR);
		return got;
	}
	do
		got = read(fd, to, n);
	while (got < 0 && errno == EINTR);
	r->bytes += got > 0 ? (uint64_t)got : 0;
	return got < 0 ? -errno : got;
}

static int
read_all(struct reading *r, int fd)
{
	ssize_t n;

	for (;;) {
		buf_reserve(&r->buf, BLOCK);
		n = read_text(r, fd, r->buf.p + r->buf.len, BLOCK);
		if (n <= 0)
			break;
		r->buf.len += (size_t)n;
		drain(r, false);
		show_progress(r);
	}
	if (r->buf.len > 0 || r->skipping)
		drain(r, true);
	return (int)n;
}

static int
read_failed(const char *path, int code, struct err *e)
{
	return err_set(e, code, "%s: %s", path, code == -EBADMSG ?
	    "what is packed is damaged or ends too early" : strerror(-code));
}

/* A big file is read by several threads, if it is text as it is. 1: not done. */
static int
read_big(struct reading *r, int fd)
{
	if (r->size <= AHEAD_LEAST)
		return 1;
	r->progress = isatty(STDERR_FILENO);
	r->started_ns = clock_ns(CLOCK_MONOTONIC);
	return r->unpack ? 1 :
	    trial_ahead(r->t, &(struct trial_file){ fd, r->size, on_progress, r });
}

static int
read_open(struct reading *r, int fd, const char *path, struct err *e)
{
	struct stat st;
	int rc = 1;

	if (fd > 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		r->size = (uint64_t)st.st_size;
		rc = unpack_open(fd, &r->unpack, e);
		if (rc < 0)
			return err_prefix(e, rc, "%s", path);
		rc = read_big(r, fd);
	}
	if (rc == 1)
		rc = read_all(r, fd);
	return rc < 0 ? read_failed(path, rc, e) : 0;
}

static int
read_file(struct trial *t, const char *path, struct err *e)
{
	struct reading r = { .t = t, .line = 1 };
	int rc, fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : 0;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	rc = read_open(&r, fd, path, e);
	if (r.progress)
		fprintf(stderr, "\r%60s\r", "");
	unpack_close(r.unpack);
	buf_fini(&r.buf);
	if (fd > 0)
		close(fd);
	return rc;
}

int
log_check(const char *log, struct err *e)
{
	struct stat st;

	if (!strcmp(log, "-") || log_is_journal(log))
		return 0;
	if (stat(log, &st) < 0 && (log[0] == '/' || str_starts(str_of(log), "./")) &&
	    !strchr(log, ' '))
		return err_set(e, -ENOENT, "%s: %s", log, strerror(errno));
	if (!log_is_file(log))
		return 0;
	if (S_ISDIR(st.st_mode))
		return err_set(e, -EISDIR, "%s: %s", log, strerror(EISDIR));
	if (access(log, R_OK) < 0)
		return err_set(e, -errno, "%s: %s", log, strerror(errno));
	return 0;
}

int
trial_read(struct trial *t, const char *log, struct err *e)
{
	if (log_is_journal(log))
		return trial_journal(t, e);
	if (log_is_file(log))
		return read_file(t, log, e);
	trial_feed(t, str_of(log), 1);
	return 0;
}
