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
#include "banner/conf/actiondef.h"
#include "banner/conf/filter.h"
#include "banner/conf/jail.h"

enum conf_layout { LAYOUT_BANNER, LAYOUT_FAIL2BAN };
enum conf_level { CONF_NOTE, CONF_WARNING, CONF_ERROR };

struct conf_problem {
	enum conf_level level;
	const char *file;	/* NULL when no single file is to blame */
	int line;		/* 0: unknown */
	const char *jail;	/* the jail that is lost or concerned, or NULL */
	const char *text;
};

enum { CONF_LINE_MAX = 8 << 20 };

/* [bannerd] of banner.conf, and what fail2ban.conf says that acts here. */
enum { CONF_NETS_MAX = 4096 };	/* of trusted, and of never_ban */

struct conf_daemon {
	struct conf_list trusted;	/* addresses and prefixes of our own proxies */
	const char *state;		/* folder, default /var/lib/banner */
	const char *socket;		/* default /run/banner/banner.sock */
	const char *admin_group;	/* may change things; "" = root only */
	const char *log;		/* path, STDOUT, STDERR, SYSLOG ... */
	const char *loglevel;		/* CRITICAL ERROR WARNING NOTICE INFO DEBUG */
	const char *native;		/* auto, yes, no */
	const char *sandbox;		/* auto (what the kernel has), required, off */
	uint64_t max_bans;		/* cap of the ban table */
	uint64_t max_tracked;		/* cap of each jail's tracker, in keys */
	uint64_t max_line_bytes;	/* longer ones are skipped; to CONF_LINE_MAX */
	uint64_t evidence_bytes;	/* ring of matched lines */
	uint64_t ban_rate;		/* bans a minute that raise the alarm */
	bool hold;			/* stop banning at ban_rate */
	int64_t purge_age_ms;		/* older history is dropped */
	struct conf_list never_ban;	/* further prefixes for the guard */
};

struct conf {
	struct arena *arena;		/* owns all of it */
	const char *dir;
	enum conf_layout layout;
	struct conf_daemon daemon;
	struct conf_jail *jails;	/* all, in order of first appearance */
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
	bool journal;			/* filters as if all jails read the journal */
};

/* 0, or -ENOENT/-EINVAL/-EACCES with text when there is no configuration to read. */
int	conf_read(const struct conf_request *, struct conf **, struct err *);
void	conf_free(struct conf *);

const struct conf_jail	*conf_jail_find(const struct conf *, const char *name);
/* Does a jail that is enabled read standard input? */
bool	conf_reads_stdin(const struct conf *);

/* One flat image, position independent, versioned. */
void	conf_pack(const struct conf *, struct buf *);
/* HEAD: all but the jails. Texts stay in the image, which must outlive the result;
 * every length is checked. 0 or -EINVAL. */
enum conf_part { CONF_HEAD, CONF_WHOLE };
int	conf_unpack(struct str image, enum conf_part, struct conf **, struct err *);

/* --dump: the resolved configuration, one item per line, readable and stable. */
void	conf_dump(const struct conf *, struct buf *);

#endif
