/* SPDX-License-Identifier: GPL-2.0-or-later
 * err.h - the text a human needs when something was refused.
 *
 * Functions that read human input take a struct err and return a negative errno;
 * the caller adds where it happened (file:line:). The struct lives on the
 * caller's stack; nothing to free. A NULL err is allowed: only the code is kept.
 */
#ifndef BANNER_ERR_H
#define BANNER_ERR_H

struct err {
	char text[1024];	/* one line, no newline; longer text ends in "..." */
};

/* Write the text and return code (a negative errno) unchanged, so that
 * "return err_set(e, -EINVAL, ...)" reads as one step. */
int	err_set(struct err *, int code, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* Put "fmt: " in front of the text that is there; returns code. */
int	err_prefix(struct err *, int code, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* Why a change of what is in force failed (err: of errno.h, positive): strerror(), but
 * in the words of an action: EEXIST, somebody else's entry is in the way; ENOSPC, a
 * limit. */
const char	*err_change(int err);

#endif
