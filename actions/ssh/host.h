/* SPDX-License-Identifier: GPL-2.0-or-later
 * host.h - one proxy: its connection, its cursor, its news.
 */
#ifndef BANNER_SSH_HOST_H
#define BANNER_SSH_HOST_H

#include <sys/socket.h>

#include "actions/ssh/ssh.h"

enum host_state {
	HOST_WAIT,		/* until retry_at */
	HOST_LOGIN,		/* the carrier connects and logs in */
	HOST_HELLO,		/* the pipe is open, no answer yet */
	HOST_SYNC,		/* the whole set is on its way */
	HOST_UP,
};
enum { LATENCY_BUCKETS = 96 };	/* four per doubling, from 1 us */

struct fail {
	struct bn_addr addr;
	int err;
	char why[80];
};

struct host {
	struct ssh *ssh;
	char *name, *where;		/* as configured; the name or address to connect to */
	int port;
	struct sockaddr_storage addr;	/* of where, when it is known */
	socklen_t addrlen;
	enum host_state state;
	int fd;				/* what the loop watches; -1 */
	uint32_t watched;		/* EPOLL* it is watched for; 0: not at all */
	void *carrier;			/* the carrier's own */
	struct text in, out;
	struct image *image;		/* being sent */
	size_t image_at;
	uint64_t sent, acked;		/* cursors into the log */
	uint64_t generation, sync_seq;	/* of the set that is awaited; what it covers */
	bool again;			/* another set after this one */
	bool exact, exacted, force;	/* the sync removes; it has done so once */
	bool refused;			/* the proxy would not take the set */
	int64_t retry_at, deadline, progress_at, ping_at, heard_at, sync_at;
	int64_t since_ms;		/* wall clock: connected, or lost */
	unsigned tries;			/* failed ones in a row */
	int err;			/* of the last failure; 0: none */
	char error[ERROR_TEXT], trouble[ERROR_TEXT];
	struct fail *fails;
	size_t nfails;
	uint64_t more_fails, in_force, repaired, said, said_window;
	uint32_t latency[LATENCY_BUCKETS];
	uint64_t received;		/* bytes in this window of FLOOD_MS */
	int64_t received_at;
};

void	host_tick(struct host *, int64_t now);
int64_t	host_due(const struct host *);
void	host_event(struct host *);	/* its descriptor is ready */
/* Send what it lacks, as far as it goes now. */
void	host_feed(struct host *);
/* Give the connection up. err < 0, and why. */
void	host_lost(struct host *, int err, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
void	host_close(struct host *);
void	host_resync(struct host *, bool force);
bool	host_has(const struct host *, uint64_t seq);	/* acknowledged */
/* Why it does not have it: "connection refused"; and as errno. */
int	host_err(const struct host *, uint64_t seq);
const struct fail	*host_fail(const struct host *, const struct bn_addr *);
void	host_describe(const struct host *, char *out, size_t size);
uint64_t	host_latency_us(const struct host *, unsigned percent);

/* edge.c: the protocol of banner-edge(7). */
void	edge_hello(struct host *);
void	edge_set(struct host *);		/* S: begin to send the set */
void	edge_op(struct host *, uint64_t seq, const struct op *);
void	edge_ping(struct host *);
int	edge_line(struct host *, char *line);	/* 0, or -errno: give it up */
void	host_acked(struct host *, uint64_t seq);
void	host_synced(struct host *, bool took);

#endif
