/* SPDX-License-Identifier: GPL-2.0-or-later
 * cmd_ban.c - banip, unbanip, unban.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "banner/base/units.h"
#include "banner/conf/span.h"
#include "banner/core/subject.h"
#include "banner/daemon/control/command.h"
#include "banner/daemon/engine/context.h"
#include "banner/daemon/engine/stream.h"

struct ban_words {
	const char *jail, *comment;
	char **addrs;
	size_t n;
	int64_t until_ms;
	bool wait, report_absent;
};

static int
parse_time(struct request *r, const char *text, int64_t *until)
{
	int64_t ms;

	if (!strcmp(text, "forever") || !strcmp(text, "-1")) {
		*until = 0;
		return 0;
	}
	if (span_ms(str_of(text), &ms, &r->err) < 0 || ms <= 0)
		return refuse(
		    r, "usage", "\"%s\" is not a time: use 10m, 1h, 2d, forever", text);
	*until = engined_now() + ms;
	return 0;
}

/* Options may stand anywhere; what remains is kept in order. */
static int
take_options(struct request *r, struct ban_words *w)
{
	static const char *const options[] = { "--time", "--comment", "--wait", NULL };
	size_t kept = 0;

	for (size_t i = 1; i < r->argc; i++) {
		char *word = r->argv[i], *value = r->argv[i + 1];

		if (!strcmp(word, "--wait")) {
			w->wait = true;
			continue;
		}
		if (!strcmp(word, "--report-absent")) {
			w->report_absent = true;
			continue;
		}
		if (strcmp(word, "--time") && strcmp(word, "--comment")) {
			if (!strncmp(word, "--", 2) && r->form != FORM_F2B)
				return refuse_word(r, "usage",
				    (struct mistake){ "option", word, options });
			w->addrs[kept++] = word;
			continue;
		}
		if (!value)
			return refuse(r, "usage", "%s needs a value", word);
		if (!strcmp(word, "--comment"))
			w->comment = value;
		else if (parse_time(r, value, &w->until_ms) < 0)
			return -EINVAL;
		i++;
	}
	w->n = kept;
	w->addrs[kept] = NULL;
	return 0;
}

/* A first word that is no address is a jail. */
static int
take_jail(struct request *r, struct ban_words *w)
{
	struct addr a;

	if (!w->n || addr_parse_prefix(str_of(w->addrs[0]), &a) == 0)
		return 0;
	if (!engine_jail(r->d->engine, w->addrs[0]) && w->n == 1 &&
	    !strchr(w->addrs[0], '/'))
		return 0; /* a user name or id */
	if (!jail_wanted(r, w->addrs[0]))
		return -EINVAL;
	w->jail = w->addrs[0];
	w->addrs++;
	w->n--;
	return 0;
}

static int
take_words(struct request *r, struct ban_words *w)
{
	*w = (struct ban_words){ .until_ms = -1, .addrs = r->argv + 1 };
	if (take_options(r, w) < 0 || take_jail(r, w) < 0)
		return -EINVAL;
	if (!w->n && r->form != FORM_F2B)
		return refuse(r, "usage", "which address?");
	return 0;
}

static void
say_ban(struct request *r, const struct ban *ban, const char *what)
{
	struct buf text = { 0 };
	char until[UNITS_TEXT] = "";

	if (r->form != FORM_TEXT)
		return;
	if (ban->until_ms)
		units_time(ban->until_ms, until);
	buf_printf(&r->out, "%s %s in %s %s%s\n", subject_text(&ban->subject, &text),
	    what, ban->jail, *until ? "until " : "for ever", until);
	buf_fini(&text);
}

/* Where accounts are counted a name is that of an account. */
static void
name_user(const struct request *r, const char *jail, struct subject *s)
{
	const struct jail *j = jail ? engine_jail(r->d->engine, jail) : NULL;

	if (j && s->kind == SUBJECT_ID && jail_conf(j)->count == COUNT_USER)
		s->kind = SUBJECT_USER;
}

