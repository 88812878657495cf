/* SPDX-License-Identifier: GPL-2.0-or-later
 * parent.c - bannerd's own loop: start, signals, reload, end.
 *
 * The parent is the only process that keeps the rights it was started with, so it does
 * little: it reads the configuration, which only the administrator writes, and frames
 * of its own children, which it believes nothing. It opens the log and the control
 * socket, starts the children (plan.c, kids.c) and tells them whom never to ban
 * (guardfeed.c).
 *
 * A reload is a new engine. The new configuration is read and checked first; when it
 * is refused nothing changes. Else the old engine commits and ends, and its end starts
 * the next one with the new image. Clients that connect meanwhile wait in the backlog
 * of the control socket, which belongs to the parent. Actors whose part did not change
 * keep running, and so does the store. A crash of the engine goes the same way.
 *
 * An orderly stop ends the engine first, then store and actors; bans stay in force.
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/daemon/parent/checkconf.h"
#include "banner/daemon/parent/notify.h"
#include "banner/daemon/parent/parent.h"

#define NAME "banner.parent"
/* A child that is to end must say every STOP_S that it is at it; all of them together
 * have STOP_MAX_S, less than systemd gives. */
enum { BEAT_S = 60, STOP_S = 10, STOP_MAX_S = 80, RETIRE_S = 1 };

static void
deadline_begin(struct parent *p)
{
	p->deadlines = 0;
	event_add(p->deadline, &(struct timeval){ STOP_S, 0 });
}

/* A reload brings no error into what runs: 0, or -EINVAL with the first one. */
static int
check_reload(const struct parent *p, const struct conf *next, struct err *e)
{
	struct image now = { 0 };
	int rc = image_open(&now, p->conf_fd, CONF_WHOLE, e);

	if (rc == 0)
		rc = checkconf_reload(now.conf, next, e);
	image_close(&now);
	return rc < 0 ? err_prefix(e, rc, "nothing was changed") : 0;
}

static int
reload(struct parent *p, bool take, struct err *e)
{
	struct conf_request want = { .dir = p->opt->dir };
	struct conf *c;
	int rc;

	if (p->stopping)
		return err_set(e, -EBUSY, "bannerd is stopping");
	rc = conf_read(&want, &c, e);
	if (rc < 0)
		return rc;
	parent_configure(p->opt, c);
	rc = check_reload(p, c, e);
	if (rc == 0 && take)
		rc = parent_take(p, c, e);
	parent_conf_drop(c);
	return rc;
}

int
parent_reload(struct parent *p, bool take, struct err *e)
{
	int rc = reload(p, take, e);

	if (rc < 0 && take)
		log_error(NAME, "reload refused: %s", e->text);
	return rc;
}

static void
say_later(const char *option, bool changed)
{
	if (changed)
		log_warn(NAME, "reload: another %s: that acts at the next start",
		    option);
}

/* What was opened at the start, or belongs to the store, which goes on. */
static void
say_unchanged(const struct conf_daemon *old, const struct conf_daemon *now)
{
	say_later("state", strcmp(old->state, now->state) != 0);
	say_later("socket", strcmp(old->socket, now->socket) != 0);
	say_later("purge_age", old->purge_age_ms != now->purge_age_ms);
}

static void
take_log(struct parent *p)
{
	struct logtarget *next;
	struct err e;

	if (!strcmp(logtarget_spec(p->log), p->conf->daemon.log))
		return;
	if (logtarget_open(p->conf->daemon.log, &next, &e) < 0) {
		log_error(NAME, "%s; the log stays where it is", e.text);
		return;
	}
	log_info(NAME, "the log goes on in %s", p->conf->daemon.log);
	logtarget_gather(p->log, false);
	log_open(logtarget_write, next, LEVEL_INFO);
	logtarget_free(p->log);
	p->log = next;
}

