/* SPDX-License-Identifier: GPL-2.0-or-later
 * logtarget.c - writing log lines, each with one system call unless many come at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/base/units.h"
#include "banner/daemon/parent/logtarget.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum target { TARGET_FILE, TARGET_STREAM, TARGET_SYSLOG, TARGET_JOURNAL };

struct logtarget {
	enum target target;
	char *spec;
	int fd;
	bool owned, gathers;
	struct buf line; /* or several */
	uint64_t lost; /* lines that could not be written, not yet told */
	int why; /* errno of that */
	bool torn; /* the last line in the file lacks its end */
	bool stamped; /* what follows holds for all lines that are gathered */
	char when[UNITS_TEXT + 24], process[32];
};

enum { GATHER_BYTES = 64 * 1024, NAME_WIDTH = 24, LEVEL_WIDTH = 8 };

static int
open_file(const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0640);

	return fd >= 0 ? fd : err_set(e, -errno, "log %s: %s", path, strerror(errno));
}

static int
open_journal(struct err *e)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(e, -errno, "log: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		int rc = -errno;

		close(fd);
		return err_set(e, rc, "log: %s: %s", JOURNAL_SOCKET, strerror(-rc));
	}
	return fd;
}

static int
target_open(struct logtarget *t, struct err *e)
{
	t->owned = true;
	if (!strcasecmp(t->spec, "STDOUT") || !strcasecmp(t->spec, "STDERR")) {
		t->target = TARGET_STREAM;
		t->owned = false;
		return strcasecmp(t->spec, "STDOUT") ? STDERR_FILENO : STDOUT_FILENO;
	}
	if (!strcasecmp(t->spec, "SYSLOG")) {
		t->target = TARGET_SYSLOG;
		t->owned = false;
		openlog("fail2ban", LOG_PID | LOG_NDELAY, LOG_DAEMON);
		return STDERR_FILENO;
	}
	if (!strcasecmp(t->spec, "SYSTEMD-JOURNAL") || !strcasecmp(t->spec, "SYSOUT")) {
		t->target = TARGET_JOURNAL;
		return open_journal(e);
	}
	t->target = TARGET_FILE;
	if (t->spec[0] != '/')
		return err_set(e, -EINVAL,
		    "log: \"%s\" is neither an absolute path nor "
		    "STDOUT, STDERR, SYSLOG or SYSTEMD-JOURNAL",
		    t->spec);
	return open_file(t->spec, e);
}

int
logtarget_open(const char *spec, struct logtarget **out, struct err *e)
{
	struct logtarget *t = xcalloc(1, sizeof(*t));

	t->spec = xstrdup(spec);
	t->fd = target_open(t, e);
	if (t->fd < 0) {
		int rc = t->fd;

		free(t->spec);
		free(t);
		return rc;
	}
	*out = t;
	return 0;
}

int
logtarget_reopen(struct logtarget *t, struct err *e)
{
	int fd;

	if (t->target != TARGET_FILE)
		return 0;
	fd = open_file(t->spec, e);
	if (fd < 0)
		return fd;
	close(t->fd);
	t->fd = fd;
	return 0;
}

const char *
logtarget_spec(const struct logtarget *t)
{
	return t->spec;
}

void
logtarget_free(struct logtarget *t)
{
	if (!t)
		return;
	if (t->owned)
		close(t->fd);
	buf_fini(&t->line);
	free(t->spec);
	free(t);
}

static int
syslog_level(enum log_level level)
{
	switch (level) {
	case LEVEL_CRITICAL: return LOG_CRIT;
	case LEVEL_ERROR: return LOG_ERR;
	case LEVEL_WARNING: return LOG_WARNING;
	case LEVEL_NOTICE: return LOG_NOTICE;
	case LEVEL_INFO: return LOG_INFO;
	case LEVEL_DEBUG: return LOG_DEBUG;
	}
	return LOG_DEBUG;
}

