/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge.c - banner-edge: the far end of the ssh action.
 *
 * Started by sshd for a forced command, ends with the connection. With --expire it
 * removes what is over from the kernel, for a timer; with --check it says what it
 * would do here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "banner/base/arena.h"
#include "banner/daemon/actor/actor.h"
#include "banner/daemon/proc/sandbox.h"
#include "banner/tools/banner_edge.h"

/* A controller says P at least every 30 s. */
enum { READ_BYTES = 65536, SILENCE_MS = 180 * 1000 };

static int64_t
host_now(void *arg)
{
	return edge_now();
}

static void
host_log(void *arg, enum bn_level level, const char *action, const char *text)
{
	static const char *const names[] = { [BN_ERROR] = "error",
		[BN_WARNING] = "warning",
		[BN_INFO] = "info",
		[BN_DEBUG] = "debug" };

	edge_say(arg, "LOG %s %s: %s\n", names[level & 3], action, text);
}

/* Open guard, plugin and instance. */
static int
edge_open(struct edge *e, struct err *err)
{
	struct instance_options o = { .conf = &e->action,
		.plugin = &e->plugin,
		.host = { .arg = e,
		    .now_ms = host_now,
		    .outcome = edge_outcome,
		    .log = host_log } };
	char folder[PATH_MAX];
	const char *dir = plugin_folder(folder);
	int rc;

	e->rows = table_new();
	e->guard = guard_new();
	edge_conf_guard(&e->conf, e->guard);
	e->action = (struct conf_action){ .name = e->conf.plugin,
		.plugin = e->conf.plugin,
		.scope = "",
		.options = e->conf.options };
	e->tokens_ms = e->heard_ms = edge_now();
	e->tokens = e->conf.rate * 2000;
	rc = plugin_load(&e->plugin, dir ? dir : "/nonexistent", e->conf.plugin, err);
	if (rc == 0 && !(e->plugin.ops.flags & BN_STATE))
		rc = err_set(err, -EINVAL, "plugin %s keeps no state; use route or nft",
		    e->conf.plugin);
	o.guard = e->guard;
	if (rc == 0)
		rc = instance_new(&o, &e->instance, err);
	return rc;
}

static void
edge_close(struct edge *e)
{
	instance_free(e->instance);
	plugin_unload(&e->plugin);
	heap_fini(&e->ends);	/* it touches its nodes: before the rows */
	table_free_with(e->rows, free);
	guard_free(e->guard);
	edge_state_close(e);
	edge_conf_free(&e->conf);
	free(e->sync.v);
	buf_fini(&e->in);
	buf_fini(&e->out);
}

/* What an earlier connection left behind, in the same boot. */
static void
remember(struct edge *e, const struct addr *a, int64_t until_ms)
{
	struct edge_row *r = edge_row_find(e, a);

	if (until_ms < 0 && r)
		edge_row_end(e, r);
	else if (until_ms == 0 || until_ms > edge_now())
		edge_row_set(e, a, until_ms ? until_ms - edge_now() : 0, 0);
	else if (r)
		edge_row_end(e, r);
}

static void
flush_out(struct edge *e)
{
	ssize_t n;

	while (e->out.len) {
		n = write(STDOUT_FILENO, e->out.p, e->out.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			e->eof |= errno != EAGAIN;
			return;
		}
		buf_drop(&e->out, (size_t)n);
	}
}

static void
read_in(struct edge *e)
{
	ssize_t n;

	buf_reserve(&e->in, READ_BYTES);
	n = read(STDIN_FILENO, e->in.p + e->in.len, READ_BYTES);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		e->eof = true;
	if (n <= 0)
		return;
	e->heard_ms = edge_now();
	e->in.len += (size_t)n;
	edge_input(e);
}

static int
patience(struct edge *e, int64_t due)
{
	int64_t now = edge_now(), end = edge_expire(e), next = e->heard_ms + SILENCE_MS;

	next = due < next ? due : next;
	next = end < next ? end : next;
	return next <= now ? 0 : next - now > INT_MAX ? INT_MAX : (int)(next - now);
}

static void
loop(struct edge *e)
{
	while (!e->eof && !e->bad) {
		int64_t due = instance_work(e->instance);
		struct pollfd p[3] = { { .fd = STDIN_FILENO },
			{ .fd = STDOUT_FILENO, .events = e->out.len ? POLLOUT : 0 },
			{ .fd = instance_poll_fd(e->instance), .events = POLLIN } };

		edge_state_write(e);
		/* who does not read our answers is not read either */
		p[0].events = e->out.len < EDGE_OUT ? POLLIN : 0;
		if (poll(p, 3, patience(e, due)) < 0 && errno != EINTR)
			return;
		e->eof |= (p[1].revents & (POLLERR | POLLHUP)) != 0;
		if (p[2].revents)
			instance_run(e->instance);
		if (p[0].revents)
			read_in(e);
		flush_out(e);
		if (edge_now() - e->heard_ms > SILENCE_MS)
			return;
	}
	flush_out(e);
}

static int
confine(struct edge *e, struct err *err)
{
	const char *write[] = { e->conf.state, NULL };
	struct sandbox s = {
		.want = e->conf.sandbox, .profile = PROFILE_EDGE, .write = write
	};
	struct sandbox_level level;

	return sandbox_enter(&s, &level, err);
}

