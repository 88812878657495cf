/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_heap.c - the heap against a plain search for the smallest.
 */
#include "test/unit/unit.h"

#include "banner/base/heap.h"

struct item {
	int number;
	struct heap_node node;
};

enum { ITEMS = 300 };

static void
check(const struct heap *h, const struct item *items)
{
	const struct heap_node *first = heap_first(h);
	int64_t least = INT64_MAX;
	size_t n = 0;

	for (int i = 0; i < ITEMS; i++) {
		if (items[i].node.at == 0)
			continue;
		n++;
		assert_ptr_equal(h->nodes[items[i].node.at - 1], &items[i].node);
		if (items[i].node.key < least)
			least = items[i].node.key;
	}
	assert_int_equal(h->n, n);
	assert_true(first ? first->key == least : n == 0);
}

static void
random_changes(void **state)
{
	static struct item items[ITEMS];
	struct heap h = { 0 };
	uint64_t seed = 1;

	for (int step = 0; step < 20000; step++) {
		struct heap_node *n = &items[unit_random(&seed) % ITEMS].node;
		int64_t key = (int64_t)(unit_random(&seed) % 200) - 100;

		if (unit_random(&seed) % 3 == 0) {
			heap_del(&h, n);
		} else if (n->at == 0) {
			n->key = key;
			heap_add(&h, n);
		} else {
			heap_move(&h, n, key);
		}
		check(&h, items);
	}
	heap_fini(&h);
	for (int i = 0; i < ITEMS; i++)
		assert_int_equal(items[i].node.at, 0);
}

static void
sorts_and_gives_memory_back(void **state)
{
	struct item *items = calloc(10000, sizeof(*items));
	struct heap h = { 0 };
	int64_t last = INT64_MIN;
	uint64_t seed = 2;

	for (int i = 0; i < 10000; i++) {
		items[i].number = i;
		heap_move(&h, &items[i].node, (int64_t)unit_random(&seed));
	}
	assert_true(h.cap < 15000);
	for (int i = 0; i < 10000; i++) {
		struct heap_node *n = heap_first(&h);
		struct item *it = heap_entry(n, struct item, node);

		assert_ptr_equal(it, &items[it->number]);
		assert_true(n->key >= last);
		last = n->key;
		heap_del(&h, n);
		heap_del(&h, n);
	}
	assert_null(heap_first(&h));
	assert_true(h.cap <= 16);
	heap_fini(&h);
	free(items);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes),
		cmocka_unit_test(sorts_and_gives_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
