/* SPDX-License-Identifier: GPL-2.0-or-later
 * sim_conf.c - the configuration lines of a simulation: conf and jail.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

bool
sim_word(struct str *rest, struct sim_word *w)
{
	size_t n = 0, eq = 0;
	bool quoted = false;

	*rest = str_trim(*rest);
	while (n < rest->len && (quoted || (rest->s[n] != ' ' && rest->s[n] != '\t'))) {
		if (rest->s[n] == '"')
			quoted = !quoted;
		if (rest->s[n] == '=' && !eq)
			eq = n;
		n++;
	}
	w->name = (struct str){ rest->s, eq ? eq : n };
	w->value = (struct str){ eq ? rest->s + eq + 1 : NULL, eq ? n - eq - 1 : 0 };
	if (w->value.len >= 2 && w->value.s[0] == '"') {
		w->value.s++;
		w->value.len -= 2;
	}
	rest->s += n;
	rest->len -= n;
	return n > 0;
}

int
sim_ms(struct str s, int64_t *out, struct err *e)
{
	char text[64], *end;
	double v;

	if (s.len == 0 || s.len >= sizeof(text))
		return err_set(e, -EINVAL, "not a time: %.*s", (int)s.len, s.s);
	memcpy(text, s.s, s.len);
	text[s.len] = '\0';
	v = strtod(text, &end) * 1000;
	v *= *end == 'm' ? 60 : *end == 'h' ? 3600 : *end == 'd' ? 86400 : 1;
	*out = (int64_t)(v < 0 ? v - 0.5 : v + 0.5);
	return end == text ? err_set(e, -EINVAL, "not a time: %s", text) : 0;
}

static int
set_list(struct sim *sim, struct str s, struct conf_list *out)
{
	struct str part;

	out->v = arena_alloc(sim->arena, 32 * sizeof(char *));
	while (s.s && out->n < 32 && str_cut(&s, ',', &part))
		out->v[out->n++] = arena_dup(sim->arena, part);
	return 0;
}

static int
set_count(struct conf_jail *j, struct str s, struct err *e)
{
	static const char *const names[] = { "host", "user", "host+user", "net",
		"total" };

	for (unsigned i = 0; i < 5; i++)
		if (str_is(s, names[i])) {
			j->count = (enum conf_count)i;
			return 0;
		}
	return err_set(e, -EINVAL, "count = %.*s", (int)s.len, s.s);
}

static int
set_number(struct str s, unsigned *out, struct err *e)
{
	uint64_t v;

	if (str_u64(s, &v) < 0)
		return err_set(e, -EINVAL, "not a number: %.*s", (int)s.len, s.s);
	*out = (unsigned)v;
	return 0;
}

static int
set_time(struct conf_jail *j, const struct sim_word *w, struct err *e)
{
	struct { const char *name; int64_t *to; } times[] = {
		{ "findtime", &j->findtime_ms }, { "bantime", &j->bantime_ms },
		{ "known", &j->known_ms },
		{ "knownhost", &j->known_host_ms },
		{ "maxtime", &j->increment.maxtime_ms },
		{ "rndtime", &j->increment.rndtime_ms },
	};

	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++)
		if (str_is(w->name, times[i].name))
			return sim_ms(w->value, times[i].to, e);
	return -ENOENT;
}

static int
set_unsigned(struct conf_jail *j, const struct sim_word *w, struct err *e)
{
	struct { const char *name; unsigned *to; } numbers[] = {
		{ "maxretry", &j->maxretry }, { "maxmatches", &j->maxmatches },
		{ "net4", &j->net4 }, { "net6", &j->net6 }, { "host6", &j->host6 },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (str_is(w->name, numbers[i].name))
			return set_number(w->value, numbers[i].to, e);
	return -ENOENT;
}

static int
set_text(struct sim *sim, struct conf_jail *j, const struct sim_word *w)
{
	struct { const char *name; const char **to;
	} texts[] = {
		{ "ignorecommand", &j->ignorecommand },
		{ "ignorecache", &j->ignorecache },
		{ "formula", &j->increment.formula },
		{ "blocklist", &j->blocklist },
		{ "multipliers", &j->increment.multipliers },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (str_is(w->name, texts[i].name)) {
			*texts[i].to = arena_dup(sim->arena, w->value);
			return 0;
		}
	return -ENOENT;
}

static int
jail_word(struct sim *sim, struct conf_jail *j, const struct sim_word *w, struct err *e)
{
	int rc = set_time(j, w, e);

	if (rc == -ENOENT)
		rc = set_unsigned(j, w, e);
	if (rc == -ENOENT)
		rc = set_text(sim, j, w);
	if (rc != -ENOENT)
		return rc;
	if (str_is(w->name, "count"))
		return set_count(j, w->value, e);
	if (str_is(w->name, "ignoreip"))
		return set_list(sim, w->value, &j->ignoreip);
	if (str_is(w->name, "distinct"))
		j->distinct = w->value.s[0];
	else if (str_is(w->name, "ban"))
		j->ban_user = str_is(w->value, "user");
	else if (str_is(w->name, "ignoreself"))
		j->ignoreself = str_bool(w->value);
	else if (str_is(w->name, "increment"))
		j->increment.on = str_bool(w->value);
	else if (str_is(w->name, "overalljails"))
		j->increment.overalljails = str_bool(w->value);
	else
		return err_set(e, -EINVAL, "unknown option %.*s", (int)w->name.len,
		    w->name.s);
	return 0;
}

static int
jail_line(struct sim *sim, struct str rest, struct err *e)
{
	struct conf_jail *j = &sim->jails[sim->conf.njails];
	struct sim_word w;
	int rc = 0;

	if (sim->conf.njails == 16 || !sim_word(&rest, &w))
		return err_set(e, -EINVAL, "one jail too many, or one without a name");
	*j = (struct conf_jail){ .name = arena_dup(sim->arena, w.name), .enabled = true,
	    .findtime_ms = 600000, .bantime_ms = 600000, .maxretry = 5, .maxmatches = 5,
	    .ignoreself = true, .net4 = 24, .net6 = 56, .host6 = 64,
	    .increment = { .factor = 1 } };
	sim->conf.njails++;
	while (rc == 0 && sim_word(&rest, &w))
		rc = w.value.s ? jail_word(sim, j, &w, e)
		    : err_set(e, -EINVAL, "option without a value");
	return rc;
}

static int
conf_line(struct sim *sim, struct str rest, struct err *e)
{
	struct conf_daemon *d = &sim->conf.daemon;
	struct { const char *name; uint64_t *to; } numbers[] = {
		{ "max_bans", &d->max_bans }, { "max_tracked", &d->max_tracked },
		{ "evidence", &d->evidence_bytes }, { "ban_rate", &d->ban_rate },
	};
	struct sim_word w;

	while (sim_word(&rest, &w)) {
		size_t i = 0;

		while (i < 4 && !str_is(w.name, numbers[i].name))
			i++;
		if (i < 4 && str_u64(w.value, numbers[i].to) < 0)
			return err_set(e, -EINVAL, "not a number");
		if (i < 4)
			continue;
		if (!str_is(w.name, "hold"))
			return err_set(e, -EINVAL, "unknown setting");
		d->hold = str_bool(w.value);
	}
	return 0;
}

/* -ENOENT: not a line of configuration. */
int
sim_conf_line(struct sim *sim, struct str line, struct err *e)
{
	struct sim_word w;

	if (!sim_word(&line, &w))
		return 0;
	if (str_is(w.name, "jail"))
		return jail_line(sim, line, e);
	return str_is(w.name, "conf") ? conf_line(sim, line, e) : -ENOENT;
}
