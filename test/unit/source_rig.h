/* SPDX-License-Identifier: GPL-2.0-or-later
 * source_rig.h - a temporary folder, a loop and a host that keeps all it is given.
 *
 * Lines are "N TEXT": the rig counts how often each number came, so a test can say
 * that none was missed and none came twice.
 */
#ifndef TEST_SOURCE_RIG_H
#define TEST_SOURCE_RIG_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "banner/base/buf.h"
#include "banner/source/source.h"

enum { RIG_NUMBERS = 200000, RIG_EVENTS = SOURCE_ERROR + 1 };

struct event_base;

struct rig {
	char dir[64];
	struct event_base *base;
	struct sources *set;
	struct sources_options opt;
	struct buf text;		/* everything that was handed on */
	struct buf log;			/* events, one per line: "NAME EVENT DETAIL" */
	struct buf places;		/* "NAME=PLACE\n" for the next start */
	unsigned events[RIG_EVENTS];
	uint8_t seen[RIG_NUMBERS];
	volatile size_t *progress;	/* last number, shared with child processes */
	size_t dead;			/* bytes not live */
	size_t blocks;
	struct str origin;
	int64_t line_ms, linger_ms, now_ms;
	bool with_time;			/* lines begin with a time in ms */
	void *groups[8];		/* of the last block's source */
	size_t ngroups;
	struct source *last;
	struct match *match;		/* for which threads may read ahead */
	size_t found;			/* bytes that threads looked through */
};

int	rig_setup(void **state);
int	rig_teardown(void **state);
void	rig_new(struct rig *);		/* a set, not started */
void	rig_stop(struct rig *);		/* keep the places and free the set */
/* Turn the loop until the text ends so, or fail after 10 s. */
void	rig_until(struct rig *, const char *tail);
void	rig_until_event(struct rig *, enum source_event, unsigned n);
void	rig_run(struct rig *, int ms);
const char	*rig_path(struct rig *, const char *name);	/* in a ring of 8 */
void	rig_write(struct rig *, const char *name, const char *text);	/* append */
void	rig_rename(struct rig *, const char *from, const char *to);
void	rig_remove(struct rig *, const char *name);
const char	*rig_text(struct rig *);
/* Add a glob in the folder with group 1 and start. */
void	rig_follow(struct rig *, const char *glob);
/* Append, and wait until that is the end of what was handed on. */
void	rig_gives(struct rig *, const char *name, const char *text);
/* Follow a file of this text, and wait for it. */
void	rig_start(struct rig *, const char *name, const char *text);
struct source	*rig_source(struct rig *, const char *name);	/* or NULL */
void	rig_each_once(struct rig *, size_t from, size_t to);	/* [from, to) */

#endif
