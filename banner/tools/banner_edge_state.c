/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge_state.c - the expiry file, and one connection at a time.
 *
 * Kernel routes have no end of their own. "bans" in the state folder lists what was
 * asked for with the end of each, so that "banner-edge --expire" can remove what is
 * over while nobody is connected. Ends are CLOCK_BOOTTIME; the first line names the
 * boot they belong to, because a reboot takes the routes and the clock away. The file
 * is a help, not the truth: it is not synced to the disk, and a full disk costs the
 * expiry without a controller, nothing else; the controller is told.
 *
 * The new connection ends the old one: its controller has given it up, or is another.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "banner/tools/banner_edge.h"

#define FILE_NAME "bans"
#define FILE_NEW "bans.new"
enum { TAKE_OVER_MS = 3000, STEP_MS = 20, BOOT_ID = 36, SLACK = 1000 };

/* proc(5): 36 characters, new at every boot. */
static int
read_boot(struct edge *e, struct err *err)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, e->boot, BOOT_ID);

	if (fd >= 0)
		close(fd);
	return n == BOOT_ID ? 0 : err_set(err, -EIO, "cannot read the boot's id");
}

/* 0, -EAGAIN with the holder's process in *pid, or -errno. */
static int
try_lock(struct edge *e, pid_t *pid)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(e->lock, F_SETLK, &l) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return -errno;
	*pid = fcntl(e->lock, F_GETLK, &l) == 0 && l.l_type != F_UNLCK ? l.l_pid : 0;
	return -EAGAIN;
}

static int
take_lock(struct edge *e, bool take_over, struct err *err)
{
	struct timespec step = { 0, STEP_MS * 1000000L };
	pid_t pid = 0;
	int rc;

	for (int ms = 0; ms < TAKE_OVER_MS; ms += STEP_MS) {
		rc = try_lock(e, &pid);
		if (rc != -EAGAIN)
			return rc < 0 ? err_set(err, rc, "lock: %s", strerror(-rc)) : 0;
		if (!take_over)
			return -EAGAIN;
		if (pid > 0 && kill(pid, SIGKILL) < 0 && errno != ESRCH)
			return err_set(err, -errno, "process %ld holds the lock: %s",
			    (long)pid, strerror(errno));
		nanosleep(&step, NULL);
	}
	return err_set(err, -EBUSY, "process %ld does not give up the lock", (long)pid);
}

int
edge_state_open(struct edge *e, bool take_over, struct err *err)
{
	e->journal = e->lock = -1;
	e->dir = open(e->conf.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (e->dir < 0)
		return err_set(err, -errno, "%s: %s", e->conf.state, strerror(errno));
	e->lock =
	    openat(e->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (e->lock < 0)
		return err_set(
		    err, -errno, "%s/lock: %s", e->conf.state, strerror(errno));
	if (read_boot(e, err) < 0)
		return -EIO;
	return take_lock(e, take_over, err);
}

void
edge_state_close(struct edge *e)
{
	if (e->journal > 0)
		close(e->journal);
	if (e->lock > 0)
		close(e->lock);
	if (e->dir > 0)
		close(e->dir);
	buf_fini(&e->note);
}

static void
note(struct buf *out, const struct addr *a, int64_t until_ms)
{
	char text[ADDR_TEXT];

	buf_printf(out, "A %s %lld\n", addr_print(a, text), (long long)until_ms);
}

void
edge_state_note(struct edge *e, const struct addr *a, int64_t until_ms)
{
	note(&e->note, a, until_ms);
	e->notes++;
}

void
edge_state_drop(struct edge *e, const struct addr *a)
{
	char text[ADDR_TEXT];

	buf_printf(&e->note, "D %s\n", addr_print(a, text));
	e->notes++;
}

/* Told once per kind of trouble, and when it is over. */
static void
told(struct edge *e, int err)
{
	if (err != e->journal_err && err)
		edge_say(e,
		    "TROUBLE the expiry file cannot be written: %s; bans do "
		    "not end here while the controller is away\n",
		    strerror(-err));
	else if (err != e->journal_err)
		edge_say(e, "TROUBLE -\n");
	e->journal_err = err;
}

static int
write_all(int fd, const struct buf *b)
{
	for (size_t at = 0; at < b->len;) {
		ssize_t n = write(fd, b->p + at, b->len - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
put_row(void *arg, const void *key, size_t len, void *row)
{
	const struct edge_row *r = row;

	note(arg, &r->addr, r->end.at ? r->end.key : 0);
	return 1;
}

int
edge_state_rewrite(struct edge *e)
{
	struct buf b = { 0 };
	int fd = openat(e->dir, FILE_NEW,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_APPEND, 0600),
	    rc = fd < 0 ? -errno : 0;

	buf_printf(&b, "boot %s\n", e->boot);
	table_each(e->rows, put_row, &b);
	if (rc == 0)
		rc = write_all(fd, &b);
	if (rc == 0 && renameat(e->dir, FILE_NEW, e->dir, FILE_NAME) < 0)
		rc = -errno;
	buf_fini(&b);
	if (rc < 0) {
		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (e->journal >= 0)
		close(e->journal);
	e->journal = fd;
	e->notes = table_count(e->rows);
	buf_clear(&e->note);
	return 0;
}

void
edge_state_write(struct edge *e)
{
	bool whole = e->journal < 0 || e->journal_err ||
	    e->notes > 2 * table_count(e->rows) + SLACK;

	if (e->note.len == 0)
		return;
	told(e, whole ? edge_state_rewrite(e) : write_all(e->journal, &e->note));
	buf_clear(&e->note);
}

static void
read_line(struct edge *e, struct str line, edge_state_fn *fn)
{
	struct str verb, addr;
	struct addr a;
	int64_t until = -1;

	if (!str_word(&line, &verb) || !str_word(&line, &addr) ||
	    addr_parse_prefix(addr, &a) < 0)
		return;
	if (str_is(verb, "A") && str_i64(str_trim(line), &until) < 0)
		return;
	fn(e, &a, until);
}

/* fn gets -1 for what was removed. A torn last line is left out. */
int
edge_state_read(struct edge *e, edge_state_fn *fn, struct err *err)
{
	struct buf all = { 0 }, boot = { 0 };
	struct str rest, line;
	ssize_t n = 1;
	int fd = openat(e->dir, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_set(err, -errno, "%s/" FILE_NAME ": %s",
					     e->conf.state, strerror(errno));
	while (n > 0) {
		buf_reserve(&all, 65536);
		n = read(fd, all.p + all.len, 65536);
		all.len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	buf_printf(&boot, "boot %s\n", e->boot);
	rest = buf_view(&all);
	if (boot.len && rest.len > boot.len && !memcmp(rest.s, boot.p, boot.len)) {
		rest.s += boot.len;
		rest.len -= boot.len;
		while (rest.len && memchr(rest.s, '\n', rest.len) &&
		    str_cut(&rest, '\n', &line))
			read_line(e, line, fn);
	}
	buf_fini(&all);
	buf_fini(&boot);
	return 0;
}
