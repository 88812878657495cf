/* SPDX-License-Identifier: GPL-2.0-or-later
 * logtarget.h - where the parent writes log lines: a file, a stream, syslog, journal.
 *
 * Files and streams get fail2ban's line: time with milliseconds, name padded to 24,
 * process number, level padded to 7, text. Its recidive filter and many monitors parse
 * exactly this.
 */
#ifndef BANNER_LOGTARGET_H
#define BANNER_LOGTARGET_H

#include "banner/base/err.h"
#include "banner/daemon/proc/log.h"

struct logtarget;

/* spec: a path, STDOUT, STDERR, SYSLOG or SYSTEMD-JOURNAL (conf_daemon.log). The file
 * is made with mode 0640. 0 or -errno with text. */
int logtarget_open(const char *spec, struct logtarget **, struct err *);
/* Open the file again (after rotation); the old one stays in use when that fails. */
int logtarget_reopen(struct logtarget *, struct err *);
const char *logtarget_spec(const struct logtarget *);
void logtarget_free(struct logtarget *);

/* Between true and false, the lines of a file or stream are written together, and with
 * one time. */
void logtarget_gather(struct logtarget *, bool);
/* A log_sink_fn; arg is the struct logtarget. */
void logtarget_write(void *arg, enum log_level, const char *name, const char *text);

#endif
