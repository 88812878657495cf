/* SPDX-License-Identifier: GPL-2.0-or-later
 * caps_table.h - what others can make grow in the engine, and how far.
 */
#ifndef BANNER_CAPS_TABLE_H
#define BANNER_CAPS_TABLE_H

struct buf;
struct engined;

void	caps_text(const struct engined *, struct buf *);
void	caps_json(const struct engined *, struct buf *);	/* "caps":[...] */

#endif
