/* SPDX-License-Identifier: GPL-2.0-or-later
 * ssh.c - the ssh action: options, and the calls of the action.
 */
#include "actions/ssh/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actions/ssh/carrier.h"
#include "actions/ssh/remote.h"

enum { CLOSE_MS = 2000 };

static const struct bn_key ssh_keys[] = {
	{ "hosts", NULL, "proxies: NAME, NAME:PORT, ALIAS=NAME:PORT, [IPV6]:PORT" },
	{ "port", "22", "port where none is named" },
	{ "login", "banner-edge", "user to log in as on the proxies" },
	{ "key", "/etc/banner/ssh/id_ed25519",
	    "private key without passphrase, or "
	    "\"agent\"" },
	{ "agent", "", "socket of the agent; empty: SSH_AUTH_SOCK" },
	{ "known_hosts", "/etc/banner/ssh/known_hosts",
	    "keys of the proxies; no other "
	    "is accepted" },
	{ "remote", "banner-edge",
	    "what runs there: banner-edge, or iproute (ip -batch, nothing of ours)" },
	{ "command", "", "what to ask for; empty: what remote needs" },
	{ "carrier", "libssh2",
	    "libssh2 (in this process) or openssh (a child ssh each)" },
	{ "ssh_options", "", "for carrier openssh: further options of ssh(1)" },
	{ "connect_timeout", "10", "seconds until a login has to be complete" },
	{ "ack_timeout", "10", "seconds without progress until a proxy is given up" },
	{ "ping", "20", "seconds between signs of life" }, { NULL, NULL, NULL }
};

int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

int64_t
now_ms(void)
{
	return now_us() / 1000;
}

void
ssh_log(const struct ssh *s, enum bn_level level, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->bn->log(s->bn->ctx, level, text);
}

static int
get_number(struct ssh *s, const char *key, long most, int64_t *out)
{
	const char *text = s->bn->get(s->bn->ctx, key);
	char *end;
	long v = strtol(text, &end, 10);

	if (end == text || *end || v < 1 || v > most) {
		ssh_log(s, BN_ERROR, "option %s cannot be \"%.80s\": 1 to %ld", key,
		    text, most);
		return -EINVAL;
	}
	*out = v;
	return 0;
}

static int
get_carrier(struct ssh *s)
{
	static const struct carrier_ops *const known[] = { &carrier_libssh2,
		&carrier_openssh };
	const char *text = s->bn->get(s->bn->ctx, "carrier");

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(text, known[i]->name) == 0)
			s->carrier = known[i];
	if (s->carrier)
		return 0;
	ssh_log(s, BN_ERROR, "option carrier cannot be \"%.80s\": libssh2 or openssh",
	    text);
	return -EINVAL;
}

static int
get_remote(struct ssh *s)
{
	static const struct remote_ops *const known[] = { &remote_edge,
		&remote_iproute };
	const char *text = s->bn->get(s->bn->ctx, "remote");

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(text, known[i]->name) == 0)
			s->remote = known[i];
	if (!s->remote) {
		ssh_log(s, BN_ERROR,
		    "option remote cannot be \"%.80s\": banner-edge or iproute", text);
		return -EINVAL;
	}
	s->o.command = s->bn->get(s->bn->ctx, "command");
	if (!*s->o.command)
		s->o.command = s->remote->command;
	return 0;
}

/* What would be passed over in silence is refused. */
static int
check_options(struct ssh *s)
{
	const struct options *o = &s->o;
	bool agent = strcmp(o->key, "agent") == 0;
	const char *why = NULL;

	if (!agent && *o->key != '/')
		why = "key is the absolute path of a private key, or agent";
	else if (*o->known_hosts != '/')
		why = "known_hosts is an absolute path";
	else if (*o->agent && !agent)
		why = "agent is for key = agent";
	else if (*o->ssh_options && s->carrier != &carrier_openssh)
		why = "ssh_options are for carrier = openssh";
	else if (!*o->user || *o->user == '-' || strpbrk(o->user, " \t\n@"))
		why = "login is the name of one user";
	if (!why)
		return 0;
	ssh_log(s, BN_ERROR, "%s", why);
	return -EINVAL;
}

