/* SPDX-License-Identifier: GPL-2.0-or-later
 * banregex_test.c - golden lines: logs that say what must come of each line.
 *
 *	# filter: sshd[mode=aggressive]
 *	# trusted: 192.0.2.0/24
 *	# expect: fail host=198.51.100.7 user=root
 *	May  1 00:05:28 box sshd[123]: Failed password for root from 198.51.100.7
 *
 * An empty line ends a group. Lines of a group are one log, read in order by a filter
 * that knows nothing of other groups. Keys in a group without log lines hold for the
 * rest of the file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "banner/tools/banregex.h"

/* What a key "# NAME: value" may set. */
struct keys {
	char *filter, *trusted, *now;
};

struct golden {
	const struct options *o;
	struct options own;	/* the same, with the group's keys */
	struct keys file, group;
	char *expect;		/* of the next line, or NULL */
	struct trial trial;
	bool open;		/* trial is that of the group */
	bool broken;		/* its filter cannot be read: said once */
	uint64_t line;
	unsigned good, bad;
	/* What the line at hand gave. */
	bool failed;
	char host[SUBJECT_TEXT + 1], user[SUBJECT_TEXT + 1];
};

static void
set(char **place, struct str value)
{
	free(*place);
	*place = value.s ? xstrndup(value.s, value.len) : NULL;
}

static const char *
key(const struct golden *g, size_t at, const char *fallback)
{
	const char *group =
	    *(char *const *)(const void *)((const char *)&g->group + at);
	const char *file = *(char *const *)(const void *)((const char *)&g->file + at);

	return group ? group : file ? file : fallback;
}

static void
golden_failure(struct trial *t, const struct failure *f)
{
	struct golden *g = t->report;
	char host[ADDR_TEXT];

	if (g->failed)
		return;		/* the first counts */
	g->failed = true;
	failure_id(f, g->host);
	if (f->addr.family)
		strcpy(g->host, addr_print(&f->addr, host));
	snprintf(g->user, sizeof(g->user), "%.*s", (int)f->user.len,
	    f->user.s ? f->user.s : "");
}

static const struct reporter golden_reporter = { .failure = golden_failure };

static bool
same_host(const char *expected, const char *found)
{
	struct addr a, b;

	if (addr_parse_prefix(str_of(expected), &a) == 0 &&
	    addr_parse_prefix(str_of(found), &b) == 0)
		return addr_eq(&a, &b);
	return !strcmp(expected, found);
}

/* "fail host=ADDR user=NAME": the name runs to the end of the line. */
static bool
agrees(const struct golden *g, const char *expect)
{
	char host[SUBJECT_TEXT + 1];
	const char *user = strstr(expect, " user=");

	if (!strncmp(expect, "nofail", 6))
		return !g->failed;
	if (!g->failed)
		return false;
	if (user && strcmp(user + 6, "-") && strcmp(user + 6, g->user))
		return false;
	if (sscanf(expect, "fail host=%256s", host) != 1 || !strcmp(host, "-"))
		return true;
	return same_host(host, g->host);
}

static void
verdict(struct golden *g)
{
	struct buf b = { 0 };

	if (agrees(g, g->expect)) {
		g->good++;
		return;
	}
	g->bad++;
	buf_printf(&b, "%s:%llu: expected %s, found ", g->o->test,
	    (unsigned long long)g->line, g->expect);
	if (g->failed) {
		buf_puts(&b, "fail host=");
		buf_safe(&b, str_of(g->host), SUBJECT_TEXT);
		buf_puts(&b, " user=");
		buf_safe(&b, str_of(g->user[0] ? g->user : "-"), SUBJECT_TEXT);
	} else {
		buf_puts(&b, "nofail");
	}
	puts(b.p);
	buf_fini(&b);
}

