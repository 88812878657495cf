/* SPDX-License-Identifier: GPL-2.0-or-later
 * banner_edge_conf.c - the policy file of a proxy, and whom it protects by itself.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/conf/ini.h"
#include "banner/core/guard.h"
#include "banner/tools/banner_edge.h"

static const char *const keys[] = { "plugin", "state", "sandbox", "protected",
	"shortest4", "shortest6", "max_bans", "rate", NULL };

static const struct ini_option *
option(const struct ini *ini, const char *key)
{
	const struct ini_section *s = ini_section_find(ini, "edge");

	return s ? ini_option_find(s, key) : NULL;
}

static const char *
value(const struct ini *ini, const char *key, const char *fallback)
{
	const struct ini_option *o = option(ini, key);

	return o ? o->value : fallback;
}

static int
number(
    const struct ini *ini, const char *key, uint64_t max, uint64_t *out, struct err *e)
{
	const struct ini_option *o = option(ini, key);

	if (!o)
		return 0;
	if (str_u64(str_trim(str_of(o->value)), out) < 0 || *out > max)
		return err_set(e, -EINVAL,
		    "%s:%d: %s = %s: a number up to %llu is expected", ini->path,
		    o->line, key, o->value, (unsigned long long)max);
	return 0;
}

static int
check_words(const struct edge_conf *c, const struct ini *ini, struct err *e)
{
	static const char *const levels[] = { "auto", "required", "off" };
	bool known = false;

	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		known |= !strcmp(c->sandbox, levels[i]);
	if (!known)
		return err_set(e, -EINVAL,
		    "%s:%d: sandbox = %s: auto, required or off is expected", ini->path,
		    option(ini, "sandbox")->line, c->sandbox);
	if (c->state[0] != '/')
		return err_set(e, -EINVAL,
		    "%s:%d: state = %s: a path that begins with / is expected",
		    ini->path, option(ini, "state")->line, c->state);
	return 0;
}

static int
read_nets(struct edge_conf *c, const struct ini *ini, struct err *e)
{
	struct str rest = str_of(value(ini, "protected", "")), word;
	struct addr a;

	while (str_word(&rest, &word)) {
		if (addr_parse_prefix(word, &a) < 0)
			return err_set(e, -EINVAL,
			    "%s:%d: protected: \"%.*s\" is no address "
			    "and no prefix",
			    ini->path, option(ini, "protected")->line,
			    (int)word.len, word.s);
		c->protect.v = vec_room(
		    c->arena, c->protect.v, c->protect.n, sizeof(*c->protect.v));
		c->protect.v[c->protect.n++] = arena_dup(c->arena, word);
	}
	return 0;
}

static int
check_names(const struct ini *ini, struct err *e)
{
	for (size_t i = 0; i < ini->nproblems; i++)
		return err_set(e, -EINVAL, "%s:%d: %s", ini->path,
		    ini->problems[i].line, ini->problems[i].text);
	for (size_t i = 0; i < ini->nsections; i++) {
		const struct ini_section *s = &ini->sections[i];

		if (!strcmp(s->name, "action"))
			continue;
		if (strcmp(s->name, "edge") != 0)
			return err_set(e, -EINVAL,
			    "%s:%d: section [%s]: only [edge] and "
			    "[action] are known",
			    ini->path, s->line, s->name);
		for (size_t n = 0; n < s->n; n++) {
			const char *const *k = keys;

			while (*k && strcmp(*k, s->options[n].name) != 0)
				k++;
			if (!*k)
				return err_set(e, -EINVAL, "%s:%d: unknown option %s",
				    ini->path, s->options[n].line, s->options[n].name);
		}
	}
	return 0;
}

static void
read_action(struct edge_conf *c, const struct ini *ini)
{
	const struct ini_section *s = ini_section_find(ini, "action");

	for (size_t i = 0; s && i < s->n; i++) {
		c->options.v = vec_room(
		    c->arena, c->options.v, c->options.n, sizeof(*c->options.v));
		c->options.v[c->options.n++] =
		    (struct conf_option){ s->options[i].name, s->options[i].value };
	}
}

static int
read_values(struct edge_conf *c, const struct ini *ini, struct err *e)
{
	uint64_t plen4 = 24, plen6 = 48;
	int rc = check_names(ini, e);

	c->plugin = value(ini, "plugin", "route");
	c->state = value(ini, "state", "/var/lib/banner-edge");
	c->sandbox = value(ini, "sandbox", "auto");
	c->max_bans = 200000;
	c->rate = 20000;
	if (rc == 0)
		rc = number(ini, "shortest4", 32, &plen4, e);
	if (rc == 0)
		rc = number(ini, "shortest6", 128, &plen6, e);
	if (rc == 0)
		rc = number(ini, "max_bans", 10000000, &c->max_bans, e);
	if (rc == 0)
		rc = number(ini, "rate", 10000000, &c->rate, e);
	c->plen4 = (unsigned)plen4;
	c->plen6 = (unsigned)plen6;
	read_action(c, ini);
	if (rc == 0)
		rc = check_words(c, ini, e);
	return rc < 0 ? rc : read_nets(c, ini, e);
}

/* Whoever may write this file may have any address banned. */
static int
check_owner(const char *path, struct err *e)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH))
		return err_set(e, -EPERM,
		    "%s must belong to root and be writable by "
		    "nobody else",
		    path);
	return 0;
}

