/* SPDX-License-Identifier: GPL-2.0-or-later
 * matchall.c - many filters on one log at once, as the jails of one source.
 *
 *	matchall [-n | -l | -c] CONFIG LOG FILTER...
 *
 * Prints "filter line id" for each failure; -n: every regex on every line; -l: each
 * line is a block of its own, as when a log is followed; -c: by blocks as the daemon
 * reads, and only the number of failures is printed, for measuring. The time it took
 * goes to standard error. For tests: what many filters find together must be what each
 * finds alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "banner/base/buf.h"
#include "banner/conf/conf.h"
#include "banner/core/match.h"

#define NOW INT64_C(1124013600000)

struct run {
	struct str text;
	size_t counted;
	unsigned long line;
};

static void
found(void *arg, const struct failure *f)
{
	struct run *r = arg;
	char ip[ADDR_TEXT];

	for (const char *lf;
	    (lf = memchr(r->text.s + r->counted, '\n', f->at - r->counted)); r->line++)
		r->counted = (size_t)(lf + 1 - r->text.s);
	printf("%s %lu ", (const char *)f->jail, r->line);
	if (f->subject.kind == SUBJECT_ADDR)
		puts(addr_print(&f->subject.addr, ip));
	else
		printf("%.*s\n", (int)f->subject.text.len, f->subject.text.s);
}

static void
read_log(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "r");
	size_t n;

	while (f) {
		buf_reserve(b, 1 << 20);
		n = fread(b->p + b->len, 1, 1 << 20, f);
		if (n == 0)
			break;
		b->len += n;
	}
	if (f)
		fclose(f);
}

static struct rules *
compile(const char *config, char *spec, bool every, struct arena *arena)
{
	struct conf_filter_request q = { .dir = config, .spec = spec, .arena = arena,
		.logtype = "file" };
	struct conf_filter *filter = arena_alloc(arena, sizeof(*filter));
	struct rules_options o = { .filter = filter, .raw = true, .no_literals = every,
		.jail = spec };
	struct rules *rules;
	struct err e;

	if (conf_filter_read(&q, filter, &e) == 0 &&
	    (filter->failregex.n > 0 || filter->parser) &&
	    rules_new(&o, &rules, &e) == 0)
		return rules;
	fprintf(stderr, "%s: %s\n", spec, e.text);
	return NULL;
}

static void
feed_lines(struct match *m, struct run *r)
{
	struct str rest = r->text, line;

	while (rest.s && rest.len > 0 && str_cut(&rest, '\n', &line)) {
		struct block b = { .text = { line.s, line.len + 1 }, .read_ms = NOW,
			.line_ms = -1 };

		r->text = b.text;
		r->counted = 0;
		match_block(m, &b, found, r);
		r->line++;
	}
}

static void
tally(void *arg, const struct failure *f)
{
	++*(size_t *)arg;
}

/* Whole lines of each block; what is left of the last line goes to the next. */
static void
feed_blocks(struct match *m, const char *path)
{
	enum { BLOCK = 256 * 1024 };
	FILE *f = fopen(path, "r");
	char *room = malloc(BLOCK), *end;
	size_t have = 0, n, failures = 0;

	while (f && room && (n = fread(room + have, 1, BLOCK - have, f)) > 0) {
		have += n;
		end = memrchr(room, '\n', have);
		if (!end)
			break;
		n = (size_t)(end + 1 - room);
		struct block b = { .text = { room, n }, .read_ms = NOW, .line_ms = -1 };

		match_block(m, &b, tally, &failures);
		have -= n;
		memmove(room, room + n, have);
	}
	printf("%zu\n", failures);
	if (f)
		fclose(f);
	free(room);
}

int
main(int argc, char **argv)
{
	bool count = argc > 1 && !strcmp(argv[1], "-c");
	bool every = argc > 1 && !strcmp(argv[1], "-n");
	bool lines = argc > 1 && !strcmp(argv[1], "-l");
	char **arg = argv + 1 + (every || lines || count);
	struct arena *arena = arena_new();
	struct rules **rules = calloc((size_t)argc, sizeof(struct rules *));
	struct timespec a, b;
	struct buf log = { 0 };
	struct match *m;
	struct err e;
	size_t n = 0;

	if (argc < 4 + (every || lines || count))
		return 2;
	for (char **spec = arg + 2; *spec; spec++)
		if ((rules[n] = compile(arg[0], *spec, every, arena)))
			n++;
	if (!count)
		read_log(arg[1], &log);
	if (match_new(rules, n, &m, &e) < 0)
		return 1;
	struct run r = { .text = buf_view(&log), .line = 1 };
	struct block blk = { .text = r.text, .read_ms = NOW, .line_ms = -1 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	if (count)
		feed_blocks(m, arg[1]);
	else if (lines)
		feed_lines(m, &r);
	else
		match_block(m, &blk, found, &r);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	fprintf(stderr, "%zu filters, %zu bytes, %.3f s\n", n, log.len,
	    (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
	match_free(m);
	for (size_t i = 0; i < n; i++)
		rules_free(rules[i]);
	free(rules);
	buf_fini(&log);
	arena_free(arena);
	return 0;
}
