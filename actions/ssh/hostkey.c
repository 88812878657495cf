/* SPDX-License-Identifier: GPL-2.0-or-later
 * hostkey.c - is it the proxy that we know?
 */
#include "actions/ssh/hostkey.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/ssh/carrier.h"

enum { FILE_BYTES = 4 << 20, LINE = 16384 };

static const struct type {
	const char *name, *methods;
	int bit;
} types[] = {
	{ "ssh-ed25519", "ssh-ed25519", LIBSSH2_KNOWNHOST_KEY_ED25519 },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256",
	    LIBSSH2_KNOWNHOST_KEY_ECDSA_256 },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384",
	    LIBSSH2_KNOWNHOST_KEY_ECDSA_384 },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521",
	    LIBSSH2_KNOWNHOST_KEY_ECDSA_521 },
	{ "ssh-rsa", "rsa-sha2-512,rsa-sha2-256,ssh-rsa",
	    LIBSSH2_KNOWNHOST_KEY_SSHRSA },
};
enum { NTYPES = sizeof(types) / sizeof(*types) };

typedef int(line_fn)(void *arg, const char *line, size_t len);

/* fn returns nonzero to stop, and that is returned. */
static int
each_line(struct host *h, line_fn *fn, void *arg)
{
	char line[LINE];
	int rc = 0;
	FILE *f = fopen(h->ssh->o.known_hosts, "re");

	if (!f)
		return carrier_error(
		    h, -EKEYREJECTED, "%s: %s", h->ssh->o.known_hosts, strerror(errno));
	while (rc == 0 && fgets(line, sizeof(line), f)) {
		const char *at = line + strspn(line, " \t");

		/* the library takes a newline behind the end for part of the key */
		line[strcspn(line, "\r\n")] = '\0';

		/* markers of sshd(8): authorities are not understood here */
		if (*at == '#' || !*at)
			continue;
		rc = fn(arg, at, strlen(at));
	}
	fclose(f);
	return rc;
}

/* Does this line speak of the host? MISMATCH says: yes, with another key. */
static bool
line_is_for(struct host *h, LIBSSH2_SESSION *s, const char *line, size_t len)
{
	LIBSSH2_KNOWNHOSTS *one = libssh2_knownhost_init(s);
	struct libssh2_knownhost *found;
	int rc = LIBSSH2_KNOWNHOST_CHECK_NOTFOUND;

	if (one &&
	    libssh2_knownhost_readline(
		one, line, len, LIBSSH2_KNOWNHOST_FILE_OPENSSH) == 0)
		rc = libssh2_knownhost_checkp(one, h->where, h->port, "x", 1,
		    LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW,
		    &found);
	if (one)
		libssh2_knownhost_free(one);
	return rc == LIBSSH2_KNOWNHOST_CHECK_MISMATCH ||
	    rc == LIBSSH2_KNOWNHOST_CHECK_MATCH;
}

struct recorded {
	struct host *h;
	LIBSSH2_SESSION *s;
	bool has[NTYPES], any;
};

static int
add_type(void *arg, const char *line, size_t len)
{
	struct recorded *r = arg;
	const char *type = line + strcspn(line, " \t");
	size_t n;

	if (*line == '@')
		return 0;
	type += strspn(type, " \t");
	n = strcspn(type, " \t");
	for (int i = 0; i < NTYPES; i++)
		if (!r->has[i] && strlen(types[i].name) == n &&
		    strncmp(types[i].name, type, n) == 0)
			r->any |= r->has[i] = line_is_for(r->h, r->s, line, len);
	return 0;
}

int
hostkey_types(struct host *h, LIBSSH2_SESSION *s, char *out, size_t size)
{
	struct recorded r = { .h = h, .s = s };
	int rc = each_line(h, add_type, &r);

	if (rc < 0)
		return rc;
	if (!r.any)
		return carrier_error(h, -EKEYREJECTED,
		    "no key is recorded for %s port %d "
		    "in %s",
		    h->where, h->port, h->ssh->o.known_hosts);
	*out = '\0';
	for (int i = 0; i < NTYPES; i++)
		if (r.has[i])
			snprintf(out + strlen(out), size - strlen(out), "%s%s",
			    *out ? "," : "", types[i].methods);
	return 0;
}

