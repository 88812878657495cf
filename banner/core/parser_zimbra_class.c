/* SPDX-License-Identifier: GPL-2.0-or-later
 * parser_zimbra_class.c - which service was meant, and what a reason is worth.
 */
#include <string.h>

#include "banner/core/parser_zimbra.h"

/* The URL in a thread's name: "qtp1-7:https://host:7071/path?query". Also seen:
 * "https:https://host/", "://localhost:8080/", and no URL at all. */
struct url {
	struct str port, path;
};

static struct str
after(struct str s, const char *text)
{
	const char *p = s.len ? memmem(s.s, s.len, text, strlen(text)) : NULL;

	if (!p)
		return (struct str){ 0 };
	p += strlen(text);
	return (struct str){ p, s.len - (size_t)(p - s.s) };
}

static bool
has(struct str s, const char *text)
{
	return after(s, text).s != NULL;
}

static size_t
until(struct str s, const char *any)
{
	size_t n = 0;

	while (n < s.len && !strchr(any, s.s[n]))
		n++;
	return n;
}

static void
url_read(struct str thread, struct url *u)
{
	struct str s = after(thread, "://"), host;
	size_t n;

	*u = (struct url){ 0 };
	if (!s.s)
		return;
	host = (struct str){ s.s, until(s, "/?") };
	s = (struct str){ s.s + host.len, s.len - host.len };
	u->path = (struct str){ s.s, until(s, "?") };
	if (host.len > 0 && host.s[0] == '[') {	/* an IPv6 literal */
		n = until(host, "]");
		host = (struct str){ host.s + n, host.len - n };
	}
	n = until(host, ":");
	if (n < host.len)
		u->port = (struct str){ host.s + n + 1, host.len - n - 1 };
}

static bool
is_imap(struct str thread)
{
	return str_starts(thread, "ImapServer-") ||
	    str_starts(thread, "ImapSSLServer-");
}

static bool
is_pop(struct str thread)
{
	return str_starts(thread, "Pop3Server-") ||
	    str_starts(thread, "Pop3SSLServer-");
}

static bool
is_http(struct str thread)
{
	return str_starts(thread, "qtp") || str_starts(thread, "btpool");
}

/* saslauthd asks through the admin's SOAP: since 8.7 on port 7073; before that on 7071
 * without naming a request, and it sends no user agent. oproto= alone proves nothing:
 * it is a header that a web client can send. */
static enum zimbra_service
soap_service(const struct zimbra_reading *r)
{
	struct url u;
	struct str request;

	url_read(r->thread, &u);
	if (!str_starts(u.path, "/service/admin/soap"))
		return ZIMBRA_WEB;
	request = after(u.path, "/service/admin/soap");
	if (request.len > 0 && request.s[0] != '/')
		return ZIMBRA_WEB;
	if (str_is(u.port, "7073") || str_is(zimbra_get(&r->context, "oproto"), "smtp"))
		return ZIMBRA_SMTP;
	if (str_is(u.port, "7071") && request.len <= 1 &&
	    !zimbra_get(&r->context, "ua").s &&
	    !str_is(zimbra_get(&r->event, "cmd"), "AdminAuth"))
		return ZIMBRA_SMTP;
	if (str_is(u.port, "7071") || str_is(u.port, "9071"))
		return ZIMBRA_ADMIN;
	return ZIMBRA_WEB;
}

static enum zimbra_service
thread_service(const struct zimbra_reading *r)
{
	if (is_imap(r->thread))
		return ZIMBRA_IMAP;
	if (is_pop(r->thread))
		return ZIMBRA_POP;
	return is_http(r->thread) ? soap_service(r) : ZIMBRA_OTHER;
}

enum zimbra_service
zimbra_service(const struct zimbra_reading *r)
{
	struct str protocol = zimbra_get(&r->event, "protocol");
	struct str cmd = zimbra_get(&r->event, "cmd");

	if (str_is(protocol, "imap"))
		return ZIMBRA_IMAP;
	if (str_is(protocol, "pop3") || str_is(protocol, "pop"))
		return ZIMBRA_POP;
	if (str_is(cmd, "AdminAuth"))
		return soap_service(r) == ZIMBRA_SMTP ? ZIMBRA_SMTP : ZIMBRA_ADMIN;
	if (!protocol.s && !str_is(cmd, "PreAuth") && !str_is(cmd, "SSOAuth"))
		return thread_service(r);
	return !protocol.s || str_is(protocol, "soap") ? soap_service(r) : ZIMBRA_WEB;
}

