/* SPDX-License-Identifier: GPL-2.0-or-later
 * dump.c - the resolved configuration as text.
 *
 * Paragraphs between empty lines: "layout", "[bannerd]", one "[action N]" for each
 * instance, one "[jail NAME]" for each jail. Inside, "key = value", in a fixed order;
 * further lines of a value follow as "    | text". Lists repeat their key.
 * Times are in milliseconds.
 */
#include <inttypes.h>
#include <string.h>

#include "banner/conf/conf.h"

static void
put(struct buf *out, const char *key, const char *value)
{
	struct str rest = str_of(value), line;
	bool first = true;

	if (!value)
		return;
	buf_printf(out, "%s =", key);
	if (!*value)
		buf_putc(out, '\n');
	while (*value && str_cut(&rest, '\n', &line)) {
		buf_puts(out, first ? "" : "    |");
		buf_puts(out, line.len ? " " : "");
		buf_str(out, line);
		buf_putc(out, '\n');
		first = false;
	}
}

static void
put_list(struct buf *out, const char *key, const struct conf_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		put(out, key, l->v[i]);
}

static void
put_number(struct buf *out, const char *key, int64_t v)
{
	buf_printf(out, "%s = %" PRId64 "\n", key, v);
}

static void
put_bool(struct buf *out, const char *key, bool v)
{
	put(out, key, v ? "yes" : "no");
}

static void
put_options(struct buf *out, const char *prefix, const struct conf_options *o)
{
	for (size_t i = 0; i < o->n; i++) {
		struct buf key = { 0 };

		buf_printf(&key, "%s %s", prefix, o->v[i].key);
		put(out, key.p, o->v[i].value);
		buf_fini(&key);
	}
}

static void
put_daemon(struct buf *out, const struct conf_daemon *d)
{
	buf_puts(out, "\n[bannerd]\n");
	put_list(out, "trusted", &d->trusted);
	put_list(out, "never_ban", &d->never_ban);
	put(out, "state", d->state);
	put(out, "socket", d->socket);
	put(out, "admin_group", d->admin_group);
	put(out, "log", d->log);
	put(out, "loglevel", d->loglevel);
	put(out, "native", d->native);
	put(out, "sandbox", d->sandbox);
	put_number(out, "max_bans", (int64_t)d->max_bans);
	put_number(out, "max_tracked", (int64_t)d->max_tracked);
	put_number(out, "max_line", (int64_t)d->max_line_bytes);
	put_number(out, "evidence", (int64_t)d->evidence_bytes);
	put_number(out, "ban_rate", (int64_t)d->ban_rate);
	put_bool(out, "hold", d->hold);
	put_number(out, "purge_age_ms", d->purge_age_ms);
}

static void
put_action(struct buf *out, const struct conf_action *a, size_t index)
{
	buf_printf(out, "\n[action %zu]\n", index);
	put(out, "name", a->name);
	put(out, "actname", a->command_name);
	put(out, "plugin", a->plugin);
	put(out, "user", a->user);
	put(out, "caps", a->caps);
	put(out, "scope", a->scope);
	put(out, "why", a->why);
	put_number(out, "actor", a->actor);
	put_options(out, "option", &a->options);
}

static void
put_filter(struct buf *out, const struct conf_filter *f)
{
	put(out, "filter", f->name);
	put(out, "filter file", f->file);
	put(out, "logtype", f->logtype);
	put(out, "parser", f->parser);
	put(out, "prefregex", f->prefregex);
	put_list(out, "failregex", &f->failregex);
	put_list(out, "weight", &f->weight);
	put_list(out, "ignoreregex", &f->ignoreregex);
	put_list(out, "loginregex", &f->loginregex);
	put_list(out, "datepattern", &f->datepattern);
	put_list(out, "journalmatch", &f->journalmatch);
	put_number(out, "maxlines", f->maxlines);
}

