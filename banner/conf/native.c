/* SPDX-License-Identifier: GPL-2.0-or-later
 * native.c - action files that one of our plugins can stand in for.
 */
#include "banner/conf/native.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <string.h>

#include "banner/base/table.h"

enum { PORTS_MAX = 64 };	/* that plugin nft takes */

/* What the commands of a file amount to. */
enum meaning { MEANS_ROUTE, MEANS_NFT, MEANS_IPTABLES };

/* "bannerd -t" shows the fingerprint of a file with one of the names below. */
static const struct known {
	uint64_t fingerprint;
	enum meaning meaning;
	bool ports;			/* only those of option port */
} known[] = {
	{ 0x09d2e8ee7a09157b, MEANS_ROUTE, false },
	/* nftables, by type; with sets of intervals, and without grep -P, later */
	{ 0xc914f321a1418eb7, MEANS_NFT, true },	/* multiport */
	{ 0xce2329b0b2ee79de, MEANS_NFT, false },	/* allports */
	{ 0x22ec07143d6b9da2, MEANS_NFT, true },
	{ 0x28143e1527c211d5, MEANS_NFT, false },
	{ 0xbc4161c6d0b8ddc3, MEANS_NFT, true },
	{ 0x35fb112974d03113, MEANS_NFT, false },
	/* iptables, by type; since 1.1.1 with loops over chains */
	{ 0x0d9465176a1c1cc3, MEANS_IPTABLES, true },	/* oneport */
	{ 0x55bba302169d8e2c, MEANS_IPTABLES, true },	/* multiport */
	{ 0x807e5a412e4f97d5, MEANS_IPTABLES, false },	/* allports */
	{ 0xaa3026e1f2782f45, MEANS_IPTABLES, true },	/* new connections */
	{ 0x8357207d15fe25ac, MEANS_IPTABLES, true },
	{ 0x1ea2ff92c82af8b4, MEANS_IPTABLES, true },
	{ 0x891b2e5552e3cfda, MEANS_IPTABLES, false },
	{ 0x370d73c1c53a3c11, MEANS_IPTABLES, true },
	/* iptables with ipset, by type; since 1.1.0 with their greatest size, since
	 * 1.1.1 with loops over chains */
	{ 0x0e53fd8c4882bf05, MEANS_IPTABLES, true },	/* oneport */
	{ 0x78a2c47e60f40f74, MEANS_IPTABLES, true },	/* multiport */
	{ 0x9b7f6d3fd53d286c, MEANS_IPTABLES, false },	/* allports */
	{ 0x5f4abea4a796d4e3, MEANS_IPTABLES, true },	/* sets of IPv4 alone */
	{ 0x4d7a0c528ebf6e6e, MEANS_IPTABLES, true },
	{ 0x0ddb76184fc4ef2d, MEANS_IPTABLES, true },
	{ 0x9f1ad565f272dc8b, MEANS_IPTABLES, false },
	{ 0x0e97f747197bd075, MEANS_IPTABLES, true },
	{ 0xc0f734587bd87389, MEANS_IPTABLES, true },
	{ 0x65446f7a9e82796c, MEANS_IPTABLES, true },
	{ 0xd2737de7aa038b14, MEANS_IPTABLES, false },
	{ 0x1ee5f5c1ba3f3edf, MEANS_IPTABLES, true },
};

/* Files that native = yes takes as what their name says, and which -t explains. */
static const struct named {
	const char *name;
	enum meaning meaning;
	bool ports;
} named[] = {
	{ "route", MEANS_ROUTE, false },
	{ "nftables", MEANS_NFT, true },
	{ "nftables-multiport", MEANS_NFT, true },
	{ "nftables-allports", MEANS_NFT, false },
	{ "iptables", MEANS_IPTABLES, true },
	{ "iptables-new", MEANS_IPTABLES, true },
	{ "iptables-multiport", MEANS_IPTABLES, true },
	{ "iptables-allports", MEANS_IPTABLES, false },
	{ "iptables-ipset", MEANS_IPTABLES, true },
	{ "iptables-ipset-proto4", MEANS_IPTABLES, true },
	{ "iptables-ipset-proto6", MEANS_IPTABLES, true },
	{ "iptables-ipset-proto6-allports", MEANS_IPTABLES, false },
};

static const char *const marks[] = { "name", "port", "protocol", "chain", "blocktype",
	"table", NULL };