static int
get_options(struct ssh *s)
{
	const struct bn_host *bn = s->bn;
	struct options *o = &s->o;
	int64_t port = 22;
	int rc = get_number(s, "port", 65535, &port);

	if (rc == 0)
		rc = get_number(s, "connect_timeout", 600, &o->connect_ms);
	if (rc == 0)
		rc = get_number(s, "ack_timeout", 600, &o->ack_ms);
	if (rc == 0)
		rc = get_number(s, "ping", 60, &o->ping_ms);
	o->port = (int)port;
	o->connect_ms *= 1000;
	o->ack_ms *= 1000;
	o->ping_ms *= 1000;
	o->user = bn->get(bn->ctx, "login");
	o->key = bn->get(bn->ctx, "key");
	o->agent = bn->get(bn->ctx, "agent");
	o->known_hosts = bn->get(bn->ctx, "known_hosts");
	o->ssh_options = bn->get(bn->ctx, "ssh_options");
	if (rc == 0)
		rc = get_remote(s);
	if (rc == 0)
		rc = get_carrier(s);
	return rc < 0 ? rc : check_options(s);
}

/* ALIAS=[IPV6]:PORT, NAME:PORT, and what is left of these. */
static int
parse_host(struct ssh *s, struct host *h, const char *word, size_t len)
{
	char text[256], *where = text, *alias, *port = NULL, *end;
	unsigned long n;

	if (len >= sizeof(text))
		return -ENAMETOOLONG;
	memcpy(text, word, len);
	text[len] = '\0';
	alias = strchr(text, '=');
	if (alias) {
		*alias = '\0';
		where = alias + 1;
	}
	if (*where == '[' && (end = strchr(where, ']'))) {
		*end = '\0';
		where++;
		port = end[1] == ':' ? end + 2 : NULL;
	} else if ((port = strchr(where, ':')) && !strchr(port + 1, ':')) {
		*port++ = '\0';
	} else {
		port = NULL;
	}
	n = port ? strtoul(port, &end, 10) : (unsigned long)s->o.port;
	if (!*where || *where == '-' || (port && (*end || n < 1 || n > 65535)))
		return -EINVAL;
	*h = (struct host){ .ssh = s,
		.fd = -1,
		.port = (int)n,
		.where = strdup(where),
		.name = strdup(alias ? text : where) };
	return h->where && h->name ? 0 : -ENOMEM;
}

/* What is shown must tell hosts apart. */
static int
check_name(struct ssh *s, const struct host *h)
{
	for (const struct host *o = s->hosts; o != h; o++)
		if (strcmp(o->name, h->name) == 0) {
			ssh_log(s, BN_ERROR, "hosts: \"%.80s\" is there twice; give "
			    "one an alias, ALIAS=NAME:PORT", h->name);
			return -EEXIST;
		}
	return 0;
}

static int
get_hosts(struct ssh *s)
{
	static const char blank[] = " \t\n,";
	const char *at = s->bn->get(s->bn->ctx, "hosts");
	int rc = 0;

	s->hosts = calloc(SSH_HOSTS, sizeof(*s->hosts));
	if (!s->hosts)
		return -ENOMEM;
	for (at += strspn(at, blank); *at && rc == 0; at += strspn(at, blank)) {
		size_t len = strcspn(at, blank);

		if (s->nhosts == SSH_HOSTS) {
			ssh_log(s, BN_ERROR, "hosts: more than %d", SSH_HOSTS);
			return -E2BIG;
		}
		rc = parse_host(s, &s->hosts[s->nhosts], at, len);
		if (rc < 0)
			ssh_log(s, BN_ERROR, "hosts: \"%.*s\" is none of NAME, "
			    "NAME:PORT, ALIAS=NAME:PORT, [IPV6]:PORT",
			    (int)(len > 80 ? 80 : len), at);
		else
			rc = check_name(s, &s->hosts[s->nhosts++]);
		at += len;
	}
	if (rc == 0 && s->nhosts == 0) {
		ssh_log(s, BN_ERROR, "hosts: none is named");
		return -EINVAL;
	}
	return rc;
}

