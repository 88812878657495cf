/* SPDX-License-Identifier: GPL-2.0-or-later
 * parser_zimbra.c - a line of Zimbra becomes a verdict.
 *
 * Whom a failure is about: "ip" is the peer of the socket, "oip" what the peer says of
 * the client before it. So "oip" counts only when the peer is one of our proxies, and
 * of its list only the last element that is not. Any client can send an "oip" of its
 * choice (IMAP ID, POP3 XOIP, X-Forwarded-For); none can choose the last element that
 * our own proxy wrote.
 */
#include "banner/core/parser_zimbra.h"

#include <errno.h>
#include <string.h>

static const char *const services[] = {
	[ZIMBRA_WEB] = "web", [ZIMBRA_ADMIN] = "admin", [ZIMBRA_IMAP] = "imap",
	[ZIMBRA_POP] = "pop", [ZIMBRA_SMTP] = "smtp", [ZIMBRA_OTHER] = "other", NULL
};

static const char *const reasons[] = {
	[ZIMBRA_NONE] = "none", [ZIMBRA_PASSWORD] = "password",
	[ZIMBRA_UNKNOWN] = "unknown", [ZIMBRA_LOCKOUT] = "lockout",
	[ZIMBRA_STATUS] = "status", [ZIMBRA_PREAUTH] = "preauth",
	[ZIMBRA_FACTOR] = "factor", [ZIMBRA_FAILED] = "failed", NULL
};

static const char *const categories[] = {
	"security", "account", "SoapEngine", "soap", "imap", "pop", "pop3", NULL
};

/* What a reading says, before anybody asks whether it counts. */
struct attempt {
	struct str user, typed;
	enum zimbra_reason reason;
};

enum reading { READ_NOTHING, READ_OTHER, READ_ATTEMPT, READ_LOGIN };

static bool
list_has(const struct conf_options *options, const char *key, struct str want,
    bool *empty)
{
	struct str rest = str_of(conf_option(options, key, "")), word;

	*empty = true;
	while (str_word(&rest, &word)) {
		*empty = false;
		if (str_eq(word, want))
			return true;
	}
	return false;
}

static bool
named(const struct parser_env *env, const char *key, const char *value)
{
	bool empty;

	return list_has(env->options, key, str_of(value), &empty);
}

/* An option that is not set wants everything. */
static bool
wanted(const struct parser_env *env, const char *key, struct str value)
{
	bool empty;

	return list_has(env->options, key, value, &empty) || empty;
}

static bool
is_trusted(const struct parser_env *env, const struct addr *a)
{
	if (addr_is_loopback(a))
		return true;
	for (size_t i = 0; i < env->ntrusted; i++)
		if (addr_contains(&env->trusted[i], a))
			return true;
	return false;
}

/* Names are never looked up, and what cannot be a client is nobody. */
static bool
read_addr(struct str s, struct addr *a)
{
	if (s.len > 2 && s.s[0] == '[' && s.s[s.len - 1] == ']')
		s = (struct str){ s.s + 1, s.len - 2 };
	return addr_parse(s, a) == 0 && !addr_is_unspecified(a) &&
	    !addr_is_multicast(a) && !addr_is_broadcast(a);
}

/* The last of a list of addresses that is not one of ours. */
static bool
read_list(struct str list, const struct parser_env *env, struct addr *a)
{
	while (list.len > 0) {
		const char *comma = memrchr(list.s, ',', list.len);
		const char *start = comma ? comma + 1 : list.s;
		struct str last = { start, (size_t)(list.s + list.len - start) };

		if (!read_addr(str_trim(last), a))
			return false;
		if (!is_trusted(env, a))
			return true;
		list.len = comma ? (size_t)(comma - list.s) : 0;
	}
	return false;
}

static bool
find_host(const struct zimbra_pairs *context, const struct parser_env *env,
    struct parser_out *out)
{
	struct str ip = zimbra_get(context, "ip"), oip = zimbra_get(context, "oip");
	struct addr a;

	if (ip.s) {
		if (!read_addr(ip, &a))
			return false;
		if (!is_trusted(env, &a)) {
			out->host = a;
			return true;
		}
	}
	if (!oip.s || !read_list(oip, env, &a))
		return false;
	out->host = a;
	return true;
}

/* Is there a peer, one of ours but not this machine itself, and nobody behind it? */
static bool
names_proxy_alone(const struct zimbra_pairs *context, const struct parser_env *env)
{
	struct addr a;

	return !zimbra_get(context, "oip").s &&
	    read_addr(zimbra_get(context, "ip"), &a) && !addr_is_loopback(&a) &&
	    is_trusted(env, &a);
}

static bool
is_login(struct str cmd)
{
	return str_is(cmd, "Auth") || str_is(cmd, "AdminAuth") ||
	    str_is(cmd, "PreAuth") || str_is(cmd, "SSOAuth");
}

