/* SPDX-License-Identifier: GPL-2.0-or-later
 * conf.h - the resolved configuration: everything the other layers may know of it.
 *
 * conf_read() reads a folder in fail2ban's grammar, ours or fail2ban's own layout,
 * and resolves it completely: includes, overlays, interpolation, tags, bracket
 * options. Nothing is compiled, opened or run here. The result is one arena,
 * read-only for everyone, freed whole. Problems are collected, not met one by one:
 * an error names file, line, what was found and what was expected, and loses only
 * its own jail; conf_read itself fails only when nothing can be read at all.
 *
 * conf_pack() and conf_unpack() carry it to the other processes.
 */
#ifndef BANNER_CONF_H
#define BANNER_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "banner/base/addr.h"
#include "banner/base/arena.h"
#include "banner/base/buf.h"
#include "banner/base/err.h"

enum conf_layout { LAYOUT_BANNER, LAYOUT_FAIL2BAN };
enum conf_level { CONF_NOTE, CONF_WARNING, CONF_ERROR };

struct conf_problem {
	enum conf_level level;
	const char *file;	/* NULL when no single file is to blame */
	int line;		/* 0: unknown */
	const char *jail;	/* the jail that is lost or concerned, or NULL */
	const char *text;
};

/* A list of texts; NULL-free, n entries. */
struct conf_list {
	const char **v;
	size_t n;
};

struct conf_option { const char *key, *value; };
struct conf_options { struct conf_option *v; size_t n; };

/* [bannerd] of banner.conf, and what fail2ban.conf says that acts here. */
struct conf_daemon {
	struct conf_list trusted;	/* addresses and prefixes of our own proxies */
	const char *state;		/* folder, default /var/lib/banner */
	const char *socket;		/* default /run/banner/banner.sock */
	const char *admin_group;	/* may change things; "" = root only */
	const char *log;		/* path, STDOUT, STDERR, SYSLOG, SYSTEMD-JOURNAL */
	const char *loglevel;		/* CRITICAL ERROR WARNING NOTICE INFO DEBUG */
	const char *native;		/* auto, yes, no */
	const char *sandbox;		/* auto (what the kernel has), required, off */
	uint64_t max_bans;		/* cap of the ban table */
	uint64_t max_tracked;		/* cap of each jail's tracker, in keys */
	uint64_t max_line_bytes;	/* longer lines are skipped whole */
	uint64_t evidence_bytes;	/* ring of matched lines */
	uint64_t ban_rate;		/* bans a minute that raise the alarm */
	bool hold;			/* stop banning at ban_rate */
	int64_t purge_age_ms;		/* dbpurgeage: history older than this is dropped */
	struct conf_list never_ban;	/* further prefixes for the guard */
};

/* One way to carry out bans, equal for all jails that name it with equal options.
 * Instances with the same actor number share a process. */
struct conf_action {
	const char *name;		/* as shown: "route", "nftables-multiport" ... */
	const char *plugin;		/* "route", "exec", "null" ... */
	const char *user, *caps;	/* "" = the plugin's default */
	const char *scope;		/* "" = all traffic; "tcp/22,80" */
	struct conf_options options;	/* for the plugin; exec: the resolved action file */
	const char *why;		/* for -t: native or exec, and why */
	unsigned actor;			/* process group, 0.. */
	const char *file;		/* where it was defined */
	int line;
	const char *command_name;	/* fail2ban's actname in the jail (for dumps) */
};

enum conf_count { COUNT_HOST, COUNT_USER, COUNT_HOST_USER, COUNT_NET, COUNT_TOTAL };
enum conf_dns { DNS_NO, DNS_WARN, DNS_YES, DNS_RAW };
enum conf_backend { BACKEND_AUTO, BACKEND_FILE, BACKEND_POLLING, BACKEND_JOURNAL,
	BACKEND_SOCKET };

struct conf_path {
	const char *glob;
	bool tail;			/* start at the end, not at now - findtime */
};

