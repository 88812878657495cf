/* SPDX-License-Identifier: GPL-2.0-or-later
 * child.c - start of a child process and its line to the parent.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "banner/daemon/proc/child.h"
#include "banner/daemon/proc/log.h"

/* Lines for a parent that does not read are dropped beyond this, and counted. */
enum { CHILD_QUEUE_BYTES = 1 << 20, BIG_BYTES = 256 << 10 };

static void
parent_sink(void *arg, enum log_level level, const char *name, const char *text)
{
	struct child *c = arg;
	size_t at;

	if (c->out.len > CHILD_QUEUE_BYTES) {
		c->lost++;
		return;
	}
	at = wire_start(&c->out, WIRE_LOG);
	wire_u8(&c->out, (uint8_t)level);
	wire_str(&c->out, str_of(text));
	wire_str(&c->out, str_of(name));
	wire_finish(&c->out, at);
	if (level <= LEVEL_ERROR || !c->later || !c->later(c->later_arg))
		child_flush(c);
}

/* What a burst needed goes back to the system: left to itself malloc takes ever bigger
 * pieces for its own heap and keeps them. */
static void
give_back(void)
{
	mallopt(M_MMAP_THRESHOLD, BIG_BYTES);
	mallopt(M_TRIM_THRESHOLD, BIG_BYTES);
}

int
child_open(struct child *c, const char *role, enum conf_part part, struct err *e)
{
	int rc, level;
	size_t at;

	*c = (struct child){ .fd = CHILD_PARENT_FD, .role = role };
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	give_back();
	rc = image_open(&c->image, CHILD_CONF_FD, part, e);
	close(CHILD_CONF_FD);
	if (rc < 0) {
		fprintf(stderr, "%s: %s (it is started by bannerd, not by hand)\n",
		    role, e->text);
		return rc;
	}
	c->conf = c->image.conf;
	level = log_level_parse(c->conf->daemon.loglevel);
	log_open(parent_sink, c, level < 0 ? LEVEL_INFO : (enum log_level)level);
	at = wire_start(&c->out, WIRE_HELLO);
	wire_u32(&c->out, WIRE_VERSION);
	wire_str(&c->out, str_of(role));
	wire_finish(&c->out, at);
	rc = child_flush(c);
	return rc == -EAGAIN ? 0 : rc;
}

void
child_ready(struct child *c, const struct sandbox_level *level)
{
	size_t at = wire_start(&c->out, WIRE_READY);

	wire_str(&c->out, str_of(level ? level->text : ""));
	wire_finish(&c->out, at);
	child_flush(c);
}

int
child_flush(struct child *c)
{
	if (!c->out.len)
		return 0;
	return wire_send(c->fd, &c->out, -1);
}

bool
child_handles(struct child *c, enum wire_type type, struct wire_in *body)
{
	if (type != WIRE_BEAT)
		return false;
	wire_empty(&c->out, WIRE_BEAT);
	child_flush(c);
	return true;
}

void
child_works(struct child *c)
{
	wire_empty(&c->out, WIRE_BEAT);
	child_flush(c);
}

void
child_close(struct child *c)
{
	child_flush(c);
	log_open(NULL, NULL, LEVEL_INFO);
	buf_fini(&c->out);
	image_close(&c->image);
	c->conf = NULL;
}
