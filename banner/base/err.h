/* SPDX-License-Identifier: GPL-2.0-or-later
 * err.h - the text a human needs when something was refused.
 *
 * Functions that read human input take a struct err and return a negative errno;
 * the caller adds where it happened (file:line:). What it is about is in fields, so
 * that nobody reads the text but a human. The struct lives on the caller's stack;
 * nothing to free. A NULL err is allowed: only the code is kept.
 */
#ifndef BANNER_ERR_H
#define BANNER_ERR_H

#include <stddef.h>

struct err {
	char text[1024];	/* one line, no newline; longer text ends in "..." */
	const char *option;	/* whose value is wrong: outlives this; or NULL */
	size_t number;		/* the entry of a list of values, 1 ..; 0: not known */
	size_t column;		/* in that, from 1; 0: not known */
};

/* Write the text, about nothing yet, and return code (a negative errno) unchanged, so
 * that "return err_set(e, -EINVAL, ...)" reads as one step. */
int	err_set(struct err *, int code, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* Put "fmt: " in front of the text that is there; returns code. */
int	err_prefix(struct err *, int code, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* It is about that option's entry; the text and column stay. Returns code. */
int	err_about(struct err *, int code, const char *option, size_t number);
/* Put "column N: " in front of the text, and keep N. Returns code. */
int	err_column(struct err *, int code, size_t column);

/* Why a change of what is in force failed (err: of errno.h, positive): strerror(), but
 * in the words of an action: EEXIST, somebody else's entry is in the way; ENOSPC, a
 * limit. */
const char	*err_change(int err);

#endif
