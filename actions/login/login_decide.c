/* SPDX-License-Identifier: GPL-2.0-or-later
 * login_decide.c - may this one log in?
 *
 * A banned address may not. The account that is banned may be entered from where it
 * logged in well before; the engine knows that, and is asked. Any doubt lets in: the
 * password is still to be checked.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>

#include "actions/login/login.h"

enum { ANSWER_S = 1 };

struct login_ask {
	struct login *login;
	size_t at;			/* in login->asks */
	uint64_t ticket;
	struct event *late;
	login_answer_fn *fn;
	void *arg;
};

static void
answer(struct login_ask *a, bool allow)
{
	struct login *l = a->login;

	l->asks[a->at] = l->asks[--l->nasks];
	l->asks[a->at]->at = a->at;
	l->refused += !allow;
	a->fn(a->arg, allow);
	event_free(a->late);
	free(a);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct login_ask *a = arg;

	a->login->unsure++;
	answer(a, true);
}

/* 0: the answer comes later; else -errno. */
static int
ask(struct login *l, const struct login_question *q, const char *banned)
{
	static const struct timeval wait = { ANSWER_S, 0 };
	struct login_ask *a;

	if (l->nasks >= ASKS_MAX)
		return -EBUSY;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	*a = (struct login_ask){ .login = l, .ticket = ++l->ticket, .fn = q->fn,
	    .arg = q->arg };
	a->late = evtimer_new(l->host->loop, on_late, a);
	if (!a->late || evtimer_add(a->late, &wait) < 0 ||
	    l->host->known(l->host->ctx, a->ticket, banned, q->from) < 0) {
		if (a->late)
			event_free(a->late);
		free(a);
		return -ENOTCONN;
	}
	a->at = l->nasks;
	l->asks[l->nasks++] = a;
	return 0;
}

void
login_decide(struct login *l, const struct login_question *q)
{
	const char *banned;

	l->asked++;
	if (login_set_has(&l->set, q->from)) {
		l->refused++;
		q->fn(q->arg, false);
		return;
	}
	banned = login_set_user(&l->set, q->user);
	if (banned && ask(l, q, banned) == 0)
		return;
	l->unsure += banned != NULL;
	q->fn(q->arg, true);
}

void
login_known(struct login *l, uint64_t ticket, bool yes)
{
	for (size_t i = 0; i < l->nasks; i++)
		if (l->asks[i]->ticket == ticket) {
			answer(l->asks[i], yes);
			return;
		}
}

void
login_asks_end(struct login *l)
{
	while (l->nasks > 0)
		answer(l->asks[l->nasks - 1], true);
}
