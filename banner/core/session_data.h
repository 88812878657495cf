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

struct session {
	struct session *prev, *next;	/* by age; both NULL when not kept */
	struct str key;			/* owned */
	int64_t since_ms;
	struct captures groups;		/* values point to own[] */
	char *own[CAP_MAX];
	struct lines matches, nofail;
	struct str users[SESSION_USERS];	/* owned */
	size_t nusers;
	bool pending;
};

struct sessions {
	const struct capture_names *names;
	struct table *by_key;
	struct session *first, *last;	/* oldest first */
	struct session *ended;		/* just forgotten; until the next call */
	size_t n;
	struct sessions_stats stats;
};

struct session	*session_new(struct str key, int64_t now_ms);
void		 session_free(struct session *);
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
