/* SPDX-License-Identifier: GPL-2.0-or-later
 * patterncheck.c - a regex on a text, for comparing the translation with Python.
 *
 * Input: "FLAGS REGEX TEXT" between tabs, regex and text in hexadecimal. Output: the
 * spans of all groups ("0-3 -"), "no", "limit" or "error" with the reason.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/pattern.h"

static char *
unhex(struct str s, size_t *len)
{
	char *out = xcalloc(s.len / 2 + 1, 1), pair[3] = "";

	for (size_t i = 0; i + 1 < s.len; i += 2) {
		memcpy(pair, s.s + i, 2);
		out[i / 2] = (char)strtoul(pair, NULL, 16);
	}
	*len = s.len / 2;
	return out;
}

static void
print_spans(const struct pattern_run *run, const struct pattern *p)
{
	size_t from, to;

	for (unsigned g = 0; g <= pattern_groups(p); g++)
		if (pattern_span(run, g, &from, &to))
			printf("%s%zu-%zu", g ? " " : "", from, to);
		else
			printf("%s-", g ? " " : "");
	printf("\n");
}

static void
check(struct pattern_run *run, struct str line)
{
	struct str flags, regex, text;
	struct pattern *p = NULL;
	struct err e;
	size_t len, n;
	char *r, *s;
	bool ascii = true;

	if (!str_cut(&line, '\t', &flags) || !str_cut(&line, '\t', &regex) ||
	    !str_cut(&line, '\t', &text))
		return;
	r = unhex(regex, &n);
	s = unhex(text, &len);
	for (size_t i = 0; i < len; i++)
		ascii = ascii && !(s[i] & 0x80);
	if (pattern_new(r, (unsigned)strtoul(flags.s, NULL, 10), &p, &e) < 0) {
		printf("error %s\n", e.text);
	} else {
		switch (pattern_search(run, p, (struct str){ s, len }, 0, ascii)) {
		case PATTERN_NO: printf("no\n"); break;
		case PATTERN_YES: print_spans(run, p); break;
		case PATTERN_LIMIT: printf("limit\n"); break;
		case PATTERN_ERROR: printf("error in search\n"); break;
		}
		pattern_free(p);
	}
	free(r);
	free(s);
}

int
main(void)
{
	struct pattern_run *run = pattern_run_new();
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		if (line[n - 1] == '\n')
			n--;
		check(run, (struct str){ line, (size_t)n });
	}
	pattern_run_free(run);
	free(line);
	return 0;
}
