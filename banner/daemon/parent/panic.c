/* SPDX-License-Identifier: GPL-2.0-or-later
 * panic.c - banctl panic, which outlives the engine and this bannerd.
 *
 * A file beside the control socket says that it goes on: the state folder is not ours
 * to write.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "banner/daemon/parent/parent.h"

static void
file_of(const struct parent *p, struct buf *path)
{
	buf_printf(path, "%s.panic", p->conf->daemon.socket);
}

void
parent_panic_read(struct parent *p)
{
	struct buf path = { 0 };

	file_of(p, &path);
	p->panic = access(path.p, F_OK) == 0;
	buf_fini(&path);
	if (p->panic)
		log_warn("banner.parent", "PANIC: nothing is in force until resume");
}

int
parent_panic(struct parent *p, bool on, struct err *e)
{
	static const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	struct buf path = { 0 };
	int fd = -1, rc = 0;

	p->panic = on;
	file_of(p, &path);
	if (on)
		fd = open(path.p, flags, 0600);
	else if (unlink(path.p) < 0 && errno != ENOENT)
		rc = err_set(e, -errno, "%s: %s", path.p, strerror(errno));
	if (on && fd < 0)
		rc = err_set(e, -errno, "it is so until bannerd ends: %s: %s", path.p,
		    strerror(errno));
	if (fd >= 0)
		close(fd);
	buf_fini(&path);
	return rc;
}
