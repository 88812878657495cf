/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_check.c - banctl check: does a ban really come into force, and go again?
 *
 * Ban, wait for the answers; look what is there; lift, look again. The looks follow
 * the changes on the same sockets, so an actor answers them after it has carried out
 * the changes. The ban ends by itself should the client go away.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/arena.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/relay.h"

/* RFC 5737 TEST-NET-3: routed nowhere, so banning it hurts nobody. */
#define CHECK_ADDR "203.0.113.254"
enum { CHECK_MS = 30 * 1000 };

enum look_answer {
	LOOK_NONE, LOOK_WAITS, LOOK_THERE, LOOK_GONE, LOOK_CANNOT, LOOK_ERROR
};
enum check_phase { CHECK_BAN, CHECK_LOOK, CHECK_LIFTED, CHECK_DONE };

struct check_action {
	bool wanted;
	struct relay_status ban;
	enum look_answer looks[2];	/* while it was banned, and after */
	int err[2];
};

struct check {
	uint64_t ban;
	struct subject subject;
	enum check_phase phase;
	size_t n;
	struct check_action v[];
};

int
cmd_check(struct request *r)
{
	struct relay *relay = r->d->relay;
	struct ban_request b = { .until_ms = engined_now() + CHECK_MS,
		.now_ms = engined_now(),
		.comment = "banctl check",
		.cause = CAUSE_ADMIN };
	size_t n = relay_actions(relay), wanted = 0;
	const struct ban *ban;
	struct check *c = xcalloc(1, sizeof(*c) + n * sizeof(c->v[0]));
	int rc;

	r->check = c;
	c->n = n;
	for (size_t i = 0; i < n; i++) {
		c->v[i].wanted = relay_serves(relay, "manual", i) && (r->argc < 2 ||
		    !strcmp(r->argv[1], relay_action(relay, i)->conf->name));
		wanted += c->v[i].wanted;
	}
	if (!wanted && r->argc > 1)
		return no_action(r, r->argv[1]);
	if (!wanted)
		return refuse(r, "refused", "no jail has an action");
	if (r->d->paused)
		return refuse(r, "refused", "panic: nothing is in force until resume");
	parse_subject(CHECK_ADDR, &c->subject, &r->err);
	b.subject = c->subject;
	rc = engine_ban(r->d->engine, &b, &ban, &r->err);
	if (rc < 0 && rc != -EEXIST)
		return refuse(r, "refused", "%s", r->err.text);
	c->ban = ban->id;
	return 0;
}

static void
look(struct request *r, int which)
{
	struct check *c = r->check;

	for (size_t i = 0; i < c->n; i++) {
		struct check_action *a = &c->v[i];

		if (!a->wanted || (which == 0 && a->ban.state != RELAY_APPLIED))
			continue;
		if (relay_look(r->d->relay, c->ban, i, &c->subject))
			a->looks[which] = LOOK_WAITS;
	}
}

static bool
looks_wait(const struct check *c, int which)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].looks[which] == LOOK_WAITS)
			return true;
	return false;
}

bool
command_check_waits(struct request *r)
{
	struct check *c = r->check;

	if (c->phase == CHECK_BAN && !relay_waits(r->d->relay, c->ban)) {
		for (size_t i = 0; i < c->n; i++)
			relay_status(r->d->relay, c->ban, i, &c->v[i].ban);
		look(r, 0);
		c->phase = CHECK_LOOK;
	}
	if (c->phase == CHECK_LOOK && !looks_wait(c, 0)) {
		engine_unban(r->d->engine, "manual", &c->subject, CAUSE_ADMIN,
		    engined_now());
		look(r, 1);
		c->phase = CHECK_LIFTED;
	}
	if (c->phase == CHECK_LIFTED && !looks_wait(c, 1))
		c->phase = CHECK_DONE;
	return c->phase != CHECK_DONE;
}

bool
command_looked(struct request *r, uint64_t id, size_t action, bool there, int err)
{
	struct check *c = r->check;
	int which;

	if (!c || c->ban != id || action >= c->n || c->phase == CHECK_BAN)
		return false;
	which = c->phase != CHECK_LOOK;
	c->v[action].err[which] = err;
	c->v[action].looks[which] = err == ENOTSUP ? LOOK_CANNOT
	    : err                                  ? LOOK_ERROR
	    : there                                ? LOOK_THERE
						   : LOOK_GONE;
	return true;
}

static const char *
look_text(enum look_answer answer, int err)
{
	switch (answer) {
	case LOOK_NONE: return "not looked at";
	case LOOK_WAITS: return "no answer in time";
	case LOOK_THERE: return "there";
	case LOOK_GONE: return "not there";
	case LOOK_CANNOT: return "this action cannot tell";
	case LOOK_ERROR: return err_change(err);
	}
	return "";
}

/* Empty when all is well. */
static const char *
complaint(const struct check_action *a)
{
	if (a->ban.state == RELAY_FAILED)
		return err_change(a->ban.err);
	if (a->ban.state != RELAY_APPLIED)
		return "the ban was not answered in time: see banctl status";
	if (a->looks[0] == LOOK_CANNOT)
		return "";
	if (a->looks[0] != LOOK_THERE)
		return "acknowledged, but it is not in force";
	if (a->looks[1] != LOOK_GONE)
		return "it did not go when the ban was lifted";
	return "";
}

static void
put_action(struct request *r, const char *name, const struct check_action *a)
{
	const char *why = complaint(a);
	const char *during = look_text(a->looks[0], a->err[0]);
	const char *after = look_text(a->looks[1], a->err[1]);

	if (r->form == FORM_JSON) {
		json_open(&r->out, NULL, '{');
		json_text(&r->out, "action", name);
		json_bool(&r->out, "pass", !*why);
		json_text(&r->out, "banned", during);
		json_text(&r->out, "lifted", after);
		json_text(&r->out, "reason", why);
		json_close(&r->out, '}');
		return;
	}
	buf_printf(&r->out, "%s: %s%s%s\n", name, *why ? "FAIL" : "pass",
	    *why ? ": " : "", why);
	if (a->looks[0] == LOOK_CANNOT)
		buf_puts(&r->out, "  it acknowledged both; it cannot list what is in "
		    "force, so nobody looked\n");
	else if (a->ban.state == RELAY_APPLIED)
		buf_printf(&r->out, "  while banned: %s; when lifted: %s\n", during,
		    after);
}

int
command_check(struct request *r)
{
	struct check *c = r->check;
	size_t bad = 0;

	if (c->phase < CHECK_LIFTED)
		engine_unban(r->d->engine, "manual", &c->subject, CAUSE_ADMIN,
		    engined_now());
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	for (size_t i = 0; i < c->n; i++) {
		if (!c->v[i].wanted)
			continue;
		put_action(r, relay_action(r->d->relay, i)->conf->name, &c->v[i]);
		bad += *complaint(&c->v[i]) != '\0';
	}
	if (r->form == FORM_JSON)
		json_close(&r->out, ']');
	return bad ? refuse(r, "refused", "%zu actions failed", bad) : 0;
}
