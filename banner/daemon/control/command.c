/* SPDX-License-Identifier: GPL-2.0-or-later
 * command.c - what banctl can ask, in the order of its help.
 */
#include <string.h>

#include "banner/daemon/control/command.h"

enum { MANY = REQUEST_WORDS };

static const struct command commands[] = {
	{ "status", "[JAIL]",
	    "jails, or one jail: counters, bans, where they are in force", RIGHT_READ,
	    0, 2, cmd_status },
	{ "banip", "[JAIL] ADDR... [--time SPAN] [--comment TEXT] [--wait]",
	    "ban addresses or prefixes (jail manual if none is named)", RIGHT_CHANGE, 1,
	    MANY, cmd_banip },
	{ "unbanip", "[JAIL] ADDR...", "lift bans in one or all jails", RIGHT_CHANGE, 1,
	    MANY, cmd_unbanip },
	{ "unban", "--all | ADDR...", "lift bans in all jails", RIGHT_CHANGE, 1, MANY,
	    cmd_unban },
	{ "explain", "ADDR|USER", "why it is banned, or why not", RIGHT_READ, 1, 1,
	    cmd_explain },
	{ "doctor", "", "look for what keeps banner from working", RIGHT_READ, 0, 0,
	    cmd_doctor },
	{ "check", "[ACTION]",
	    "ban a documentation address, look what comes into force, lift it",
	    RIGHT_CHANGE, 0, 1, cmd_check },
	{ "list", "[JAIL]", "all bans, with their ends", RIGHT_READ, 0, 1, cmd_list },
	{ "banned", "[ADDR...]", "banned addresses by jail; or the jails of addresses",
	    RIGHT_READ, 0, MANY, cmd_banned },
	{ "watch", "", "show decisions as they are made", RIGHT_READ, 0, 0, cmd_watch },
	{ "fleet", "[ADDR]", "hosts behind actions; or where a ban stands on them",
	    RIGHT_READ, 0, 1, cmd_fleet },
	{ "history", "[JAIL] [ADDR|USER]", "past and present bans from the store",
	    RIGHT_READ, 0, 2, cmd_history },
	{ "allow", "list [JAIL] | add [JAIL] ENTRY | del [JAIL] ENTRY",
	    "addresses that are ignored, until the next reload; add and del (*)",
	    RIGHT_READ, 1, 3, cmd_allow },
	{ "set", "JAIL banip|unbanip|addignoreip|delignoreip|attempt ADDR... | "
	    "bantime|findtime|maxretry|maxmatches VALUE | loglevel LEVEL",
	    "as fail2ban-client, until the next reload", RIGHT_CHANGE, 1, MANY,
	    cmd_set },
	{ "get", "JAIL banip|banned|ignoreip|findtime|bantime|maxretry|... | "
	    "loglevel|logtarget",
	    "as fail2ban-client", RIGHT_READ, 1, MANY, cmd_get },
	{ "stats", "", "one line of numbers per jail", RIGHT_READ, 0, 0, cmd_stats },
	{ "sync", "[--force]",
	    "compare what is in force with what should be, and repair "
	    "(--force: proxies may remove most of what they hold)",
	    RIGHT_CHANGE, 0, 1, cmd_sync },
	{ "panic", "", "take everything out of force, and ban nobody until resume",
	    RIGHT_CHANGE, 0, 0, cmd_panic },
	{ "resume", "", "end of panic", RIGHT_CHANGE, 0, 0, cmd_resume },
	{ "reload", "[--unban] [JAIL] | --confirm TIME",
	    "read the configuration again; --unban lifts the bans first; --confirm "
	    "goes back unless confirmed in that time",
	    RIGHT_CHANGE, 0, 4, cmd_reload },
	{ "confirm", "", "keep the configuration of reload --confirm", RIGHT_CHANGE, 0,
	    0, cmd_confirm },
	{ "restart", "JAIL", "as reload, in fail2ban's word", RIGHT_CHANGE, 0, 4,
	    cmd_reload },
	{ "echo", "WORD...", "print the words", RIGHT_READ, 0, MANY, cmd_echo },
	{ "flushlogs", "", "open the log file again", RIGHT_CHANGE, 0, 0,
	    cmd_flushlogs },
	{ "stop", "[--unban] | JAIL",
	    "end bannerd; bans stay in force unless --unban. A jail: lift its bans and "
	    "count nothing until start or reload",
	    RIGHT_CHANGE, 0, 1, cmd_stop },
	{ "start", "JAIL", "let a stopped jail go on", RIGHT_CHANGE, 1, 1, cmd_start },
	{ "ping", "", "does the engine answer?", RIGHT_READ, 0, 0, cmd_ping },
	{ "version", "", "version of bannerd", RIGHT_READ, 0, 0, cmd_version },
	{ "help", "", "this list", RIGHT_READ, 0, 0, cmd_help },
	{ "completion", "bash|zsh", "a completion script", RIGHT_READ, 1, 1,
	    cmd_completion },
	{ NULL }
};

const struct command *
command_find(const char *name)
{
	for (const struct command *c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

const struct command *
command_at(size_t i)
{
	return commands[i].name ? &commands[i] : NULL;
}

void
command_help(struct buf *b)
{
	const struct command *c;

	for (size_t i = 0; (c = command_at(i)); i++)
		buf_printf(b, "%s%s%s\n    %s%s\n", c->name, c->args[0] ? " " : "",
		    c->args, c->help, c->right == RIGHT_CHANGE ? " (*)" : "");
	buf_puts(b, "(*) changes something: root or the admin group\n");
}
