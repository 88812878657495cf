/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_fleet.c - the hosts behind actions: fleet, and the end of banip --wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/news.h"
#include "banner/daemon/engine/relay.h"

struct find {
	const struct subject *subject;
	uint64_t ban;
};

static bool
find_ban(void *arg, const struct ban *ban)
{
	struct find *f = arg;

	if (ban->subject.kind == SUBJECT_ADDR && f->subject->kind == SUBJECT_ADDR &&
	    addr_contains(&ban->subject.addr, &f->subject->addr))
		f->ban = ban->id;
	return !f->ban;
}

int
cmd_fleet(struct request *r)
{
	struct subject s;
	struct find f = { .subject = &s };

	if (r->argc > 1) {
		if (parse_subject(r->argv[1], &s, &r->err) < 0)
			return refuse(r, "usage", "%s", r->err.text);
		engine_bans_each(r->d->engine, NULL, find_ban, &f);
		if (!f.ban)
			return refuse(r, "refused", "%.60s is not banned", r->argv[1]);
	}
	r->query = client_ticket(r->client);
	if (r->form == FORM_JSON)
		json_open(&r->out, NULL, '[');
	r->parts = relay_targets(r->d->relay, r->query, f.ban);
	if (r->parts)
		return 0;
	r->query = 0;
	if (r->form == FORM_JSON)
		command_close(r);
	else
		buf_puts(&r->out, "no action runs\n");
	return 0;
}

/* The value of key in "STATE key=value key=value ... error=to the end". */
static struct str
field(const char *state, const char *key)
{
	size_t n = strlen(key);
	const char *at = state;

	while ((at = strchr(at, ' '))) {
		at++;
		if (!strncmp(at, key, n) && at[n] == '=') {
			at += n + 1;
			return (struct str){ at,
				strcmp(key, "error") ? strcspn(at, " ") : strlen(at) };
		}
		if (!strncmp(at, "error=", 6))
			break;
	}
	return STR("");
}

static int64_t
number(const char *state, const char *key)
{
	int64_t v = 0;

	return str_i64(field(state, key), &v) < 0 ? 0 : v;
}

static const char *const numbers[] = { "since_ms", "in_force", "wanted", "behind",
	"refused", "repaired", "p50_us", "p99_us", NULL };

static void
host_json(struct request *r, const struct news_target *t)
{
	struct buf *b = &r->out;
	bool plain = !strchr(t->state, '=');
	struct str error = field(t->state, "error"), word = str_of(t->state), first;
	char *text;

	str_word(&word, &first);
	text = strndup(first.s, first.len);
	json_open(b, NULL, '{');
	json_text(b, "action", t->action);
	json_text(b, "host", t->name);
	json_text(b, "state", plain || !text ? t->state : text);
	for (const char *const *k = numbers; !plain && *k; k++)
		json_number(b, *k, number(t->state, *k));
	if (!plain)
		json_text(b, "error", error.len ? error.s : "");
	json_close(b, '}');
	free(text);
}

static void
host_text(struct request *r, const struct news_target *t)
{
	struct buf *b = &r->out;
	struct str error = field(t->state, "error");
	char when[UNITS_TEXT] = "the start";
	int64_t since = number(t->state, "since_ms"), p99 = number(t->state, "p99_us");

	buf_printf(b, "%s (%s): ", t->name, t->action);
	if (!strchr(t->state, '=')) {
		buf_safe(b, str_of(t->state), 300);
		buf_putc(b, '\n');
		return;
	}
	if (since)
		units_time(since, when);
	buf_printf(b, "%.*s since %s, %lld of %lld bans in force, behind by %lld",
	    (int)strcspn(t->state, " "), t->state, when,
	    (long long)number(t->state, "in_force"),
	    (long long)number(t->state, "wanted"),
	    (long long)number(t->state, "behind"));
	if (number(t->state, "refused"))
		buf_printf(b, ", %lld refused", (long long)number(t->state, "refused"));
	if (p99)
		buf_printf(b, ", acknowledged in %.1f ms (median), %.1f ms (99 %%)",
		    (double)number(t->state, "p50_us") / 1000, (double)p99 / 1000);
	if (error.len) {
		buf_puts(b, "\n  last error: ");
		buf_safe(b, error, 300);
	}
	buf_putc(b, '\n');
}

void
command_close(struct request *r)
{
	for (const char *p = r->closing ? r->closing : "]"; *p; p++)
		json_close(&r->out, *p);
}

void
command_target(struct request *r, const struct news_target *t)
{
	if (r->form == FORM_JSON)
		host_json(r, t);
	else
		host_text(r, t);
	r->rows++;
}

/* How many of the bans the action has not everywhere; each is named. That one target,
 * which may be a mail server, has what it is to have needs no words. */
static size_t
waited_at(struct request *r, size_t action)
{
	const struct awaited *v = (const void *)r->bans.p;
	const struct relay_action *a = relay_action(r->d->relay, action);
	size_t n = r->bans.len / sizeof(*v), lacking = 0;

	for (size_t i = 0; i < n; i++) {
		const struct missing *m = relay_missing(r->d->relay, v[i].ban, action);

		if (!m || !a->targets.all ||
		    (!m->n && (i + 1 < n || a->targets.all == 1)))
			continue;
		if (!m->n && lacking)
			break;
		lacking += m->n > 0;
		if (r->form == FORM_JSON)
			continue;
		buf_printf(&r->out, "action %s: %s%sin force on ", a->conf->name,
		    n > 1 && m->n ? v[i].word : "", n > 1 && m->n ? " " : "");
		missing_text(m, &a->targets, &r->out);
		buf_putc(&r->out, '\n');
	}
	return lacking;
}

/* How many of the bans the action could not carry out at all. */
static size_t
failed_at(struct request *r, size_t action)
{
	const struct awaited *v = (const void *)r->bans.p;
	const struct relay_action *a = relay_action(r->d->relay, action);
	size_t n = r->bans.len / sizeof(*v), failed = 0;

	for (size_t i = 0; i < n; i++) {
		const struct missing *m = relay_missing(r->d->relay, v[i].ban, action);
		struct relay_status st;

		relay_status(r->d->relay, v[i].ban, action, &st);
		if (st.state != RELAY_FAILED || (m && m->n))
			continue;
		if (r->form == FORM_TEXT)
			buf_printf(&r->out, "action %s: %s FAILED: %s\n",
			    a->conf->name, v[i].word, err_change(st.err));
		failed++;
	}
	return failed;
}

int
command_waited(struct request *r)
{
	size_t lacking = 0, failed = 0;

	for (size_t i = 0; i < relay_actions(r->d->relay); i++) {
		failed += failed_at(r, i);
		lacking += waited_at(r, i);
	}
	if (r->form == FORM_F2B || lacking + failed == 0)
		return 0;
	return refuse(r, "partial", "not every %s %s %s yet",
	    failed ? "action" : "proxy", failed ? "carries out" : "has",
	    lacking + failed > 1 ? "these bans" : "this ban");
}
