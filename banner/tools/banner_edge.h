/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge.h - the parts of banner-edge, the far end of the ssh action.
 *
 * One process per connection: orders come in on standard input, an action plugin of
 * this machine carries them out, answers go out on standard output (banner-edge(7)).
 * What the controller asks for is held against a policy that it cannot change. Rows
 * are what it asked for; their number is capped by the policy. All times are
 * CLOCK_BOOTTIME in ms, so no step of the wall clock ends or prolongs a ban.
 */
#ifndef BANNER_EDGE_H
#define BANNER_EDGE_H

#include "banner/base/heap.h"
#include "banner/base/table.h"
#include "banner/daemon/actor/plugin.h"

struct actor_outcome;
struct guard;
struct instance;

enum { EDGE_PROTOCOL = 1, EDGE_LINE = 1024, EDGE_OUT = 1 << 20 };

/* /etc/banner/edge.conf, see banner-edge(8). */
struct edge_conf {
	struct arena *arena;
	const char *plugin, *state, *sandbox;
	struct conf_options options;	/* for the plugin: section [action] */
	struct conf_list protect;
	unsigned plen4, plen6;		/* the shortest prefixes that may be banned */
	uint64_t max_bans, rate;	/* bans; new bans a second outside of a sync */
};
/* 0, or -errno with text; a file that others than root may change is refused. */
int	edge_conf_read(struct edge_conf *, const char *path, struct err *);
void	edge_conf_free(struct edge_conf *);
/* Fill the guard: the policy's nets, own addresses, gateways, name servers, and the
 * address that the controller comes from. */
void	edge_conf_guard(const struct edge_conf *, struct guard *);

struct edge_row {
	struct heap_node end;		/* key: when it ends; not in the heap: never */
	struct addr addr;
	uint64_t seq, generation;	/* last change, last sync */
	int err;			/* what the controller was told */
};

/* A set that is arriving: S ... E. */
struct edge_sync {
	bool active, exact, force;
	uint64_t generation, count, digest;
	struct edge_want { struct addr addr; int64_t ttl_ms; } *v;
	size_t n, cap;
	uint64_t sum, bad, refused;	/* digest; unreadable, refused lines */
};

struct edge {
	struct edge_conf conf;
	struct conf_action action;
	struct plugin plugin;
	struct instance *instance;
	struct guard *guard;
	struct table *rows;
	struct heap ends;
	struct buf in, out, note;	/* note: lines for the expiry file */
	bool greeted, eof, bad;
	uint64_t answered, seq;		/* told by OK; of the last change read */
	int64_t heard_ms;
	uint64_t tokens;		/* of the rate, in thousandths */
	int64_t tokens_ms;
	struct edge_sync sync;
	int dir, journal, lock;		/* descriptors of the state folder */
	uint64_t notes;			/* lines in the expiry file */
	int journal_err;
	char boot[40];			/* boot_id of this kernel */
};

int64_t	edge_now(void);
void	edge_say(struct edge *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));

/* banner_edge_rows.c: what is asked for. */
struct edge_row	*edge_row_find(const struct edge *, const struct addr *);
/* Make it wanted; ttl_ms 0: for ever. */
struct edge_row	*edge_row_set(struct edge *, const struct addr *, int64_t ttl_ms,
			    uint64_t seq);
void		 edge_row_end(struct edge *, struct edge_row *);	/* not wanted */
void		 edge_row_forget(struct edge *, struct edge_row *);
/* The policy's word on a prefix; NULL: may be banned. */
const char	*edge_policy(const struct edge *, const struct addr *);
/* End what is due; returns when the next one is, INT64_MAX: never. */
int64_t		 edge_expire(struct edge *);
void		 edge_outcome(void *arg, const struct actor_outcome *);

/* banner_edge_proto.c: lines in e->in become changes and answers. */
void	edge_input(struct edge *);

/* banner_edge_state.c: the expiry file, and one connection at a time. */
int	edge_state_open(struct edge *, bool take_over, struct err *);
void	edge_state_close(struct edge *);
void	edge_state_note(struct edge *, const struct addr *, int64_t until_ms);
void	edge_state_drop(struct edge *, const struct addr *);
void	edge_state_write(struct edge *);	/* what was noted; once per batch */
typedef void (edge_state_fn)(struct edge *, const struct addr *, int64_t until_ms);
int	edge_state_read(struct edge *, edge_state_fn *, struct err *);
int	edge_state_rewrite(struct edge *);	/* the rows, nothing else */

#endif
