/* SPDX-License-Identifier: GPL-2.0-or-later
 * checkaction.h - bannerd -t: would the actors start?
 */
#ifndef BANNER_CHECKACTION_H
#define BANNER_CHECKACTION_H

#include <stddef.h>

struct buf;
struct conf;

/* Appends a line per action that would not start; how many. */
size_t checkaction_report(const struct conf *, struct buf *);

#endif
