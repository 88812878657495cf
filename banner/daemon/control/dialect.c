/* SPDX-License-Identifier: GPL-2.0-or-later
 * dialect.c - what fail2ban-client knows: its commands, and its words for mistakes.
 */
#include <string.h>

#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"

#define INVALID "Invalid command"
#define NO_INDEX "Sorry but the command is invalid"

/* min, max: words after the name; with others the answer is text. */
static const struct word {
	const char *name;
	unsigned min, max;
	const char *text;
} words[] = {
	{ "ping", 0, 0, INVALID },
	{ "version", 0, 0, INVALID },
	{ "status", 0, 2, "Invalid command (no status)" },
	{ "stop", 0, 1, INVALID },
	{ "start", 1, 1, INVALID },
	{ "unban", 1, REQUEST_WORDS, INVALID },
	{ "banned", 0, REQUEST_WORDS, INVALID },
	{ "reload", 0, 4, INVALID },
	{ "restart", 0, 4, INVALID },
	{ "flushlogs", 0, 0, INVALID },
	{ "echo", 0, REQUEST_WORDS, INVALID },
	{ "set", 1, REQUEST_WORDS, NO_INDEX },
	{ "get", 1, REQUEST_WORDS, NO_INDEX },
};

int
dialect_check(struct request *r)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].name, r->argv[0]) != 0)
			continue;
		if (r->argc - 1 >= words[i].min && r->argc - 1 <= words[i].max)
			return 0;
		return refuse(r, "usage", "%s", words[i].text);
	}
	return refuse(r, "usage", INVALID);
}