static void
fingerprint(LIBSSH2_SESSION *s, char out[64])
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789+/";
	const unsigned char *p =
	    (const void *)libssh2_hostkey_hash(s, LIBSSH2_HOSTKEY_HASH_SHA256);
	char *at = out;

	for (int i = 0; p && i < 32; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < 32 ? p[i + 1] << 8 : 0) |
		    (i + 2 < 32 ? p[i + 2] : 0);

		for (int k = 0; k < (i + 2 < 32 ? 4 : 3); k++)
			*at++ = digits[v >> (18 - 6 * k) & 63];
	}
	*at = '\0';
}

struct check {
	struct host *h;
	LIBSSH2_SESSION *s;
	LIBSSH2_KNOWNHOSTS *all;
	const char *key;
	size_t len;
	int bit;
};

static int
load_line(void *arg, const char *line, size_t len)
{
	struct check *c = arg;
	LIBSSH2_KNOWNHOSTS *one;
	struct libssh2_knownhost *found;
	int rc = LIBSSH2_KNOWNHOST_CHECK_NOTFOUND;

	if (*line != '@') {
		libssh2_knownhost_readline(
		    c->all, line, len, LIBSSH2_KNOWNHOST_FILE_OPENSSH);
		return 0;
	}
	if (strncmp(line, "@revoked", 8) != 0)
		return 0;
	line += 8 + strspn(line + 8, " \t");
	one = libssh2_knownhost_init(c->s);
	if (one &&
	    libssh2_knownhost_readline(
		one, line, strcspn(line, "\r\n"), LIBSSH2_KNOWNHOST_FILE_OPENSSH) == 0)
		rc = libssh2_knownhost_checkp(one, c->h->where, c->h->port, c->key,
		    c->len, LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW,
		    &found);
	if (one)
		libssh2_knownhost_free(one);
	return rc == LIBSSH2_KNOWNHOST_CHECK_MATCH;
}

static int
judge(struct check *c)
{
	struct libssh2_knownhost *found;
	const char *file = c->h->ssh->o.known_hosts;
	char print[64];
	int rc = each_line(c->h, load_line, c);

	fingerprint(c->s, print);
	if (rc < 0)
		return rc;
	if (rc > 0)
		return carrier_error(c->h, -EKEYREJECTED,
		    "the host key SHA256:%s is "
		    "revoked in %s",
		    print, file);
	rc = libssh2_knownhost_checkp(c->all, c->h->where, c->h->port, c->key, c->len,
	    LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW | c->bit,
	    &found);
	if (rc == LIBSSH2_KNOWNHOST_CHECK_MATCH)
		return 0;
	return carrier_error(c->h, -EKEYREJECTED,
	    rc == LIBSSH2_KNOWNHOST_CHECK_MISMATCH
		? "THE HOST KEY HAS CHANGED to SHA256:%s; %s says otherwise"
		: "unknown host key SHA256:%s: it is not in %s",
	    print, file);
}

int
hostkey_check(struct host *h, LIBSSH2_SESSION *s)
{
	static const int bits[] = {
		[LIBSSH2_HOSTKEY_TYPE_RSA] = LIBSSH2_KNOWNHOST_KEY_SSHRSA,
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_256] = LIBSSH2_KNOWNHOST_KEY_ECDSA_256,
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_384] = LIBSSH2_KNOWNHOST_KEY_ECDSA_384,
		[LIBSSH2_HOSTKEY_TYPE_ECDSA_521] = LIBSSH2_KNOWNHOST_KEY_ECDSA_521,
		[LIBSSH2_HOSTKEY_TYPE_ED25519] = LIBSSH2_KNOWNHOST_KEY_ED25519,
	};
	struct check c = { .h = h, .s = s, .all = libssh2_knownhost_init(s) };
	int type = 0, rc;

	c.key = libssh2_session_hostkey(s, &c.len, &type);
	if (!c.all || !c.key)
		return -ENOMEM;
	if (type > 0 && type < (int)(sizeof(bits) / sizeof(*bits)))
		c.bit = bits[type];
	rc = c.bit ? judge(&c)
		   : carrier_error(h, -EKEYREJECTED, "unknown type of host key");
	libssh2_knownhost_free(c.all);
	return rc;
}
