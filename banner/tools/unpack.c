/* SPDX-License-Identifier: GPL-2.0-or-later
 * unpack.c - packed logs: which format it is.
 */
#include "banner/tools/unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"

struct unpack {
	const struct unpack_format *format;
	void *state;
};

static const struct unpack_format *const formats[] = { &unpack_gzip, &unpack_zstd };

int
unpack_open(int fd, struct unpack **out, struct err *e)
{
	const struct unpack_format *f = NULL;
	unsigned char head[4] = { 0 };
	ssize_t n = pread(fd, head, sizeof(head), 0);
	void *state;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats) && !f; i++)
		if (n >= (ssize_t)formats[i]->nmagic &&
		    !memcmp(head, formats[i]->magic, formats[i]->nmagic))
			f = formats[i];
	if (!f)
		return 1;
	if (!f->open)
		return err_set(e, -ENOTSUP, "packed with %s, which this build of "
		    "banregex cannot unpack", f->name);
	state = f->open(fd);
	if (!state)
		return err_set(e, -errno, "%s: %s", f->name, strerror(errno));
	*out = xcalloc(1, sizeof(**out));
	(*out)->format = f;
	(*out)->state = state;
	return 0;
}

ssize_t
unpack_read(struct unpack *u, void *to, size_t n)
{
	return u->format->read(u->state, to, n);
}

void
unpack_close(struct unpack *u)
{
	if (!u)
		return;
	u->format->close(u->state);
	free(u);
}
