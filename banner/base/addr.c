/* SPDX-License-Identifier: GPL-2.0-or-later
 * addr.c - IPv4 and IPv6 addresses and prefixes, in binary.
 */
#include "banner/base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static unsigned
max_plen(const struct addr *a)
{
	return a->family == 4 ? 32 : 128;
}

/* ::ffff:a.b.c.d is the IPv4 client a.b.c.d, however it was written. */
static void
fold(struct addr *a)
{
	if (a->family != 6 || a->plen < 96 ||
	    memcmp(a->ip, mapped, sizeof(mapped)) != 0)
		return;
	a->family = 4;
	a->plen -= 96;
	memmove(a->ip, a->ip + 12, 4);
	memset(a->ip + 4, 0, 12);
}

/* "192.0.2.1" as inet_pton reads it: no leading zeros. */
static bool
parse_four(struct str s, uint8_t ip[4])
{
	const char *p = s.s, *end = s.s + s.len;
	unsigned v, digit;

	for (int k = 0; k < 4; k++) {
		if (k > 0 && (p == end || *p++ != '.'))
			return false;
		if (p == end || (v = (unsigned)(*p++ - '0')) > 9)
			return false;
		for (; p < end && (digit = (unsigned)(*p - '0')) <= 9; p++) {
			if (v == 0 || (v = v * 10 + digit) > 255)
				return false;
		}
		ip[k] = (uint8_t)v;
	}
	return p == end;
}

/* As inet_pton, without folding, so that a prefix length keeps its meaning. */
static int
parse_raw(struct str s, struct addr *a)
{
	char text[INET6_ADDRSTRLEN];

	if (s.len == 0 || s.len >= sizeof(text))
		return -EINVAL;
	*a = (struct addr){ .family = 4, .plen = 32 };
	if (parse_four(s, a->ip))
		return 0;
	if (!memchr(s.s, ':', s.len) || memchr(s.s, '\0', s.len))
		return -EINVAL;
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	*a = (struct addr){ .family = 6, .plen = 128 };
	return inet_pton(AF_INET6, text, a->ip) == 1 ? 0 : -EINVAL;
}

/* Keep the first n bits. */
static void
clear_host(struct addr *a, unsigned n)
{
	unsigned i = n / 8;

	if (n % 8)
		a->ip[i++] &= (uint8_t)(0xff << (8 - n % 8));
	memset(a->ip + i, 0, sizeof(a->ip) - i);
	a->plen = (uint8_t)n;
}

/* "24" or a mask of the same family, which must be ones, then zeros. */
static int
parse_plen(struct str s, const struct addr *a, unsigned *plen)
{
	struct addr mask, ones;
	uint64_t v;

	if (str_u64(s, &v) == 0) {
		*plen = (unsigned)v;
		return s.len <= 3 && v <= max_plen(a) ? 0 : -EINVAL;
	}
	if (parse_raw(s, &mask) < 0 || mask.family != a->family)
		return -EINVAL;
	for (v = 0; v < max_plen(a) && mask.ip[v / 8] & (0x80 >> v % 8); v++)
		;
	ones = mask;
	clear_host(&ones, (unsigned)v);
	*plen = (unsigned)v;
	return memcmp(ones.ip, mask.ip, sizeof(mask.ip)) == 0 ? 0 : -EINVAL;
}

int
addr_parse(struct str s, struct addr *out)
{
	struct addr a;

	if (parse_raw(s, &a) < 0)
		return -EINVAL;
	fold(&a);
	*out = a;
	return 0;
}

int
addr_parse_prefix(struct str s, struct addr *out)
{
	struct str host;
	struct addr a;
	unsigned plen;

	if (!str_cut(&s, '/', &host) || parse_raw(host, &a) < 0)
		return -EINVAL;
	if (s.s) {
		if (parse_plen(s, &a, &plen) < 0)
			return -EINVAL;
		clear_host(&a, plen);
	}
	fold(&a);
	*out = a;
	return 0;
}

