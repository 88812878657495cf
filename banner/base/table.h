/* SPDX-License-Identifier: GPL-2.0-or-later
 * table.h - a hash table from bytes to pointers, and the keyed hash behind it.
 *
 * Keys are hashed with SipHash-2-4 under a random per-process key, so nobody who
 * writes log lines can choose collisions. Open addressing; grown in steps, so no
 * insertion stalls. The table copies keys and does not own values.
 */
#ifndef BANNER_TABLE_H
#define BANNER_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table;

struct table	*table_new(void);
void		 table_free(struct table *);
/* Also frees the values: each is handed to free_value. NULL is allowed. */
void		 table_free_with(struct table *, void (*free_value)(void *));
size_t		 table_count(const struct table *);
/* NULL when it is not there. */
void		*table_find(const struct table *, const void *key, size_t len);
/* Returns the value that was there before, or NULL. value must not be NULL. */
void		*table_set(struct table *, const void *key, size_t len, void *value);
/* Returns the value that was there, or NULL. */
void		*table_del(struct table *, const void *key, size_t len);
/* Visit all; return false from fn to stop. The table must not change meanwhile. */
typedef int (table_fn)(void *arg, const void *key, size_t len, void *value);
void		 table_each(const struct table *, table_fn *, void *arg);

struct hash_key { uint64_t k[2]; };
struct hash128  { uint64_t h[2]; };

void		 hash_key_random(struct hash_key *);	/* getrandom(2) */
/* SipHash-2-4 (Aumasson, Bernstein 2012), 64 and 128 bit results. */
uint64_t	 hash64(const struct hash_key *, const void *, size_t);
struct hash128	 hash128(const struct hash_key *, const void *, size_t);

#endif
