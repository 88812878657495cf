/* SPDX-License-Identifier: GPL-2.0-or-later
 * session_data.h - the inside of sessions, for session_*.c alone.
 */
#ifndef BANNER_SESSION_DATA_H
#define BANNER_SESSION_DATA_H

#include "banner/base/table.h"
#include "banner/core/session.h"

struct lines {
	struct str *v;		/* each owned */
	size_t n, cap, bytes;
};

/* Memory of a value; it serves the next session as well. */
struct own { char *p; size_t cap; };

struct session {
	struct session *prev, *next;	/* by age; both NULL when not kept */
	struct session *chain;		/* of its bucket, or of the spare ones */
	uint32_t hash;
	struct str key;			/* in own_key */
	int64_t since_ms;
	struct captures groups;		/* values are in own[] */
	struct own own_key, own[CAP_MAX], own_users[SESSION_USERS];
	struct lines matches, nofail;
	const struct str *lent;	/* the lines of this hit alone, borrowed: its failure */
	size_t nlent;
	struct str users[SESSION_USERS];
	size_t nusers;
	bool pending;
};

struct sessions {
	const struct capture_names *names;
	struct hash_key secret;
	struct session **buckets;	/* NULL until there is a session */
	struct session *first, *last;	/* oldest first */
	struct session *ended;		/* just forgotten; until the next call */
	struct session *spare;		/* without values */
	size_t n;
	struct sessions_stats stats;
};

struct session	*session_new(struct sessions *, struct str key, int64_t now_ms);
void		 session_drop(struct sessions *, struct session *);
struct session	*session_find(const struct sessions *, struct str key);
void		 session_keep(struct sessions *, struct session *);
void		 session_set(struct sessions *, struct session *, size_t slot,
		    struct str);
void		 session_user_add(struct sessions *, struct session *, struct str);

void	lines_clear(struct lines *);
void	lines_add(struct lines *, const struct str *, size_t n,
	    struct sessions_stats *);
/* All of from in front of to; from is empty then. */
void	lines_prepend(struct lines *to, struct lines *from, struct sessions_stats *);

#endif