static int
serve(struct edge *e, struct err *err)
{
	int rc = edge_state_open(e, true, err);

	if (rc == 0)
		rc = edge_open(e, err);
	if (rc == 0)
		rc = confine(e, err);
	if (rc == 0)
		rc = edge_state_read(e, remember, err);
	if (rc < 0)
		return rc;
	signal(SIGPIPE, SIG_IGN);
	fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
	fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
	loop(e);
	return 0;
}

struct over {
	struct bn_change *v;
	size_t n;
};

static int
find_over(void *arg, const void *key, size_t len, void *row)
{
	struct over *o = arg;
	const struct edge_row *r = row;
	struct bn_change c = { .verb = BN_DEL,
		.jail = "edge",
		.scope = "",
		.subject = { .kind = BN_ADDR } };

	if (!r->end.at || r->end.key > edge_now())
		return 1;
	c.subject.addr.family = r->addr.family;
	c.subject.addr.plen = r->addr.plen;
	memcpy(c.subject.addr.ip, r->addr.ip, sizeof(c.subject.addr.ip));
	o->v = xrealloc(o->v, (o->n + 1) * sizeof(*o->v));
	o->v[o->n++] = c;
	return 1;
}

/* Into the table only: nothing is to be put in force here. */
static void
collect(struct edge *e, const struct addr *a, int64_t until_ms)
{
	struct edge_row *r = edge_row_find(e, a);

	if (!r && until_ms >= 0) {
		r = xcalloc(1, sizeof(*r));
		r->addr = *a;
		table_set(e->rows, a, sizeof(*a), r);
	}
	if (r && until_ms < 0)
		edge_row_forget(e, r);
	else if (r && until_ms > 0)
		heap_move(&e->ends, &r->end, until_ms);
	else if (r)
		heap_del(&e->ends, &r->end);
}

static int
plugin_works(struct edge *e, struct err *err)
{
	struct instance_stats st;

	instance_stats(e->instance, &st);
	if (st.open)
		return 0;
	fwrite(e->out.p, 1, e->out.len, stderr); /* what it said */
	return err_set(err, -EIO, "plugin %s: %s", e->conf.plugin, st.error);
}

static int
expire(struct edge *e, struct err *err)
{
	struct over o = { 0 };
	struct edge_row *r;
	int rc = edge_state_open(e, false, err);

	if (rc == -EAGAIN)
		return 0; /* a connection is there: it does this itself */
	if (rc == 0)
		rc = edge_open(e, err);
	if (rc == 0)
		rc = plugin_works(e, err);
	if (rc == 0)
		rc = confine(e, err);
	if (rc == 0)
		rc = edge_state_read(e, collect, err);
	if (rc < 0)
		return rc;
	table_each(e->rows, find_over, &o);
	rc = o.n ? instance_remove(e->instance, o.v, o.n) : 0;
	for (size_t i = 0; i < o.n && rc == 0; i++) {
		struct addr a = { o.v[i].subject.addr.family, o.v[i].subject.addr.plen,
			{ 0 } };

		memcpy(a.ip, o.v[i].subject.addr.ip, sizeof(a.ip));
		r = o.v[i].err == 0 ? edge_row_find(e, &a) : NULL;
		if (r)
			edge_row_forget(e, r);
	}
	free(o.v);
	if (rc == 0 && o.n)
		rc = edge_state_rewrite(e);
	return rc < 0 ? err_set(err, rc, "expire: %s", strerror(-rc)) : 0;
}

static int
check(struct edge *e, struct err *err)
{
	struct instance_stats st;
	int rc = edge_open(e, err);

	if (rc < 0)
		return rc;
	instance_work_off(e->instance);
	instance_stats(e->instance, &st);
	printf("plugin %s, %llu bans in force here, %zu protected nets and addresses, "
	       "at most %llu bans\n",
	    e->conf.plugin, (unsigned long long)st.in_force, guard_count(e->guard),
	    (unsigned long long)e->conf.max_bans);
	rc = plugin_works(e, err);
	if (rc < 0)
		return rc;
	return access(e->conf.state, W_OK) < 0
	    ? err_set(err, -errno, "%s: %s", e->conf.state, strerror(errno))
	    : 0;
}

static int
usage(void)
{
	fprintf(stderr, "usage: banner-edge [--config FILE] [--expire | --check]\n");
	return 2;
}

int
main(int argc, char **argv)
{
	struct edge e = { .dir = -1, .journal = -1, .lock = -1 };
	int (*job)(struct edge *, struct err *) = serve;
	const char *path = BANNER_CONFDIR "/edge.conf";
	struct err err = { "" };
	int rc;

	for (int i = 1; i < argc && argv[i]; i++) {
		if (!strcmp(argv[i], "--config") && argv[i + 1])
			path = argv[++i];
		else if (!strcmp(argv[i], "--expire") && job == serve)
			job = expire;
		else if (!strcmp(argv[i], "--check") && job == serve)
			job = check;
		else if (!strcmp(argv[i], "-c"))
			break; /* as a login shell: sshd names the forced command */
		else
			return usage();
	}
	rc = edge_conf_read(&e.conf, path, &err);
	if (rc == 0)
		rc = job(&e, &err);
	if (rc < 0)
		fprintf(stderr, "banner-edge: %s\n",
		    err.text[0] ? err.text : strerror(-rc));
	edge_close(&e);
	return rc < 0;
}
