/* SPDX-License-Identifier: GPL-2.0-or-later
 * request.h - one request of banctl, and the pieces of its reply.
 */
#ifndef BANNER_REQUEST_H
#define BANNER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/core/engine.h"

struct check;
struct client;
struct engined;

/* TEXT for people, JSON one value on one line, F2B exactly as fail2ban-client prints.
 */
enum form { FORM_TEXT, FORM_JSON, FORM_F2B };
enum { REQUEST_WORDS = 4096 };

struct awaited {
	uint64_t ban;
	const char *word; /* of the request */
};

struct request {
	struct engined *d;
	struct client *client;
	enum form form;
	size_t argc;
	char **argv; /* words; argv[argc] is NULL */
	char *line; /* they lie here */
	struct buf out; /* payload */
	struct err err;
	const char *code; /* of an error: "refused", "usage", "internal" */
	char who[80]; /* "root (pid 12)" */
	bool may_change;
	/* the reply waits for: the commit of seq, rows of query, the parent; 0: not */
	uint64_t seq, query, parent;
	struct buf bans; /* of struct awaited: and for the answers to these */
	size_t answered; /* of them */
	struct check *check; /* how far `check` is, or NULL */
	/* Long work: some milliseconds of it, again and again until it says false; then
	 * done is what cmd->run would be. NULL: none. */
	bool (*some)(struct request *);
	bool begun; /* a part of a line of the reply is on its way */
	int (*done)(struct request *);
	/* What follows when the parent said yes, in place of the reply; or NULL. */
	void (*granted)(struct request *);
	struct unban_walk walk; /* of unban --all */
	uint64_t *ids; /* of list and others: bans still to be shown */
	size_t nids, shown;
	size_t jail; /* of banned: number of the next */
	int64_t until_ms; /* at latest, CLOCK_MONOTONIC */
	size_t rows;
	unsigned parts; /* actors that have not answered query yet */
	struct buf silent; /* of explain: ids of bans whose lines the store has */
	const char *closing; /* of a JSON answer after its rows; NULL: "]" */
};

/* Split a line into words: blanks separate, '..' and ".." quote, \ escapes outside
 * '..'. The leading json or f2b is taken as the form. 0 or -EINVAL with text. */
int request_parse(struct request *, struct str line, struct err *);
void request_fini(struct request *);

/* Refuse: code is a word, returned is -EINVAL. */
int refuse(struct request *, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A small JSON writer: commas are put where they belong. key NULL: in an array. */
void json_open(struct buf *, const char *key, char bracket);
void json_close(struct buf *, char bracket);
void json_text(struct buf *, const char *key, const char *value); /* NULL: null */
void json_str(struct buf *, const char *key, struct str value);
void json_number(struct buf *, const char *key, int64_t);
void json_bool(struct buf *, const char *key, bool);

/* "ADDR", "[ADDR]" or a user name or id as the jail counts. -EINVAL with text. */
int parse_subject(const char *text, struct subject *, struct err *);

#endif