/* The trial of this group, made at its first line. */
static bool
open_trial(struct golden *g)
{
	const char *filter = key(g, offsetof(struct keys, filter), g->o->filter);
	struct err e = { "" };

	if (g->open || g->broken)
		return g->open;
	g->own = *g->o;
	g->own.trusted = key(g, offsetof(struct keys, trusted), g->o->trusted);
	g->own.now = key(g, offsetof(struct keys, now), g->o->now);
	g->trial = (struct trial){ .reporter = &golden_reporter, .report = g };
	if (!filter)
		err_set(&e, -EINVAL, "no \"# filter:\" for this line");
	if (filter && trial_init(&g->trial, &g->own, filter, &e) == 0) {
		g->open = true;
		return true;
	}
	if (filter)
		trial_fini(&g->trial);
	printf("%s:%llu: %s\n", g->o->test, (unsigned long long)g->line, e.text);
	g->broken = true;
	return false;
}

static void
close_group(struct golden *g)
{
	if (g->open)
		trial_fini(&g->trial);
	g->open = g->broken = false;
	set(&g->group.filter, (struct str){ 0 });
	set(&g->group.trusted, (struct str){ 0 });
	set(&g->group.now, (struct str){ 0 });
	set(&g->expect, (struct str){ 0 });
}

/* With a FILTER on the command line, only its lines are looked at. */
static bool
wanted(const struct golden *g)
{
	const char *filter = key(g, offsetof(struct keys, filter), NULL);

	return !g->o->filter || !filter || !strcmp(filter, g->o->filter);
}

static void
log_line(struct golden *g, struct str line)
{
	if (!wanted(g))
		return;
	if (!open_trial(g)) {
		g->bad += g->expect != NULL;
		return;
	}
	g->failed = false;
	g->host[0] = g->user[0] = '\0';
	trial_feed(&g->trial, line, g->line);
	if (g->expect)
		verdict(g);
	set(&g->expect, (struct str){ 0 });
}

static void
comment(struct golden *g, struct str line)
{
	const struct { const char *name; size_t at; } names[] = {
		{ "# filter: ", offsetof(struct keys, filter) },
		{ "# options: ", offsetof(struct keys, filter) },
		{ "# trusted: ", offsetof(struct keys, trusted) },
		{ "# now: ", offsetof(struct keys, now) },
	};
	struct str value;

	if (str_starts(line, "# expect: ")) {
		value = (struct str){ line.s + 10, line.len - 10 };
		set(&g->expect, str_trim(value));
		return;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i].name);

		if (!str_starts(line, names[i].name))
			continue;
		value = (struct str){ line.s + n, line.len - n };
		set((char **)(void *)((char *)&g->group + names[i].at),
		    str_trim(value));
	}
}

static void
move_keys(struct golden *g)
{
	char **from[] = { &g->group.filter, &g->group.trusted, &g->group.now };
	char **to[] = { &g->file.filter, &g->file.trusted, &g->file.now };

	for (size_t i = 0; i < 3; i++) {
		if (!*from[i])
			continue;
		free(*to[i]);
		*to[i] = *from[i];
		*from[i] = NULL;
	}
}

static void
golden_line(struct golden *g, struct str line, bool *lines_in_group)
{
	if (line.len == 0) {
		if (!*lines_in_group)
			move_keys(g);
		close_group(g);
		*lines_in_group = false;
	} else if (line.s[0] == '#') {
		comment(g, line);
	} else {
		*lines_in_group = true;
		log_line(g, line);
	}
}

int
test_run(const struct options *o, struct err *e)
{
	struct golden g = { .o = o };
	FILE *f = fopen(o->test, "r");
	bool lines_in_group = false;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!f) {
		err_set(e, -errno, "%s: %s", o->test, strerror(errno));
		return 255;
	}
	while ((n = getline(&line, &cap, f)) >= 0) {
		g.line++;
		n -= n > 0 && line[n - 1] == '\n';
		golden_line(&g, (struct str){ line, (size_t)n }, &lines_in_group);
	}
	free(line);
	fclose(f);
	close_group(&g);
	move_keys(&g);
	free(g.file.filter);
	free(g.file.trusted);
	free(g.file.now);
	printf("%s: %u of %u verdicts agree\n", o->test, g.good, g.good + g.bad);
	if (g.good + g.bad == 0)
		err_set(e, -EINVAL, "%s: no line to test", o->test);
	return g.bad > 0 || g.good == 0;
}
