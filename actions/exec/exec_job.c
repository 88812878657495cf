/* SPDX-License-Identifier: GPL-2.0-or-later
 * exec_job.c - what is run in which order, for one ban or its end.
 *
 *	probe	is there what an earlier process started? (actioncheck, once)
 *	start	actionstart, at the first ban of its family
 *	undo	actionunban, before a ban that may be in force already
 *	main	actionban, actionunban, actionprolong
 *
 * Only when main fails: actioncheck; if that fails too, actionrepair, or actionstop and
 * actionstart, and main once again. A stop and start loses the other bans, so the host
 * is told that everything has to be applied again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/exec/exec.h"

static const char *const names[NCOMMANDS] = {
	[CMD_START] = "actionstart", [CMD_STOP] = "actionstop",
	[CMD_FLUSH] = "actionflush", [CMD_RELOAD] = "actionreload",
	[CMD_CHECK] = "actioncheck", [CMD_REPAIR] = "actionrepair",
	[CMD_BAN] = "actionban", [CMD_UNBAN] = "actionunban",
	[CMD_PROLONG] = "actionprolong", [CMD_REBAN] = "actionreban",
};

static void
log_failure(struct exec *x, const char *what, int rc)
{
	char text[OUTPUT_MAX + 160];
	size_t n = x->child.nout;

	while (n > 0 && x->child.out[n - 1] == '\n')
		n--;
	snprintf(text, sizeof(text), "%s failed: %s%s%.*s", what,
	    rc == -ETIMEDOUT ? "timed out, killed" :
	    rc == -EIO ? "exit code or signal" :
	    rc == -ENOENT ? "no such command" : strerror(-rc),
	    n ? "; it said: " : "", (int)n, x->child.out);
	x->host->log(x->host->ctx, BN_ERROR, text);
}

static void
job_free(struct job *j)
{
	free(j->main);
	free(j->undo);
	free(j);
}

static void
finish(struct exec *x, int rc)
{
	struct job *j = TAILQ_FIRST(&x->jobs);
	bool rebuilt = x->rebuilt;

	TAILQ_REMOVE(&x->jobs, j, link);
	x->rebuilt = false;
	/* first, for this one is not lost */
	if (rebuilt)
		x->host->drifted(x->host->ctx);
	if (!j->silent)
		x->host->done(x->host->ctx, j->id, "", rc);
	job_free(j);
}

void
exec_job_forget(struct exec *x, struct job *j)
{
	TAILQ_REMOVE(&x->jobs, j, link);
	job_free(j);
}

void
exec_job_cancel(struct exec *x, bool all)
{
	struct job *j = TAILQ_FIRST(&x->jobs), *next;

	if (j && x->child.pid)
		j = TAILQ_NEXT(j, link);
	for (; j; j = next) {
		next = TAILQ_NEXT(j, link);
		if (!all && !j->needless)
			continue;
		if (!j->silent)
			x->host->done(x->host->ctx, j->id, "", -ECANCELED);
		exec_job_forget(x, j);
	}
}

/* Run a command of the action file. 1: it runs; 0: there is none; -errno. */
static int
run_command(struct exec *x, enum command cmd, enum family f)
{
	struct argv *a = exec_argv(x, cmd, f, NULL);
	int rc;

	if (!a)
		return 0;
	rc = exec_child_start(&x->child, a, x->timeout_ms);
	free(a);
	return rc < 0 ? rc : 1;
}

static int
run_argv(struct exec *x, const struct argv *a)
{
	int rc = a ? exec_child_start(&x->child, a, x->timeout_ms) : 0;

	return rc < 0 ? rc : a != NULL;
}

static int
begin(struct exec *x, struct job *j)
{
	switch (j->step) {
	case STEP_PROBE:
		return run_command(x, CMD_CHECK, j->family);
	case STEP_START:
	case STEP_RESTART:
		return run_command(x, CMD_START, j->family);
	case STEP_UNDO:
		return run_argv(x, j->undo);
	case STEP_MAIN:
	case STEP_AGAIN:
		return run_argv(x, j->main);
	case STEP_CHECK:
		return run_command(x, CMD_CHECK, j->family);
	case STEP_REPAIR:
		return run_command(x, CMD_REPAIR, j->family);
	case STEP_STOP:
		return run_command(x, CMD_STOP, j->family);
	}
	return 0;
}

/* The same command for both families is one start. */
static bool
one_start(const struct exec *x)
{
	return strcmp(x->text[CMD_START][INET4], x->text[CMD_START][INET6]) == 0;
}

