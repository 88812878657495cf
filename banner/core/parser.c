/* SPDX-License-Identifier: GPL-2.0-or-later
 * parser.c - the table of built-in tokenisers.
 */
#include "banner/core/parser.h"

#include <string.h>

/* One line per parser. */
static const struct parser_ops *const parsers[] = {
	&zimbra_parser,
	NULL
};

const struct parser_ops *
parser_find(const char *name)
{
	for (size_t i = 0; parsers[i]; i++)
		if (!strcmp(parsers[i]->name, name))
			return parsers[i];
	return NULL;
}
