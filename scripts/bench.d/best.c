/* SPDX-License-Identifier: GPL-2.0-or-later
 * best.c - literals first, and nothing else: as fast as scanning of this kind can be.
 *
 *	best FILE LITERAL REGEX [LITERAL REGEX]...
 *
 * Reads blocks, counts lines, and looks for the literals, each by its first and last
 * byte, 32 places at a time. Only a line that has one is dated, runs that regex (with
 * JIT), and counts the address in a table. The literals are given, and the date is that
 * of syslog in this year: no choosing, no learning, no encodings, no sessions.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <arpa/inet.h>
#include <fcntl.h>
#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, STEP = 32, RULES = 8, DATE = 15, SLOTS = 1 << 16,
	TIMES = 5 };

typedef uint8_t bytes __attribute__((vector_size(STEP), aligned(1), may_alias));
typedef uint64_t words __attribute__((vector_size(STEP), aligned(1), may_alias));

struct rule {
	const char *literal;
	size_t len;
	pcre2_code *re;
};

struct entry { uint8_t ip[16]; int64_t when_s[TIMES]; unsigned n; };

struct best {
	struct rule rules[RULES];
	int n;
	pcre2_match_data *data;
	pcre2_match_context *context;
	char date[DATE];		/* the last one, and its time */
	int64_t when_s;
	struct entry *table;
	size_t lines, matches;
};

static int64_t
two(const char *s)
{
	return (s[0] == ' ' ? 0 : s[0] - '0') * 10 + s[1] - '0';
}

/* "May  1 00:05:28": seconds since this year began, as if each month had 31 days. */
static int64_t
read_date(struct best *b, const char *s)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t month = 0;

	if (!memcmp(s, b->date, DATE))
		return b->when_s;
	while (month < 11 && memcmp(s, names + 3 * month, 3))
		month++;
	memcpy(b->date, s, DATE);
	b->when_s = (month * 31 + two(s + 4)) * 86400 + two(s + 7) * 3600 +
	    two(s + 10) * 60 + two(s + 13);
	return b->when_s;
}

/* The first group that took part. */
static int
read_address(struct best *b, const char *s, int groups, uint8_t ip[16])
{
	const PCRE2_SIZE *v = pcre2_get_ovector_pointer(b->data);
	char text[64];

	for (int i = 1; i < groups; i++) {
		size_t len = v[2 * i + 1] - v[2 * i];

		if (v[2 * i] == PCRE2_UNSET || len >= sizeof(text))
			continue;
		memcpy(text, s + v[2 * i], len);
		text[len] = '\0';
		return inet_pton(AF_INET, text, ip) == 1 ||
		    inet_pton(AF_INET6, text, ip) == 1;
	}
	return 0;
}

static void
count(struct best *b, const uint8_t ip[16], int64_t when_s)
{
	uint64_t key[2];
	struct entry *e;
	size_t i;

	memcpy(key, ip, sizeof(key));
	i = (key[0] ^ key[1] * 0xD6E8FEB86659FD93u) * 0x9E3779B97F4A7C15u >> 48;
	while ((e = &b->table[i])->n > 0 && memcmp(e->ip, ip, 16))
		i = (i + 1) % SLOTS;
	memcpy(e->ip, ip, 16);
	e->when_s[e->n++ % TIMES] = when_s;
}

static int
try_line(struct best *b, const struct rule *r, const char *s, size_t len)
{
	uint8_t ip[16] = { 0 };
	int64_t when_s;
	int groups;

	if (len < DATE)
		return 0;
	when_s = read_date(b, s);
	groups = pcre2_jit_match(r->re, (PCRE2_SPTR)s + DATE, len - DATE, 0, 0, b->data,
	    b->context);
	if (groups < 0)
		return 0;
	b->matches++;
	if (read_address(b, s + DATE, groups, ip))
		count(b, ip, when_s);
	return 1;
}

/* A literal may stand at text[at]; end: of the last line that matched. */
static void
confirm(struct best *b, const char *text, size_t len, size_t at, size_t *end)
{
	for (int i = 0; i < b->n && at >= *end; i++) {
		const struct rule *r = &b->rules[i];
		const char *from, *lf;

		if (r->len > len - at || memcmp(text + at, r->literal, r->len))
			continue;
		lf = memrchr(text + *end, '\n', at - *end);
		from = lf ? lf + 1 : text + *end;
		lf = memchr(text + at, '\n', len - at);
		if (lf && try_line(b, r, from, (size_t)(lf - from)))
			*end = (size_t)(lf - text) + 1;
	}
}

/* The compiler makes vector code of this with -O3. */
static size_t
newlines(const char *p, size_t n)
{
	size_t found = 0;

	for (size_t at = 0; at < n;) {
		unsigned char part = 0;
		size_t end = n - at > 255 ? at + 255 : n;

		for (; at < end; at++)
			part = (unsigned char)(part + (p[at] == '\n'));
		found += part;
	}
	return found;
}

/* What is behind the block may be read, but holds no line. */
static void
scan(struct best *b, const char *text, size_t len)
{
	size_t end = 0;

	b->lines += newlines(text, len);
	for (size_t at = 0; at < len; at += STEP) {
		bytes hit = { 0 };
		words w;

		for (int i = 0; i < b->n; i++) {
			const struct rule *r = &b->rules[i];
			const char *last = text + at + r->len - 1;

			hit |= (bytes)(*(const bytes *)(text + at) ==
			    (uint8_t)r->literal[0]) & (bytes)(*(const bytes *)last ==
			    (uint8_t)r->literal[r->len - 1]);
		}
		w = (words)hit;
		if (!(w[0] | w[1] | w[2] | w[3]))
			continue;
		for (size_t k = 0; k < STEP && at + k < len; k++) {
			if (w[k / 8] == 0)
				k |= 7;
			else if (hit[k] && at + k >= end)
				confirm(b, text, len, at + k, &end);
		}
	}
}

static int
set_up(struct best *b, int argc, char **argv)
{
	int code;
	size_t at;

	for (int i = 2; i + 1 < argc && b->n < RULES; i += 2) {
		struct rule *r = &b->rules[b->n++];

		r->literal = argv[i];
		r->len = strlen(argv[i]);
		r->re = pcre2_compile((PCRE2_SPTR)argv[i + 1], PCRE2_ZERO_TERMINATED, 0,
		    &code, &at, NULL);
		if (!r->re || pcre2_jit_compile(r->re, PCRE2_JIT_COMPLETE) < 0)
			return -1;
	}
	b->data = pcre2_match_data_create(32, NULL);
	b->context = pcre2_match_context_create(NULL);
	b->table = calloc(SLOTS, sizeof(*b->table));
	return b->data && b->context && b->table ? 0 : -1;
}

int
main(int argc, char **argv)
{
	char *block = calloc(1, BLOCK + 4096), *lf;
	int fd = argc > 3 ? open(argv[1], O_RDONLY) : -1;
	struct best b = { .n = 0 };
	size_t have = 0, whole;
	ssize_t n;

	if (fd < 0 || !block || set_up(&b, argc, argv) < 0)
		return 1;
	while ((n = read(fd, block + have, BLOCK - have)) > 0) {
		have += (size_t)n;
		lf = memrchr(block, '\n', have);
		if (!lf)
			break;
		whole = (size_t)(lf + 1 - block);
		scan(&b, block, whole);
		have -= whole;
		memmove(block, block + whole, have);
	}
	printf("%zu %zu\n", b.lines, b.matches);
	return 0;
}
