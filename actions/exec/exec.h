/* SPDX-License-Identifier: GPL-2.0-or-later
 * exec.h - the parts of the exec action.
 *
 * exec.c: options and the calls of the action; exec_job.c: what is run in which order;
 * exec_text.c: commands with the values of a ban; exec_child.c: one process.
 */
#ifndef BANNER_EXEC_H
#define BANNER_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "banner/action.h"

enum family { INET4, INET6, NFAMILIES };
enum command { CMD_START, CMD_STOP, CMD_FLUSH, CMD_RELOAD, CMD_CHECK, CMD_REPAIR,
	CMD_BAN, CMD_UNBAN, CMD_PROLONG, CMD_REBAN, NCOMMANDS };
enum { WORDS_MAX = 128, OUTPUT_MAX = 2048 };

/* What execve gets: ends with NULL. One piece of memory, for there is one for each ban
 * that waits; free(). */
struct argv {
	size_t n;
	char *v[];
};

struct child {
	pid_t pid;			/* 0: none */
	int epoll, pidfd, pipe, timer;
	bool timed_out;
	size_t nout;
	char out[OUTPUT_MAX + 1]; /* of standard output and error, the first part */
};

enum step { STEP_PROBE, STEP_START, STEP_UNDO, STEP_MAIN, STEP_CHECK, STEP_REPAIR,
	STEP_STOP, STEP_RESTART, STEP_AGAIN };

struct job {
	TAILQ_ENTRY(job) link;
	uint64_t id;
	enum family family;
	enum step step;
	bool start_only, careful, undone, silent;
	bool needless;			/* once all bans end */
	struct argv *main, *undo;	/* NULL: nothing to do */
};
TAILQ_HEAD(jobs, job);

struct exec {
	const struct bn_host *host;
	const char *text[NCOMMANDS][NFAMILIES];	/* the host's; "" = none */
	bool direct[NCOMMANDS];			/* words for execve, not for a shell */
	int timeout_ms;
	bool norestored, on_demand, by_family;	/* by_family: some command differs */
	long long bantime_s;			/* of the jail; -1: for ever */
	bool started[NFAMILIES];
	bool adopted; /* what an earlier process left is still there */
	bool rebuilt; /* by this job: stopped and started, bans lost */
	bool rebuilt_once;
	bool stopping;
	struct jobs jobs;		/* the first one runs */
	struct child child;
};

/* Find the first tag in the text that stands for nothing. */
enum { TAG_MAX = 64 };
bool		 exec_unknown(const char *text, char tag[TAG_MAX]);
/* Does a command of this kind use a tag for which fn is true? */
bool		 exec_uses(const char *text, bool (*fn)(const char *tag));
/* The command for a change (NULL: none: actionstart and the like). NULL when it is
 * empty, has more than WORDS_MAX words or values, or a quote without its pair. */
struct argv	*exec_argv(const struct exec *, enum command, enum family,
		    const struct bn_change *);

int	exec_child_open(struct child *);	/* 0 or -errno */
void	exec_child_close(struct child *);
int	exec_child_start(struct child *, const struct argv *, int timeout_ms);
/* Look after the process; wait_ms < 0: for ever. 1 and *result (0, -EIO: exit code or
 * signal, -ENOENT: no such command, -EACCES: not to be run, -ETIMEDOUT) when it ended,
 * 0 when it runs on. */
int	exec_child_poll(struct child *, int wait_ms, int *result);

void	exec_job_add(struct exec *, struct job *);
void	exec_job_forget(struct exec *, struct job *);	/* without telling */
void	exec_job_cancel(struct exec *, bool all);	/* or the needless ones */
void	exec_job_next(struct exec *);		/* start the first one */
void	exec_job_poll(struct exec *, int wait_ms);
int	exec_run_now(struct exec *, enum command, enum family);	/* waits; 0 or -errno */

#endif