/* Without an error: AdminAuth is written before the password is looked at. */
static enum reading
read_security(const struct zimbra_reading *r, struct attempt *a)
{
	struct str error = zimbra_get(&r->event, "error");
	struct str cmd = zimbra_get(&r->event, "cmd");

	if (!is_login(cmd))
		return READ_OTHER;
	if (!error.s)
		return str_is(cmd, "Auth") ? READ_LOGIN : READ_OTHER;
	a->reason = zimbra_error(error, &a->typed);
	a->user = zimbra_get(&r->event, "account");
	return READ_ATTEMPT;
}

/* "BEFORE name MIDDLE reason AFTER", from end to end; name is as long as can be, for it
 * is the client's and the reason is not. */
static bool
frame(struct str s, const char *const part[3], struct str *name, struct str *reason)
{
	size_t n = strlen(part[1]);

	if (!str_starts(s, part[0]) || !str_ends(s, part[2]) ||
	    s.len < strlen(part[0]) + n + strlen(part[2]))
		return false;
	s.s += strlen(part[0]);
	s.len -= strlen(part[0]) + strlen(part[2]);
	for (size_t i = s.len - n + 1; i-- > 0;) {
		if (memcmp(s.s + i, part[1], n))
			continue;
		*name = (struct str){ s.s, i };
		*reason = (struct str){ s.s + i + n, s.len - i - n };
		return true;
	}
	return false;
}

#define FAILED	"authentication failed for "

/* whole: the reason that the form itself tells. */
struct form { const char *category, *part[3], *whole; };

/* The forms of mailbox.log, each with the category that writes it. */
static bool
read_message(const struct zimbra_reading *r, struct str *name, struct str *reason)
{
	static const struct form forms[] = {
		{ "account", { "Error occurred during authentication: "
		    FAILED "[", "]. Reason: ", "." } },
		{ "account", { FAILED, " (no such account", ")" }, "no such account" },
		{ "SoapEngine", { "handler exception: " FAILED "[", "], ", "" } },
		{ "SoapEngine", { "handler exception: " FAILED "[", "", "]" }, "" },
		{ "soap", { FAILED "[", "] (", ")" } },
		{ "imap", { FAILED "[", "] (", ")" } },
		{ "pop", { FAILED "[", "] (", ")" } },
		{ "pop3", { FAILED "[", "] (", ")" } },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (!str_is(r->category, forms[i].category) ||
		    !frame(r->message, forms[i].part, name, reason))
			continue;
		if (forms[i].whole)
			*reason = str_of(forms[i].whole);
		return true;
	}
	return false;
}

/* Free text with raw names: only of threads that serve clients, and when neither their
 * URL nor the text could be parts of another reading of the line. */
static enum reading
read_mailbox(const struct zimbra_reading *r, struct attempt *a)
{
	struct str reason;

	if (!zimbra_thread_is_plain(r->thread) ||
	    memmem(r->message.s, r->message.len, "] [", 3) ||
	    !read_message(r, &a->typed, &reason))
		return READ_NOTHING;
	a->reason = zimbra_reason(reason);
	reason = str_trim(reason);
	if (reason.len > 0 && reason.s[0] == '(' && a->typed.len > reason.len &&
	    !memcmp(a->typed.s + a->typed.len - reason.len, reason.s, reason.len))
		a->typed.len -= reason.len;
	a->typed = str_trim(a->typed);
	return READ_ATTEMPT;
}

static void
add(struct parser_out *out, const char *name, struct str value)
{
	if (value.len > 0 && out->nfields < FAILURE_FIELDS)
		out->fields[out->nfields++] = (struct field){ str_of(name), value };
}

struct label { const char *name, *key; };

static void
fill_fields(const struct zimbra_reading *r, const struct attempt *a,
    struct parser_out *out)
{
	static const struct label context[] = {
		{ "peer", "ip" }, { "oip", "oip" }, { "via", "via" }, { "ua", "ua" },
		{ "oport", "oport" }, { "soapid", "soapId" },
	};

	add(out, "user", out->user);
	add(out, "typed", a->typed);
	add(out, "reason", str_of(reasons[a->reason]));
	add(out, "service", str_of(services[zimbra_service(r)]));
	add(out, "protocol", zimbra_get(&r->event, "protocol"));
	for (size_t i = 0; i < sizeof(context) / sizeof(*context); i++)
		add(out, context[i].name, zimbra_get(&r->context, context[i].key));
}

/* audit.log and mailbox.log speak of one attempt in up to four lines that share the
 * request's soapId, or thread and connection, each of another category but for the
 * copies of category security, which are the same to the millisecond. Without those, it
 * is the name as it was typed that all have: category imap knows no account's. Postfix
 * logs what it had asked of us by saslauthd. */