static void
set_started(struct exec *x, enum family f)
{
	x->started[f] = true;
	if (one_start(x))
		x->started[INET4] = x->started[INET6] = true;
}

/* All bans are applied again now; those of the other family may still be there. */
static void
set_rebuilt(struct exec *x)
{
	x->rebuilt = x->rebuilt_once = true;
	x->adopted |= !one_start(x);
}

static enum step
after_start(const struct exec *x, const struct job *j)
{
	return j->careful && x->adopted ? STEP_UNDO : STEP_MAIN;
}

/* main failed, and the surroundings are all right: perhaps the ban was there. */
static bool
try_undo(struct job *j)
{
	if (!j->undo || j->undone || !j->careful)
		return false;
	j->undone = true;
	j->step = STEP_UNDO;
	return true;
}

static bool
after_main(struct exec *x, struct job *j, int rc)
{
	log_failure(x, "command", rc);
	if (*x->text[CMD_CHECK][j->family]) {
		j->step = STEP_CHECK;
		return true;
	}
	return try_undo(j);
}

/* What follows when a step ended with rc. True: j->step is next; false: the job ends
 * with *rc. */
static bool
advance(struct exec *x, struct job *j, int *rc)
{
	switch (j->step) {
	case STEP_PROBE:
		if (*rc == 0 && *x->text[CMD_CHECK][j->family]) {
			x->adopted = true;
			set_started(x, j->family);
			j->step = after_start(x, j);
		} else {
			j->step = STEP_START;
		}
		*rc = 0;
		return true;
	case STEP_START:
	case STEP_RESTART:
		if (*rc < 0) {
			log_failure(x, names[CMD_START], *rc);
			return false;
		}
		set_started(x, j->family);
		if (j->step == STEP_RESTART)
			set_rebuilt(x);
		j->step = j->step == STEP_START ? after_start(x, j) : STEP_AGAIN;
		return true;
	case STEP_UNDO:
		*rc = 0;
		j->undone = true;
		j->step = STEP_MAIN;
		return true;
	case STEP_MAIN:
		return *rc < 0 && after_main(x, j, *rc);
	case STEP_CHECK:
		if (*rc == 0) {
			*rc = -EIO;
			return try_undo(j);
		}
		j->step = *x->text[CMD_REPAIR][j->family] ? STEP_REPAIR : STEP_STOP;
		return true;
	case STEP_REPAIR:
		if (*rc == 0)
			set_rebuilt(x);
		j->step = *rc < 0 ? STEP_STOP : STEP_AGAIN;
		return true;
	case STEP_STOP:
		x->started[j->family] = false;
		j->step = STEP_RESTART;
		return true;
	case STEP_AGAIN:
		if (*rc < 0)
			log_failure(x, "command, again,", *rc);
		return false;
	}
	return false;
}

/* Go on with the first job after a step ended with rc. True: a process runs; false:
 * the job is done and gone. */
static bool
carry_on(struct exec *x, struct job *j, int rc)
{
	int running = rc;

	while (running <= 0) {
		rc = running;
		if (!advance(x, j, &rc) ||
		    (j->start_only && (j->step == STEP_MAIN || j->step == STEP_UNDO))) {
			finish(x, rc);
			return false;
		}
		running = begin(x, j);
	}
	return true;
}

void
exec_job_next(struct exec *x)
{
	struct job *j;
	int running;

	while (!x->child.pid && (j = TAILQ_FIRST(&x->jobs))) {
		/* finish() took the last one off the list.
		 * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (j->start_only && x->started[j->family]) {
			finish(x, 0);
			continue;
		}
		j->step = x->started[j->family] ? after_start(x, j) : STEP_PROBE;
		running = begin(x, j);
		if (running > 0 || carry_on(x, j, running))
			return;
	}
}

void
exec_job_add(struct exec *x, struct job *j)
{
	TAILQ_INSERT_TAIL(&x->jobs, j, link);
}

void
exec_job_poll(struct exec *x, int wait_ms)
{
	struct job *j = TAILQ_FIRST(&x->jobs);
	int rc;

	if (exec_child_poll(&x->child, wait_ms, &rc) > 0 && !carry_on(x, j, rc))
		exec_job_next(x);
}

int
exec_run_now(struct exec *x, enum command cmd, enum family f)
{
	int rc = run_command(x, cmd, f);

	if (rc <= 0)
		return rc;
	while (exec_child_poll(&x->child, 1000, &rc) == 0)
		;
	if (rc < 0)
		log_failure(x, names[cmd], rc);
	return rc;
}
