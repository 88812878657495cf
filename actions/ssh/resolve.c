/* SPDX-License-Identifier: GPL-2.0-or-later
 * resolve.c - the address of a proxy, looked up before each login.
 *
 * By getaddrinfo_a(3), whose thread may wait for a name server as long as it likes: no
 * other host waits with it. A name that cannot be looked up keeps the address it had. A
 * name with several addresses gets them in turn, a try each.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions/ssh/carrier.h"

struct lookup {
	struct gaicb cb;
	struct addrinfo hint;
	char port[8];
	bool running;
};

int
resolve_start(struct host *h)
{
	struct lookup *l = h->lookup;
	struct gaicb *list[1];
	int rc;

	if (!l)
		l = h->lookup = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	if (l->running) /* the try before gave up, the question did not */
		return 0;
	snprintf(l->port, sizeof(l->port), "%d", h->port);
	l->hint = (struct addrinfo){ .ai_socktype = SOCK_STREAM };
	l->cb = (struct gaicb){ .ar_name = h->where,
		.ar_service = l->port,
		.ar_request = &l->hint };
	list[0] = &l->cb;
	rc = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	if (rc != 0)
		return carrier_error(
		    h, -EAGAIN, "%s: %s", h->where, gai_strerror(rc));
	l->running = true;
	return 0;
}

static void
take(struct host *h, struct addrinfo *all)
{
	struct addrinfo *one = all;
	unsigned n = 0, skip;

	for (struct addrinfo *i = all; i; i = i->ai_next)
		n++;
	for (skip = n ? h->tries % n : 0; skip > 0; skip--)
		one = one->ai_next;
	if (one && one->ai_addrlen <= sizeof(h->addr)) {
		memcpy(&h->addr, one->ai_addr, one->ai_addrlen);
		h->addrlen = one->ai_addrlen;
	}
	freeaddrinfo(all);
}

int
resolve_done(struct host *h)
{
	struct lookup *l = h->lookup;
	int rc = l->running ? gai_error(&l->cb) : 0;

	if (rc == EAI_INPROGRESS) {
		carrier_error(h, 0, "no answer to the look-up of %s", h->where);
		return 0;
	}
	l->running = false;
	h->error[0] = '\0';
	if (rc == 0 && l->cb.ar_result)
		take(h, l->cb.ar_result);
	l->cb.ar_result = NULL;
	if (h->addrlen)
		return 1;
	return carrier_error(h, -EHOSTUNREACH, "%s: %s", h->where, gai_strerror(rc));
}

void
resolve_free(struct host *h)
{
	struct lookup *l = h->lookup;

	h->lookup = NULL;
	if (!l)
		return;
	if (l->running && gai_cancel(&l->cb) == EAI_NOTCANCELED &&
	    gai_error(&l->cb) == EAI_INPROGRESS)
		return; /* its thread still writes there; the process ends soon */
	if (l->cb.ar_result)
		freeaddrinfo(l->cb.ar_result);
	free(l);
}
