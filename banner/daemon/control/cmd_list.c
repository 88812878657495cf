/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_list.c - list and banned.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/base/units.h"
#include "banner/core/runtime.h"
#include "banner/core/subject.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay.h"

/* "in force", or where it is not. */
static const char *
state_text(const struct request *r, const struct ban *ban, struct buf *text)
{
	bool waiting = false, failed = false, applied = false;
	struct relay_status st;

	for (size_t i = 0; i < relay_actions(r->d->relay); i++) {
		const struct missing *m = relay_missing(r->d->relay, ban->id, i);

		relay_status(r->d->relay, ban->id, i, &st);
		waiting = waiting || st.state == RELAY_WAITING;
		failed = failed || st.state == RELAY_FAILED;
		applied = applied || st.state == RELAY_APPLIED;
		if (!m || !m->n)
			continue;
		buf_puts(text, text->len ? "; " : "");
		missing_text(m, &relay_action(r->d->relay, i)->targets, text);
	}
	if (text->len)
		return text->p;
	return failed ? "failed"
	    : waiting ? "waiting"
	    : applied ? "in force"
		      : "no action";
}

static void
json_ban(struct request *r, const struct ban *ban, const char *subject)
{
	struct buf state = { 0 };

	json_open(&r->out, NULL, '{');
	json_number(&r->out, "id", (int64_t)ban->id);
	json_text(&r->out, "jail", ban->jail);
	json_text(&r->out, "subject", subject);
	json_number(&r->out, "since_ms", ban->since_ms);
	json_number(&r->out, "until_ms", ban->until_ms);
	json_number(&r->out, "failures", ban->failures);
	json_number(&r->out, "count", ban->count);
	json_bool(&r->out, "manual", ban->manual);
	json_text(&r->out, "comment", ban->comment);
	json_text(&r->out, "state", state_text(r, ban, &state));
	json_close(&r->out, '}');
	buf_fini(&state);
}

static void
list_ban(struct request *r, const struct ban *ban)
{
	char since[UNITS_TEXT], until[UNITS_TEXT] = "for ever";
	struct buf subject = { 0 }, state = { 0 };

	subject_text(&ban->subject, &subject);
	if (r->form == FORM_JSON) {
		json_ban(r, ban, subject.p);
	} else {
		units_time(ban->since_ms, since);
		if (ban->until_ms)
			units_time(ban->until_ms, until);
		buf_printf(&r->out, "%-18s %-10s %s  %-19s  %s%s", subject.p, ban->jail,
		    since, until, state_text(r, ban, &state), ban->comment ? "  " : "");
		if (ban->comment)
			buf_safe(&r->out, str_of(ban->comment), 200);
		buf_putc(&r->out, '\n');
	}
	buf_fini(&state);
	buf_fini(&subject);
}

static bool
note_id(void *arg, const struct ban *ban)
{
	struct request *r = arg;

	r->ids[r->nids++] = ban->id;
	return true;
}

void
bans_begin(struct request *r, const char *jail)
{
	struct engine_stats st;

	engine_stats(r->d->engine, jail, &st);
	free(r->ids);
	r->ids = xcalloc(st.banned_now + 1, sizeof(*r->ids));
	r->nids = r->shown = r->rows = 0;
	engine_bans_each(r->d->engine, jail, note_id, r);
}

static int
by_id(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The bans of the moment when it was asked; those that ended since are left out. */
static bool
list_some(struct request *r)
{
	for (int i = 0; i < ENGINE_SLICE && r->shown < r->nids; i++) {
		const struct ban *ban =
		    engine_ban_by_id(r->d->engine, r->ids[r->shown++]);

		if (ban)
			list_ban(r, ban);
	}
	if (r->shown == r->nids)
		return false;
	client_part(r->client, r);
	return true;
}

static int
listed(struct request *r)
{
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	return 0;
}

int
cmd_list(struct request *r)
{
	const char *jail = r->argc > 1 ? r->argv[1] : NULL;

	if (jail && !engine_jail(r->d->engine, jail) && !jail_wanted(r, jail))
		return -EINVAL;
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	bans_begin(r, jail);
	if (r->nids)	/* ids grow with time: the newest comes last */
		qsort(r->ids, r->nids, sizeof(*r->ids), by_id);
	r->some = list_some;
	r->done = listed;
	return 0;
}

static void
put_subject(
    struct request *r, const struct ban *ban, const char *sep, const char *quote)
{
	struct buf text = { 0 };

	subject_text(&ban->subject, &text);
	if (r->form == FORM_JSON)
		json_text(&r->out, NULL, text.p);
	else
		buf_printf(&r->out, "%s%s%s%s", r->rows ? sep : "", quote, text.p,
		    quote);
	r->rows++;
	buf_fini(&text);
}

bool
bans_some(struct request *r, const char *sep, const char *quote)
{
	for (int i = 0; i < ENGINE_SLICE && r->shown < r->nids; i++) {
		const struct ban *ban =
		    engine_ban_by_id(r->d->engine, r->ids[r->shown++]);

		if (ban)
			put_subject(r, ban, sep, quote);
	}
	client_part(r->client, r);
	return r->shown < r->nids;
}

/* The next jail that is shown: its bans are noted. False: there is none. */
static bool
banned_next(struct request *r, bool first)
{
	while (r->jail < engine_jails(r->d->engine)) {
		struct jail *j = engine_jail_at(r->d->engine, r->jail++);
		const char *jail = jail_name(j);

		bans_begin(r, jail);
		if ((!strcmp(jail, "manual") && !r->nids) || jail_is_stopped(j))
			continue;
		if (r->form == FORM_JSON)
			json_open(&r->out, jail, '[');
		else
			buf_printf(&r->out, "%s{'%s': [", first ? "" : ", ", jail);
		return true;
	}
	return false;
}

static bool
banned_some(struct request *r)
{
	if (bans_some(r, ", ", "'"))
		return true;
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	else
		buf_puts(&r->out, "]}");
	return banned_next(r, false);
}

static int
banned_done(struct request *r)
{
	buf_puts(&r->out, r->form == FORM_JSON ? "}" : "]\n");
	return 0;
}

/* fail2ban prints Python: [{'sshd': ['192.0.2.1']}, {'x': []}] */
static int
banned_all(struct request *r)
{
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '{');
	else
		buf_putc(&r->out, '[');
	if (!banned_next(r, true))
		return banned_done(r);
	r->some = banned_some;
	r->done = banned_done;
	return 0;
}

static void
banned_in(struct request *r, const char *addr)
{
	struct subject s;
	bool json = r->form == FORM_JSON;
	size_t told = 0;

	if (parse_subject(addr, &s, &r->err) < 0)
		return;
	for (size_t i = 0; i < engine_jails(r->d->engine); i++) {
		const char *jail = jail_name(engine_jail_at(r->d->engine, i));

		if (!engine_ban_find(r->d->engine, jail, &s))
			continue;
		if (json)
			json_text(&r->out, NULL, jail);
		else
			buf_printf(&r->out, "%s'%s'", told ? ", " : "", jail);
		told++;
	}
}

int
cmd_banned(struct request *r)
{
	bool json = r->form == FORM_JSON;

	if (r->argc == 1)
		return banned_all(r);
	buf_putc(&r->out, '[');
	for (size_t i = 1; i < r->argc; i++) {
		if (json)
			json_open(&r->out, NULL, '[');
		else
			buf_puts(&r->out, i > 1 ? ", [" : "[");
		banned_in(r, r->argv[i]);
		buf_putc(&r->out, ']');
	}
	buf_puts(&r->out, json ? "]" : "]\n");
	return 0;
}