/* An address in brackets may stand in the URL, at the start of its host. */
bool
zimbra_thread_is_plain(struct str thread)
{
	struct str s = after(thread, "://"), t = thread;

	if (!is_imap(thread) && !is_pop(thread) && !is_http(thread))
		return false;
	if (s.s && s.len > 0 && s.s[0] == '[') {
		size_t n = until(s, "]");
		struct addr a;

		if (addr_parse((struct str){ s.s + 1, n > 0 ? n - 1 : 0 }, &a) < 0)
			return false;
		t = (struct str){ thread.s, (size_t)(s.s - thread.s) };
		if (until(t, " []") < t.len || n == s.len)
			return false;
		t = (struct str){ s.s + n + 1, s.len - n - 1 };
	}
	return until(t, " []") == t.len;
}

struct reason_text { const char *text; enum zimbra_reason reason; };

static enum zimbra_reason
find_reason(struct str s, const struct reason_text *v)
{
	for (; v->text; v++)
		if (has(s, v->text))
			return v->reason;
	return ZIMBRA_FAILED;
}

/* A directory that answers tells why (Active Directory: "data 52e"); one that does not
 * answer says nothing of the client. Codes by Microsoft's list of LDAP bind errors;
 * those missing here are given for a right password only. */
static enum zimbra_reason
ldap_reason(struct str s)
{
	static const struct reason_text texts[] = {
		{ "data 52e", ZIMBRA_PASSWORD },
		{ "data 525", ZIMBRA_UNKNOWN },
		{ "data 775", ZIMBRA_LOCKOUT },
		{ "nvalid credentials", ZIMBRA_PASSWORD },
		{ "nvalid Credentials", ZIMBRA_PASSWORD },
		{ "INVALID_CREDENTIALS", ZIMBRA_PASSWORD },
		{ "", ZIMBRA_NONE },
		{ NULL, ZIMBRA_NONE },
	};

	if (has(s, "data ") && !has(s, "data 52") && !has(s, "data 775"))
		return ZIMBRA_NONE;
	return find_reason(s, texts);
}

enum zimbra_reason
zimbra_reason(struct str s)
{
	/* What is not listed is the text of an extension: counted as a failure. */
	static const struct reason_text texts[] = {
		{ "invalid password", ZIMBRA_PASSWORD },
		{ "empty password", ZIMBRA_PASSWORD },
		{ "invalid credentials", ZIMBRA_PASSWORD },
		{ "must change password", ZIMBRA_NONE },
		{ "maintenance", ZIMBRA_NONE },
		{ "two-factor auth required", ZIMBRA_NONE },
		{ "too many failed logins", ZIMBRA_NONE },
		{ "account lockout", ZIMBRA_LOCKOUT },
		{ "status is ", ZIMBRA_STATUS },
		{ "account not found", ZIMBRA_UNKNOWN },
		{ "no such account", ZIMBRA_UNKNOWN },
		{ "preauth timestamp", ZIMBRA_NONE },
		{ "preauth", ZIMBRA_PREAUTH },
		{ "recovery code", ZIMBRA_FACTOR },
		{ "two-factor", ZIMBRA_FACTOR },
		{ "TOTP", ZIMBRA_FACTOR },
		{ "missing account status", ZIMBRA_NONE },
		{ "onnection refused", ZIMBRA_NONE },
		{ "timed out", ZIMBRA_NONE },
		{ NULL, ZIMBRA_NONE },
	};

	if (str_starts(s, "external LDAP auth failed") || str_starts(s, "LDAP error:"))
		return ldap_reason(s);
	return find_reason(s, texts);
}

enum zimbra_reason
zimbra_error(struct str error, struct str *name)
{
	struct str s;

	*name = (struct str){ 0 };
	if (!str_starts(error, "authentication failed"))
		return ZIMBRA_NONE;
	s = after(error, "authentication failed for [");
	if (!s.s || s.s != error.s + strlen("authentication failed for ["))
		return ZIMBRA_FAILED;
	for (size_t i = s.len; i-- > 0;) {
		if (i + 3 > s.len || memcmp(s.s + i, "], ", 3))
			continue;
		*name = (struct str){ s.s, i };
		return zimbra_reason((struct str){ s.s + i + 3, s.len - i - 3 });
	}
	return ZIMBRA_FAILED;
}
