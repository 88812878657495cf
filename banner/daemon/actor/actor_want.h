/* SPDX-License-Identifier: GPL-2.0-or-later
 * actor_want.h - the wanted set of one action instance.
 *
 * A want is one thing that shall be in force, or is: a subject (BN_PER_JAIL: in a
 * jail; event actions: one ban). Its holders are the bans that ask for it; the first
 * adds, the last removes. The set is as large as the ban table, which is capped.
 */
#ifndef BANNER_ACTOR_WANT_H
#define BANNER_ACTOR_WANT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "banner/action.h"
#include "banner/base/table.h"
#include "banner/daemon/proc/wire.h"

/* Captures and evidence of a ban, for plugins that ask for them (BN_FIELDS). */
struct want_fields {
	char *matches;		/* value of the first field */
	struct bn_field v[];	/* ends with a NULL name; texts follow in the block */
};

struct holder {
	uint64_t id, round;
	int64_t since_ms, until_ms;
	uint32_t failures, count;
	unsigned number;	/* the instance it was asked of (shared: several) */
	int told;		/* last outcome reported; 1: none yet */
	bool leaving;		/* unban asked for, not carried out yet */
	bool manual, restored;
	const char *jail;	/* interned in the set */
	struct want_fields *fields;
};

enum want_queue { QUEUE_NONE, QUEUE_DIRTY, QUEUE_FAILED };

/* There may be a million of them: large members first, no gaps. */
struct want {
	TAILQ_ENTRY(want) link;
	struct bn_subject subject;	/* text lies in key */
	struct holder *holders;
	uint64_t op;			/* id of the change in flight */
	int64_t applied_ms;
	uint32_t nholders;
	enum want_queue queue;
	enum bn_verb verb;		/* of the change in flight, or the last one */
	int err;			/* of the last try */
	unsigned tries;			/* failed ones in a row */
	bool in_force, busy, refused, listed, prolong, repair;
	bool unsure;		/* an add failed: it may be there nevertheless */
	uint16_t keylen;
	char key[];
};
TAILQ_HEAD(want_list, want);

struct wants {
	struct table *table, *ids, *jails;
	struct want_list dirty, failed;
	uint64_t nin_force, nfailed, nrefused;
};

void		 wants_init(struct wants *);
void		 wants_fini(struct wants *);
/* The key of a subject: jail "" = for all jails; id 0 = not an event. NULL when a text
 * holds a NUL or is too long. create false: NULL when absent. */
struct want_name { struct bn_subject subject; const char *jail; uint64_t id; };
struct want	*wants_get(struct wants *, const struct want_name *, bool create);
struct want	*wants_by_id(const struct wants *, uint64_t ban);
void		 wants_queue(struct wants *, struct want *, enum want_queue);
void wants_drop(struct wants *, struct want *); /* forgets and frees it */
const char	*wants_jail(struct wants *, const char *);	/* interned */

struct holder	*want_holder(const struct want *, uint64_t ban);
struct holder	*want_hold(struct wants *, struct want *, uint64_t ban);
void		 want_leave(struct wants *, struct want *, struct holder *);
/* Does any ban that is not leaving ask for it? */
bool		 want_needed(const struct want *);
/* Holder that stands for the want in a change: the first that stays, else the first;
 * NULL without any. */
const struct holder	*want_first(const struct want *);
int64_t want_until(const struct want *); /* the latest end; 0: for ever */

struct want_fields	*want_fields_new(const struct wire_ban *);
void want_fields_trim(struct want_fields *); /* drops matches */
void want_fields_free(struct want_fields *); /* NULL: nothing */

#endif
