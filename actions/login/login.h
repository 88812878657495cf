/* SPDX-License-Identifier: GPL-2.0-or-later
 * login.h - the parts of the login action.
 *
 * login.c: options and the calls of the action; login_set.c: who is banned;
 * login_decide.c: may this one log in?; login_http.c: connections, requests, answers.
 */
#ifndef BANNER_LOGIN_H
#define BANNER_LOGIN_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "banner/action.h"

enum { PLENS = 129 };

/* Banned subjects: exactly those of the actor's wanted set, which is capped. */
struct login_set {
	void *root;			/* a tree of tsearch(3) */
	size_t nets[2][PLENS];		/* prefixes of this length, IPv4 and IPv6 */
};

/* Adding what is there and deleting what is not are no errors. 0 or -ENOMEM. */
int	login_set_add(struct login_set *, const struct bn_subject *);
void	login_set_del(struct login_set *, const struct bn_subject *);
void	login_set_each(const struct login_set *, bn_seen_fn *, void *arg);
void	login_set_clear(struct login_set *);
/* Does a banned address or prefix hold this address? */
bool	login_set_has(const struct login_set *, const struct bn_addr *);
/* The banned name that is this one, regardless of case; NULL: none. */
const char *login_set_user(const struct login_set *, const char *name);

enum { ASKS_MAX = 1024 };

struct login_server;
struct login_ask;

struct login {
	const struct bn_host *host;
	const char *listen, *key;	/* options; key "" = none */
	struct sockaddr_storage at;	/* listen, parsed */
	socklen_t atlen;
	struct login_set set;
	struct login_server *server;	/* NULL: not listening */
	struct login_ask *asks[ASKS_MAX]; /* the engine has not answered yet */
	size_t nasks;
	uint64_t ticket;
	uint64_t asked, refused, unsure; /* logins; unsure: let in, nobody knew */
};

/* Called once for each decision, in login_decide or later. */
typedef void (login_answer_fn)(void *arg, bool allow);
struct login_question {
	const char *user;
	const struct bn_addr *from;
	login_answer_fn *fn;
	void *arg;
};
/* Whatever goes wrong lets in. */
void	login_decide(struct login *, const struct login_question *);
void	login_known(struct login *, uint64_t ticket, bool yes);
void	login_asks_end(struct login *);	/* all are let in */

/* 0 or -errno. */
int	login_serve(struct login *);
void	login_serve_end(struct login *);
bool	login_is_full(const struct login *);	/* no more connections are taken now */

#endif
