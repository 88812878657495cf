/* SPDX-License-Identifier: GPL-2.0-or-later
 * log.c - levels, and the way of a line to the sink.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "banner/base/uncleared.h"
#include "banner/daemon/proc/log.h"

static void
stderr_sink(void *arg, enum log_level level, const char *name, const char *text)
{
	fprintf(stderr, "%s: %s: %s\n", name, log_level_name(level), text);
}

static struct {
	log_sink_fn *sink;
	void *arg;
	enum log_level highest;
} out = { .sink = stderr_sink, .highest = LEVEL_INFO };

static const char *const level_names[] = {
	[LEVEL_CRITICAL] = "CRITICAL",
	[LEVEL_ERROR] = "ERROR",
	[LEVEL_WARNING] = "WARNING",
	[LEVEL_NOTICE] = "NOTICE",
	[LEVEL_INFO] = "INFO",
	[LEVEL_DEBUG] = "DEBUG",
};
enum { LEVELS = sizeof(level_names) / sizeof(level_names[0]) };

void
log_open(log_sink_fn *sink, void *arg, enum log_level highest)
{
	out.sink = sink ? sink : stderr_sink;
	out.arg = arg;
	out.highest = highest;
}

void
log_set_level(enum log_level highest)
{
	out.highest = highest;
}

enum log_level
log_level(void)
{
	return out.highest;
}

bool
log_wants(enum log_level level)
{
	return level <= out.highest;
}

const char *
log_level_name(enum log_level level)
{
	return (unsigned)level < LEVELS ? level_names[level] : "DEBUG";
}

int
log_level_parse(const char *text)
{
	for (int i = 0; i < LEVELS; i++)
		if (!strcasecmp(level_names[i], text))
			return i;
	/* fail2ban's finer debug levels all mean debug here */
	if (!strcasecmp(text, "TRACEDEBUG") || !strcasecmp(text, "HEAVYDEBUG"))
		return LEVEL_DEBUG;
	return -1;
}

static void __attribute__((format(printf, 3, 0)))
log_v(enum log_level level, const char *name, const char *fmt, va_list ap)
{
	char text[LOG_TEXT] UNCLEARED;
	int n;

	if (!log_wants(level))
		return;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n >= (int)sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);
	out.sink(out.arg, level, name, text);
}

#define LOG_BODY(level) \
	do { \
		va_list ap; \
		va_start(ap, fmt); \
		log_v(level, name, fmt, ap); \
		va_end(ap); \
	} while (0)

void
log_line(enum log_level level, const char *name, const char *fmt, ...)
{
	LOG_BODY(level);
}

void
log_text(enum log_level level, const char *name, const char *text)
{
	if (strlen(text) >= LOG_TEXT)
		log_line(level, name, "%s", text);
	else if (log_wants(level))
		out.sink(out.arg, level, name, text);
}

void
log_error(const char *name, const char *fmt, ...)
{
	LOG_BODY(LEVEL_ERROR);
}

void
log_warn(const char *name, const char *fmt, ...)
{
	LOG_BODY(LEVEL_WARNING);
}

void
log_notice(const char *name, const char *fmt, ...)
{
	LOG_BODY(LEVEL_NOTICE);
}

void
log_info(const char *name, const char *fmt, ...)
{
	LOG_BODY(LEVEL_INFO);
}

void
log_debug(const char *name, const char *fmt, ...)
{
	LOG_BODY(LEVEL_DEBUG);
}
