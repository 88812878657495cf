/* SPDX-License-Identifier: GPL-2.0-or-later
 * seek.c - where a first read of a log begins: by the time in its lines.
 */
#include "banner/source/seek.h"

#include <string.h>
#include <unistd.h>

#include "banner/source/inner.h"

enum { SEEK_NEAR = 16 << 10, SEEK_LINES = 200 };

/* Time of the first dated line that begins after off, and where it begins; -1: none
 * within one read. */
static int64_t
first_time(struct source *src, int fd, uint64_t off, uint64_t *begin)
{
	const struct source_host *host = &src->set->host;
	struct str rest, line;
	ssize_t got = pread(fd, src->set->buf, READ_BYTES, (off_t)off);

	if (got <= 0)
		return -1;
	rest = (struct str){ src->set->buf, (size_t)got };
	if (off > 0)
		str_cut(&rest, '\n', &line);
	for (int i = 0; i < SEEK_LINES && str_cut(&rest, '\n', &line); i++) {
		int64_t t;

		if (!rest.s)
			return -1;	/* incomplete */
		if (line.len > src->set->opt.max_line_bytes)
			continue;
		t = host->line_time(host->arg, src, line);
		*begin = off + (uint64_t)(line.s - src->set->buf);
		if (t >= 0)
			return t;
	}
	return -1;
}

uint64_t
seek_time(struct source *src, int fd, uint64_t size, int64_t since_ms)
{
	uint64_t lo = 0, hi = size, begin = 0;

	if (!src->set->host.line_time)
		return 0;
	/* lo is always the beginning of a line; the line there is older, or it is 0. */
	while (hi - lo > SEEK_NEAR) {
		uint64_t mid = lo + (hi - lo) / 2;
		int64_t t = first_time(src, fd, mid, &begin);

		if (t >= 0 && t < since_ms && begin < hi && begin > lo)
			lo = begin;
		else
			hi = mid;
	}
	return lo;
}
