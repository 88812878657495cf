/* SPDX-License-Identifier: GPL-2.0-or-later
 * order.h - what comes out of the engine: bans, orders, notices, questions.
 *
 * Everything is borrowed for the call that hands it over; a receiver copies what it
 * keeps.
 */
#ifndef BANNER_ORDER_H
#define BANNER_ORDER_H

#include "banner/core/block.h"

/* A ban as everyone sees it; the ban table owns it, others keep the id. */
struct ban {
	uint64_t id;			/* unique for ever (stored); 0 = none */
	const char *jail;		/* name */
	struct subject subject;
	int64_t since_ms, until_ms;	/* until 0 = for ever */
	unsigned failures;		/* attempts that led to it; 0: none did */
	unsigned count; /* how many bans of it in this jail so far, 1.. */
	bool restored;			/* came from the store, not from new failures */
	bool manual;			/* asked for by an administrator */
	const char *comment;		/* or NULL */
};

enum verb { VERB_BAN, VERB_UNBAN, VERB_PROLONG };
enum cause { CAUSE_FAILURES, CAUSE_ADMIN, CAUSE_RESTORE, CAUSE_EXPIRED, CAUSE_EVICTED,
	CAUSE_BLOCKLIST, CAUSE_GUARD, CAUSE_CONFIG };

struct order {
	enum verb verb;
	enum cause cause;
	const struct ban *ban;
	/* Evidence of a new ban, oldest first: the last maxmatches lines, of at most
	 * 256 and cut to 1 KiB but for those of the last failure. */
	const struct str *lines;
	size_t nlines;
	const struct field *fields;	/* captures of the failure that decided */
	size_t nfields;
};

/* Things worth a log line or a record that are not orders. */
enum notice_event { EVENT_FOUND, EVENT_ALREADY, EVENT_IGNORED, EVENT_GUARDED, EVENT_CAP,
	EVENT_RATE, EVENT_LEAK };
struct notice {
	enum notice_event event;
	const char *jail;
	const struct failure *failure;	/* or NULL */
	const char *text;		/* "by ip", "own address 192.0.2.1" ... or "" */
};

/* What only the outside can tell before a ban: does one of these names stand for the
 * address, does the command say to ignore it? Borrowed for the call. */
struct question {
	uint64_t ticket;
	const char *jail;
	const char *names;		/* host names between blanks; "" none */
	const char *command;		/* ignorecommand; NULL none */
	const struct failure *failure;	/* the one that reached the limit */
};

#endif