static const char *const commands[] = { "actionstart", "actionstart_on_demand",
	"actionstop", "actionflush", "actionreload", "actioncheck", "actionrepair",
	"actionrepair_on_unban", "actionban", "actionprolong", "actionreban",
	"actionunban", "norestored", NULL };

/* Ways to refuse, and the verdict that does the same. */
static const struct { const char *blocktype, *verdict; } verdicts[] = {
	{ "drop", "drop" }, { "DROP", "drop" }, { "reject", "reject" },
	{ "REJECT", "reject" },
	{ "REJECT --reject-with icmp-port-unreachable", "reject" },
	{ "REJECT --reject-with icmp6-port-unreachable", "reject" },
};

bool
native_is_plugin(const char *name)
{
	struct str rest = STR(NATIVE_PLUGINS), one;

	while (str_cut(&rest, ',', &one))
		if (str_is(str_trim(one), name))
			return true;
	return false;
}

static bool
is_set(const char *text)
{
	return text && *text;
}

const char *
native_scope(struct arena *a, const char *plugin, const struct conf_options *o)
{
	const char *port = options_get(o, "port");
	const char *protocol = options_get(o, "protocol");

	if (strcmp(plugin, "nft") != 0)
		return "";
	if (!is_set(port))
		return is_set(protocol) ? protocol : "";
	return arena_printf(a, "%s/%s", is_set(protocol) ? protocol : "tcp", port);
}

void
native_marks(struct arena *a, const struct conf_options *brackets,
    struct conf_options *out)
{
	const char *type = options_get(brackets, "type");

	for (const char *const *m = marks; *m; m++)
		options_set(a, out, *m, arena_printf(a, "@%s@", *m));
	/* Up to 1.1.0, [Init?family=inet6] of a file wins over the brackets. */
	options_set(a, out, "blocktype?family=inet6", "@blocktype@");
	options_set(a, out, "actname", "@name@");
	if (type)
		options_set(a, out, "type", type);
}

/* The value for one family, without white space around it; absent is empty. */
static struct str
value(const struct native_choice *c, const struct conf_options *o, const char *key,
    bool six)
{
	const char *text = six ? options_get(o, arena_printf(c->arena,
	    "%s?family=inet6", key)) : NULL;

	if (!text)
		text = options_get(o, key);
	return str_trim(str_of(text ? text : ""));
}

static uint64_t
fingerprint(const struct native_choice *c)
{
	static const struct hash_key fixed;
	struct buf all = { 0 };
	uint64_t h;

	for (const char *const *k = commands; *k; k++) {
		for (int six = 0; six < 2; six++) {
			struct str text = value(c, c->marked, *k, six);

			if (!text.len)
				continue;
			buf_printf(&all, "%s %d ", *k, six);
			buf_str(&all, text);
			buf_putc(&all, '\0');
		}
	}
	h = hash64(&fixed, all.p, all.len);
	buf_fini(&all);
	return h;
}

/* The name of the mark that text begins with, or NULL. */
static const char *
mark_at(struct str text)
{
	for (const char *const *m = marks; *m; m++) {
		size_t n = strlen(*m);

		if (text.len >= n + 2 && text.s[0] == '@' && text.s[n + 1] == '@' &&
		    memcmp(text.s + 1, *m, n) == 0)
			return *m;
	}
	return NULL;
}

/* Is the command of this jail the marked one with the jail's options filled in? */
static bool
same_command(const struct native_choice *c, const char *key, bool six)
{
	struct str text = value(c, c->marked, key, six);
	struct buf filled = { 0 };
	bool same;

	while (text.len) {
		const char *mark = mark_at(text);
		size_t n = mark ? strlen(mark) + 2 : 1;
		struct str put = mark ? value(c, c->options, mark, six) :
		    (struct str){ text.s, 1 };

		buf_str(&filled, put);
		text.s += n;
		text.len -= n;
	}
	same = str_eq(str_trim(buf_view(&filled)), value(c, c->options, key, six));
	buf_fini(&filled);
	return same;
}

static const char *
verdict(struct str blocktype)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		if (str_is(blocktype, verdicts[i].blocktype))
			return verdicts[i].verdict;
	return NULL;
}

