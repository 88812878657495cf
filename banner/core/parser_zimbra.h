/* SPDX-License-Identifier: GPL-2.0-or-later
 * parser_zimbra.h - the tokeniser of Zimbra's audit.log and mailbox.log.
 *
 * A line is "STAMP LEVEL [thread] [key=value;...] category - message", or that behind
 * a syslog head "mailboxd:". In the context, and in the message of category security,
 * ';' within a value is doubled and nothing else is escaped: brackets, '=' and
 * blanks in a value are the client's. So a line can have several readings, one for each
 * "] [" in it; the first that holds to its end is what Zimbra wrote, because the true
 * context always has a ';' where a planted one would need a blank.
 * The forms are those of Zimbra 5 to 10 (ZimbraLog, log4j.properties, RemoteIP).
 */
#ifndef BANNER_CORE_PARSER_ZIMBRA_H
#define BANNER_CORE_PARSER_ZIMBRA_H

#include "banner/core/parser.h"

enum { ZIMBRA_PAIRS = 40 };	/* Zimbra writes about fifteen; more is no context */

struct zimbra_pairs {
	struct { struct str key, value; } v[ZIMBRA_PAIRS];
	size_t n;
	bool twice;		/* a key came twice: not Zimbra's */
};

/* One reading of a line; all text borrows from it, ";;" is left as it is. */
struct zimbra_reading {
	struct str thread, category, message;
	struct zimbra_pairs context;
	struct zimbra_pairs event;	/* of category security, else empty */
};

struct zimbra_reader { struct str rest; size_t at; unsigned tries; };

/* Does the line begin as Zimbra's do? Then the reader stands before its readings. */
bool	zimbra_open(struct str line, struct zimbra_reader *);
/* The next reading whose context, category and event are well-formed. */
bool	zimbra_next(struct zimbra_reader *, struct zimbra_reading *);
/* Value of a key, or the empty text (s NULL: no such key). */
struct str	zimbra_get(const struct zimbra_pairs *, const char *key);

/* What was logged in to. OTHER: a thread or protocol that says nothing. */
enum zimbra_service { ZIMBRA_WEB, ZIMBRA_ADMIN, ZIMBRA_IMAP, ZIMBRA_POP, ZIMBRA_SMTP,
	ZIMBRA_OTHER };
enum zimbra_service	zimbra_service(const struct zimbra_reading *);
/* A thread that serves clients, with an URL nobody planted anything in? */
bool	zimbra_thread_is_plain(struct str thread);

/* Why it failed. NONE: the password was right, was not checked, or the directory was
 * down; never counted. */
enum zimbra_reason { ZIMBRA_NONE, ZIMBRA_PASSWORD, ZIMBRA_UNKNOWN, ZIMBRA_LOCKOUT,
	ZIMBRA_STATUS, ZIMBRA_PREAUTH, ZIMBRA_FACTOR, ZIMBRA_FAILED };
/* Of the text behind the name: "invalid password", "account lockout" ... */
enum zimbra_reason	zimbra_reason(struct str);
/* "authentication failed for [NAME], REASON" as in error=; name may be left empty. */
enum zimbra_reason	zimbra_error(struct str error, struct str *name);

#endif
