/* SPDX-License-Identifier: GPL-2.0-or-later
 * lognames.h - numbers for the names of logs, short enough to keep with every line.
 *
 * A name keeps its number as long as the engine runs. At most LOGNAMES_MAX; those
 * beyond have none (0).
 */
#ifndef BANNER_LOGNAMES_H
#define BANNER_LOGNAMES_H

#include <stdint.h>

enum { LOGNAMES_MAX = 65535 };

struct lognames;

struct lognames	*lognames_new(void);
void		 lognames_free(struct lognames *);
uint16_t	 lognames_number(struct lognames *, const char *name);
const char	*lognames_of(const struct lognames *, uint16_t); /* NULL: of no log */

#endif