int
parent_take(struct parent *p, const struct conf *c, struct err *e)
{
	struct kid *engine = kid_find(p, ROLE_ENGINE, 0);
	int rc;

	say_unchanged(&p->conf->daemon, &c->daemon);
	rc = parent_conf_take(p, c, e);
	if (rc < 0)
		return rc;
	notify_reloading();
	take_log(p);
	log_info(NAME, "reload: %s", p->opt->dir);
	p->reloading = true;
	parent_conf_level(c);
	parent_conf_say(c);
	if (engine && kid_runs(engine)) {
		kid_stop(engine);
		deadline_begin(p);
	}
	return 0;
}

static void
next_engine(struct parent *p)
{
	struct err e = { "" };

	p->reloading = false;
	evtimer_del(p->deadline);
	evtimer_del(p->retire);
	guardfeed_refresh(p->guard);
	folders_listen_again(p->conf, &p->control);
	if (plan_kids(p, &e) == 0)
		return;
	log_error(NAME, "reload: %s", e.text);
	for (struct kid *k = p->kids; k; k = k->next)
		if (!k->unwanted && !kid_runs(k))
			kid_again(k);
}

static bool
only_engine_gone(struct parent *p)
{
	struct kid *engine = kid_find(p, ROLE_ENGINE, 0);

	return !engine || !kid_runs(engine);
}

static bool
all_gone(struct parent *p)
{
	for (struct kid *k = p->kids; k; k = k->next)
		if (kid_runs(k))
			return false;
	return true;
}

static void
parent_stop(struct parent *p)
{
	struct kid *engine = kid_find(p, ROLE_ENGINE, 0);

	if (!p->stopping) {
		notify_send("STOPPING=1");
		log_info(NAME, "stops; what is banned stays banned");
		deadline_begin(p);
	}
	p->stopping = true;
	if (engine && kid_runs(engine)) {
		kid_stop(engine);
		return;
	}
	plan_retire(p);
	/* each has its time from the end of the one before */
	event_add(p->deadline, &(struct timeval){ STOP_S, 0 });
	for (struct kid *k = p->kids; k; k = k->next)
		kid_stop(k);
	if (all_gone(p))
		event_base_loopbreak(p->base);
}

void
parent_kid_ready(struct parent *p, struct kid *k)
{
	if (k->role != ROLE_ENGINE)
		return;
	notify_send("READY=1\nSTATUS=serving");
	/* the new actors are told everything by now: no door opens */
	if (!evtimer_pending(p->retire, NULL))
		event_add(p->retire, &(struct timeval){ RETIRE_S, 0 });
	if (!p->serving)
		log_info(NAME, "bannerd serves, configuration %s", p->conf->dir);
	p->serving = true;
}

void
parent_kid_gone(struct parent *p, struct kid *k)
{
	if (p->stopping || (p->opt->expire && k->role == ROLE_ENGINE)) {
		parent_stop(p);
		return;
	}
	if (p->reloading && only_engine_gone(p)) {
		next_engine(p);
		return;
	}
	if (k->unwanted && !kid_runs(k))
		kid_remove(k);
}

/* "store 0", "actor 2": it lives, but the line between it and the engine broke. */
static void
connect_again(struct parent *p, const char *peer)
{
	enum role role = !strncmp(peer, "store ", 6) ? ROLE_STORE : ROLE_ACTOR;
	struct kid *k = kid_find(p, role, (unsigned)strtoul(peer + 6, NULL, 10));

	if (k && k->ready)
		plan_connect(p, k);
}

