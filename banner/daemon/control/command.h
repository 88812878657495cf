/* SPDX-License-Identifier: GPL-2.0-or-later
 * command.h - the table of control commands. Help and completion are printed from it.
 *
 * A new command is one function in a cmd_*.c and one line in command.c.
 */
#ifndef BANNER_COMMAND_H
#define BANNER_COMMAND_H

#include "banner/daemon/control/request.h"

enum right { RIGHT_READ, RIGHT_CHANGE };

struct command {
	const char *name, *args, *help;
	enum right right;
	unsigned min, max; /* words after the name */
	/* 0: r->out is the payload (r->seq ... say what it waits for); else refused. */
	int (*run)(struct request *);
};

const struct command *command_find(const char *name);
const struct command *command_at(size_t i); /* NULL at the end */
void command_help(struct buf *); /* append all, for people */

/* cmd_status.c */
int cmd_status(struct request *);
int cmd_stats(struct request *);
/* A bound in ms: so many percent of the changes took less; 0: there were none. */
struct relay_action;
uint64_t status_latency(const struct relay_action *, unsigned percent);
/* cmd_status_json.c: the hosts of actions follow the first, before r->closing; the bans
 * are between the other two. */
void status_json(struct request *, const char **jails, size_t n);
void status_json_jail(struct request *, const char *jail);
void status_json_end(struct request *, const char *jail);
void status_json_line(struct request *, const char *jail, const struct engine_stats *);
/* cmd_list.c */
int cmd_list(struct request *);
int cmd_banned(struct request *);
/* The bans of a jail of this moment; then as often as it says true: some of them into
 * the reply, each in quotes, with sep between. */
void bans_begin(struct request *, const char *jail);
bool bans_some(struct request *, const char *sep, const char *quote);
/* cmd_ban.c */
int cmd_banip(struct request *);
int cmd_unbanip(struct request *);
int cmd_unban(struct request *);
/* Lift all bans (of the jail), some at a time; then done. */
void lift_all(struct request *, const char *jail, int (*done)(struct request *));
/* cmd_set.c */
int cmd_set(struct request *);
int cmd_allow(struct request *);
struct conf_list;
struct jail;
void entry_add(void *list, const char *entry); /* borrowed */
void entry_list(struct request *, const char *title, const char *empty,
    const struct conf_list *); /* fail2ban's tree of a list */
int allow_show(struct request *, struct jail *);
/* mistake.c: refused with what was likely meant, else with what there is. */
struct mistake {
	const char *what, *word;	/* "jail", as it was typed */
	const char *const *known;	/* ends with NULL */
};
int refuse_word(struct request *, const char *code, struct mistake);
int no_command(struct request *);
int no_action(struct request *, const char *name);
/* NULL: refused, also a stopped one. */
struct jail *jail_wanted(struct request *, const char *name);
/* cmd_jail.c: parts of set and stop; the words are in argv. */
bool jail_has_limit(const char *name); /* bantime and the others that can be set */
int jail_set(struct request *, struct jail *);
int jail_attempt(struct request *, struct jail *);
int jail_end(struct request *, struct jail *);
int cmd_start(struct request *);
/* cmd_get.c */
int cmd_get(struct request *);
/* cmd_get_json.c: the value with its own type. False: no such name. */
struct conf_jail;
bool get_json_option(struct buf *, const char *what, const struct conf_jail *);
bool get_json_daemon(struct request *, const char *what);
extern const char *const gettable[];	/* all names; ends with NULL */
/* cmd_doctor.c */
int cmd_doctor(struct request *);
/* cmd_explain.c */
int cmd_explain(struct request *);
struct wire_ban;
struct history_row {
	const struct wire_ban *ban;
	const char *subject;
	int64_t ended_ms;	/* 0: in force */
	int cause;		/* of its end */
};
void explain_row(struct request *, const struct history_row *);
/* cmd_explain_json.c: the object, up to the rows of the store, before r->closing. */
void explain_json(struct request *, const struct subject *);
/* cmd_history.c */
int cmd_history(struct request *);
void history_json(struct request *, const struct history_row *, bool lines);
/* cmd_service.c */
int cmd_ping(struct request *);
int cmd_version(struct request *);
int cmd_help(struct request *);
int cmd_completion(struct request *);
int cmd_echo(struct request *);
int cmd_reload(struct request *);
int cmd_confirm(struct request *);
int cmd_stop(struct request *);
int cmd_flushlogs(struct request *);
int cmd_sync(struct request *);
int cmd_panic(struct request *);
int cmd_resume(struct request *);
int cmd_watch(struct request *);
/* cmd_check.c */
int cmd_check(struct request *);
/* cmd_fleet.c */
int cmd_fleet(struct request *);

/* dialect.c: 0, or refused in the words of fail2ban-client, which has fewer commands.
 */
int dialect_check(struct request *);

/* Rows of the store and targets of an actor, for a request that waits for them. */
struct wire_in;
void command_row(struct request *, struct wire_in *); /* cmd_history.c */
void command_rows_end(struct request *); /* says if there were none, or too many */
struct news_target;
void command_target(struct request *, const struct news_target *); /* cmd_fleet.c */
void command_close(struct request *); /* of a JSON answer to which rows were added */
int command_waited(struct request *); /* banip --wait is answered */
/* check (cmd_check.c): go on with it, true when it still waits; an answer to a look,
 * false when it is not the one that asked; the reply at the end. */
bool command_check_waits(struct request *);
bool command_looked(
    struct request *, uint64_t id, size_t action, bool there, int err);
int command_check(struct request *);

/* control_watch.c, control.c, for them */
void client_watch(struct client *, bool json);
uint64_t client_ticket(struct client *); /* a number for an answer that comes later */
/* Hand over what is in r->out of a long reply; it goes on when the client has read it.
 */
void client_part(struct client *, struct request *);

#endif