/* The filter of a jail, fully expanded: no %(..)s and no known <tag> is left. */
struct conf_filter {
	const char *name;		/* "sshd" */
	const char *file;		/* main file; NULL: the jail defines its own regexes */
	struct conf_list failregex, ignoreregex;
	const char *prefregex;		/* NULL: none */
	struct conf_list datepattern;	/* as written, one per line; n = 0: default list */
	struct conf_list journalmatch;
	unsigned maxlines;		/* >= 1 */
	const char *parser;		/* a built-in tokeniser by name, or NULL */
	struct conf_list weight;	/* ours: "N" per failregex, or empty: 1 each */
	const char *logtype;		/* file, journal, short, rfc5424 */
	struct conf_options options;	/* the resolved [Definition]+[Init], for dumps */
};

struct conf_increment {
	bool on, overalljails;
	double factor;			/* default 1 */
	const char *factor_expr;	/* as written when it is an expression, else NULL */
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
	bool skip_if_nologs;
	const char *logencoding;	/* "auto", "utf-8", "latin-1" ... */
	const char *logtimezone;	/* NULL: from the line or the system */
	int64_t findtime_ms, bantime_ms;	/* bantime -1: for ever */
	unsigned maxretry, maxmatches;
	enum conf_dns usedns;
	bool ignoreself;
	struct conf_list ignoreip;	/* addresses, prefixes, names, raw ids, file:PATH */
	const char *ignorecommand;	/* NULL: none */
	const char *ignorecache;	/* NULL: none */
	struct conf_increment increment;
	enum conf_count count;
	unsigned net4, net6;		/* prefix lengths of count = net/24,56 */
	unsigned host6;			/* IPv6 prefix that counts and is banned as one host */
	char distinct;			/* 'u' users, 'h' hosts, 0 none */
	bool ban_user;			/* ban = user */
	const char *blocklist;		/* file:PATH whose addresses are banned, or NULL */
	unsigned *action;		/* indexes into conf->actions */
	size_t naction;
	struct conf_options options;	/* the whole resolved section, for get/dump */
};

struct conf {
	struct arena *arena;		/* owns all of it */
	const char *dir;
	enum conf_layout layout;
	struct conf_daemon daemon;
	struct conf_jail *jails;	/* order of first appearance; all, also disabled */
	size_t njails;
	struct conf_action *actions;
	size_t nactions;
	struct conf_problem *problems;	/* in the order found */
	size_t nproblems;
};

struct conf_request {
	const char *dir;		/* /etc/banner, /etc/fail2ban, or a checkout */
	bool enable_all;		/* treat every jail as enabled (dumps, tests) */
	const char *only_jail;		/* resolve just this one (banregex), or NULL */
};

/* 0, or -ENOENT/-EINVAL/-EACCES with text when there is no configuration to read. */
int	conf_read(const struct conf_request *, struct conf **, struct err *);
void	conf_free(struct conf *);

/* A filter with bracket options as a jail would get it: "sshd[mode=aggressive]", or a
 * path. logtype NULL: file. For banregex; the result lives in the arena. 0 or -errno. */
struct conf_filter_request {
	const char *dir, *spec, *logtype;
	struct arena *arena;
};
int	conf_filter_read(const struct conf_filter_request *, struct conf_filter *, struct err *);

const struct conf_jail	*conf_jail_find(const struct conf *, const char *name);
/* Value of a plugin or jail option, or fallback. */
const char	*conf_option(const struct conf_options *, const char *key, const char *fallback);

/* One flat image, position independent, versioned; unpack checks every length.
 * conf_unpack: 0 or -EINVAL. */
void	conf_pack(const struct conf *, struct buf *);
int	conf_unpack(const void *, size_t, struct conf **, struct err *);

/* --dump: the resolved configuration, one item per line, readable and stable. */
void	conf_dump(const struct conf *, struct buf *);

#endif