static void
stamp(struct logtarget *t)
{
	struct timespec now;
	char when[UNITS_TEXT];

	clock_gettime(CLOCK_REALTIME, &now);
	units_time(now.tv_sec * MS_PER_S, when);
	snprintf(t->when, sizeof(t->when), "%s,%03ld ", when, now.tv_nsec / 1000000);
	snprintf(t->process, sizeof(t->process), "[%ld]: ", (long)getpid());
}

/* The native protocol of the journal: NAME=value lines (systemd.io, Native Journal
 * Protocol). The text has no newline: log_line's callers make it safe. */
static void
format_journal(struct buf *b, enum log_level level, const char *name, const char *text)
{
	buf_printf(b,
	    "PRIORITY=%d\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=%s\n"
	    "SYSLOG_PID=%ld\nMESSAGE=%-8s%s\n",
	    syslog_level(level), name, (long)getpid(), log_level_name(level), text);
}

/* A full disk must not stop banning. The journal of systemd has stderr. */
static void
lose(struct logtarget *t, int why)
{
	if (!t->lost && t->target == TARGET_FILE)
		dprintf(STDERR_FILENO, "bannerd: log %s: %s\n", t->spec, strerror(why));
	t->why = why;
	t->lost += t->target == TARGET_JOURNAL; /* a message of several lines */
	for (size_t i = 0; i < t->line.len && t->target != TARGET_JOURNAL; i++)
		t->lost += t->line.p[i] == '\n';
	buf_clear(&t->line);
}

static int
write_all(struct logtarget *t)
{
	struct buf *b = &t->line;

	/* a line that a full disk cut stands alone */
	if (t->lost && t->torn)
		t->torn = write(t->fd, "\n", 1) < 1;
	while (b->len) {
		ssize_t n = write(t->fd, b->p, b->len);
		int rc = n < 0 ? -errno : n == 0 ? -EIO : 0;

		if (rc == -EINTR)
			continue;
		if (rc < 0) {
			lose(t, -rc);
			return rc;
		}
		t->torn = b->p[n - 1] != '\n';
		buf_drop(b, (size_t)n);
	}
	return 0;
}

static void
put_padded(struct buf *b, const char *text, size_t width)
{
	static const char spaces[] = "                        ";
	size_t len = strlen(text);

	buf_add(b, text, len);
	if (len < width)
		buf_add(b, spaces, width - len);
}

/* By hand, as there is one for each failure. */
static void
put_line(struct logtarget *t, enum log_level level, const char *name, const char *text)
{
	struct buf *b = &t->line;

	if (!t->stamped)
		stamp(t);
	t->stamped = t->gathers;
	buf_puts(b, t->when);
	put_padded(b, name, NAME_WIDTH);
	buf_puts(b, t->process);
	put_padded(b, log_level_name(level), LEVEL_WIDTH);
	buf_puts(b, text);
	buf_putc(b, '\n');
}

static void
put(struct logtarget *t, enum log_level level, const char *name, const char *text)
{
	if (t->target == TARGET_JOURNAL)
		format_journal(&t->line, level, name, text);
	else
		put_line(t, level, name, text);
}

/* What is gathered, and then how much could not be written before it. */
static void
flush(struct logtarget *t)
{
	uint64_t lost = t->lost;
	char text[128];

	if (!t->line.len || write_all(t) < 0 || !lost)
		return;
	t->lost = 0;
	snprintf(text, sizeof(text), "%llu lines of the log could not be written: %s",
	    (unsigned long long)lost, strerror(t->why));
	put(t, LEVEL_WARNING, "banner.parent", text);
	(void)write_all(t);
}

void
logtarget_gather(struct logtarget *t, bool on)
{
	t->gathers = on && (t->target == TARGET_FILE || t->target == TARGET_STREAM);
	t->stamped = false;
	if (!t->gathers)
		flush(t);
}

void
logtarget_write(void *arg, enum log_level level, const char *name, const char *text)
{
	struct logtarget *t = arg;

	if (t->target == TARGET_SYSLOG) {
		syslog(syslog_level(level), "%s[%ld]: %-8s%s", name, (long)getpid(),
		    log_level_name(level), text);
		return;
	}
	put(t, level, name, text);
	if (!t->gathers || t->line.len > GATHER_BYTES)
		flush(t);
}
