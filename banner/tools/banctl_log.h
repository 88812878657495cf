/* SPDX-License-Identifier: GPL-2.0-or-later
 * banctl_log.h - what a log in fail2ban's shape says of jails and addresses.
 */
#ifndef BANNER_BANCTL_LOG_H
#define BANNER_BANCTL_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum said { SAID_FOUND, SAID_IGNORE, SAID_BAN, SAID_UNBAN, SAID_ALREADY };

struct said_event {
	int64_t ms;
	enum said what;
	char *jail, *subject;
	char *rest;		/* what follows the subject */
	bool used;		/* for the caller */
};

struct said_log {
	struct said_event *v;	/* by jail, subject, time */
	size_t n, cap;
	int64_t first_ms, last_ms;	/* of all lines with a time; 0: none */
};

/* Lines of other kinds are skipped. 0 or -errno. */
int	said_read(struct said_log *, const char *path);
void	said_free(struct said_log *);
/* All events of one subject in one jail: the first, and how many. */
struct said_event	*said_of(const struct said_log *, const char *jail,
			    const char *subject, size_t *n);

#endif
