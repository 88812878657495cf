/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_jail.c - a jail changed while it runs: its limits, an attempt, start and stop.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "banner/conf/conf.h"
#include "banner/conf/span.h"
#include "banner/core/runtime.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/stream.h"

static const struct limit {
	const char *name;
	enum jail_limit limit;
	bool time;
} limits[] = {
	{ "bantime", JAIL_BANTIME, true },
	{ "findtime", JAIL_FINDTIME, true },
	{ "maxretry", JAIL_MAXRETRY, false },
	{ "maxmatches", JAIL_MAXMATCHES, false },
};

static const struct limit *
limit_find(const char *name)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (!strcmp(limits[i].name, name))
			return &limits[i];
	return NULL;
}

bool
jail_has_limit(const char *name)
{
	return limit_find(name) != NULL;
}

static int
parse_limit(struct request *r, const struct limit *l, const char *text, int64_t *value)
{
	uint64_t n;

	if (l->time) {
		if (span_ms(str_of(text), value, &r->err) == 0)
			return 0;
		return refuse(r, "usage", "\"%.60s\" is not a time: use 10m, 1h, 2d",
		    text);
	}
	if (str_u64(str_of(text), &n) < 0 || n > INT64_MAX)
		return refuse(r, "usage",
		    r->form == FORM_F2B
			? "invalid literal for int() with base 10: '%.60s'"
			: "\"%.60s\" is not a number", text);
	*value = (int64_t)n;
	return 0;
}

/* set JAIL bantime|findtime|maxretry|maxmatches VALUE */
int
jail_set(struct request *r, struct jail *j)
{
	const struct limit *l = limit_find(r->argv[2]);
	int64_t value = 0;

	if (!l)
		return refuse(r, "usage", "no limit \"%.60s\"", r->argv[2]);
	if (r->argc != 4)
		return refuse(r, "usage", r->form == FORM_F2B && r->argc < 4
		    ? "Sorry but the command is invalid" : "use: set JAIL %s VALUE",
		    l->name);
	if (parse_limit(r, l, r->argv[3], &value) < 0)
		return -EINVAL;
	if (jail_set_limit(j, l->limit, value, &r->err) < 0) {
		r->code = "usage";
		return -EINVAL;
	}
	engined_turn(r->d);
	if (r->form == FORM_TEXT)
		buf_printf(&r->out, "until the next reload, %s of %s is ", l->name,
		    jail_name(j));
	return cmd_get(r);
}

/* set JAIL attempt SUBJECT [LINE...]: as many failures as lines, at least one. */
int
jail_attempt(struct request *r, struct jail *j)
{
	struct str lines[REQUEST_WORDS];
	struct failure f = { .jail = j, .when_ms = engined_now(), .weight = 1,
		.lines = lines };

	if (r->argc < 4)
		return refuse(r, "usage", "use: set JAIL attempt ADDR [LINE...]");
	if (parse_subject(r->argv[3], &f.subject, &r->err) < 0) {
		r->code = "usage";
		return -EINVAL;
	}
	if (f.subject.kind == SUBJECT_ADDR)
		f.addr = f.subject.addr;
	else
		f.user = f.subject.text;
	for (size_t i = 4; i < r->argc; i++)
		lines[f.nlines++] = str_of(r->argv[i]);
	if (f.nlines > 1)
		f.weight = (unsigned)f.nlines;
	engine_failure(r->d->engine, &f, engined_now());
	engined_turn(r->d);
	buf_puts(&r->out, r->form == FORM_TEXT ? "counted\n" : "1\n");
	return 0;
}

static int
jail_ended(struct request *r)
{
	const char *jail = r->walk.jail;

	r->seq = stream_seq(r->d->stream);
	if (r->form == FORM_TEXT)
		buf_printf(&r->out, "jail %s is stopped until the next reload or "
		    "banctl start %s; %zu ban%s lifted\n", jail, jail,
		    r->walk.lifted, r->walk.lifted == 1 ? "" : "s");
	else
		buf_puts(&r->out,
		    r->form == FORM_JSON ? "\"OK\"\n" : "Jail stopped\n");
	return 0;
}

int
jail_end(struct request *r, struct jail *j)
{
	jail_stop(j, true);
	lift_all(r, jail_name(j), jail_ended);
	return 0;
}

int
cmd_start(struct request *r)
{
	struct jail *j = engine_jail(r->d->engine, r->argv[1]);

	if (!j)
		return jail_wanted(r, r->argv[1]) ? 0 : -EINVAL;
	jail_stop(j, false);
	buf_puts(&r->out, r->form == FORM_JSON ? "\"OK\"\n" : "Jail started\n");
	return 0;
}
