/* SPDX-License-Identifier: GPL-2.0-or-later
 * jail.h - one jail of the resolved configuration.
 *
 * Part of conf.h, which is what others include. Everything borrowed from the
 * configuration's arena and read-only.
 */
#ifndef BANNER_CONF_JAIL_H
#define BANNER_CONF_JAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/conf/filter.h"

enum conf_count { COUNT_HOST, COUNT_USER, COUNT_HOST_USER, COUNT_NET, COUNT_TOTAL };
enum conf_dns { DNS_NO, DNS_WARN, DNS_YES, DNS_RAW };
enum conf_backend { BACKEND_AUTO, BACKEND_FILE, BACKEND_POLLING, BACKEND_JOURNAL,
	BACKEND_SOCKET, BACKEND_STDIN };

/* Wider prefixes are never banned by themselves, so they are not counted either. */
enum { WIDEST4 = 24, WIDEST6 = 56 };

struct conf_path {
	const char *glob;
	bool tail;			/* start at the end, not at now - findtime */
};

struct conf_increment {
	bool on, overalljails;
	double factor;			/* default 1 */
	const char *factor_expr;	/* when it is more than a number, else NULL */
	const char *formula;		/* NULL: the built-in doubling */
	const char *multipliers;	/* NULL: none; else numbers between blanks */
	int64_t maxtime_ms, rndtime_ms;	/* 0: none */
};

struct conf_jail {
	const char *name;
	const char *file;		/* where its section was first seen */
	int line;
	bool enabled;
	bool refused;			/* an error lost this jail; see problems */
	struct conf_filter filter;
	enum conf_backend backend;
	struct conf_options backend_options;	/* journalpath, journalfiles ... */
	struct conf_path *logpath;
	size_t nlogpath;
	bool skip_if_nologs;		/* a jail without any log does not run */
	bool systemd_if_nologs;		/* default true: auto may read the journal */
	const char *logencoding;	/* "auto", "utf-8", "latin-1" ... */
	const char *logtimezone;	/* NULL: from the line or the system */
	int64_t findtime_ms, bantime_ms;	/* bantime -1: for ever */
	unsigned maxretry, maxmatches;
	enum conf_dns usedns;
	bool ignoreself;
	struct conf_list ignoreip;	/* addresses, prefixes, names, ids, file:PATH */
	const char *ignorecommand;	/* NULL: none */
	const char *ignorecache;	/* NULL: none */
	struct conf_increment increment;
	enum conf_count count;
	unsigned net4, net6;		/* prefix lengths of count = net/24,56 */
	unsigned host6;			/* IPv6 prefix that is one host */
	char distinct;			/* 'u' users, 'h' hosts, 0 none */
	bool ban_user;			/* ban = user */
	int64_t known_ms; /* failures after a good login do not count; 0: they do */
	int64_t known_host_ms;		/* the same, after one of any account there */
	const char *blocklist;		/* file:PATH of addresses to ban, or NULL */
	unsigned *action;		/* indexes into conf->actions */
	size_t naction;
	struct conf_options options;	/* the whole resolved section, for get/dump */
};

/* Where what an err is about stands: in the filter's file, at the jail's option, or
 * else where the jail begins. */
struct conf_place	conf_jail_place(const struct conf_jail *, const struct err *);

#endif
