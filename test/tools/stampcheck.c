/* SPDX-License-Identifier: GPL-2.0-or-later
 * stampcheck.c - the date detector on lines from stdin, for comparing it with others.
 *
 * Input, fields between tabs: "new ZONE PATTERN..." makes a detector (ZONE "-": none;
 * no pattern: the defaults); "NOW_MS LINE" dates a line. Each gives one JSON line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/buf.h"
#include "banner/core/stamp.h"

enum { MAX_PATTERNS = 32 };

static struct stamp *
make(struct str rest)
{
	const char *v[MAX_PATTERNS];
	struct conf_list list = { v, 0 };
	struct stamp *st = NULL;
	struct str zone = STR(""), part;
	struct err e;

	str_cut(&rest, '\t', &zone);
	while (list.n < MAX_PATTERNS && str_cut(&rest, '\t', &part))
		v[list.n++] = strndup(part.s, part.len);
	zone.s = strndup(zone.s, zone.len);
	if (stamp_new(&list, strcmp(zone.s, "-") == 0 ? NULL : zone.s, &st, &e) < 0) {
		struct buf b = { 0 };

		buf_json(&b, str_of(e.text));
		printf("{\"error\":%s}\n", b.p);
		buf_fini(&b);
	} else {
		printf("{}\n");
	}
	for (size_t i = 0; i < list.n; i++)
		free((char *)v[i]);
	free((char *)zone.s);
	return st;
}

static void
date(struct stamp *st, int64_t now_ms, struct str line)
{
	struct stamp_hit hit;

	if (!st || !stamp_find(st, line, now_ms, &hit))
		printf("{\"found\":false}\n");
	else if (!hit.has_time)
		printf("{\"found\":true,\"cut\":[%zu,%zu],\"time\":null}\n",
		    hit.cut_start, hit.cut_end);
	else
		printf("{\"found\":true,\"cut\":[%zu,%zu],\"time\":%.6f}\n",
		    hit.cut_start, hit.cut_end, hit.when_s);
}

static void
answer(struct stamp **st, struct str line)
{
	struct str word;
	int64_t now_ms = 0;

	str_cut(&line, '\t', &word);
	if (str_is(word, "new")) {
		stamp_free(*st);
		*st = make(line);
	} else if (str_i64(word, &now_ms) == 0 && line.s) {
		date(*st, now_ms, line);
	} else {
		printf("{\"error\":\"not a command\"}\n");
	}
}

int
main(void)
{
	struct stamp *st = NULL;
	char *text = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&text, &cap, stdin)) > 0) {
		if (text[n - 1] == '\n')
			n--;
		answer(&st, (struct str){ text, (size_t)n });
	}
	stamp_free(st);
	free(text);
	return 0;
}
