/* SPDX-License-Identifier: GPL-2.0-or-later
 * explain.h - why is a subject banned, or why not: found as data, said in words.
 *
 * What is handed over is borrowed for the call. An address is explained with the bans
 * of the networks around it, a network also with those inside it, at most
 * EXPLAIN_BANS.
 */
#ifndef BANNER_EXPLAIN_H
#define BANNER_EXPLAIN_H

#include "banner/core/block.h"
#include "banner/core/evidence.h"
#include "banner/core/track.h"

struct ban;
struct buf;
struct conf_jail;
struct engine;

enum { EXPLAIN_BANS = 100, EXPLAIN_LINES = 10 };

struct explain_lines {
	struct str v[EXPLAIN_LINES];	/* oldest first; evidence_from() each */
	size_t n;
};

struct explain_ban {
	const struct ban *ban;
	const struct conf_jail *jail;
	unsigned hits, leaks;	/* failures while banned; after it was in force */
	bool listed;		/* the jail's blocklist has it */
	struct explain_lines lines;
};

/* Why failures in a jail do not count. */
enum explain_spared { SPARED_NOT, SPARED_LIST, SPARED_SELF, SPARED_KNOWN_HOST,
	SPARED_STOPPED };

struct explain_jail {
	const struct conf_jail *jail;
	enum explain_spared spared;
	const char *entry;	/* of ignoreip, that covers it; or NULL */
	bool knows;	/* somebody logged in well from there: his are spared */
	bool waiting;		/* the limit is reached, somebody is asked */
	unsigned before;	/* bans that ended */
	bool counts;		/* the rest is known */
	struct track_sum sum;
	struct explain_lines lines;
};

struct explain_to {
	void *arg;
	void (*guard)(void *arg, const char *why); /* it is never banned */
	void (*ban)(void *arg, const struct explain_ban *);
	void (*jail)(void *arg, const struct explain_jail *);
};

struct explain_found {
	size_t bans, unsaid;	/* all; of these, beyond EXPLAIN_BANS */
	bool nothing;		/* neither a ban nor a failure nor a reason */
};
void	explain(struct engine *, const struct subject *, int64_t now_ms,
    const struct explain_to *, struct explain_found *);

/* One item per line. */
void	explain_ban_text(const struct explain_ban *, int64_t now_ms, struct buf *);
void	explain_jail_text(const struct explain_jail *, struct buf *);
/* "failures", "users" or "hosts". */
const char	*explain_counted(const struct conf_jail *);

#endif
