/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_service.c - ping, help, reload, stop, sync, panic, watch.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/conf/span.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/control/completion.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay.h"
#include "banner/daemon/engine/stream.h"

int
cmd_ping(struct request *r)
{
	buf_puts(
	    &r->out, r->form == FORM_JSON ? "\"pong\"\n" : "Server replied: pong\n");
	return 0;
}

int
cmd_version(struct request *r)
{
	if (r->form == FORM_JSON)
		json_text(&r->out, NULL, BANNER_VERSION);
	else
		buf_puts(&r->out, BANNER_VERSION "\n");
	return 0;
}

int
cmd_help(struct request *r)
{
	const struct command *c;

	if (r->form != FORM_JSON) {
		command_help(&r->out);
		return 0;
	}
	json_open(&r->out, NULL, '[');
	for (size_t i = 0; (c = command_at(i)); i++) {
		json_open(&r->out, NULL, '{');
		json_text(&r->out, "name", c->name);
		json_text(&r->out, "arguments", c->args);
		json_text(&r->out, "help", c->help);
		json_bool(&r->out, "changes", c->right == RIGHT_CHANGE);
		json_close(&r->out, '}');
	}
	json_close(&r->out, ']');
	return 0;
}

int
cmd_completion(struct request *r)
{
	struct buf script = { 0 };

	if (completion_print(&script, r->argv[1]) < 0)
		return refuse(r, "usage", "use: completion bash|zsh");
	if (r->form == FORM_JSON)
		json_text(&r->out, NULL, script.p);
	else
		buf_str(&r->out, buf_view(&script));
	buf_fini(&script);
	return 0;
}

static int
ask_parent(struct request *r, const char *what)
{
	r->parent = client_ticket(r->client);
	engined_ask_parent(r->d, r->parent, what, r->who);
	return 0;
}

int
cmd_echo(struct request *r)
{
	struct buf text = { 0 };

	for (size_t i = 1; i < r->argc; i++)
		buf_printf(&text, "%s%s", i > 1 ? " " : "", r->argv[i]);
	if (r->form == FORM_JSON)
		json_text(&r->out, NULL, text.p ? text.p : "");
	else
		buf_printf(&r->out, "%s\n", text.p ? text.p : "");
	buf_fini(&text);
	return 0;
}

/* fail2ban's options; with a jail the whole is reloaded all the same, but
 * only that jail's bans are lifted. */
static int
reload_words(struct request *r, bool *unban, const char **jail)
{
	bool if_exists = false;

	for (size_t i = 1; i < r->argc; i++) {
		const char *word = r->argv[i];

		if (!strcmp(word, "--unban"))
			*unban = true;
		else if (!strcmp(word, "--if-exists"))
			if_exists = true;
		else if (!if_exists && strcmp(word, "--restart") &&
		    strcmp(word, "--all") && !engine_jail(r->d->engine, word))
			return refuse(r, "config", "No section: '%.60s'", word);
		else if (word[0] != '-')
			*jail = word;
	}
	return 0;
}

/* Reload, and go back when nobody confirms in time. */
static int
reload_confirm(struct request *r, const char *span)
{
	char what[48];
	int64_t ms;

	if (span_ms(str_of(span), &ms, &r->err) < 0 || ms < MS_PER_S) {
		r->code = "usage";
		return err_set(&r->err, -EINVAL, "\"%s\" is no time to confirm in",
		    span);
	}
	snprintf(what, sizeof(what), "reload %lld", (long long)ms);
	if (r->form == FORM_JSON)
		buf_puts(&r->out, "\"OK\"\n");
	else
		buf_printf(&r->out, "the old configuration comes back in %s unless you "
		    "say: banctl confirm\n", span);
	return ask_parent(r, what);
}

static int
reload_now(struct request *r)
{
	buf_puts(&r->out, r->form == FORM_JSON ? "\"OK\"\n" : "OK\n");
	return ask_parent(r, "reload");
}

/* The new configuration is good: what is lifted now is not lifted in vain. */
static void
lift_and_reload(struct request *r)
{
	r->granted = NULL;
	lift_all(r, r->walk.jail, reload_now);
}

int
cmd_reload(struct request *r)
{
	const char *jail = NULL;
	bool unban = false;

	if (!strcmp(r->argv[0], "restart") && r->argc < 2)
		return refuse(r, "usage",
		    "use: restart JAIL; the daemon: systemctl restart bannerd");
	if (r->argc > 1 && !strcmp(r->argv[1], "--confirm"))
		return reload_confirm(r, r->argc == 3 ? r->argv[2] : "");
	if (reload_words(r, &unban, &jail) < 0)
		return -EINVAL;
	if (!unban)
		return reload_now(r);
	r->walk.jail = jail;
	r->granted = lift_and_reload;
	return ask_parent(r, "check");
}

int
cmd_confirm(struct request *r)
{
	buf_puts(&r->out, r->form == FORM_JSON ? "\"OK\"\n" : "OK\n");
	return ask_parent(r, "confirm");
}

int
cmd_flushlogs(struct request *r)
{
	bool file = r->d->conf->daemon.log[0] == '/';

	buf_puts(&r->out,
	    r->form == FORM_JSON ? "\"OK\"\n"
		: file           ? "logs: rolled over\n"
				 : "logs: flushed\n");
	return ask_parent(r, "flushlogs");
}

int
cmd_stop(struct request *r)
{
	bool unban = r->argc > 1 && !strcmp(r->argv[1], "--unban");

	if (r->argc > 1 && !unban) {
		struct jail *j = jail_wanted(r, r->argv[1]);

		return j ? jail_end(r, j) : -EINVAL;
	}
	if (unban)
		relay_flush_all(r->d->relay);
	buf_puts(&r->out, r->form == FORM_JSON ? "\"OK\"\n" : "Shutdown successful\n");
	return ask_parent(r, "stop");
}

int
cmd_sync(struct request *r)
{
	bool force = r->argc > 1 && !strcmp(r->argv[1], "--force");

	if (r->argc > 1 && !force)
		return refuse(r, "usage", "use: sync [--force]");
	relay_sync(r->d->relay, force);
	engined_turn(r->d);
	buf_puts(&r->out, r->form == FORM_JSON ? "\"OK\"\n" : "OK\n");
	return 0;
}

int
cmd_panic(struct request *r)
{
	r->d->paused = true;
	relay_flush_all(r->d->relay);
	engined_turn(r->d);
	log_warn(
	    "banner.control", "PANIC by %s: nothing is in force until resume", r->who);
	buf_puts(&r->out,
	    r->form == FORM_JSON ? "\"OK\"\n"
				 : "all bans are taken out of force; nobody is banned "
				   "until: banctl resume\n");
	return ask_parent(r, "panic");
}

int
cmd_resume(struct request *r)
{
	if (!r->d->paused)
		return refuse(r, "refused", "there is no panic");
	r->d->paused = false;
	relay_sync(r->d->relay, false);
	engined_turn(r->d);
	buf_puts(
	    &r->out, r->form == FORM_JSON ? "\"OK\"\n" : "bans are in force again\n");
	return ask_parent(r, "resume");
}

int
cmd_watch(struct request *r)
{
	client_watch(r->client, r->form == FORM_JSON);
	return 0;
}