static void
fill_event(struct str line, const struct zimbra_reading *r, const struct attempt *a,
    struct parser_out *out)
{
	struct attempt_id *ev = &out->attempt;
	enum zimbra_service service = zimbra_service(r);

	ev->exact.kind = r->category;
	if (str_is(r->category, "security"))
		ev->once = line;
	ev->exact.part[0] = zimbra_get(&r->context, "soapId");
	if (ev->exact.part[0].len == 0) {
		ev->exact.part[0] = zimbra_get(&r->context, "cid");
		ev->exact.part[1] = r->thread;
	}
	if (service == ZIMBRA_SMTP)
		ev->loose = (struct attempt_key){ { STR("parser") }, STR("zimbra") };
	else if (ev->exact.part[0].len == 0)
		ev->loose = (struct attempt_key){
			{ str_of(services[service]),
			    a->typed.len > 0 ? a->typed : out->user },
			r->category };
}

static bool
is_asked(const struct parser_env *env, const struct zimbra_reading *r,
    const struct attempt *a)
{
	return a->reason != ZIMBRA_NONE && wanted(env, "category", r->category) &&
	    wanted(env, "reason", str_of(reasons[a->reason])) &&
	    wanted(env, "service", str_of(services[zimbra_service(r)]));
}

static enum parser_verdict
judge(struct str line, const struct zimbra_reading *r, const struct attempt *a,
    const struct parser_env *env, struct parser_out *out)
{
	if (r->context.twice || r->event.twice || !is_asked(env, r, a))
		return PARSER_NOFAIL;
	if (!find_host(&r->context, env, out)) {
		out->own_peer = names_proxy_alone(&r->context, env);
		return PARSER_NOFAIL;
	}
	out->user = a->user;
	if (out->user.len == 0)
		out->user = zimbra_get(&r->context, "name");
	if (out->user.len == 0)
		out->user = a->typed;
	fill_event(line, r, a, out);
	fill_fields(r, a, out);
	if (named(env, "uncounted", reasons[a->reason]))
		out->weight = 0;
	return PARSER_FAIL;
}

/* By the same rules as a failure: whose, from where. */
static enum parser_verdict
judge_login(const struct zimbra_reading *r, const struct parser_env *env,
    struct parser_out *out)
{
	out->user = zimbra_get(&r->event, "account");
	if (r->context.twice || r->event.twice || out->user.len == 0 ||
	    !wanted(env, "service", str_of(services[zimbra_service(r)])) ||
	    !find_host(&r->context, env, out))
		return PARSER_NOFAIL;
	return PARSER_GAINED;
}

static enum parser_verdict
zimbra_parse(struct str line, const struct parser_env *env, struct parser_out *out)
{
	struct zimbra_reader reader;
	struct zimbra_reading r;

	while (line.len > 0 && strchr("\r\n", line.s[line.len - 1]))
		line.len--;
	if (!zimbra_open(line, &reader))
		return PARSER_NONE;
	while (zimbra_next(&reader, &r)) {
		struct attempt a = { .reason = ZIMBRA_NONE };
		enum reading found = str_is(r.category, "security") ?
		    read_security(&r, &a) : read_mailbox(&r, &a);

		if (found == READ_OTHER)
			return PARSER_NOFAIL;
		if (found == READ_LOGIN)
			return judge_login(&r, env, out);
		if (found == READ_ATTEMPT)
			return judge(line, &r, &a, env, out);
	}
	return PARSER_NONE;
}

static int
check_words(const struct conf_options *options, const char *key,
    const char *const *known, struct err *e)
{
	struct str rest = str_of(conf_option(options, key, "")), word;

	while (str_word(&rest, &word)) {
		size_t i = 0;

		while (known[i] && !str_is(word, known[i]))
			i++;
		if (known[i])
			continue;
		err_set(e, -EINVAL, "parser zimbra, %s: no \"%.*s\"", key,
		    (int)word.len, word.s);
		return err_about(e, -EINVAL, key, 0);
	}
	return 0;
}

static int
zimbra_check(const struct conf_options *options, struct err *e)
{
	int rc = check_words(options, "service", services, e);

	if (rc == 0)
		rc = check_words(options, "category", categories, e);
	if (rc == 0)
		rc = check_words(options, "reason", reasons + ZIMBRA_PASSWORD, e);
	if (rc == 0)
		rc = check_words(options, "uncounted", reasons + ZIMBRA_PASSWORD, e);
	return rc;
}

static const char *const literals[] = { "error=", FAILED, "cmd=Auth; ", NULL };

const struct parser_ops zimbra_parser = {
	.name = "zimbra", .literals = literals, .check = zimbra_check,
	.parse = zimbra_parse,
};
