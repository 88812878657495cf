/* SPDX-License-Identifier: GPL-2.0-or-later
 * session.h - what one connection has shown so far (F-MLFID).
 *
 * Some programs spread one attempt over several lines that share an id. A struct
 * sessions is one jail's open sessions: the groups seen last, the users tried, the
 * lines collected. At most SESSION_MAX are open; one ends 5 minutes after its first
 * line or when the oldest must make room. Everything in it is copied and capped.
 *
 * F-MLFAHEAD is ours: a failure that has it is counted at once and stands for the next
 * failure of its session too, which then does not count again ("Invalid user x", then
 * "Failed password for invalid user x": one attempt).
 */
#ifndef BANNER_SESSION_H
#define BANNER_SESSION_H

#include "banner/core/capture.h"

struct session;
struct sessions;

enum {
	SESSION_MAX = 100,
	SESSION_TTL_MS = 5 * 60 * 1000,
	SESSION_LINES = 100,		/* of one kind; then the oldest goes */
	SESSION_LINES_BYTES = 64 * 1024,
	SESSION_VALUE = 4096,		/* longer values are not kept (counted) */
	SESSION_KEY = 4096,		/* a longer id opens no session (counted) */
	SESSION_USERS = 8,		/* further ones are not listed (counted) */
};

struct sessions_stats {
	uint64_t expired, evicted;	/* forgotten: 5 minutes, cap */
	uint64_t lines_dropped, values_dropped, users_dropped, keys_refused;
};

struct sessions	*sessions_new(const struct capture_names *);	/* names outlive it */
void		 sessions_free(struct sessions *);
size_t		 sessions_count(const struct sessions *);
const struct sessions_stats	*sessions_stats(const struct sessions *);

/* Merge the groups of one hit with its session (found by c->v[CAP_MLFID]); lines are
 * those of this hit. NULL: no failure, the session waits (or ended). Otherwise the
 * merged session, valid until the next call; its lines may be the ones given here,
 * which are the caller's. */
struct session	*session_merge(struct sessions *, const struct captures *,
		    const struct str *lines, size_t nlines, int64_t now_ms);
/* The failure has no id yet: what follows in this session counts, whatever it is. Its
 * lines are copied. */
void		 session_pending(struct sessions *, struct session *);

const struct captures	*session_captures(const struct session *);
size_t	session_lines(const struct session *, const struct str **);
size_t	session_users(const struct session *, const struct str **);

/* One record per open session, text, one "name length:bytes" item after the other; and
 * back. 0 or -EINVAL. */
typedef void (session_fn)(void *arg, struct str key, struct str record);
void	sessions_each(const struct sessions *, session_fn *, void *arg);
int	sessions_put(struct sessions *, struct str key, struct str record);

#endif
