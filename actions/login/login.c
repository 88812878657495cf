/* SPDX-License-Identifier: GPL-2.0-or-later
 * login.c - answers a mail server that asks who may try a password.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/util.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/login/login.h"

static const struct bn_key login_keys[] = {
	{ "listen", "127.0.0.1:9145", "address and port to listen at" },
	{ "key", "", "only those who send this in X-API-Key are answered" },
	{ NULL, NULL, NULL }
};

static int
refuse(const struct bn_host *h, const char *text)
{
	h->log(h->ctx, BN_ERROR, text);
	return -EINVAL;
}

static bool
is_loopback(const struct sockaddr_storage *at)
{
	const struct sockaddr_in *four = (const void *)at;
	const struct sockaddr_in6 *six = (const void *)at;

	if (at->ss_family == AF_INET)
		return ntohl(four->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static int
get_listen(struct login *l)
{
	struct sockaddr *at = (struct sockaddr *)&l->at;
	int len = sizeof(l->at);

	if (evutil_parse_sockaddr_port(l->listen, at, &len) < 0 ||
	    !((struct sockaddr_in *)at)->sin_port)
		return refuse(l->host, "listen is an address and a port: "
		    "127.0.0.1:9145, [::1]:9145");
	l->atlen = (socklen_t)len;
	if (!*l->key && !is_loopback(&l->at))
		return refuse(l->host, "listen is not a loopback address: others than "
		    "this machine are answered only with a key");
	return 0;
}

/* As the value of a header it must come through as it is. */
static int
get_key(struct login *l)
{
	size_t n = strlen(l->key);

	for (size_t i = 0; i < n; i++)
		if (l->key[i] < ' ' || l->key[i] > '~')
			return refuse(l->host, "key is printable ASCII");
	return 0;
}

static int
get_options(struct login *l, const struct bn_host *host)
{
	int rc;

	l->host = host;
	l->listen = host->get(host->ctx, "listen");
	l->key = host->get(host->ctx, "key");
	rc = get_key(l);
	return rc < 0 ? rc : get_listen(l);
}

static int
login_check(const struct bn_host *host)
{
	struct login l = { 0 };

	return get_options(&l, host);
}

static int
login_open(const struct bn_host *host, void **self)
{
	struct login *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return -ENOMEM;
	rc = host->loop && host->known ? get_options(l, host) :
	    refuse(host, "here is no engine to ask: the action is for bannerd");
	if (rc < 0) {
		free(l);
		return rc;
	}
	*self = l;
	return 0;
}

static int
change(struct login *l, const struct bn_change *c)
{
	if (c->verb == BN_ADD)
		return login_set_add(&l->set, &c->subject);
	if (c->verb == BN_DEL)
		login_set_del(&l->set, &c->subject);
	return 0;
}

static int
login_apply(void *self, struct bn_change *v, size_t n)
{
	struct login *l = self;

	for (size_t i = 0; i < n; i++)
		v[i].err = l->server ? change(l, &v[i]) : -ENOTCONN;
	return 0;
}

/* Nothing is in force while nobody can ask. Listening begins here, not in open: by now
 * it is known which instances are one, and the process has given up its rights. */
static int
login_list(void *self, bn_seen_fn *fn, void *arg)
{
	struct login *l = self;
	int rc = l->server ? 0 : login_serve(l);

	if (rc == 0)
		login_set_each(&l->set, fn, arg);
	return rc;
}

static int
login_same(void *self, void *other)
{
	const struct login *x = self, *y = other;

	return strcmp(x->listen, y->listen) == 0 && strcmp(x->key, y->key) == 0;
}

static int
login_targets(void *self, bn_target_fn *fn, void *arg)
{
	const struct login *l = self;
	char state[160];

	snprintf(state, sizeof(state), "%s, %llu logins asked about, %llu refused, "
	    "%llu let in because the engine did not answer",
	    !l->server ? "NOT LISTENING" : login_is_full(l) ? "ALL CONNECTIONS TAKEN"
	    : "listening", (unsigned long long)l->asked,
	    (unsigned long long)l->refused, (unsigned long long)l->unsure);
	fn(arg, l->listen, state);
	return 0;
}

static int
login_flush(void *self)
{
	struct login *l = self;

	login_set_clear(&l->set);
	return 0;
}

static void
login_answered(void *self, uint64_t ticket, int yes)
{
	login_known(self, ticket, yes);
}

static void
login_close(void *self)
{
	struct login *l = self;

	login_asks_end(l);
	login_serve_end(l);
	login_set_clear(&l->set);
	free(l);
}

BN_ACTION(login) = {
	.abi = BN_ACTION_ABI, .size = sizeof(struct bn_action_ops), .flags = BN_STATE,
	.name = "login", .kinds = 1 << BN_ADDR | 1 << BN_USER, .keys = login_keys,
	.open = login_open, .apply = login_apply, .list = login_list,
	.targets = login_targets, .flush = login_flush, .close = login_close,
	.same = login_same, .known = login_answered, .check = login_check,
};
