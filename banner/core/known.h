/* SPDX-License-Identifier: GPL-2.0-or-later
 * known.h - who logged in well from where, and when.
 *
 * An old password in a phone, or a Monday morning behind one address, looks like an
 * attack until one sees that the same accounts log in well from there. A pair of
 * address (IPv6: /64) and account that did so is known for the jail's "known" time; its
 * failures do not count. Other accounts from that address count as ever, so an
 * attacker's own account excuses nothing but itself. Jails with limits so low that only
 * strangers can be meant ("knownhost") spare addresses where anybody logged in well.
 *
 * A table of fixed size; when pairs meet in one place the older is forgotten, and its
 * failures count again until its next login. Pairs are hashed with the caller's key,
 * and kept over a restart as hashes: no name leaves this table.
 */
#ifndef BANNER_KNOWN_H
#define BANNER_KNOWN_H

#include <stdbool.h>

#include "banner/base/table.h"
#include "banner/core/block.h"

struct known;

enum { KNOWN_MAX = 65536 };

/* The key is the caller's and may change until the first login. */
struct known	*known_new(const struct hash_key *);
void		 known_free(struct known *);
void		 known_add(struct known *, const struct failure *);
/* Did this pair log in well within the time before the failure? Did anybody there? */
bool		 known_has(const struct known *, const struct failure *, int64_t ms);
bool		 known_has_host(const struct known *, const struct failure *,
		     int64_t ms);

/* Pairs that are kept, and how many had to make room since the start. */
size_t		 known_count(const struct known *);
uint64_t	 known_forgotten(const struct known *);

/* Records for the store: what changed since the last call, or all. A stored time may be
 * KNOWN_TELL_MS behind. gone: the pair was forgotten. */
enum { KNOWN_TELL_MS = 3600 * 1000 };
struct known_record { uint64_t hash; int64_t when_ms; bool gone; };
typedef void (known_record_fn)(void *arg, const struct known_record *);
void		 known_records(struct known *, bool all, known_record_fn *, void *arg);
void		 known_restore(struct known *, const struct known_record *);

#endif
