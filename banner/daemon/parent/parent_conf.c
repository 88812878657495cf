/* SPDX-License-Identifier: GPL-2.0-or-later
 * parent_conf.c - a configuration in the hands of the parent: changed by the options,
 * packed for the children, its problems told.
 */
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "banner/daemon/parent/checkconf.h"
#include "banner/daemon/parent/parent.h"
#include "banner/daemon/parent/spawn.h"

void
parent_configure(const struct options *opt, struct conf *c)
{
	if (opt->state)
		c->daemon.state = opt->state;
	if (opt->socket)
		c->daemon.socket = opt->socket;
	/* nobody reads the streams of a process in the background */
	if (opt->background && !strncmp(c->daemon.log, "STD", 3))
		c->daemon.log = "SYSLOG";
	if (opt->dry_run)
		trial_configure(c);
}

int
parent_conf_take(struct parent *p, const struct conf *c, struct err *e)
{
	struct buf packed = { 0 };
	struct image image;
	int fd, rc;

	conf_pack(c, &packed);
	fd = spawn_memory(&packed, "banner-conf");
	buf_fini(&packed);
	if (fd < 0) {
		err_set(e, fd, "memory for the configuration: %s", strerror(-fd));
		return fd;
	}
	rc = image_open(&image, fd, CONF_HEAD, e);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	if (p->conf_fd >= 0)
		close(p->conf_fd);
	p->conf_fd = fd;
	/* kept children point into the old one until plan_kids ran */
	for (struct kid *k = p->kids; k; k = k->next)
		k->user = k->caps = "";
	image_close(&p->image);
	p->image = image;
	p->conf = image.conf;
	p->helper = plan_needs_helper(c);
	p->input = conf_reads_stdin(c);
	return 0;
}

void
parent_conf_drop(struct conf *c)
{
	conf_free(c);
	malloc_trim(0);
}

static enum log_level
problem_level(enum conf_level level)
{
	switch (level) {
	case CONF_NOTE: return LEVEL_NOTICE;
	case CONF_WARNING: return LEVEL_WARNING;
	case CONF_ERROR: return LEVEL_ERROR;
	}
	return LEVEL_ERROR;
}

void
parent_conf_say(const struct conf *c)
{
	struct buf b = { 0 };

	for (size_t i = 0; i < c->nproblems; i++) {
		buf_clear(&b);
		if (checkconf_problem(c, i, &b))
			log_line(problem_level(c->problems[i].level), "banner.conf",
			    "%s", b.p);
	}
	buf_fini(&b);
}

void
parent_conf_level(const struct conf *c)
{
	int level = log_level_parse(c->daemon.loglevel);

	log_set_level(level < 0 ? LEVEL_INFO : (enum log_level)level);
}
