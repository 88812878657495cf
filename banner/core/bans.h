/* SPDX-License-Identifier: GPL-2.0-or-later
 * bans.h - the ban table: who is banned in which jail, and until when.
 *
 * Found by (jail, subject) and by id; two heaps tell which ban ends first and which
 * may be released at the cap (those an administrator asked for may not). Owns the
 * bans and their texts. At most max entries; the caller makes room.
 */
#ifndef BANNER_BANS_H
#define BANNER_BANS_H

#include "banner/base/heap.h"
#include "banner/base/table.h"
#include "banner/core/order.h"
#include "banner/core/track.h"
#include "banner/core/track_index.h"

struct jail;

struct ban_entry {
	struct ban ban;
	struct jail *jail;
	struct heap_node end, victim;
	uint32_t at;		/* in bans.v */
	uint32_t hash;		/* of jail and subject */
	void *attached;		/* the caller's (engine_ban_attached) */
	int64_t applied_ms;	/* acknowledged by an action; 0: not yet */
	int64_t own_until_ms;	/* its end without the block list; 0: none */
	int64_t ahead_ms;	/* its stored times minus these; 0: the same */
	struct track_key key;	/* with mark: its evidence */
	uint32_t mark;
	unsigned hits, leaks; /* failures while banned; of these, dated after applied */
};

struct bans {
	struct hash_key secret;
	struct track_index by_subject, by_id; /* places in v */
	struct heap ends, victims;
	struct ban_entry **v;	/* all, in no order */
	size_t n, cap, max;
};

void	bans_init(struct bans *, size_t max);
void	bans_fini(struct bans *);
struct ban_entry	*bans_find(const struct bans *, const struct jail *,
			    const struct subject *);
struct ban_entry	*bans_by_id(const struct bans *, uint64_t id);
/* Copies the ban. The subject must not be banned in this jail yet. */
struct ban_entry	*bans_add(struct bans *, struct jail *, const struct ban *);
void			 bans_del(struct bans *, struct ban_entry *);	/* frees it */
void			 bans_end(struct bans *, struct ban_entry *, int64_t until_ms);
struct ban_entry *bans_first(const struct bans *); /* ends first, or NULL */
struct ban_entry *bans_victim(const struct bans *); /* to release at the cap */
/* It began in what the clock calls the future: let it begin now, until a step of the
 * clock shows that the stored times were right. */
void bans_hold_back(struct bans *, struct ban_entry *, int64_t ahead_ms);
void			 bans_shift(struct bans *, int64_t delta_ms);

#endif
