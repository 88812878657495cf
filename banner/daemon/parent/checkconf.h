/* SPDX-License-Identifier: GPL-2.0-or-later
 * checkconf.h - is a configuration right, may it run, and what would be lost by it?
 */
#ifndef BANNER_CHECKCONF_H
#define BANNER_CHECKCONF_H

#include "banner/conf/conf.h"

/* bannerd -t: problems with their places, jails, actions. How many errors. */
size_t	checkconf_report(const struct conf *, struct buf *);
/* "FILE:LINE: error: [JAIL] TEXT", as it is reported and logged; the first of equal
 * ones names all their jails, and false: it is another of them, nothing was written. */
bool	checkconf_problem(const struct conf *, size_t problem, struct buf *);
/* As the engine compiles it; nrules: its failregexes and parser. 0 or -EINVAL. */
int	checkconf_compile(const struct conf_jail *, size_t *nrules, struct err *);

/* checkrun.c. A start: 0, or -EINVAL when no enabled jail can run, or the sandbox that
 * is required cannot be had. */
int	checkconf_start(const struct conf *, struct err *);
/* A reload: also when it would bring an error to all, or to a jail that runs now. */
int	checkconf_reload(const struct conf *now, const struct conf *next, struct err *);

#endif
