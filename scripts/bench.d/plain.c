/* SPDX-License-Identifier: GPL-2.0-or-later
 * plain.c - every regex on every line: what a straightforward engine does at least.
 *
 *	plain FILE REGEX...
 *
 * Reads blocks, finds each line, cuts a date of 15 bytes off and runs the regexes (with
 * JIT) until one matches. It reads no date, no address, and counts nothing but matches.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <fcntl.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, REGEXES = 16, DATE = 15 };

struct loop {
	pcre2_code *re[REGEXES];
	int n;
	pcre2_match_data *data;
	pcre2_match_context *context;
	size_t matches;
};

static void
try_line(struct loop *l, const char *s, size_t len)
{
	if (len < DATE)
		return;
	for (int i = 0; i < l->n; i++) {
		if (pcre2_jit_match(l->re[i], (PCRE2_SPTR)s + DATE, len - DATE, 0, 0,
			l->data, l->context) < 0)
			continue;
		l->matches++;
		return;
	}
}

static int
set_up(struct loop *l, int argc, char **argv)
{
	int code;
	size_t at;

	for (int i = 2; i < argc && l->n < REGEXES; i++) {
		l->re[l->n] = pcre2_compile((PCRE2_SPTR)argv[i], PCRE2_ZERO_TERMINATED,
		    0, &code, &at, NULL);
		if (!l->re[l->n] ||
		    pcre2_jit_compile(l->re[l->n++], PCRE2_JIT_COMPLETE) < 0)
			return -1;
	}
	l->data = pcre2_match_data_create(32, NULL);
	l->context = pcre2_match_context_create(NULL);
	return l->data && l->context ? 0 : -1;
}

int
main(int argc, char **argv)
{
	char *block = malloc(BLOCK), *p, *lf;
	int fd = argc > 2 ? open(argv[1], O_RDONLY) : -1;
	struct loop l = { .n = 0 };
	size_t have = 0;
	ssize_t n;

	if (fd < 0 || !block || set_up(&l, argc, argv) < 0)
		return 1;
	while ((n = read(fd, block + have, BLOCK - have)) > 0) {
		have += (size_t)n;
		for (p = block; (lf = memchr(p, '\n', have - (size_t)(p - block)));
		     p = lf + 1)
			try_line(&l, p, (size_t)(lf - p));
		have -= (size_t)(p - block);
		memmove(block, p, have);
	}
	printf("%zu\n", l.matches);
	return 0;
}
