/* SPDX-License-Identifier: GPL-2.0-or-later
 * allow.h - a jail's ignoreip: whose failures do not count.
 *
 * Entries are addresses, prefixes, masks, names and raw ids, in groups that are
 * replaced whole: "config", "runtime", and one per file:PATH. A text that is no
 * address is both a raw id (compared with user names and ids at once) and a host
 * name, which only the outside can look up. Bounded by the configuration, and at run
 * time by ALLOW_MAX entries.
 */
#ifndef BANNER_ALLOW_H
#define BANNER_ALLOW_H

#include "banner/base/buf.h"
#include "banner/base/err.h"
#include "banner/core/block.h"

enum { ALLOW_MAX = 1000000 };

struct allow;

struct allow	*allow_new(void);
void		 allow_free(struct allow *);
/* Replace a group. file: entries are skipped here: their content comes as a group. */
void allow_set(struct allow *, const char *group, const char *const *v, size_t n);
/* One entry of the group "runtime". 0, -EEXIST, -EINVAL (text), -ENOSPC. */
int		 allow_add(struct allow *, const char *entry, struct err *);
/* Remove an entry from every group but those of files. 0 or -ENOENT. */
int		 allow_del(struct allow *, const char *entry);
/* The entry that allows this address or id (a whole prefix must be covered), or NULL;
 * valid until the next change. */
const char	*allow_has(struct allow *, const struct addr *, struct str id);
/* Names that must be asked for, between blanks; "" when there are none. */
const char	*allow_names(struct allow *);
typedef void (allow_fn)(void *arg, const char *entry);
void		 allow_each(const struct allow *, allow_fn *, void *arg);

#endif
