/* SPDX-License-Identifier: GPL-2.0-or-later
 * heap.c - what ends first: a binary heap of nodes embedded in their owners.
 */
#include "banner/base/heap.h"

#include <assert.h>
#include <stdlib.h>

#include "banner/base/arena.h"

enum { HEAP_MIN = 16 };

static void
put(struct heap *h, size_t i, struct heap_node *n)
{
	h->nodes[i] = n;
	n->at = i + 1;
}

static void
sift_up(struct heap *h, size_t i, struct heap_node *n)
{
	while (i > 0 && h->nodes[(i - 1) / 2]->key > n->key) {
		put(h, i, h->nodes[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(h, i, n);
}

static void
sift_down(struct heap *h, size_t i, struct heap_node *n)
{
	size_t child;

	while ((child = 2 * i + 1) < h->n) {
		if (child + 1 < h->n &&
		    h->nodes[child + 1]->key < h->nodes[child]->key)
			child++;
		if (h->nodes[child]->key >= n->key)
			break;
		put(h, i, h->nodes[child]);
		i = child;
	}
	put(h, i, n);
}

static void
settle(struct heap *h, size_t i, struct heap_node *n)
{
	if (i > 0 && h->nodes[(i - 1) / 2]->key > n->key)
		sift_up(h, i, n);
	else
		sift_down(h, i, n);
}

static void
resize(struct heap *h, size_t cap)
{
	h->nodes = xrealloc(h->nodes, cap * sizeof(*h->nodes));
	h->cap = cap;
}

void
heap_fini(struct heap *h)
{
	for (size_t i = 0; i < h->n; i++)
		h->nodes[i]->at = 0;
	free(h->nodes);
	*h = (struct heap){ 0 };
}

void
heap_add(struct heap *h, struct heap_node *n)
{
	assert(n->at == 0);
	if (h->n == h->cap)
		resize(h, h->cap ? h->cap + h->cap / 2 : HEAP_MIN);
	sift_up(h, h->n++, n);
}

void
heap_del(struct heap *h, struct heap_node *n)
{
	struct heap_node *last;
	size_t i = n->at - 1;

	if (n->at == 0)
		return;
	assert(i < h->n && h->nodes[i] == n);
	n->at = 0;
	last = h->nodes[--h->n];
	if (last != n)
		settle(h, i, last);
	if (h->cap > HEAP_MIN && h->n < h->cap / 4)
		resize(h, h->cap / 2);
}

void
heap_move(struct heap *h, struct heap_node *n, int64_t key)
{
	n->key = key;
	if (n->at == 0)
		heap_add(h, n);
	else
		settle(h, n->at - 1, n);
}

struct heap_node *
heap_first(const struct heap *h)
{
	return h->n > 0 ? h->nodes[0] : NULL;
}
