/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge_guard.c - whom a proxy protects by itself: its own addresses, gateways
 * and name servers, the controller, and what its policy names.
 */
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/core/guard.h"
#include "banner/tools/banner_edge.h"

struct list {
	struct guard_entry *v;
	size_t n;
};

static void
list_add(struct list *l, const struct addr *a, const char *why)
{
	if (!a->family || !a->plen)
		return;
	l->v = xrealloc(l->v, (l->n + 1) * sizeof(*l->v));
	l->v[l->n++] = (struct guard_entry){ *a, why };
}

static void
list_text(struct list *l, struct str text, const char *why)
{
	struct addr a;

	if (addr_parse_prefix(text, &a) == 0)
		list_add(l, &a, why);
}

static void
own_addresses(struct list *l)
{
	struct ifaddrs *all, *i;
	struct addr a;

	if (getifaddrs(&all) < 0)
		return;
	for (i = all; i; i = i->ifa_next)
		if (i->ifa_addr && addr_from_sockaddr(i->ifa_addr, &a) == 0)
			list_add(l, &a, "own address");
	freeifaddrs(all);
}

/* proc_pid_net(5): interface, destination, gateway in hexadecimal host order. */
static void
gateway(struct list *l, const char *line)
{
	struct addr a = { .family = 4, .plen = 32 };
	unsigned destination, gate;

	if (sscanf(line, "%*s %x %x", &destination, &gate) != 2 || !gate)
		return;
	memcpy(a.ip, &gate, sizeof(gate));
	list_add(l, &a, "gateway");
}

/* The same for IPv6: destination and length, source and length, next hop. */
static void
gateway6(struct list *l, const char *line)
{
	struct addr a = { .family = 6, .plen = 128 };
	bool set = false;
	char gate[33];

	if (sscanf(line, "%*s %*s %*s %*s %32[0-9a-f]", gate) != 1 ||
	    strlen(gate) != 32)
		return;
	for (int i = 0; i < 16; i++) {
		char byte[3] = { gate[2 * i], gate[2 * i + 1] };

		a.ip[i] = (uint8_t)strtoul(byte, NULL, 16);
		set |= a.ip[i] != 0;
	}
	if (set)
		list_add(l, &a, "gateway");
}

static void
name_server(struct list *l, const char *line)
{
	char name[64];

	if (sscanf(line, " nameserver %63s", name) == 1)
		list_text(l, str_of(name), "name server");
}

static void
each_line(struct list *l, const char *path, void (*fn)(struct list *, const char *))
{
	FILE *f = fopen(path, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		fn(l, line);
	if (f)
		fclose(f);
}

void
edge_conf_guard(const struct edge_conf *c, struct guard *g)
{
	struct list list = { 0 }, *l = &list;
	struct str client = str_of(getenv("SSH_CONNECTION")), word;

	for (size_t i = 0; i < c->protect.n; i++)
		list_text(l, str_of(c->protect.v[i]), "protected");
	own_addresses(l);
	each_line(l, "/proc/net/route", gateway);
	each_line(l, "/proc/net/ipv6_route", gateway6);
	each_line(l, "/etc/resolv.conf", name_server);
	/* environ(7) of sshd: client address and port, server address and port */
	if (str_word(&client, &word))
		list_text(l, word, "the controller");
	guard_set(g, "edge", l->v, l->n);
	free(l->v);
}