/* Ports that plugin nft understands: numbers, ranges, known names. */
static bool
good_ports(const struct native_choice *c, const char *list)
{
	struct str rest = str_of(list), one;
	size_t n = 0;

	while (str_cut(&rest, ',', &one)) {
		const char *text = arena_dup(c->arena, str_trim(one));

		if (++n > PORTS_MAX || (!isdigit((unsigned char)*text) &&
		    !getservbyname(text, NULL)))
			return false;
	}
	return n > 0;
}

/* Plugin nft as the file would have it, or the reason why it cannot. */
static const char *
become_nft(struct native_choice *c, const struct known *k)
{
	struct conf_options *out = &c->plugin_options;
	const char *four = verdict(value(c, c->options, "blocktype", false));
	bool six = verdict(value(c, c->options, "blocktype", true)) != NULL;
	const char *port = options_get(c->options, "port");
	const char *protocol = options_get(c->options, "protocol");

	if (!native_has_nft())
		return "plugin nft is not part of this build";
	/* It may be that of IPv4 alone; what was asked for serves both. */
	if (!four || !six)
		return "its blocktype is not one that plugin nft knows";
	if (k->meaning == MEANS_IPTABLES &&
	    !str_is(value(c, c->options, "chain", false), "INPUT"))
		return "its chain is not INPUT";
	if (k->ports && (!port || !good_ports(c, port)))
		return "its ports are not numbers or known names, or too many";
	options_set(c->arena, out, "hook", "input");
	options_set(c->arena, out, "priority", "-1");
	options_set(c->arena, out, "verdict", four);
	if (k->ports)
		options_set(c->arena, out, "port", port);
	if (is_set(protocol) && strcmp(protocol, "all") != 0)
		options_set(c->arena, out, "protocol", protocol);
	c->plugin = "nft";
	return NULL;
}

static const char *
become_route(struct native_choice *c)
{
	struct str type = value(c, c->options, "blocktype", false);

	if (!str_is(type, "blackhole") && !str_is(type, "unreachable") &&
	    !str_is(type, "prohibit"))
		return "its blocktype is not one that plugin route knows";
	options_set(c->arena, &c->plugin_options, "blocktype",
	    arena_dup(c->arena, type));
	c->plugin = "route";
	return NULL;
}

static const char *
become(struct native_choice *c, const struct known *k)
{
	switch (k->meaning) {
	case MEANS_ROUTE:
		return become_route(c);
	case MEANS_NFT:
	case MEANS_IPTABLES:
		return become_nft(c, k);
	}
	return NULL;
}

static const struct named *
find_named(const char *name)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (strcmp(named[i].name, name) == 0)
			return &named[i];
	return NULL;
}

/* By its fingerprint; else the first thing in why that is not as in a stock file. */
static const struct known *
find_known(struct native_choice *c, const char **why)
{
	uint64_t h = fingerprint(c);

	for (const char *const *k = commands; *k; k++) {
		if (!same_command(c, *k, false) || !same_command(c, *k, true)) {
			*why = arena_printf(c->arena, "%s is changed by an option", *k);
			return NULL;
		}
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].fingerprint == h)
			return &known[i];
	*why = arena_printf(c->arena, "its commands are not those of a stock file, "
	    "fingerprint %016" PRIx64, h);
	return NULL;
}

/* NULL when a plugin took it over, else why not. */
static const char *
try_native(struct native_choice *c)
{
	const struct named *n = find_named(c->name);
	const char *why = NULL, *not;
	const struct known *k, forced = { .meaning = n ? n->meaning : MEANS_ROUTE,
		.ports = n && n->ports };

	if (strcmp(c->native, "no") == 0)
		return "native = no";
	k = find_known(c, &why);
	if (!k && n && strcmp(c->native, "yes") == 0)
		k = &forced;
	else if (!k)
		return n ? why : "no plugin of ours stands in for it";
	not = become(c, k);
	if (not)
		return not;
	c->why = why ? arena_printf(c->arena, "plugin %s: native = yes, although %s",
	    c->plugin, why) : arena_printf(c->arena, "plugin %s: %s has the stock "
	    "commands", c->plugin, c->file);
	return NULL;
}

void
native_choose(struct native_choice *c)
{
	const char *not = try_native(c);

	if (!not)
		return;
	c->plugin = "exec";
	c->why = arena_printf(c->arena, "exec: runs the commands of %s as %s (%s)",
	    c->file, c->user, not);
}