static void
ssh_close(void *self)
{
	struct ssh *s = self;
	struct pollfd p = { .fd = s->epoll, .events = POLLIN };
	int64_t end = now_ms() + CLOSE_MS;
	bool busy = true;

	s->closing = true;
	while (busy && now_ms() < end) {
		busy = false;
		for (size_t i = 0; i < s->nhosts; i++)
			busy |= s->hosts[i].state >= HOST_SYNC &&
			    s->hosts[i].acked + 1 < s->log.next;
		if (busy && poll(&p, 1, 50) > 0)
			loop_run(s);
	}
	for (size_t i = 0; i < s->nhosts; i++) {
		host_close(&s->hosts[i]);
		resolve_free(&s->hosts[i]);
		free(s->hosts[i].name);
		free(s->hosts[i].where);
		free(s->hosts[i].fails);
	}
	if (s->carrier)
		s->carrier->fini(s);
	image_put(s->image);
	loop_close(s);
	set_fini(&s->set);
	free(s->log.v);
	free(s->hosts);
	free(s);
}

/* With its options and hosts; rc: what is wrong with them. NULL: out of memory. */
static struct ssh *
ssh_new(const struct bn_host *bn, int *rc)
{
	struct ssh *s = calloc(1, sizeof(*s));

	*rc = -ENOMEM;
	if (!s)
		return NULL;
	*s = (struct ssh){ .bn = bn, .epoll = -1, .timer = -1 };
	*rc = get_options(s);
	if (*rc == 0)
		*rc = get_hosts(s);
	return s;
}

static int
ssh_check(const struct bn_host *bn)
{
	int rc;
	struct ssh *s = ssh_new(bn, &rc);

	if (!s)
		return rc;
	s->carrier = NULL; /* it was not begun */
	ssh_close(s);
	return rc;
}

static int
ssh_open(const struct bn_host *bn, void **self)
{
	int rc;
	struct ssh *s = ssh_new(bn, &rc);

	if (!s)
		return rc;
	if (rc == 0)
		rc = set_init(&s->set);
	if (rc == 0)
		rc = s->carrier->init(s);
	else
		s->carrier = NULL;
	if (rc == 0)
		rc = loop_open(s);
	if (rc < 0) {
		ssh_close(s);
		return rc;
	}
	loop_arm(s);
	*self = s;
	return 0;
}

static void
one_change(struct ssh *s, struct bn_change *c)
{
	bool add = c->verb != BN_DEL;
	struct entry *e = NULL;
	struct op *op;
	uint64_t seq;

	if (c->scope && *c->scope) {
		c->err = -ENOTSUP;
		return;
	}
	if (add)
		e = set_put(&s->set, &c->subject.addr);
	op = add && !e ? NULL : oplog_add(&s->log, &seq);
	if (!op) {
		c->err = -ENOMEM;
		return;
	}
	*op = (struct op){ .addr = c->subject.addr,
		.add = add,
		.id = c->id,
		.until_ms = c->until_ms,
		.when_us = now_us() };
	if (add) {
		e->id = c->id;
		e->seq = seq;
		e->until_ms = c->until_ms;
	} else
		set_del(&s->set, &c->subject.addr);
	c->err = -EINPROGRESS;
}

/* What falls off the log has to be told before. */
static void
tell_op(struct ssh *s, const struct op *op, uint64_t seq)
{
	const struct bn_host *bn = s->bn;

	for (size_t i = 0; i < s->nhosts && op->add; i++)
		if (!host_has(&s->hosts[i], seq))
			bn->done(bn->ctx, op->id, s->hosts[i].name,
			    host_err(&s->hosts[i], seq));
	bn->done(bn->ctx, op->id, "", 0);
}

/* A host that is down, or late, is not waited for. */
static bool
settled(const struct ssh *s, const struct op *op, uint64_t seq)
{
	bool late = now_us() - op->when_us > LAG_MS * INT64_C(1000) ||
	    s->log.next - s->log.told >= LOG_OPS / 2;

	for (size_t i = 0; i < s->nhosts && !late; i++)
		if (!host_has(&s->hosts[i], seq) && !s->hosts[i].err)
			return false;
	return true;
}