int
edge_conf_read(struct edge_conf *c, const char *path, struct err *e)
{
	struct ini *ini = NULL;
	int rc;

	*c = (struct edge_conf){ .arena = arena_new() };
	rc = check_owner(path, e);
	if (rc == 0)
		rc = ini_load(c->arena, path, &ini, e);
	return rc < 0 || !ini ? rc : read_values(c, ini, e);
}

void
edge_conf_free(struct edge_conf *c)
{
	if (c->arena)
		arena_free(c->arena);
	c->arena = NULL;
}

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
gateways(struct list *l)
{
	FILE *f = fopen("/proc/net/route", "re");
	char line[512];
	unsigned destination, gate;

	while (f && fgets(line, sizeof(line), f)) {
		struct addr a = { .family = 4, .plen = 32 };

		if (sscanf(line, "%*s %x %x", &destination, &gate) != 2 || !gate)
			continue;
		memcpy(a.ip, &gate, sizeof(gate));
		list_add(l, &a, "gateway");
	}
	if (f)
		fclose(f);
}

/* The same for IPv6: destination and length, source and length, next hop. */
static void
gateways6(struct list *l)
{
	FILE *f = fopen("/proc/net/ipv6_route", "re");
	char line[512], gate[33];

	while (f && fgets(line, sizeof(line), f)) {
		struct addr a = { .family = 6, .plen = 128 };
		bool set = false;

		if (sscanf(line, "%*s %*s %*s %*s %32[0-9a-f]", gate) != 1 ||
		    strlen(gate) != 32)
			continue;
		for (int i = 0; i < 16; i++) {
			char byte[3] = { gate[2 * i], gate[2 * i + 1] };

			a.ip[i] = (uint8_t)strtoul(byte, NULL, 16);
			set |= a.ip[i] != 0;
		}
		if (set)
			list_add(l, &a, "gateway");
	}
	if (f)
		fclose(f);
}

static void
name_servers(struct list *l)
{
	FILE *f = fopen("/etc/resolv.conf", "re");
	char line[512], name[64];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " nameserver %63s", name) == 1)
			list_text(l, str_of(name), "name server");
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
	gateways(l);
	gateways6(l);
	name_servers(l);
	/* environ(7) of sshd: client address and port, server address and port */
	if (str_word(&client, &word))
		list_text(l, word, "the controller");
	guard_set(g, "edge", l->v, l->n);
	free(l->v);
}
