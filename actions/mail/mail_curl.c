/* SPDX-License-Identifier: GPL-2.0-or-later
 * mail_curl.c - hands a message to a server, by libcurl.
 */
#include "mail.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct reading { const char *at; };

static size_t
give(char *buf, size_t size, size_t n, void *arg)
{
	struct reading *r = arg;
	size_t left = strlen(r->at), len = size * n < left ? size * n : left;

	memcpy(buf, r->at, len);
	r->at += len;
	return len;
}

static bool
is_local(const char *url)
{
	static const char *const hosts[] = { "127.0.0.1", "[::1]", "localhost" };
	const char *host = strstr(url, "://");

	for (size_t i = 0; host && i < sizeof(hosts) / sizeof(*hosts); i++) {
		size_t n = strlen(hosts[i]);

		if (!strncmp(host + 3, hosts[i], n) && strchr(":/", host[3 + n]))
			return true;	/* strchr finds the NUL too */
	}
	return false;
}

static bool
wants_tls(const struct mail_setup *s)
{
	if (!strcmp(s->tls, "auto"))
		return !is_local(s->server);
	return !strcmp(s->tls, "required");
}

static bool
is_url(const char *server)
{
	CURLU *u = curl_url();
	bool yes = u && curl_url_set(u, CURLUPART_URL, server, 0) == CURLUE_OK;

	curl_url_cleanup(u);
	return yes &&
	    (!strncmp(server, "smtp://", 7) || !strncmp(server, "smtps://", 8));
}

int
mail_smtp_check(const struct mail_setup *s, char why[256])
{
	if (!is_url(s->server)) {
		snprintf(why, 256, "server is smtp://HOST:PORT or smtps://HOST:PORT, "
		    "not \"%.150s\"", s->server);
		return -EINVAL;
	}
	if (s->password && !wants_tls(s) && !is_local(s->server) &&
	    strncmp(s->server, "smtps://", 8)) {
		snprintf(why, 256, "password_file: a password goes over a network only "
		    "with TLS, and tls is off");
		return -EINVAL;
	}
	return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -EIO;
}

static void
options(CURL *c, const struct mail_setup *s, const char *from)
{
	curl_easy_setopt(c, CURLOPT_URL, s->server);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, s->timeout_s);
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(c, CURLOPT_USE_SSL,
	    (long)(wants_tls(s) ? CURLUSESSL_ALL : CURLUSESSL_NONE));
	if (*s->ca)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca);
	if (*s->login)
		curl_easy_setopt(c, CURLOPT_USERNAME, s->login);
	if (s->password)
		curl_easy_setopt(c, CURLOPT_PASSWORD, s->password);
}

int
mail_smtp(const struct mail_setup *s, const char *text, char why[256])
{
	struct reading r = { text };
	struct curl_slist *to = NULL;
	char error[CURL_ERROR_SIZE] = "";
	CURL *c = curl_easy_init();
	CURLcode rc;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < s->nto; i++)
		to = curl_slist_append(to, s->to[i]);
	options(c, s, s->from);
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(c, CURLOPT_READDATA, &r);
	rc = curl_easy_perform(c);
	curl_slist_free_all(to);
	curl_easy_cleanup(c);
	if (rc == CURLE_OK)
		return 0;
	snprintf(why, 256, "%.100s: %.140s", s->server,
	    error[0] ? error : curl_easy_strerror(rc));
	return -EIO;
}
