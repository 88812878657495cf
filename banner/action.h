/* SPDX-License-Identifier: MIT
 * action.h - the interface between banner and its action plugins, version 1.
 *
 * A plugin is a shared object that exports one symbol, bn_action (see BN_ACTION). It
 * runs in a process of its own and may block. Everything it gets is valid during the
 * call only. Functions return 0 or a negative errno. This is the only header a plugin
 * needs besides libc and its own library; it is the only one that is installed.
 */
#ifndef BANNER_ACTION_H
#define BANNER_ACTION_H

#include <stddef.h>
#include <stdint.h>

#define BN_ACTION_ABI 1

enum bn_kind { BN_ADDR, BN_USER, BN_ID, BN_NONE };
enum bn_verb { BN_ADD, BN_DEL, BN_PROLONG };
enum bn_level { BN_ERROR, BN_WARNING, BN_INFO, BN_DEBUG };

/* Host bits are zero. family is 4 or 6 (0: no address). */
struct bn_addr {
	uint8_t family, plen, ip[16];
};

struct bn_subject {
	enum bn_kind kind;
	struct bn_addr addr;		/* BN_ADDR */
	const char *text;		/* BN_USER, BN_ID; else NULL */
};

/* Captures (F-NAME in lower case), "matches", "ipmatches": log text. It must never
 * reach a shell as program text. */
struct bn_field {
	const char *name, *value;
};

struct bn_change {
	enum bn_verb verb;
	uint64_t id;			/* of the ban */
	struct bn_subject subject;
	int64_t since_ms, until_ms;	/* until 0 = for ever */
	const char *jail, *scope;	/* scope "" = all traffic, "tcp/22,80" */
	uint32_t failures, count;	/* attempts; how many bans of it in this jail */
	uint8_t restored;
	const struct bn_field *fields;	/* ends with a NULL name; may be NULL */
	/* Out: 0 (in force, gone), -errno (tried again later; -EEXIST: somebody else's
	 * entry is in the way), or -EINPROGRESS: host->done() later. */
	int err;
};

/* Option schema; the core refuses unknown keys. fallback NULL: must be given. */
struct bn_key {
	const char *name, *fallback, *help;
};

struct bn_host {
	void *ctx;
	/* Value or fallback; NULL: not in the schema. */
	const char *(*get)(void *ctx, const char *key);
	void (*log)(void *ctx, enum bn_level, const char *text);
	/* Outcome of a change that was -EINPROGRESS (target "": the whole of it), or
	 * news of one target: it has it, or has it not yet. id is that of the change.
	 */
	void (*done)(void *ctx, uint64_t id, const char *target, int err);
	/* The outside changed: list and repair soon. */
	void (*drifted)(void *ctx);
	/* Options that are not in the schema, for plugins with BN_OPEN_KEYS (exec:
	 * tags); NULL at the end. */
	const char *(*each)(void *ctx, size_t i, const char **value);
	/* Somebody else removed this one: it is put back at once if it is still wanted.
	 * Never from inside apply or list. */
	void (*lost)(void *ctx, const struct bn_subject *);
	/* The process's libevent loop, a struct event_base, for plugins that serve
	 * others; NULL: it has none (banner-edge). */
	void *loop;
	/* Asks whether this user, who is banned, logged in well from there, as lately
	 * as the jails that ban him say ("known"). The answer comes by ops->known, and
	 * not from inside this call; none comes when the engine ends meanwhile. 0 or
	 * -ENOTCONN: there is no engine. NULL: there never is one. */
	int (*known)(void *ctx, uint64_t ticket, const char *user,
	    const struct bn_addr *from);
};

enum bn_flags {
	BN_STATE = 1,		/* wanted state: kept, listed, repaired, resynced */
	BN_EVENT = 2,		/* once per ban and jail; never at resync or restore */
	BN_PER_JAIL = 4,	/* one entry per jail that wants it, not one for all */
	BN_OPEN_KEYS = 8,	/* takes options beyond its schema */
	BN_FIELDS = 16,		/* wants bn_change.fields; else they are NULL */
	BN_PROLONGS = 32,	/* wants BN_PROLONG; else a longer ban costs no call */
};

/* Tell one entry that is in force; foreign entries are not told. */
typedef void (bn_seen_fn)(void *arg, const struct bn_subject *, const char *scope);
typedef void (bn_target_fn)(void *arg, const char *name, const char *state);

struct bn_action_ops {
	uint32_t abi, size, flags;
	const char *name;
	uint32_t kinds;			/* 1 << BN_ADDR | ...: what it can carry out */
	const struct bn_key *keys;	/* ends with a NULL name */
	int  (*open)(const struct bn_host *, void **self);
	int  (*apply)(void *self, struct bn_change *, size_t n);
	int  (*list)(void *self, bn_seen_fn *, void *arg);
	int  (*poll_fd)(void *self);	/* optional: readable -> run() */
	int  (*run)(void *self);
	int  (*targets)(void *self, bn_target_fn *, void *arg);
	int  (*jail_start)(void *self, const char *jail);
	int  (*jail_stop)(void *self, const char *jail);
	/* Remove everything that is ours. Changes under way that are needless by that
	 * may be told as -ECANCELED from inside. */
	int  (*flush)(void *self);
	void (*close)(void *self);	/* leaves what is in force in force */
	/* The flags of this instance, where they depend on its options. */
	uint32_t (*mode)(void *self);
	/* Would these two carry out the same? Then they are one instance with one
	 * wanted set, and what several jails ask for is done once. */
	int  (*same)(void *self, void *other);
	/* All that shall be in force has been asked for: what a far side holds beyond
	 * it may go. force: even if that is most of it (banctl sync --force). */
	int  (*complete)(void *self, int force);
	/* Like targets, for one ban: state "in force", or what keeps it. id: as in
	 * bn_change. */
	int  (*where)(void *self, uint64_t id, bn_target_fn *, void *arg);
	/* The answer to a question of host->known. */
	void (*known)(void *self, uint64_t ticket, int yes);
	/* Would open() take these options? Nothing outside is opened or changed; what
	 * is wrong is logged as BN_ERROR. For bannerd -t, so only get, each and log of
	 * the host are there. */
	int  (*check)(const struct bn_host *);
	/* append only; readers compare size */
};

#define BN_ACTION(plugin_name) \
	extern const struct bn_action_ops bn_action; \
	__attribute__((visibility("default"))) const struct bn_action_ops bn_action

#endif