static void
put_source(struct buf *out, const struct conf_jail *j)
{
	static const char *const backends[] = {
		[BACKEND_AUTO] = "auto", [BACKEND_FILE] = "file",
		[BACKEND_POLLING] = "polling", [BACKEND_JOURNAL] = "systemd",
		[BACKEND_SOCKET] = "socket", [BACKEND_STDIN] = "stdin",
	};

	put(out, "backend", backends[j->backend]);
	put_options(out, "backend option", &j->backend_options);
	for (size_t i = 0; i < j->nlogpath; i++) {
		struct buf line = { 0 };

		buf_printf(&line, "%s %s", j->logpath[i].glob,
		    j->logpath[i].tail ? "tail" : "head");
		put(out, "logpath", line.p);
		buf_fini(&line);
	}
	put_bool(out, "skip_if_nologs", j->skip_if_nologs);
	put_bool(out, "systemd_if_nologs", j->systemd_if_nologs);
	put(out, "logencoding", j->logencoding);
	put(out, "logtimezone", j->logtimezone);
}

static void
put_increment(struct buf *out, const struct conf_increment *c)
{
	put_bool(out, "bantime.increment", c->on);
	put_bool(out, "bantime.overalljails", c->overalljails);
	buf_printf(out, "bantime.factor = %g\n", c->factor);
	put(out, "bantime.factor expression", c->factor_expr);
	put(out, "bantime.formula", c->formula);
	put(out, "bantime.multipliers", c->multipliers);
	put_number(out, "bantime.maxtime_ms", c->maxtime_ms);
	put_number(out, "bantime.rndtime_ms", c->rndtime_ms);
}

static void
put_counting(struct buf *out, const struct conf_jail *j)
{
	static const char *const counts[] = {
		[COUNT_HOST] = "host", [COUNT_USER] = "user",
		[COUNT_HOST_USER] = "host+user", [COUNT_NET] = "net",
		[COUNT_TOTAL] = "total",
	};

	put(out, "count", counts[j->count]);
	if (j->count == COUNT_NET) {
		put_number(out, "net4", j->net4);
		put_number(out, "net6", j->net6);
	}
	put_number(out, "host6", j->host6);
	put(out, "distinct", j->distinct == 'u' ? "user" : j->distinct ? "host" : NULL);
	if (j->known_ms)
		put_number(out, "known_ms", j->known_ms);
	if (j->known_host_ms)
		put_number(out, "known_host_ms", j->known_host_ms);
	put(out, "ban", j->ban_user ? "user" : NULL);
	put(out, "blocklist", j->blocklist);
}

static void
put_limits(struct buf *out, const struct conf_jail *j)
{
	static const char *const dns[] = {
		[DNS_NO] = "no", [DNS_WARN] = "warn", [DNS_YES] = "yes",
		[DNS_RAW] = "raw",
	};

	put_number(out, "findtime_ms", j->findtime_ms);
	put_number(out, "bantime_ms", j->bantime_ms);
	put_number(out, "maxretry", j->maxretry);
	put_number(out, "maxmatches", j->maxmatches);
	put(out, "usedns", dns[j->usedns]);
	put_bool(out, "ignoreself", j->ignoreself);
	put_list(out, "ignoreip", &j->ignoreip);
	put(out, "ignorecommand", j->ignorecommand);
	put(out, "ignorecache", j->ignorecache);
	if (j->increment.on)
		put_increment(out, &j->increment);
	put_counting(out, j);
}

static void
put_jail(struct buf *out, const struct conf_jail *j)
{
	buf_printf(out, "\n[jail %s]\n", j->name);
	put_bool(out, "enabled", j->enabled);
	if (j->refused)
		put_bool(out, "refused", true);
	if (!j->enabled || j->refused)
		return;
	put_filter(out, &j->filter);
	put_source(out, j);
	put_limits(out, j);
	for (size_t i = 0; i < j->naction; i++)
		put_number(out, "action", j->action[i]);
}

void
conf_dump(const struct conf *c, struct buf *out)
{
	put(out, "layout", c->layout == LAYOUT_BANNER ? "banner" : "fail2ban");
	put_daemon(out, &c->daemon);
	for (size_t i = 0; i < c->nactions; i++)
		put_action(out, &c->actions[i], i);
	for (size_t i = 0; i < c->njails; i++)
		put_jail(out, &c->jails[i]);
}