void
parent_request(struct parent *p, const char *what, struct err *e)
{
	struct err reason = { "" };
	int level;

	if (!strcmp(what, "reload") || !strcmp(what, "check")) {
		if (parent_reload(p, what[0] == 'r', &reason) < 0)
			err_set(e, -EINVAL, "%s", reason.text);
	} else if (!strncmp(what, "reload ", 7)) {
		if (parent_reload_confirm(p, strtoll(what + 7, NULL, 10), &reason) < 0)
			err_set(e, -EINVAL, "%s", reason.text);
	} else if (!strcmp(what, "confirm")) {
		if (parent_confirm(p, &reason) < 0)
			err_set(e, -EINVAL, "%s", reason.text);
	} else if (!strcmp(what, "panic") || !strcmp(what, "resume")) {
		if (parent_panic(p, *what == 'p', &reason) < 0)
			err_set(e, -EIO, "%s", reason.text);
	} else if (!strncmp(what, "connect ", 8))
		connect_again(p, what + 8);
	else if (!strcmp(what, "helper")) {
		if (!p->stopping && plan_helper(p, &reason) < 0)
			log_error(NAME, "helper: %s", reason.text);
	} else if (!strcmp(what, "stop"))
		parent_stop(p);
	else if (!strcmp(what, "flushlogs")) {
		if (logtarget_reopen(p->log, &reason) < 0)
			err_set(e, -EIO, "%s", reason.text);
	} else if (!strncmp(what, "loglevel ", 9)) {
		level = log_level_parse(what + 9);
		if (level < 0)
			err_set(e, -EINVAL, "unknown level \"%s\"", what + 9);
		else
			log_set_level((enum log_level)level);
	} else
		err_set(e, -EINVAL, "unknown request");
}

static void
reap(struct parent *p)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct kid *k = p->kids; k; k = k->next)
			if (k->pid == pid) {
				kid_reaped(k, status);
				break;
			}
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct parent *p = arg;
	struct err e;

	switch (sig) {
	case SIGCHLD: reap(p); break;
	case SIGHUP:
		if (parent_reload(p, true, &e) < 0)
			notify_send("READY=1");
		break;
	case SIGUSR1:
		if (logtarget_reopen(p->log, &e) < 0)
			log_error(NAME, "%s", e.text);
		break;
	default: parent_stop(p);
	}
}

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;

	for (struct kid *k = p->kids; k; k = k->next)
		kid_beat(k);
	if (notify_watchdog_ms())
		notify_send("WATCHDOG=1");
}

static void
on_retire(evutil_socket_t fd, short what, void *arg)
{
	plan_retire(arg);
}

/* Who did not end in time is ended. */
static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct parent *p = arg;

	bool patient = p->deadlines++ < STOP_MAX_S / STOP_S, works = false;

	for (struct kid *k = p->kids; k; k = k->next) {
		if (!kid_runs(k) || !k->stopping)
			continue;
		if (!k->works || !patient)
			kid_kill(k, "does not end");
		works |= k->works;
		k->works = false;
	}
	if (works)
		event_add(p->deadline, &(struct timeval){ STOP_S, 0 });
	else if (p->stopping)
		event_add(p->deadline, &(struct timeval){ 2, 0 });
}

static void
watch(struct parent *p)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGUSR1, SIGTERM, SIGINT };
	int64_t every_ms = notify_watchdog_ms();
	struct timeval beat = { BEAT_S, 0 };

	if (every_ms > 0 && every_ms < BEAT_S * MS_PER_S)
		beat =
		    (struct timeval){ every_ms / MS_PER_S, every_ms % MS_PER_S * 1000 };
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);	/* a write that fails is enough */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		p->signals[i] = evsignal_new(p->base, signals[i], on_signal, p);
		event_add(p->signals[i], NULL);
	}
	p->beat = event_new(p->base, -1, EV_PERSIST, on_beat, p);
	event_add(p->beat, &beat);
	p->deadline = evtimer_new(p->base, on_deadline, p);
	p->retire = evtimer_new(p->base, on_retire, p);
}

static void
unwatch(struct parent *p)
{
	for (size_t i = 0; i < sizeof(p->signals) / sizeof(p->signals[0]); i++)
		if (p->signals[i])
			event_free(p->signals[i]);
	event_free(p->beat);
	event_free(p->deadline);
	event_free(p->retire);
}

