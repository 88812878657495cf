/* SPDX-License-Identifier: GPL-2.0-or-later
 * block.h - what flows through the core: subject, block, failure.
 */
#ifndef BANNER_BLOCK_H
#define BANNER_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "banner/base/addr.h"
#include "banner/base/str.h"

/* What a failure and a ban are about. */
enum subject_kind { SUBJECT_ADDR, SUBJECT_USER, SUBJECT_ID, SUBJECT_NONE };
/* Longest user name or id in bytes; longer ones are refused. */
enum { SUBJECT_TEXT = 256 };

struct subject {
	enum subject_kind kind;
	struct addr addr;	/* SUBJECT_ADDR */
	struct str text;	/* SUBJECT_USER, SUBJECT_ID: borrowed */
};

struct match;
struct scan_run;

/* Whole lines of one source, borrowed from the source during the call. Each line ends
 * in LF but perhaps the last of a file that ended without one. NUL, CR and invalid
 * UTF-8 are as they were read. */
struct block {
	struct str text;
	int64_t read_ms;	/* wall clock when it was read */
	int64_t line_ms;	/* the time of the (only) line if the source knows it
				 * (journal), else -1: find the date in the text */
	uint64_t offset;	/* of text.s in the source, for messages */
	bool live;		/* false: what was there before the start */
	struct str origin;	/* host that wrote it (central syslog), or empty */
	uint16_t log;		/* number of its log, of those who ask; 0: unknown */
	/* A thread looked through it already, for this match; NULL: nobody did. */
	struct scan_run *found;
	const struct match *found_for;
};

struct field { struct str name, value; };
/* Captures of one failure; a filter with more is refused. */
enum { FAILURE_FIELDS = 24 };

/* What lines that speak of one attempt have in common; see repeat.h. The host and the
 * origin are part of each key. */
struct attempt_key {
	struct str part[2];	/* [0] empty: none */
	struct str kind;	/* of the line; empty: all are of one attempt */
};
struct attempt_id {
	struct str once;	/* a copy of this in another file is the same line */
	struct attempt_key exact; /* an id: of a request, a connection, a process */
	struct attempt_key loose;	/* no id, so only within moments */
};

/* One failed attempt, or several (weight). Text is borrowed from the block or from the
 * session store and valid only during the callback. */
struct failure {
	void *jail;		/* as given to match_new */
	struct subject subject;	/* whom the line is about: address or id */
	struct addr addr;	/* family 0 if there is none */
	bool lookup;		/* subject.text is a host name to look up (usedns) */
	struct str user;	/* empty if not captured */
	int64_t when_ms;	/* of the attempt, findtime rules applied */
	bool gained;	/* no failure but a login that went well (jails with known) */
	unsigned weight;	/* attempts this stands for; 0: it counts nothing */
	unsigned rule;		/* index of the failregex */
	uint16_t log;		/* the block's */
	const struct field *fields;	/* all captures, F-* names in lower case */
	size_t nfields;
	const struct str *lines;	/* the lines that led to it, oldest first */
	size_t nlines;
	size_t at;		/* of its (last) line in block.text */
	struct str origin;	/* host that logged it, if the source knows it */
	struct attempt_id attempt;
};

typedef void (match_fn)(void *arg, const struct failure *);

#endif
