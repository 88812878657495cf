/* SPDX-License-Identifier: GPL-2.0-or-later
 * proxy.h - the ssh action: one set of bans, many proxies that shall hold it.
 *
 * Every change goes into one log of numbered operations; each host is a cursor into it.
 * A host that connects, or whose cursor fell off the log, gets the whole set. Hosts
 * never wait for each other: a change is told as done when all hosts that answer have
 * it, and the others are named. ssh.c: options and the calls of the action; set.c: the
 * set and the log; loop.c: descriptors and time; host.c: one host's life; edge.c: what
 * is said to banner-edge; iproute.c: to ip(8); carrier.h: the byte pipes.
 */
#ifndef BANNER_SSH_PROXY_H
#define BANNER_SSH_PROXY_H

#include <sys/socket.h>

#include "actions/ssh/set.h"

enum {
	SSH_HOSTS = 1000,	/* hosts of one action */
	LAG_MS = 500,		/* a host that takes longer is named, not waited for */
	FAILS_MAX = 1000,	/* refused bans remembered per host */
	ERROR_TEXT = 200,
	OUT_BYTES = 65536,	/* filled at a time */
	NAME_MS = 20,		/* between looks whether a name is resolved */
};

/* The whole set as lines, shared by the hosts that get it at the same time. */
struct image {
	unsigned users;
	uint64_t seq, count, digest;	/* the log's end and the set when it was made */
	int64_t made_ms;
	struct text text;
};

struct ssh;
struct host;
struct remote_ops;
struct carrier_ops;

struct options {
	const char *user, *key, *agent, *known_hosts, *command, *ssh_options;
	int port;
	int64_t connect_ms, ack_ms, ping_ms;
};

struct ssh {
	const struct bn_host *bn;
	struct options o;
	const struct carrier_ops *carrier;
	const struct remote_ops *remote;
	void *carrier_self;
	struct host *hosts;
	size_t nhosts;
	struct set set;
	struct oplog log;
	struct image *image;	/* the last one made, or NULL */
	bool complete, closing;	/* the set is whole: hosts may remove the rest */
	uint64_t generation;
	int epoll, timer;
};

int64_t	now_ms(void);		/* CLOCK_BOOTTIME */
int64_t	now_us(void);
void	ssh_log(const struct ssh *, enum bn_level, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));
/* Report what all hosts have, or will not have soon. */
void	ssh_tell(struct ssh *);
void		 image_put(struct image *);

/* loop.c */
int	loop_open(struct ssh *);
void	loop_close(struct ssh *);
int	loop_run(struct ssh *);
/* Set the timer to what is due first. */
void	loop_arm(struct ssh *);
/* Watch h->fd for what its carrier wants; fd < 0: no longer. */
void	loop_watch(struct host *);

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
	char *name, *where;		/* as shown; what to connect to */
	int port;
	void *lookup;			/* resolve.c */
	struct sockaddr_storage addr;	/* of where, when it is known */
	socklen_t addrlen;
	enum host_state state;
	int fd;				/* what the loop watches; -1 */
	uint32_t watched;		/* EPOLL* it is watched for; 0: not at all */
	void *carrier;			/* the carrier's own */
	void *batch;			/* of remote_iproute */
	struct text in, out;
	struct image *image;		/* being sent */
	size_t image_at;
	uint64_t sent, acked;		/* cursors into the log */
	uint64_t generation, sync_seq;	/* of the set that is awaited; what it covers */
	bool again;			/* another set after this one */
	uint64_t sync_count;		/* bans in the set that is awaited */
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
void	host_close(struct host *);
void	host_resync(struct host *, bool force);
bool	host_has(const struct host *, uint64_t seq);	/* acknowledged */
/* Why it does not have it: "connection refused"; and as errno. */
int	host_err(const struct host *, uint64_t seq);
const struct fail	*host_fail(const struct host *, const struct bn_addr *);
void	host_describe(const struct host *, char *out, size_t size);
void	host_acked(struct host *, uint64_t seq);
void	host_synced(struct host *, bool took);

#endif
