/* SPDX-License-Identifier: GPL-2.0-or-later
 * target.c - what a failure counts for: count = host, user, host+user, net or total.
 */
#include <ctype.h>
#include <string.h>

#include "banner/conf/conf.h"
#include "banner/core/inside.h"

static struct track_key
key_of_bytes(const struct jail *j, const void *p, size_t len)
{
	struct hash128 h = hash128(&j->engine->secret, p, len);
	struct track_key key;

	memcpy(key.b, &h, sizeof(key.b));
	return key;
}

/* A single address is its own key, IPv4 in its IPv6-mapped form; so is the one prefix
 * length that a jail counts. Any other prefix is hashed with its length. */
static struct track_key
key_of_addr(const struct jail *j, const struct addr *a, unsigned plen)
{
	struct track_key key = { { 0 } };

	if (a->plen != plen)
		return key_of_bytes(j, a, sizeof(*a));
	if (a->family == 6) {
		memcpy(key.b, a->ip, 16);
		return key;
	}
	key.b[10] = key.b[11] = 0xff;
	memcpy(key.b + 12, a->ip, 4);
	return key;
}

/* Mail servers take a name in any case, so who spells it otherwise is counted alike. */
static struct track_key
key_of_text(const struct jail *j, enum subject_kind kind, struct str text)
{
	uint8_t b[1 + SUBJECT_TEXT];

	b[0] = (uint8_t)kind;
	memcpy(b + 1, text.s, text.len);
	for (size_t i = 1; kind == SUBJECT_USER && i <= text.len; i++)
		b[i] = (uint8_t)tolower(b[i]);
	return key_of_bytes(j, b, 1 + text.len);
}

static struct addr
host_addr(const struct jail *j, const struct addr *a)
{
	if (a->family == 6 && j->conf->host6)
		return addr_mask(a, j->conf->host6);
	return *a;
}

static unsigned
host_plen(const struct jail *j, const struct addr *a)
{
	if (a->family == 4)
		return 32;
	return j->conf->host6 && j->conf->host6 < 128 ? j->conf->host6 : 128;
}

static bool
set_addr(const struct jail *j, const struct addr *a, struct target *t)
{
	t->subject.kind = SUBJECT_ADDR;
	t->subject.addr = host_addr(j, a);
	t->key = key_of_addr(j, &t->subject.addr, host_plen(j, a));
	return a->family != 0;
}

static bool
set_text(
    const struct jail *j, enum subject_kind kind, struct str text, struct target *t)
{
	if (text.len == 0 || text.len > SUBJECT_TEXT)
		return false;
	t->subject.kind = kind;
	t->subject.text = text;
	t->key = key_of_text(j, kind, text);
	return true;
}

static bool
set_host(const struct jail *j, const struct failure *f, struct target *t)
{
	switch (f->subject.kind) {
	case SUBJECT_ADDR:
		return set_addr(j, &f->subject.addr, t);
	case SUBJECT_USER:
	case SUBJECT_ID:
		return set_text(j, f->subject.kind, f->subject.text, t);
	case SUBJECT_NONE:
		break;
	}
	return f->addr.family != 0 && set_addr(j, &f->addr, t);
}

static bool
set_host_user(const struct jail *j, const struct failure *f, struct target *t)
{
	struct target host = { .what = 0 }, user = { .what = 0 };
	struct track_key both[2] = { { { 0 } } };

	if (!set_host(j, f, &host))
		return false;
	both[0] = host.key;
	if (set_text(j, SUBJECT_USER, f->user, &user))
		both[1] = user.key;
	else if (f->user.len || j->conf->ban_user)
		return false;
	t->subject = j->conf->ban_user ? user.subject : host.subject;
	t->key = key_of_bytes(j, both, sizeof(both));
	return true;
}

static bool
set_net(const struct jail *j, const struct failure *f, struct target *t)
{
	const struct addr *a = f->subject.kind == SUBJECT_ADDR ? &f->subject.addr
	    : &f->addr;
	unsigned plen = a->family == 6 ? j->conf->net6 : j->conf->net4;

	if (a->family == 0)
		return false;
	t->subject.kind = SUBJECT_ADDR;
	t->subject.addr = addr_mask(a, plen);
	t->key = key_of_addr(j, &t->subject.addr, plen);
	return true;
}

static uint32_t
distinct_value(const struct jail *j, const struct failure *f)
{
	const struct hash_key *k = &j->engine->secret;
	struct addr a;

	if (j->conf->distinct == 'u')
		return (uint32_t)hash64(k, f->user.s, f->user.len);
	if (f->subject.kind == SUBJECT_ID)
		return (uint32_t)hash64(k, f->subject.text.s, f->subject.text.len);
	a = host_addr(j, &f->addr);
	return (uint32_t)hash64(k, &a, sizeof(a));
}

bool
target_of(const struct jail *j, const struct failure *f, struct target *t)
{
	memset(t, 0, sizeof(*t));
	if (j->conf->distinct)
		t->what = distinct_value(j, f);
	switch (j->conf->count) {
	case COUNT_HOST:
		return set_host(j, f, t);
	case COUNT_USER:
		return set_text(j, SUBJECT_USER, f->user, t);
	case COUNT_HOST_USER:
		return set_host_user(j, f, t);
	case COUNT_NET:
		return set_net(j, f, t);
	case COUNT_TOTAL:
		t->subject.kind = SUBJECT_NONE;
		return true;
	}
	return false;
}
