/* SPDX-License-Identifier: GPL-2.0-or-later
 * spawn.h - starting a process of banner: program, user, rights, descriptors.
 */
#ifndef BANNER_SPAWN_H
#define BANNER_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "banner/base/buf.h"
#include "banner/base/err.h"

struct spawn_spec {
	const char *program; /* "banner-engine" */
	const char *detail; /* argv[1], or NULL */
	const char *user; /* "_banner"; "" = stay */
	const char *caps; /* "net_admin"; NULL = keep all (commands as root) */
	int conf_fd; /* sealed memory, becomes descriptor 4 */
	bool input; /* it keeps our standard input */
};

/* Programs lie beside bannerd (a build folder) or in the folder for helpers. Writes the
 * path; 0 or -ENOENT with text. */
int spawn_find(const char *program, char *path, size_t size, struct err *);
/* The user's ids; change = 0 with the reason in why when we cannot become it: not root,
 * no such user, not mapped in this namespace. */
struct identity;
void spawn_identity(const char *user, struct identity *, char *why, size_t size);
/* Fork and exec. *sock is our end of the child's descriptor 3, non-blocking. */
int spawn_start(const struct spawn_spec *, pid_t *, int *sock, struct err *);
/* A sealed memory file with the bytes of b: descriptor or -errno. */
int spawn_memory(const struct buf *b, const char *name);
/* A connected SOCK_SEQPACKET pair with room for bursts; non-blocking. 0 or -errno. */
int spawn_pair(int sv[2]);

#endif
