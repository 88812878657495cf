/* SPDX-License-Identifier: GPL-2.0-or-later
 * log.h - one line of text with a level and a name, handed to one sink.
 *
 * The parent's sink writes to the log target; the sink of every other process sends
 * the line to the parent (child.h). Names are what stands in the log: "banner.store",
 * or fail2ban's own for the lines that its recidive filter and monitors parse. Text
 * from outside must be made safe by the caller (buf_safe). Level and sink are the
 * only state. Lines longer than LOG_TEXT end in "...".
 */
#ifndef BANNER_LOG_H
#define BANNER_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* Numbers are on the wire (WIRE_LOG). */
enum log_level {
	LEVEL_CRITICAL,
	LEVEL_ERROR,
	LEVEL_WARNING,
	LEVEL_NOTICE,
	LEVEL_INFO,
	LEVEL_DEBUG
};
enum { LOG_TEXT = 4096 };

typedef void(log_sink_fn)(
    void *arg, enum log_level, const char *name, const char *text);

/* Before it is called lines go to standard error. */
void log_open(log_sink_fn *, void *arg, enum log_level highest);
void log_set_level(enum log_level highest);
bool log_wants(enum log_level);
enum log_level log_level(void); /* the highest that is written */
/* The name of a level as in fail2ban ("NOTICE"), and back; -1: unknown. */
const char *log_level_name(enum log_level);
int log_level_parse(const char *);

void log_line(enum log_level, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void log_text(enum log_level, const char *name, const char *text);
void
log_error(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void
log_warn(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_notice(const char *name, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void
log_info(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void
log_debug(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
