/* SPDX-License-Identifier: GPL-2.0-or-later
 * login_http.c - connections, requests, answers: Dovecot's auth policy protocol.
 *
 * Dovecot posts {"login":NAME,"remote":ADDRESS,...} with ?command=allow and reads
 * {"status":-1} as no, 0 as yes (doc.dovecot.org, "Authentication Policy"). What it
 * reports afterwards (command=report) is taken and not used: banner reads the log.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "actions/login/login.h"

enum { CONNECTIONS = 256, IDLE_S = 30, FULL_S = 30, BACKLOG = 128,
	HEADERS_BYTES = 8192, BODY_BYTES = 16384 };

struct login_server {
	struct login *login;
	struct evhttp *http;
	struct evconnlistener *listener;	/* the http's */
	struct event *look;			/* is there room again? */
	int least;		/* the lowest descriptor of a connection */
	unsigned full_s;	/* 0: there is room */
};

/* libevent does not count the connections of its server; but a new descriptor is
 * always the lowest that is free. */
static int
lowest_free(const struct login_server *s)
{
	int fd = fcntl(evconnlistener_get_fd(s->listener), F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return INT_MAX;
	close(fd);
	return fd;
}

static void
look_later(struct login_server *s)
{
	s->full_s++;
	event_add(s->look, &(struct timeval){ 1, 0 });
}

/* Whoever holds all connections and asks nothing shall not hold them for ever. */
static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct login_server *s = arg;
	struct login *l = s->login;

	if (lowest_free(s) < s->least + CONNECTIONS) {
		s->full_s = 0;
		evconnlistener_enable(s->listener);
	} else if (s->full_s < FULL_S) {
		look_later(s);
	} else {
		l->host->log(l->host->ctx, BN_WARNING, "all connections were taken for "
		    "long: they are closed");
		login_asks_end(l);
		login_serve_end(l);
		if (login_serve(l) < 0)
			l->host->drifted(l->host->ctx);
	}
}

/* At the limit the others wait in the kernel's queue. */
static struct bufferevent *
on_connection(struct event_base *base, void *arg)
{
	struct login_server *s = arg;

	if (!s->full_s && lowest_free(s) >= s->least + CONNECTIONS) {
		evconnlistener_disable(s->listener);
		look_later(s);
	}
	return bufferevent_socket_new(base, -1, 0);
}

static void
reply(void *arg, bool allow)
{
	struct evhttp_request *req = arg;
	struct evbuffer *body = evhttp_request_get_output_buffer(req);

	evbuffer_add_printf(body, allow ? "{\"status\":0,\"msg\":\"\"}" :
	    "{\"status\":-1,\"msg\":\"refused by banner\"}");
	evhttp_add_header(evhttp_request_get_output_headers(req), "Content-Type",
	    "application/json");
	evhttp_send_reply(req, HTTP_OK, "OK", body);
}

static bool
parse_addr(const char *text, struct bn_addr *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t ip[16];

	*out = (struct bn_addr){ 0 };
	if (inet_pton(AF_INET, text, out->ip) == 1) {
		out->family = 4;
		out->plen = 32;
		return true;
	}
	if (inet_pton(AF_INET6, text, ip) != 1)
		return false;
	if (memcmp(ip, mapped, sizeof(mapped)) == 0) {
		out->family = 4;
		out->plen = 32;
		memcpy(out->ip, ip + sizeof(mapped), 4);
		return true;
	}
	out->family = 6;
	out->plen = 128;
	memcpy(out->ip, ip, sizeof(ip));
	return true;
}

/* The body as JSON; NULL: it is none. A client's text may hold \u0000. */
static json_t *
read_body(struct evhttp_request *req)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(body);
	const char *text = (const char *)evbuffer_pullup(body, -1);
	json_error_t e;

	return text ? json_loadb(text, len, JSON_ALLOW_NUL, &e) : NULL;
}

/* A login from no address, of this machine's own programs, is nobody's attack. */
static void
answer_allow(struct login *l, struct evhttp_request *req)
{
	json_t *body = read_body(req);
	const char *user = json_string_value(json_object_get(body, "login"));
	const char *remote = json_string_value(json_object_get(body, "remote"));
	struct bn_addr from;

	if (!body)
		evhttp_send_error(req, HTTP_BADREQUEST, "no JSON");
	else if (!user || !remote || !parse_addr(remote, &from))
		reply(req, true);
	else
		login_decide(l, &(struct login_question){ user, &from, reply, req });
	json_decref(body);
}

/* Takes as long for every wrong key of a length. */
static bool
key_is_right(const struct login *l, struct evhttp_request *req)
{
	struct evkeyvalq *headers = evhttp_request_get_input_headers(req);
	const char *given = evhttp_find_header(headers, "X-API-Key");
	size_t len = strlen(l->key);
	unsigned char differ = 0;

	if (!*l->key)
		return true;
	if (!given || strlen(given) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		differ |= (unsigned char)(given[i] ^ l->key[i]);
	return differ == 0;
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct login_server *s = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *query = uri ? evhttp_uri_get_query(uri) : NULL;
	const char *command = NULL;
	struct evkeyvalq words;

	if (!key_is_right(s->login, req)) {
		evhttp_send_error(req, 403, "Forbidden");
		return;
	}
	TAILQ_INIT(&words);
	if (query && evhttp_parse_query_str(query, &words) == 0)
		command = evhttp_find_header(&words, "command");
	if (command && strcmp(command, "allow") == 0)
		answer_allow(s->login, req);
	else if (command && strcmp(command, "report") == 0)
		reply(req, true);
	else
		evhttp_send_error(req, HTTP_BADREQUEST, "no such command");
	evhttp_clear_headers(&words);
}

static int
listen_at(struct login_server *s)
{
	const struct login *l = s->login;

	s->listener = evconnlistener_new_bind(l->host->loop, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, BACKLOG,
	    (const struct sockaddr *)&l->at, (int)l->atlen);
	if (!s->listener)
		return errno ? -errno : -EIO;
	if (evhttp_bind_listener(s->http, s->listener))
		return 0;
	evconnlistener_free(s->listener);
	return -ENOMEM;
}

int
login_serve(struct login *l)
{
	struct login_server *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	l->server = s;
	if (!s)
		return rc;
	s->login = l;
	s->http = evhttp_new(l->host->loop);
	s->look = evtimer_new(l->host->loop, on_look, s);
	if (s->http && s->look)
		rc = listen_at(s);
	if (rc < 0) {
		login_serve_end(l);
		return rc;
	}
	s->least = lowest_free(s);
	evhttp_set_timeout(s->http, IDLE_S);
	evhttp_set_max_headers_size(s->http, HEADERS_BYTES);
	evhttp_set_max_body_size(s->http, BODY_BYTES);
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_POST);
	evhttp_set_bevcb(s->http, on_connection, s);
	evhttp_set_gencb(s->http, on_request, s);
	return 0;
}

void
login_serve_end(struct login *l)
{
	struct login_server *s = l->server;

	if (!s)
		return;
	l->server = NULL;
	if (s->http)
		evhttp_free(s->http);
	if (s->look)
		event_free(s->look);
	free(s);
}

bool
login_is_full(const struct login *l)
{
	return l->server && l->server->full_s;
}
