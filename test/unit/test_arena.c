/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_arena.c - arenas: alignment, zeroes, big pieces; heap memory.
 */
#include "test/unit/unit.h"

#include "banner/base/arena.h"

static void
gives_zeroed_aligned_memory(void **state)
{
	struct arena *a = arena_new();
	static const char zero[3000];
	uint64_t seed = 1;

	for (int i = 0; i < 2000; i++) {
		size_t n = unit_random(&seed) % (i % 50 ? 100 : sizeof(zero));
		char *p = arena_alloc(a, n);

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		assert_memory_equal(p, zero, n);
		memset(p, 0xff, n);
		assert_int_equal(strlen(arena_printf(a, "%*d", (int)(n % 20) + 1, 1)),
		    n % 20 + 1);
	}
	arena_free(a);
	arena_free(NULL);
}

static void
copies_text(void **state)
{
	struct arena *a = arena_new();
	char *big = arena_alloc(a, 100000);

	memset(big, 'x', 99999);
	assert_string_equal(arena_dup(a, (struct str){ "abcdef", 3 }), "abc");
	assert_string_equal(arena_dup(a, (struct str){ NULL, 0 }), "");
	assert_string_equal(arena_strdup(a, "text"), "text");
	assert_null(arena_strdup(a, NULL));
	assert_string_equal(arena_strdup(a, big), big);
	assert_string_equal(arena_printf(a, "%s-%d", "n", 5), "n-5");
	arena_free(a);
}

static void
heap_memory(void **state)
{
	char *p = xstrdup("abc");

	p = xrealloc(p, 100);
	assert_string_equal(p, "abc");
	free(p);
	p = xstrndup("abcdef", 2);
	assert_string_equal(p, "ab");
	free(p);
	p = xcalloc(0, 5);
	assert_non_null(p);
	free(p);
	p = xmalloc(0);
	assert_non_null(p);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_zeroed_aligned_memory),
		cmocka_unit_test(copies_text),
		cmocka_unit_test(heap_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
