/* SPDX-License-Identifier: GPL-2.0-or-later
 * helper.h - one question to the outside: names, or an ignorecommand.
 *
 * Asked in a process of its own, which may block and is killed after HELPER_MS. Text
 * of log lines never becomes program text: it reaches a shell in environment variables
 * only.
 */
#ifndef BANNER_HELPER_H
#define BANNER_HELPER_H

#include <stdbool.h>

#include "banner/base/addr.h"
#include "banner/base/buf.h"
#include "banner/base/str.h"

enum { HELPER_MS = 20000, HELPER_TAGS = 40, HELPER_JOBS = 16 };

struct helper_tag {
	const char *name;
	struct str value;
};

struct helper_question {
	const char *names; /* host names between blanks; "" none */
	const char *command; /* "" none */
	struct helper_tag tags[HELPER_TAGS];
	size_t ntags;
};

/* The addresses of a host name, each once, at most max. Blocks. */
size_t helper_lookup(const char *name, struct addr *, size_t max);
/* Does one of the names stand for the address of tag "ip"? Blocks. */
bool helper_names(const struct helper_question *);
/* The command as a shell gets it: <tag> replaced by its value where that is harmless
 * (letters, digits, . : _ / @ -, not leading), else by a variable that setenv sets. */
void helper_command(const struct helper_question *, struct buf *, bool setenv);

#endif
