/* SPDX-License-Identifier: GPL-2.0-or-later
 * nft_scope.c - ports and protocols, and the names that follow from the options.
 */
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/nft/nft.h"

static const struct { const char *name; uint8_t number; bool ports; } protocols[] = {
	{ "tcp", IPPROTO_TCP, true }, { "udp", IPPROTO_UDP, true },
	{ "sctp", IPPROTO_SCTP, true }, { "dccp", IPPROTO_DCCP, true },
	{ "udplite", IPPROTO_UDPLITE, true }, { "icmp", IPPROTO_ICMP, false },
	{ "icmpv6", IPPROTO_ICMPV6, false },
};
enum { NPROTOCOLS = sizeof(protocols) / sizeof(*protocols) };

const char *
nft_protocol(uint8_t number)
{
	for (size_t i = 0; i < NPROTOCOLS; i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	return "?";
}

static int
take_protocol(struct nft_scope *s, const char *word)
{
	for (size_t i = 0; i < NPROTOCOLS; i++) {
		if (strcmp(word, protocols[i].name) != 0)
			continue;
		if (s->nports && !protocols[i].ports)
			return -EINVAL;
		if (s->nprotocols == NFT_PROTOCOLS)
			return -E2BIG;
		s->protocols[s->nprotocols++] = protocols[i].number;
		return 0;
	}
	/* All of them: no limit, unless there are ports, which not all have. */
	return (strcmp(word, "all") == 0 || strcmp(word, "any") == 0) && !s->nports &&
	    !s->nprotocols ? 0 : -EINVAL;
}

static bool
port_number(const char *word, uint16_t *out)
{
	const struct servent *known;
	char *end;
	long v;

	if (isdigit((unsigned char)*word)) {
		v = strtol(word, &end, 10);
		*out = (uint16_t)v;
		return !*end && v >= 0 && v <= UINT16_MAX;
	}
	known = *word ? getservbyname(word, NULL) : NULL;
	if (known)
		*out = ntohs((uint16_t)known->s_port);
	return known != NULL;
}

/* "22", "ssh", "6000:6010", "6000-6010". A "-" within a name is part of it. "0:65535"
 * is how fail2ban says all ports; nothing has port 0. */
static int
take_port(struct nft_scope *s, char *word)
{
	char *colon = strpbrk(word, isdigit((unsigned char)*word) ? ":-" : ":");
	uint16_t lo, hi;

	if (colon)
		*colon++ = '\0';
	if (!port_number(word, &lo) || !port_number(colon ? colon : word, &hi))
		return -EINVAL;
	if (colon && lo == 0)
		lo = 1;
	if (lo == 0 || lo > hi)
		return -EINVAL;
	if (s->nports == NFT_PORTS)
		return -E2BIG;
	s->ports[s->nports].lo = lo;
	s->ports[s->nports++].hi = hi;
	return 0;
}

/* Each word of a list with commas or blanks. */
static int
each_word(struct nft_scope *s, const char *list, bool port, struct nft_word *bad)
{
	struct nft_word word = { .option = port ? "port" : "protocol" };
	int rc = 0;

	for (size_t n; rc == 0 && *(list += strspn(list, ", \t\n")); list += n) {
		n = strcspn(list, ", \t\n");
		snprintf(word.text, sizeof(word.text), "%.*s", (int)n, list);
		*bad = word;
		if (n >= sizeof(word.text))
			return -EINVAL;
		rc = port ? take_port(s, word.text) : take_protocol(s, word.text);
	}
	return rc;
}

int
nft_scope_parse(struct nft_scope *s, const char *ports, const char *protocol_list,
    struct nft_word *bad)
{
	int rc;

	*s = (struct nft_scope){ 0 };
	rc = each_word(s, ports, true, bad);
	if (rc == 0 && s->nports && !*protocol_list)
		protocol_list = "tcp";
	return rc < 0 ? rc : each_word(s, protocol_list, false, bad);
}

struct name {
	char text[1024];
	size_t len;
};

static void __attribute__((format(printf, 2, 3)))
add(struct name *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(n->text + n->len, sizeof(n->text) - n->len, fmt, ap);
	va_end(ap);
	n->len = strlen(n->text);
}

/* Long lists of ports make a name of their digest. */
static void
add_scope(struct name *n, const struct nft_scope *s)
{
	size_t start = n->len;

	for (size_t i = 0; i < s->nprotocols; i++)
		add(n, "_%s", nft_protocol(s->protocols[i]));
	for (size_t i = 0; i < s->nports; i++) {
		add(n, "_%u", s->ports[i].lo);
		if (s->ports[i].hi != s->ports[i].lo)
			add(n, ".%u", s->ports[i].hi);
	}
	if (n->len >= NFT_GROUP) {
		uint64_t d = nft_digest(0, n->text + start, "");

		n->len = start;
		add(n, "_%016llx", (unsigned long long)d);
	}
}

void
nft_name(struct nft *n)
{
	struct name name = { .len = 0 };

	add(&name, n->reject ? "ban_reject" : "ban");
	if (n->input)
		add(&name, "_input");
	if (n->priority != -300)
		add(&name, "_%s%d", n->priority < 0 ? "m" : "p", abs(n->priority));
	add_scope(&name, &n->scope);
	snprintf(n->base, sizeof(n->base), "%.*s", NFT_GROUP - 1, name.text);
	snprintf(n->from, sizeof(n->from), "%s%s", n->base,
	    n->scope.nprotocols ? "_from" : "");
}

void
nft_set_name(const struct nft *n, uint8_t family, uint8_t plen, char out[NFRULE_NAME])
{
	int len = snprintf(out, NFRULE_NAME, "%s_v%u", n->base, family);

	if (plen != (family == 4 ? 32 : 128))
		snprintf(out + len, NFRULE_NAME - (size_t)len, "_%u", plen);
}

bool
nft_set_of(const struct nft *n, const char *name, uint8_t *family, uint8_t *plen)
{
	size_t len = strlen(n->base);
	char made[NFRULE_NAME];
	unsigned v, p;

	if (strncmp(name, n->base, len) != 0 ||
	    sscanf(name + len, "_v%1u", &v) != 1 || (v != 4 && v != 6))
		return false;
	p = v == 4 ? 32 : 128;
	if (name[len + 3] && (sscanf(name + len + 3, "_%3u", &p) != 1 || p > 128))
		return false;
	*family = (uint8_t)v;
	*plen = (uint8_t)p;
	nft_set_name(n, *family, *plen, made);
	return (v == 6 || p <= 32) && strcmp(made, name) == 0;
}
