/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft.c - bans as elements of nf_tables sets, in a table of our own.
 *
 * One hash set per family and prefix length, each with a rule that masks the source
 * address to that length and looks it up. So overlapping prefixes and the addresses in
 * them never meet, adding costs the same however many there are, and a packet costs
 * one lookup per length in use. Sets and rules come with the first ban that needs them.
 *
 * Elements carry a timeout of the ban's end and a minute more: with the daemon gone,
 * the kernel still ends the ban.
 */
#include "actions/nft/nft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actions/common/option.h"

static const struct bn_key nft_keys[] = {
	{ "table", "banner", "table of family inet that holds the bans: up to 100 "
	    "letters, digits, _ - ., a letter or _ first" },
	{ "hook", "prerouting", "prerouting (also what is forwarded) or input" },
	{ "priority", "-300", "of the chain, -100000 to 100000; -300 is before "
	    "connection tracking" },
	{ "verdict", "drop", "drop (silent) or reject (answered by ICMP)" },
	{ "port", "", "up to 64 ports to close: numbers, ranges (6000:6010) and "
	    "names of services; empty: all" },
	{ "protocol", "", "up to 4 of tcp, udp, sctp, dccp, udplite, without ports "
	    "also icmp, icmpv6, all" },
	{ "kill_sessions", "no", "yes or no; yes: close the connections banned "
	    "addresses have" },
	{ NULL, NULL, NULL }
};

/* Index of the value among words, or -EINVAL. */
static int
get_word(const struct bn_host *h, const char *key, const char *const *words)
{
	const char *text = h->get(h->ctx, key);

	for (int i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	return option_refuse(h, nft_keys, key, text);
}

static int
get_priority(const struct bn_host *h, int *out)
{
	const char *text = h->get(h->ctx, "priority");
	char *end;
	long v;

	errno = 0;
	v = strtol(text, &end, 10);
	if (end == text || *end || errno || v < -100000 || v > 100000)
		return option_refuse(h, nft_keys, "priority", text);
	*out = (int)v;
	return 0;
}

static int
get_table(const struct bn_host *h, const char **out)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
	const char *text = h->get(h->ctx, "table");
	size_t n = strlen(text);

	if (n == 0 || n > 100 || text[strspn(text, letters)] ||
	    strchr("0123456789-.", text[0]))
		return option_refuse(h, nft_keys, "table", text);
	*out = text;
	return 0;
}

static int
get_scope(const struct bn_host *h, struct nft_scope *out)
{
	const char *ports = h->get(h->ctx, "port");
	const char *protocols = h->get(h->ctx, "protocol");
	struct nft_word bad;
	int rc = nft_scope_parse(out, ports, protocols, &bad);

	return rc < 0 ? option_refuse(h, nft_keys, bad.option, bad.text) : 0;
}

static int
get_options(struct nft *n)
{
	static const char *const hooks[] = { "prerouting", "input", NULL };
	static const char *const verdicts[] = { "drop", "reject", NULL };
	static const char *const answers[] = { "no", "yes", NULL };
	const struct bn_host *h = n->host;
	int hook = get_word(h, "hook", hooks);
	int verdict = get_word(h, "verdict", verdicts);
	int kill = get_word(h, "kill_sessions", answers);
	int rc = hook < 0 || verdict < 0 || kill < 0 ? -EINVAL : 0;

	n->input = hook == 1;
	n->reject = verdict == 1;
	n->kill = kill == 1;
	if (rc == 0)
		rc = get_table(h, &n->table);
	if (rc == 0)
		rc = get_priority(h, &n->priority);
	if (rc == 0)
		rc = get_scope(h, &n->scope);
	return rc;
}

static void
nft_close(void *self)
{
	struct nft *n = self;

	nfnl_close(&n->nl);
	sockkill_close(&n->sockkill);
	nlsock_close(&n->notices);
	free(n);
}

static int
nft_check(const struct bn_host *host)
{
	struct nft n = { .host = host };

	return get_options(&n);
}

static int
nft_open(const struct bn_host *host, void **self)
{
	struct nft *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return -ENOMEM;
	n->host = host;
	n->nl.sock.fd = n->notices.fd = n->sockkill.list.fd = n->sockkill.kill.fd = -1;
	rc = get_options(n);
	if (rc == 0) {
		nft_name(n);
		rc = nfnl_open(&n->nl);
	}
	if (rc == 0)
		rc = nfnl_listen(&n->nl, &n->notices);
	if (rc == 0 && n->kill)
		rc = sockkill_open(&n->sockkill);
	if (rc < 0) {
		nft_close(n);
		return rc;
	}
	*self = n;
	return 0;
}

static int
nft_apply(void *self, struct bn_change *v, size_t n)
{
	struct nft *nft = self;

	nft_change(nft, v, n);
	if (nft->kill)
		sockkill_banned(&nft->sockkill, nft->host, v, n);
	return 0;
}

static int
nft_list(void *self, bn_seen_fn *fn, void *arg)
{
	return nft_tell(self, fn, arg);
}

static int
nft_poll_fd(void *self)
{
	struct nft *n = self;

	return n->notices.fd;
}

static int
nft_run(void *self)
{
	return nft_notices(self);
}

static int
nft_flush(void *self)
{
	struct nft *n = self;
	int rc = nft_inspect(n);

	if (rc < 0)
		return rc;
	nfnl_begin(&n->nl);
	nft_demolish(n, &n->sets);
	rc = nfnl_commit(&n->nl);
	if (rc < 0)
		return rc;
	n->sets = (struct nft_sets){ 0 };
	n->built = false;
	return nft_drop_table(n);
}

static int
nft_same(void *self, void *other)
{
	const struct nft *a = self, *b = other;

	return strcmp(a->table, b->table) == 0 && strcmp(a->base, b->base) == 0;
}

BN_ACTION(nft) = {
	.abi = BN_ACTION_ABI, .size = sizeof(struct bn_action_ops),
	.flags = BN_STATE | BN_PROLONGS, .name = "nft", .kinds = 1 << BN_ADDR,
	.keys = nft_keys, .open = nft_open, .apply = nft_apply, .list = nft_list,
	.poll_fd = nft_poll_fd, .run = nft_run, .flush = nft_flush, .same = nft_same,
	.close = nft_close, .check = nft_check,
};