/* 1 when it is banned now and was not before, 0 when it already was, or -errno. */
static int
ban_one(struct request *r, const struct ban_words *w, const char *addr)
{
	struct ban_request b = { .jail = w->jail,
		.now_ms = engined_now(),
		.until_ms = w->until_ms,
		.comment = w->comment,
		.cause = CAUSE_ADMIN };
	const struct ban *ban = NULL;
	int rc = parse_subject(addr, &b.subject, &r->err);

	/* More likely a slip than an id that some action of manual understands. */
	if (rc == 0 && !w->jail && b.subject.kind == SUBJECT_ID && r->form != FORM_F2B)
		rc = err_set(&r->err, -EINVAL, "\"%.60s\" is no address; names and ids "
		    "are banned in a jail that counts them", addr);
	name_user(r, w->jail, &b.subject);
	if (rc == 0)
		rc = engine_ban(r->d->engine, &b, &ban, &r->err);
	if (rc == -EEXIST && ban) {
		say_ban(r, ban, "was banned already");
		return 0;
	}
	if (rc < 0 || !ban) {
		r->code = "refused";
		return rc;
	}
	say_ban(r, ban, "banned");
	if (w->wait && r->d->mode == MODE_RUN)
		buf_add(&r->bans, &(struct awaited){ ban->id, addr },
		    sizeof(struct awaited));
	return 1;
}

static void
count_reply(struct request *r, const char *name, size_t n)
{
	if (r->form == FORM_F2B)
		buf_printf(&r->out, "%zu\n", n);
	if (r->form != FORM_JSON)
		return;
	json_open(&r->out, NULL, '{');
	json_number(&r->out, name, (int64_t)n);
	json_close(&r->out, '}');
}

int
cmd_banip(struct request *r)
{
	struct ban_words w;
	size_t done = 0;
	int rc = take_words(r, &w), first = 0;

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < w.n; i++) {
		rc = ban_one(r, &w, w.addrs[i]);
		if (rc < 0 && w.n > 1)
			buf_printf(
			    &r->out, "%s: not banned: %s\n", w.addrs[i], r->err.text);
		if (rc < 0)
			first = rc;
		else
			done += (size_t)rc;
	}
	if (first < 0)
		return first;
	count_reply(r, "banned", done);
	r->seq = stream_seq(r->d->stream);
	return 0;
}

static size_t
unban_words(struct request *r, const char *jail, char **addrs, size_t n, size_t *absent)
{
	struct subject s;
	size_t sum = 0, one;

	for (size_t i = 0; i < n; i++) {
		one = 0;
		if (parse_subject(addrs[i], &s, &r->err) == 0)
			one = engine_unban(
			    r->d->engine, jail, &s, CAUSE_ADMIN, engined_now());
		/* a name may be a user or an id: both are meant */
		if (!one && s.kind == SUBJECT_ID) {
			s.kind = SUBJECT_USER;
			one = engine_unban(
			    r->d->engine, jail, &s, CAUSE_ADMIN, engined_now());
		}
		if (!one) {
			++*absent;
			if (r->form == FORM_TEXT)
				buf_printf(&r->out, "%s is not banned%s%s\n", addrs[i],
				    jail ? " in " : "", jail ? jail : "");
		}
		sum += one;
	}
	return sum;
}

static int
unban_reply(struct request *r, size_t n)
{
	if (r->form == FORM_TEXT)
		buf_printf(&r->out, "%zu ban%s lifted\n", n, n == 1 ? "" : "s");
	count_reply(r, "unbanned", n);
	r->seq = stream_seq(r->d->stream);
	return 0;
}

int
cmd_unbanip(struct request *r)
{
	struct ban_words w;
	size_t absent = 0, n;

	if (take_words(r, &w) < 0)
		return -EINVAL;
	n = unban_words(r, w.jail, w.addrs, w.n, &absent);
	if (absent && w.report_absent && r->form == FORM_F2B)
		return refuse(r, "refused", "not banned: ['%s']", w.addrs[0]);
	if (!n && absent && r->form != FORM_F2B) {
		buf_clear(&r->out);
		return refuse(r, "refused", "%s is not banned", w.addrs[0]);
	}
	return unban_reply(r, n);
}

static bool
lift_some(struct request *r)
{
	return engine_unban_some(r->d->engine, &r->walk, engined_now());
}

void
lift_all(struct request *r, const char *jail, int (*done)(struct request *))
{
	r->walk = (struct unban_walk){ .jail = jail, .cause = CAUSE_ADMIN };
	r->some = lift_some;
	r->done = done;
}

static int
all_lifted(struct request *r)
{
	return unban_reply(r, r->walk.lifted);
}

int
cmd_unban(struct request *r)
{
	size_t absent = 0;

	if (!strcmp(r->argv[1], "--all")) {
		lift_all(r, NULL, all_lifted);
		return 0;
	}
	return unban_reply(r, unban_words(r, NULL, r->argv + 1, r->argc - 1, &absent));
}