bool
addr_is_mistaken(const char *s)
{
	static const char *const sets[] = { "0123456789abcdefABCDEF.:/",
		"0123456789.:/-" };
	bool odd = strpbrk(s, "#;\"'[]()<>") != NULL;
	struct addr a;

	for (size_t i = 0; i < 2; i++)
		odd |= strspn(s, sets[i]) == strlen(s) && strpbrk(s, "./:");
	return odd && addr_parse_prefix(str_of(s), &a) < 0;
}

int
addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	const struct sockaddr_in *four = (const void *)sa;
	const struct sockaddr_in6 *six = (const void *)sa;
	struct addr a = { 0 };

	if (sa->sa_family == AF_INET) {
		a.family = 4;
		a.plen = 32;
		memcpy(a.ip, &four->sin_addr, sizeof(four->sin_addr));
	} else if (sa->sa_family == AF_INET6) {
		a.family = 6;
		a.plen = 128;
		memcpy(a.ip, &six->sin6_addr, sizeof(six->sin6_addr));
		fold(&a);
	} else {
		return -EAFNOSUPPORT;
	}
	*out = a;
	return 0;
}

/* As inet_ntop, which formats by sprintf: this is done for every failure. */
static void
print_ip4(const uint8_t ip[4], char *out)
{
	for (int i = 0; i < 4; i++) {
		unsigned v = ip[i];

		if (v >= 100)
			*out++ = (char)('0' + v / 100);
		if (v >= 10)
			*out++ = (char)('0' + v / 10 % 10);
		*out++ = (char)('0' + v % 10);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *
addr_print(const struct addr *a, char out[ADDR_TEXT])
{
	size_t n;

	if (a->family == 0) {
		strcpy(out, "-");
		return out;
	}
	if (a->family == 4)
		print_ip4(a->ip, out);
	else
		inet_ntop(AF_INET6, a->ip, out, ADDR_TEXT);
	if (!addr_is_single(a)) {
		n = strlen(out);
		snprintf(out + n, ADDR_TEXT - n, "/%u", a->plen);
	}
	return out;
}

bool
addr_eq(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int
addr_cmp(const struct addr *a, const struct addr *b)
{
	int rc;

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	rc = memcmp(a->ip, b->ip, sizeof(a->ip));
	if (rc != 0)
		return rc < 0 ? -1 : 1;
	return (a->plen > b->plen) - (a->plen < b->plen);
}

bool
addr_is_single(const struct addr *a)
{
	return a->family != 0 && a->plen == max_plen(a);
}

struct addr
addr_mask(const struct addr *a, unsigned plen)
{
	struct addr m = *a;

	if (plen < a->plen)
		clear_host(&m, plen);
	return m;
}

bool
addr_contains(const struct addr *net, const struct addr *a)
{
	struct addr m;

	if (net->family != a->family || net->family == 0 || a->plen < net->plen)
		return false;
	m = addr_mask(a, net->plen);
	return addr_eq(&m, net);
}

static bool
overlaps_any(const struct addr *a, const struct addr *nets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (addr_contains(&nets[i], a) || addr_contains(a, &nets[i]))
			return true;
	return false;
}

#define CLASS(name, ...) \
bool \
name(const struct addr *a) \
{ \
	static const struct addr nets[] = { __VA_ARGS__ }; \
	return overlaps_any(a, nets, sizeof(nets) / sizeof(*nets)); \
}

/* IANA's special-purpose address registries. */
CLASS(addr_is_loopback, { 4, 8, { 127 } }, { 6, 128, { [15] = 1 } })
CLASS(addr_is_multicast, { 4, 4, { 224 } }, { 6, 8, { 0xff } })
CLASS(addr_is_unspecified, { 4, 8, { 0 } }, { 6, 128, { 0 } })
CLASS(addr_is_broadcast, { 4, 4, { 240 } })
