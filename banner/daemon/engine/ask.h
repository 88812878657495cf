/* SPDX-License-Identifier: GPL-2.0-or-later
 * ask.h - questions of the engine to the helper: names and ignorecommands.
 *
 * At most ASK_MAX are open; further ones are answered "do not ignore" at once, and
 * counted. When the helper goes, all open ones are answered so too.
 */
#ifndef BANNER_ASK_H
#define BANNER_ASK_H

#include "banner/core/engine.h"

struct ask;
struct engined;

enum { ASK_MAX = 1000 };

struct ask *ask_new(struct engined *);
void ask_free(struct ask *);
void ask_connect(struct ask *, int sock);
void ask_question(void *engined, const struct question *); /* engine_host.ask */
/* This entry of an allow list came while running: if it may be a host name, somebody
 * has to look it up. */
void ask_entry(struct ask *, const char *entry);
/* names_answer tells. False: nobody to ask, or too many questions are open. */
bool ask_name(struct ask *, uint64_t ticket, const char *name);
uint64_t ask_refused(const struct ask *);
size_t ask_waiting(const struct ask *);

#endif
