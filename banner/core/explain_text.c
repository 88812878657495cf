/* SPDX-License-Identifier: GPL-2.0-or-later
 * explain_text.c - what explain found, in words.
 */
#include "banner/base/units.h"
#include "banner/conf/conf.h"
#include "banner/core/engine.h"
#include "banner/core/explain.h"

enum { LINE_SHOWN = 300 };

static void
put_subject(struct buf *out, const struct subject *s)
{
	char text[ADDR_TEXT];

	switch (s->kind) {
	case SUBJECT_ADDR:
		buf_puts(out, addr_print(&s->addr, text));
		break;
	case SUBJECT_USER:
		buf_puts(out, "user ");
		buf_safe(out, s->text, SUBJECT_TEXT);
		break;
	case SUBJECT_ID:
		buf_puts(out, "id ");
		buf_safe(out, s->text, SUBJECT_TEXT);
		break;
	case SUBJECT_NONE:
		buf_puts(out, "everyone");
		break;
	}
}

static void
put_lines(struct buf *out, const char *jail, const struct explain_lines *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_printf(out, "%s: line: ", jail);
		buf_safe(out, l->v[i], LINE_SHOWN);
		buf_putc(out, '\n');
	}
}

void
explain_ban_text(const struct explain_ban *e, int64_t now_ms, struct buf *out)
{
	const struct ban *b = e->ban;
	char t1[UNITS_TEXT], t2[UNITS_TEXT];

	buf_printf(out, "%s: banned: ", b->jail);
	put_subject(out, &b->subject);
	buf_printf(out, " since %s", units_time(b->since_ms, t1));
	if (b->until_ms)
		buf_printf(out, " until %s (%s left)", units_time(b->until_ms, t1),
		    units_duration(b->until_ms - now_ms, t2));
	else
		buf_puts(out, " for ever");
	if (b->manual)
		buf_puts(out, ", by an administrator");
	else if (b->failures)
		buf_printf(out, ", after %u failure%s", b->failures,
		    b->failures == 1 ? "" : "s");
	else if (e->listed)
		buf_printf(out, ", by the blocklist %s", e->jail->blocklist);
	buf_printf(out, ", ban %u here%s\n", b->count,
	    b->restored ? ", restored from before a restart" : "");
	if (b->comment) {
		buf_printf(out, "%s: comment: ", b->jail);
		buf_safe(out, str_of(b->comment), LINE_SHOWN);
		buf_putc(out, '\n');
	}
	if (e->hits)
		buf_printf(out, "%s: %u failures while banned, %u of them after the "
		    "ban was in force%s\n", b->jail, e->hits, e->leaks,
		    e->leaks ? ": it does not hold" : "");
	put_lines(out, b->jail, &e->lines);
}

static const char *
count_word(enum conf_count count)
{
	switch (count) {
	case COUNT_HOST:
		return "";
	case COUNT_USER:
		return " of the user";
	case COUNT_HOST_USER:
		return " of this host without a user name";
	case COUNT_NET:
		return " of its network";
	case COUNT_TOTAL:
		return " of everyone";
	}
	return "";
}

const char *
explain_counted(const struct conf_jail *c)
{
	return c->distinct == 'u' ? "users" : c->distinct == 'h' ? "hosts" : "failures";
}

static void
put_counter(const struct explain_jail *e, struct buf *out)
{
	const struct conf_jail *c = e->jail;
	char t1[UNITS_TEXT];

	buf_printf(out, "%s: %u of %u %s%s within %s", c->name, e->sum.count,
	    c->maxretry, explain_counted(c), count_word(c->count),
	    units_duration(c->findtime_ms, t1));
	buf_printf(out, ", the last at %s", units_time(e->sum.newest_ms, t1));
	if (e->sum.count)
		buf_printf(out, "; they stop counting from %s",
		    units_time(e->sum.first_ms + c->findtime_ms, t1));
	buf_putc(out, '\n');
	put_lines(out, c->name, &e->lines);
}

static void
put_spared(const struct explain_jail *e, struct buf *out)
{
	const char *jail = e->jail->name;

	switch (e->spared) {
	case SPARED_NOT:
		return;
	case SPARED_LIST:
		buf_printf(out, "%s: never counted: ignoreip has ", jail);
		buf_safe(out, str_of(e->entry), SUBJECT_TEXT);
		buf_putc(out, '\n');
		return;
	case SPARED_SELF:
		buf_printf(out, "%s: never counted: own address (ignoreself)\n", jail);
		return;
	case SPARED_KNOWN_HOST:
		buf_printf(out, "%s: not counted: somebody logged in well from there "
		    "(knownhost)\n", jail);
		return;
	case SPARED_STOPPED:
		buf_printf(out, "%s: not counted: the jail is stopped until banctl "
		    "start %s\n", jail, jail);
		return;
	}
}

void
explain_jail_text(const struct explain_jail *e, struct buf *out)
{
	const char *jail = e->jail->name;

	put_spared(e, out);
	if (e->knows)
		buf_printf(out, "%s: failures of the accounts that logged in well from "
		    "there do not count (known)\n", jail);
	if (e->waiting)
		buf_printf(out, "%s: the limit is reached; waiting for the answer of "
		    "ignoreip names or ignorecommand\n", jail);
	if (e->before)
		buf_printf(out, "%s: banned %u time%s before\n", jail, e->before,
		    e->before == 1 ? "" : "s");
	if (e->counts)
		put_counter(e, out);
}