void
ssh_tell(struct ssh *s)
{
	struct oplog *l = &s->log;

	while (l->told < l->next) {
		uint64_t seq = l->told;
		struct op *op = oplog_at(l, seq);

		if (op && !settled(s, op, seq))
			return;
		l->told++;
		if (op)
			tell_op(s, op, seq);
	}
}

static int
ssh_apply(void *self, struct bn_change *v, size_t n)
{
	struct ssh *s = self;

	for (size_t i = 0; i < n; i++)
		one_change(s, &v[i]);
	for (size_t i = 0; i < s->nhosts; i++)
		if (s->hosts[i].state >= HOST_SYNC)
			host_feed(&s->hosts[i]);
	ssh_tell(s);
	loop_arm(s);
	return 0;
}

static int
ssh_poll_fd(void *self)
{
	return ((struct ssh *)self)->epoll;
}

static int
ssh_run(void *self)
{
	return loop_run(self);
}

static int
ssh_targets(void *self, bn_target_fn *fn, void *arg)
{
	struct ssh *s = self;
	char text[600];

	for (size_t i = 0; i < s->nhosts; i++) {
		host_describe(&s->hosts[i], text, sizeof(text));
		fn(arg, s->hosts[i].name, text);
	}
	return 0;
}

/* The one who asks may be new, and not know what was told before. */
static void
tell_again(const struct ssh *s, const struct host *h)
{
	const struct bn_host *bn = s->bn;

	for (size_t i = 0; i < s->set.cap; i++) {
		const struct entry *e = &s->set.v[i];
		const struct fail *f;

		if (!e->addr.family || e->seq >= s->log.told)
			continue;
		f = h->nfails ? host_fail(h, &e->addr) : NULL;
		if (f || !host_has(h, e->seq))
			bn->done(
			    bn->ctx, e->id, h->name, f ? f->err : host_err(h, e->seq));
	}
}

static int
ssh_complete(void *self, int force)
{
	struct ssh *s = self;

	s->complete = true;
	for (size_t i = 0; i < s->nhosts; i++) {
		tell_again(s, &s->hosts[i]);
		host_resync(&s->hosts[i], force);
	}
	loop_arm(s);
	return 0;
}

static const struct entry *
entry_by_id(const struct ssh *s, uint64_t id)
{
	for (size_t i = 0; i < s->set.cap; i++)
		if (s->set.v[i].addr.family && s->set.v[i].id == id)
			return &s->set.v[i];
	return NULL;
}

static int
ssh_where(void *self, uint64_t id, bn_target_fn *fn, void *arg)
{
	struct ssh *s = self;
	const struct entry *e = entry_by_id(s, id);
	char text[300];

	for (size_t i = 0; i < s->nhosts && e; i++) {
		const struct host *h = &s->hosts[i];
		const struct fail *f = host_fail(h, &e->addr);

		if (f)
			snprintf(text, sizeof(text), "%s", f->why);
		else if (!host_has(h, e->seq))
			snprintf(text, sizeof(text), "not in force: %s",
			    h->error[0] ? h->error : strerror(-host_err(h, e->seq)));
		else
			snprintf(text, sizeof(text), "in force%s%s",
			    h->err ? ", as far as is known: " : "",
			    h->err ? h->error : "");
		fn(arg, h->name, text);
	}
	return 0;
}

BN_ACTION(ssh) = {
	.abi = BN_ACTION_ABI,
	.size = sizeof(struct bn_action_ops),
	.flags = BN_STATE | BN_PROLONGS,
	.name = "ssh",
	.kinds = 1 << BN_ADDR,
	.keys = ssh_keys,
	.open = ssh_open,
	.apply = ssh_apply,
	.poll_fd = ssh_poll_fd,
	.run = ssh_run,
	.targets = ssh_targets,
	.close = ssh_close,
	.check = ssh_check,
	.complete = ssh_complete,
	.where = ssh_where,
};
