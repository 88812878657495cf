/* SPDX-License-Identifier: GPL-2.0-or-later
 * heap.h - what ends first: a binary heap of nodes embedded in their owners.
 *
 * The heap never owns a node. A node is in at most one heap; node.at is 0 when it
 * is in none (so zero-initialised is right).
 */
#ifndef BANNER_HEAP_H
#define BANNER_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;		/* smallest first; usually a time in ms */
	size_t at;		/* position + 1; the heap's own */
};

struct heap {
	struct heap_node **nodes;
	size_t n, cap;
};

void			 heap_fini(struct heap *);
void			 heap_add(struct heap *, struct heap_node *);
/* Not in it: nothing happens. */
void			 heap_del(struct heap *, struct heap_node *);
/* Give it another key; not in it: added. */
void			 heap_move(struct heap *, struct heap_node *, int64_t key);
/* NULL when empty. */
struct heap_node	*heap_first(const struct heap *);

#define heap_entry(node, type, member) \
	((type *)(void *)((char *)(node) - offsetof(type, member)))

#endif
