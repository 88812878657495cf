/* SPDX-License-Identifier: GPL-2.0-or-later
 * plain.c - every regex on every line: what a straightforward engine does at least.
 *
 *	plain FILE REGEX...
 *
 * Reads blocks, finds each line, reads the time of its date of 15 bytes and cuts it
 * off, and runs the regexes (with JIT) until one matches; then reads the address, its
 * first group. No windows, no bans, no learning.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <arpa/inet.h>
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
	unsigned long sum;		/* of what was read, so that it is read */
};

/* "May  1 00:05:28": seconds of its day. */
static unsigned
read_time(const char *s)
{
	unsigned n[6];

	for (int i = 0; i < 6; i++)
		n[i] = (unsigned)(s[7 + i / 2 * 3 + i % 2] - '0');
	return (n[0] * 10 + n[1]) * 3600 + (n[2] * 10 + n[3]) * 60 + n[4] * 10 + n[5];
}

/* The first group that took part. */
static void
read_address(struct loop *l, const char *s, int groups)
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(l->data);
	unsigned char ip[16] = { 0 };
	char text[64];

	for (int i = 1; i < groups; i++) {
		size_t len = v[2 * i + 1] - v[2 * i];

		if (v[2 * i] == PCRE2_UNSET || len >= sizeof(text))
			continue;
		memcpy(text, s + v[2 * i], len);
		text[len] = '\0';
		if (inet_pton(AF_INET, text, ip) != 1)
			inet_pton(AF_INET6, text, ip);
		l->sum += ip[3];
		return;
	}
}

static void
try_line(struct loop *l, const char *s, size_t len)
{
	if (len < DATE)
		return;
	l->sum += read_time(s);
	for (int i = 0; i < l->n; i++) {
		int groups = pcre2_jit_match(l->re[i], (PCRE2_SPTR)s + DATE, len - DATE,
		    0, 0, l->data, l->context);

		if (groups < 0)
			continue;
		l->matches++;
		read_address(l, s + DATE, groups);
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
	printf("%zu %lu\n", l.matches, l.sum);
	return 0;
}
