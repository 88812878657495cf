/* SPDX-License-Identifier: GPL-2.0-or-later
 * helper.c - names compared with an address, the text of a command.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/addr.h"
#include "banner/daemon/helper/helper.h"

static const struct helper_tag *
tag_find(const struct helper_question *q, struct str name)
{
	for (size_t i = 0; i < q->ntags; i++)
		if (str_is(name, q->tags[i].name))
			return &q->tags[i];
	return NULL;
}

static bool
name_has(const char *name, const struct addr *wanted)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM }, *all, *one;
	struct addr a;
	bool found = false;

	if (getaddrinfo(name, NULL, &hint, &all) != 0)
		return false;
	for (one = all; one && !found; one = one->ai_next)
		found = addr_from_sockaddr(one->ai_addr, &a) == 0 &&
		    addr_contains(wanted, &a);
	freeaddrinfo(all);
	return found;
}

static bool
has_addr(const struct addr *v, size_t n, const struct addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (addr_contains(&v[i], a))
			return true;
	return false;
}

size_t
helper_lookup(const char *name, struct addr *v, size_t max)
{
	struct addrinfo hint = { .ai_socktype = SOCK_STREAM }, *all, *one;
	struct in_addr number;
	struct addr a;
	size_t n = 0;

	/* 2130706433, 0x7f.1: old spellings of addresses, which are no names */
	if (inet_aton(name, &number) || getaddrinfo(name, NULL, &hint, &all) != 0)
		return 0;
	for (one = all; one && n < max; one = one->ai_next)
		if (addr_from_sockaddr(one->ai_addr, &a) == 0 && !has_addr(v, n, &a))
			v[n++] = a;
	freeaddrinfo(all);
	return n;
}

bool
helper_names(const struct helper_question *q)
{
	const struct helper_tag *ip = tag_find(q, STR("ip"));
	struct str rest = str_of(q->names), word;
	struct addr wanted;
	char name[256];

	if (!ip || addr_parse_prefix(ip->value, &wanted) < 0)
		return false;
	while (str_word(&rest, &word)) {
		if (word.len >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)word.len, word.s);
		if (name_has(name, &wanted))
			return true;
	}
	return false;
}

static bool
is_harmless(struct str v)
{
	if (v.len && v.s[0] == '-')
		return false;
	for (size_t i = 0; i < v.len; i++)
		if (!isalnum((unsigned char)v.s[i]) && !strchr(".:_/@-", v.s[i]))
			return false;
	return v.len > 0;
}

static void
put_tag(struct buf *out, const struct helper_tag *t, bool set)
{
	struct buf name = { 0 }, value = { 0 };

	if (is_harmless(t->value)) {
		buf_str(out, t->value);
		return;
	}
	buf_puts(&name, "bn_");
	for (const char *s = t->name; *s; s++)
		buf_putc(&name, isalnum((unsigned char)*s) ? *s : '_');
	buf_str(&value, t->value);
	if (set && value.len)
		setenv(name.p, value.p, 1);
	buf_printf(out, "\"${%s}\"", name.p);
	buf_fini(&name);
	buf_fini(&value);
}

/* "<F-USER>" names the capture "user", as in filters. */
static const struct helper_tag *
tag_at(const struct helper_question *q, const char *s, size_t *len)
{
	const char *end = strchr(s, '>');
	char name[64];
	size_t n;

	if (!end || (size_t)(end - s) > sizeof(name))
		return NULL;
	*len = (size_t)(end - s) + 1;
	s++;
	if (!strncmp(s, "F-", 2))
		s += 2;
	n = (size_t)(end - s);
	for (size_t i = 0; i < n; i++)
		name[i] = (char)tolower((unsigned char)s[i]);
	return tag_find(q, (struct str){ name, n });
}

void
helper_command(const struct helper_question *q, struct buf *out, bool set)
{
	const struct helper_tag *t;
	size_t len;

	for (const char *s = q->command; *s; s++) {
		t = *s == '<' ? tag_at(q, s, &len) : NULL;
		if (!t) {
			buf_putc(out, *s);
			continue;
		}
		put_tag(out, t, set);
		s += len - 1;
	}
}
