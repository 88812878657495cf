/* SPDX-License-Identifier: GPL-2.0-or-later
 * sandbox.h - what a process may still do once it is set up.
 *
 * Called once per process, after it opened what it needs beyond its paths. Landlock
 * confines files, seccomp confines system calls (by a profile per role), no_new_privs
 * and a core limit of 0 are set with them. A feature that the kernel lacks is a lower
 * level, told in sandbox_level; a feature that is there and refuses is an error.
 */
#ifndef BANNER_SANDBOX_H
#define BANNER_SANDBOX_H

#include <stdbool.h>

#include "banner/base/err.h"

enum sandbox_profile {
	PROFILE_ENGINE, /* files, inotify, accept; no socket, no exec; JIT */
	PROFILE_STORE, /* files and fsync; no socket, no exec */
	PROFILE_NETLINK, /* netlink sockets only: route, nft */
	PROFILE_EDGE,		/* netlink and the state folder: banner-edge */
	PROFILE_NET, /* internet sockets and files: ssh, mail */
	PROFILE_SERVE, /* listens, and calls nobody: login */
	PROFILE_EXEC, /* starts programs: no system call filter */
	PROFILE_HELPER, /* looks up names: internet sockets, files */
	PROFILE_PLAIN, /* no sockets: null, pure file actions */
};

struct sandbox {
	const char *want; /* conf_daemon.sandbox: auto, required, off */
	enum sandbox_profile profile;
	const char *const *read; /* files and folders beneath which reading is */
	const char *const *write; /* allowed; reading, writing, making, removing; */
	const char *const *exec; /* running too. NULL-terminated; NULL: none */
};

struct sandbox_level {
	int landlock; /* ABI in use, 0: none */
	bool seccomp;
	char text[160]; /* "landlock 3, seccomp" or what is missing */
};

/* Paths that do not exist are skipped (their absence is the caller's concern).
 * PROFILE_EXEC gets nothing of all that: its commands are the administrator's.
 * -ENOTSUP: want is required and the kernel lacks something; else -errno. */
int sandbox_enter(const struct sandbox *, struct sandbox_level *, struct err *);

/* -ENOTSUP: want is required and the kernel or the build lacks something; else 0. To
 * be asked by a process that will not be confined itself. */
int sandbox_possible(const char *want, struct err *);

/* The system call filter of a profile (one implementation is chosen by the build).
 * 0, -ENOSYS (not in this build or kernel) or -errno. */
int sandbox_filter(enum sandbox_profile, struct err *);
/* Could sandbox_filter set one? */
bool sandbox_has_filter(void);

#endif
