/* SPDX-License-Identifier: GPL-2.0-or-later
 * logsample.h - the ends of logs, looked at with eyes of their own.
 *
 * A filter cannot say what it does not know. So the doctor reads the last 256 KiB of
 * each log and counts, of the lines that the filter has seen since the start or reload,
 * those that speak of failed logins in anybody's words, and compares the files:
 * attempts that two of them hold, or that two filters see in different lines, count
 * twice.
 */
#ifndef BANNER_LOGSAMPLE_H
#define BANNER_LOGSAMPLE_H

#include "banner/base/buf.h"
#include "banner/conf/conf.h"

struct logsample;
struct logsample_sum {
	size_t lines, speaking;	/* of those that the filter has seen */
	uint64_t judged;	/* in: so many of the file's last lines */
};

struct logsample *logsample_new(void);
void logsample_free(struct logsample *);
/* A file of this jail; jail and name are kept. Adds to *sum, and to twice, if another
 * file so far has the same attempts, where they are counted. Files that cannot be read
 * and names that are no path are left out. */
void logsample_file(struct logsample *, const struct conf_jail *, const char *name,
    struct logsample_sum *sum, struct buf *twice);

#endif