static int
open_outside(struct parent *p, struct err *e)
{
	int rc = folders_make(p->conf, e);

	if (rc < 0)
		return rc;
	p->lock = folders_lock(p->conf, e);
	if (p->lock < 0)
		return p->lock;
	if (p->opt->expire)
		return 0;
	p->control = folders_listen(p->conf, e);
	return p->control < 0 ? p->control : 0;
}

static void
parent_close(struct parent *p)
{
	if (p->control >= 0) {
		close(p->control);
		unlink(p->conf->daemon.socket);
	}
	if (p->lock >= 0)
		close(p->lock);
	if (p->conf_fd >= 0)
		close(p->conf_fd);
	parent_confirm_free(p);
	while (p->kids)
		kid_remove(p->kids);
	guardfeed_free(p->guard);
	if (p->base) {
		unwatch(p);
		parent_panic_unwatch(p);
		event_base_free(p->base);
	}
}

/* A ban engine without its log is better than none. */
static int
open_log(struct parent *p, struct err *e)
{
	bool away = p->opt->background;
	struct err why;

	if (logtarget_open(p->conf->daemon.log, &p->log, &why) < 0) {
		if (logtarget_open(away ? "SYSLOG" : "STDERR", &p->log, e) < 0)
			return -EIO;
		log_open(logtarget_write, p->log, LEVEL_INFO);
		log_error(NAME, "%s; the log goes to %s", why.text,
		    away ? "syslog" : "standard error");
	}
	log_open(logtarget_write, p->log, LEVEL_INFO);
	parent_conf_level(p->conf);
	return 0;
}

static int
parent_serve(struct parent *p, struct err *e)
{
	int rc;

	/* an event that could not be made would be a process that never wakes up */
	event_set_mem_functions(xmalloc, xrealloc, free);
	p->base = event_base_new();
	if (!p->base)
		return err_set(e, -ENOMEM, "no event loop");
	watch(p);
	log_info(NAME, "bannerd starts, process %ld", (long)getpid());
	parent_conf_say(p->conf);
	parent_panic_watch(p);
	p->guard = guardfeed_new(p);
	rc = plan_kids(p, e);
	if (rc < 0) {
		p->stopping = true;
		for (struct kid *k = p->kids; k; k = k->next)
			if (kid_runs(k))
				kill(k->pid, SIGTERM);
		return rc;
	}
	event_base_dispatch(p->base);
	log_info(NAME, "bannerd ended");
	return p->status;
}

int
parent_run(const struct options *opt, struct conf *c, struct err *e)
{
	struct parent p = {
		.opt = opt, .control = -1, .lock = -1, .conf_fd = -1, .before_fd = -1,
		.panic_fd = -1
	};
	int rc = parent_conf_take(&p, c, e);

	parent_conf_drop(c);
	if (rc == 0)
		rc = trial_check(opt, e);
	if (rc == 0 && opt->dry_run)
		rc = folders_make(p.conf, e); /* the log lies in there */
	if (rc == 0)
		rc = open_log(&p, e);
	if (rc < 0)
		return rc;
	rc = open_outside(&p, e);
	if (opt->expire && rc == -EBUSY) {
		log_info(NAME, "nothing to take out of force: %s", e->text);
		rc = 0;
		goto out;
	}
	/* whoever started us is told what cannot be opened */
	if (rc == 0 && opt->background && p.input)
		rc = err_set(e, -EINVAL, "a jail has backend = stdin, which there is "
		    "with -f alone");
	if (rc == 0 && opt->background && daemon(0, 0) < 0)
		rc = err_set(e, -errno, "background: %s", strerror(errno));
	if (rc == 0)
		rc = parent_serve(&p, e);
	if (rc < 0)
		log_error(NAME, "cannot start: %s", e->text);
out:
	parent_close(&p);
	log_open(NULL, NULL, LEVEL_INFO);
	logtarget_free(p.log);
	image_close(&p.image);
	return rc;
}
