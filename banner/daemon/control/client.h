/* SPDX-License-Identifier: GPL-2.0-or-later
 * client.h - inside the control socket: one connected client.
 *
 * Shared by control.c (who may, what waits) and client.c (bytes in and out).
 */
#ifndef BANNER_CLIENT_H
#define BANNER_CLIENT_H

#include "banner/daemon/control/request.h"
#include "banner/daemon/engine/news.h"

enum {
	CLIENTS_MAX = 128,
	CLIENTS_OTHERS = 64, /* of these for users other than root */
	CLIENTS_OF_USER = 16, /* and for each of them */
	REQUEST_BYTES = 64 << 10,
	REQUEST_S = 5,
	REPLIES_BYTES = 128 << 20, /* that wait to be read, of all clients */
	WATCH_BYTES = 1 << 20,
	WAIT_MS = 10000,
	PACE_MS = 2 /* of long work, while store and actors have a lot to read */
};

struct event;

struct client {
	struct client *next;
	struct control *control;
	int fd;
	uid_t uid;
	char who[64];
	bool may_change, watching, watch_json, closing;
	bool ended;	/* nothing more is to be read */
	struct event *in, *out_ready, *late; /* late: the request takes too long */
	struct buf inbuf, outbuf;
	struct request *pending; /* its reply comes later */
	uint64_t dropped; /* watch lines it did not take */
	uint64_t turn; /* when a slice or the end of its reply was written, among all */
};

struct control {
	struct engined *d;
	int fd;
	struct event *accept, *patience, *work; /* work: slices of long requests */
	struct client *clients;
	size_t nclients, nwatch;
	uint64_t tickets, turns;
	struct control_stats stats;
};

/* client.c */
struct client *client_new(struct control *, int fd); /* NULL: refused, fd closed */
void client_free(struct client *);
void client_send(struct client *); /* outbuf; may free the client */
/* The reply of a finished request: payload lines, then ok or the error. */
void client_reply(struct client *, struct request *, int rc);
/* Does its request want a slice of work, and is there room for what comes of it? */
bool client_works(const struct client *);

/* control.c */
void control_request(struct client *, struct str line);
void control_broken(struct client *, const char *why);
void control_work(struct control *); /* a request wants to go on */

#endif
