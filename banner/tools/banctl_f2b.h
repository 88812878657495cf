/* SPDX-License-Identifier: GPL-2.0-or-later
 * banctl_f2b.h - banctl under the name fail2ban-client: its options and its errors.
 *
 * The words go to bannerd as they are; what fail2ban-client answers itself is here.
 */
#ifndef BANNER_BANCTL_F2B_H
#define BANNER_BANCTL_F2B_H

#include "banner/base/str.h"

enum { F2B_ERROR = 255 };

struct f2b {
	const char *socket;	/* in: the default; out: -s */
	const char *dir;	/* -c, or NULL */
	char **words;		/* the command, in argv */
};

/* Take options and what needs no daemon (-t, -d, start, -V). -1: send f->words; else
 * the exit code. */
int	f2b_begin(struct f2b *, char **argv);

/* An error as its log line on standard error; the text of a refusal is printed too. */
void	f2b_refused(struct str code, struct str text);
int	f2b_unreachable(const char *socket, int err);

#endif
