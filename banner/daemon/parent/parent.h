/* SPDX-License-Identifier: GPL-2.0-or-later
 * parent.h - inside bannerd: the options, the children, the parts of the parent.
 *
 * Only bannerd's own files include this.
 */
#ifndef BANNER_PARENT_H
#define BANNER_PARENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "banner/base/buf.h"
#include "banner/daemon/parent/logtarget.h"
#include "banner/daemon/proc/image.h"
#include "banner/daemon/proc/wire.h"

struct event;
struct event_base;
struct guardfeed;

struct options {
	const char *dir, *state, *socket; /* state, socket: NULL = configured */
	bool foreground, test, dump, dry_run, expire, force;
	bool background; /* leave the terminal once all is open */
};

enum role { ROLE_STORE, ROLE_ACTOR, ROLE_HELPER, ROLE_ENGINE };
enum { KID_LEVEL = 160 };

/* One child process and what the parent knows of it. */
struct kid {
	struct parent *parent;
	struct kid *next;
	enum role role;
	unsigned number; /* of the actor, in the current configuration */
	char name[40]; /* "banner.actor 2" */
	char *signature; /* actor: what a change of makes it start anew */
	const char *user, *caps;
	pid_t pid; /* 0: not running */
	int sock;
	struct event *reader, *again; /* its records; the timer of a restart */
	struct buf out;
	bool ready, stopping, unwanted;
	bool works; /* stopping: it said so since the last deadline */
	unsigned failures, unanswered; /* crashes in a row; beats without an answer */
	unsigned long restarts;
	int64_t started_ms;
	char level[KID_LEVEL]; /* of its sandbox, as it told */
};

struct parent {
	struct event_base *base;
	const struct options *opt;
	struct image image; /* of conf, without its jails */
	const struct conf *conf;
	struct logtarget *log;
	struct kid *kids;
	struct guardfeed *guard;
	struct event *signals[8], *beat, *deadline, *unconfirmed, *retire;
	unsigned deadlines; /* passed, since the stop or reload began */
	int control, lock, conf_fd; /* listening socket; state lock; packed conf */
	int before_fd; /* the packed conf to go back to unless confirmed, or -1 */
	uint32_t generation; /* of engine starts */
	bool helper; /* some jail needs one */
	bool input; /* a jail reads our standard input */
	bool stopping, reloading, serving;
	bool panic; /* every engine is told to keep nothing in force */
	int panic_fd; /* watches the folder of its file; -1: not */
	struct event *on_panic;
	int status; /* exit code */
};

/* parent.c; the configuration is the parent's then */
int parent_run(const struct options *, struct conf *, struct err *);
/* Read the configuration again and start a new engine with it. 0, or -errno with what
 * is wrong; then nothing has changed. take false: would it be taken? */
int parent_reload(struct parent *, bool take, struct err *);
void parent_kid_ready(struct parent *, struct kid *);
void parent_kid_gone(struct parent *, struct kid *);
/* confirm.c: reload, and go back after so long unless parent_confirm comes. */
int parent_reload_confirm(struct parent *, int64_t ms, struct err *);
int parent_confirm(struct parent *, struct err *);
void parent_confirm_free(struct parent *);
/* panic.c: begin or end it for all engines to come, those of the next bannerd too. On
 * error it is so for this bannerd alone. */
int parent_panic(struct parent *, bool on, struct err *);
/* At the start: does it go on? From then on also when somebody makes its file, which
 * needs no engine. */
void parent_panic_watch(struct parent *);
void parent_panic_unwatch(struct parent *);
/* Run with this configuration, which stays the caller's; old and new engine. */
int parent_take(struct parent *, const struct conf *, struct err *);
/* A request of the engine on behalf of banctl. */
void parent_request(struct parent *, const char *what, struct err *);

/* parent_conf.c: what the options change in a configuration. */
void parent_configure(const struct options *, struct conf *);
/* Pack it for the children; of all of it the parent keeps only the head. */
int parent_conf_take(struct parent *, const struct conf *, struct err *);
/* What reading took goes back to the system, for the parent does little else. */
void parent_conf_drop(struct conf *);
void parent_conf_say(const struct conf *); /* its problems, into the log */
void parent_conf_level(const struct conf *); /* of the log */

/* kids.c */
struct kid *kid_new(struct parent *, enum role, unsigned number);
struct kid *kid_find(struct parent *, enum role, unsigned number);
int kid_start(struct kid *, struct err *);
void kid_again(struct kid *); /* start it later: sooner the better it has served */
void kid_stop(struct kid *); /* asks; gone when the process ended */
void kid_kill(struct kid *, const char *why);
void kid_reaped(struct kid *, int wait_status);
void kid_send(struct kid *); /* what is in out */
int kid_send_socket(struct kid *, const char *peer, uint32_t n, int fd);
void kid_beat(struct kid *);
void kid_remove(struct kid *); /* not running: forget it */
bool kid_runs(const struct kid *);

/* plan.c: which children a configuration needs, and how they are connected */
int plan_kids(struct parent *, struct err *);
int plan_helper(struct parent *, struct err *); /* start one if there is none */
void plan_retire(struct parent *); /* actors not wanted any more clear up and end */
void plan_flush(struct parent *); /* actors take everything out of force */
bool plan_needs_helper(const struct conf *);
void plan_connect_engine(struct parent *);
void plan_connect(struct parent *, struct kid *);

/* trial.c: -EBUSY when fail2ban runs here and neither --dry-run nor --force was given;
 * state and log of a dry run lie beside the real ones. */
int trial_check(const struct options *, struct err *);
void trial_configure(struct conf *);

/* folders.c */
int folders_make(const struct conf *, struct err *);
int folders_lock(const struct conf *, struct err *); /* descriptor or -EBUSY */
/* The control socket; -EBUSY when somebody answers on it. */
int folders_listen(const struct conf *, struct err *);
/* If somebody removed it: another one. */
void folders_listen_again(const struct conf *, int *control);

/* guardfeed.c */
struct guardfeed *guardfeed_new(struct parent *);
void guardfeed_free(struct guardfeed *);
void guardfeed_refresh(struct guardfeed *); /* what changed is sent */
void guardfeed_send(struct guardfeed *, struct kid *); /* all groups */

#endif
