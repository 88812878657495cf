/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_scan.c - the scan finds every line that holds a literal, with every engine.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "banner/base/buf.h"
#include "banner/core/scan.h"
#include "banner/core/scan_engine.h"

struct seen { struct buf text; size_t lines; };

static void
note(void *arg, struct str line, const uint64_t *rules)
{
	struct seen *s = arg;

	buf_printf(&s->text, "%.*s=%llx;", (int)line.len, line.s,
	    (unsigned long long)rules[0]);
	s->lines++;
}

static void
expect(const char *const *regexes, size_t n, const char *block, const char *found)
{
	struct arena *a = arena_new();
	struct literals *all = xcalloc(n, sizeof(*all));
	struct scan_rule *rules = xcalloc(n, sizeof(*rules));
	struct seen seen = { 0 };
	struct scan_run *run;
	struct scan *sc;

	for (size_t i = 0; i < n; i++) {
		literal_extract(regexes[i], CUT_WORD, a, &all[i]);
		rules[i].sets = &all[i].sets;
	}
	sc = scan_new(rules, n, str_of(""), true);
	arena_free(a);		/* the scan copies what it needs */
	run = scan_run_new(sc);
	scan_find(run, str_of(block));
	assert_int_equal(scan_any(run), *found != '\0');
	assert_int_equal(scan_tell(run, str_of(block), note, &seen),
	    lines_plain(str_of(block)) + (*block && block[strlen(block) - 1] != '\n'));
	assert_string_equal(seen.text.p ? seen.text.p : "", found);
	buf_fini(&seen.text);
	scan_run_free(run);
	scan_free(sc);
	free(all);
	free(rules);
}

static void
test_lines(void **state)
{
	static const char *const two[] = { "Failed password", "Invalid user" };
	static const char *const mixed[] = { "Failed password", "\\d+" };

	(void)state;
	expect(two, 2,
	    "a\nFailed password x\n\nInvalid user, Failed password\nInvalid user",
	    "Failed password x=1;Invalid user, Failed password=3;Invalid user=2;");
	expect(two, 2, "", "");
	expect(two, 2, "\n\n", "");
	expect(two, 2, "see @400000004fb1 there\n", "see @400000004fb1 there=3;");
	expect(mixed, 2, "a\nFailed password", "a=2;Failed password=3;");
}

static void
test_check(void **state)
{
	static const char *const re[] = { "Disconnected.*by authenticating" };

	(void)state;
	/* The second set refuses a line that holds only the first. */
	expect(re, 1,
	    "by authenticating\nDisconnected\nDisconnected by authenticating\n",
	    "Disconnected by authenticating=1;");
}

/* ---- engines against each other ---- */

static void
random_text(struct buf *b, unsigned *seed, size_t len, const char *const *words,
    size_t n)
{
	while (b->len < len) {
		if (rand_r(seed) % 4 == 0)
			buf_puts(b, words[(size_t)rand_r(seed) % n]);
		else
			buf_putc(b, "abcdefgh ABC\n\xff"[rand_r(seed) % 14]);
	}
}

/* Every engine of this machine finds what the plain one does. */
static size_t
compare_engines(const struct teddy_search *plain_search)
{
	struct teddy_search se = *plain_search;
	struct hits plain = { 0 };
	teddy_fn *find;
	size_t n;

	se.out = &plain;
	teddy_plain(&se);
	for (unsigned i = 0; (find = teddy_choose(i)); i++) {
		struct hits hits = { 0 };

		se.out = &hits;
		find(&se);
		assert_int_equal(plain.n, hits.n);
		if (plain.n)
			assert_memory_equal(plain.v, hits.v,
			    plain.n * sizeof(struct hit));
		free(hits.v);
	}
	n = plain.n;
	free(plain.v);
	return n;
}

static void
test_engines(void **state)
{
	static const char *const words[] = { "abc", "hgfedcba", "abcdefgh", "Abcabcab",
		"deafbeef", "faded cafe", "cab", "beaded face", "hh hh hh hh" };
	struct gram_counts *counts = xcalloc(1, sizeof(*counts));
	struct scan_lit lits[9] = { 0 };
	struct teddy t = { 0 };
	uint32_t numbers[9];
	unsigned seed = 7;
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 9; i++) {
		lits[i] = (struct scan_lit){ .s = (const uint8_t *)words[i],
		    .len = (uint32_t)strlen(words[i]), .nocase = i == 6 };
		teddy_add(&t, lits, i, counts);
	}
	for (int round = 0; round < 300; round++) {
		struct buf b = { 0 };

		random_text(&b, &seed, (size_t)rand_r(&seed) % 300, words, 9);
		n += compare_engines(&(struct teddy_search){ &t, lits, buf_view(&b),
		    NULL });
		assert_int_equal(lines_choose()(buf_view(&b)),
		    lines_plain(buf_view(&b)));
		buf_fini(&b);
	}
	assert_true(n > 1000);

	/* Grams: every literal of 8 bytes and more, at every offset. */
	n = 0;
	for (uint32_t i = 0; i < 9; i++)
		if (lits[i].len >= 8)
			numbers[n++] = i;
	struct grams *g = grams_new(lits, numbers, n, counts);
	for (size_t pad = 0; pad < 40; pad++) {
		for (size_t i = 0; i < n; i++) {
			struct hits hits = { 0 };
			struct buf b = { 0 };
			bool found = false;

			for (size_t k = 0; k < pad; k++)
				buf_putc(&b, 'x');
			buf_puts(&b, words[numbers[i]]);
			grams_find(g, lits, buf_view(&b), &hits);
			for (size_t k = 0; k < hits.n; k++)
				found |= hits.v[k].lit == numbers[i] &&
				    hits.v[k].at >= pad && hits.v[k].at < b.len;
			assert_true(found);
			free(hits.v);
			buf_fini(&b);
		}
	}
	grams_free(g);
	free(counts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_engines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
