/* SPDX-License-Identifier: GPL-2.0-or-later
 * news.h - what the other parts of the engine process tell the control socket.
 *
 * Implemented in control.c and control_watch.c; a header of its own, because stream and
 * relay tell it and control asks them.
 */
#ifndef BANNER_NEWS_H
#define BANNER_NEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control;
struct order;
struct wire_in;

struct control_stats {
	uint64_t requests, changes, refused, dropped;
	size_t clients;
};

/* News that replies wait for. */
void control_committed(struct control *);
void control_applied(struct control *, uint64_t ban);
void control_row(struct control *, struct wire_in *);
void control_row_end(struct control *, uint64_t id);
struct relay_looked;
void control_looked(struct control *, struct relay_looked);
/* A host behind an action, as its plugin describes it. */
struct news_target {
	const char *action, *name, *state;
};
void control_target(struct control *, uint64_t id, const struct news_target *);
void control_target_end(struct control *, uint64_t id);
/* An actor is gone: replies that may wait for its hosts end without them. */
void control_targets_lost(struct control *);

/* What `watch` shows. */
bool control_watched(const struct control *);
struct news_event {
	const char *event;	/* a word that stays: "found", "ban" ... */
	const char *jail, *subject;	/* or "" */
	const char *text;	/* for people */
};
void control_event(struct control *, const struct news_event *);
void control_order(struct control *, const struct order *, const char *subject);

#endif
