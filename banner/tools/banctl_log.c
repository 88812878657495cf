/* SPDX-License-Identifier: GPL-2.0-or-later
 * banctl_log.c - lines of a log in fail2ban's shape.
 *
 *	2026-11-22 01:02:03,456 fail2ban.actions [12]: NOTICE  [sshd] Ban 192.0.2.7
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "banner/base/arena.h"
#include "banner/tools/banctl_log.h"

static bool
read_time(const char *line, int64_t *ms)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *end = strptime(line, "%Y-%m-%d %H:%M:%S", &tm);
	int thousandths = 0;
	time_t t;

	if (!end)
		return false;
	if (*end == ',')
		thousandths = (int)strtol(end + 1, NULL, 10);
	t = mktime(&tm);
	*ms = (int64_t)t * 1000 + thousandths;
	return t != (time_t)-1;
}

/* "LEVEL  [jail] text": the jail is cut out, the text is what follows. */
static char *
find_text(char *line, char **jail)
{
	char *at = strstr(line, "]: "), *end;

	if (!at)
		return NULL;
	at += 3;
	at += strcspn(at, " ");
	at += strspn(at, " ");
	if (*at != '[' || !(end = strstr(at, "] ")))
		return NULL;
	*jail = at + 1;
	*end = '\0';
	return end + 2;
}

static const struct { const char *word; enum said what; } words[] = {
	{ "Found ", SAID_FOUND }, { "Ignore ", SAID_IGNORE }, { "Ban ", SAID_BAN },
	{ "Unban ", SAID_UNBAN },
};

static bool
read_event(struct said_event *e, char *text, char **subject)
{
	static const char already[] = " already banned";
	char *at;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if (strncmp(text, words[i].word, n) != 0)
			continue;
		e->what = words[i].what;
		*subject = text + n;
		return true;
	}
	at = strstr(text, already);
	if (!at)
		return false;
	e->what = SAID_ALREADY;
	*subject = text;
	return true;
}

static void
take_line(struct said_log *l, char *line)
{
	struct said_event e = { 0 };
	char *jail, *text, *subject;

	line[strcspn(line, "\r\n")] = '\0';
	if (!read_time(line, &e.ms))
		return;
	if (!l->first_ms)
		l->first_ms = e.ms;
	l->last_ms = e.ms;
	text = find_text(line, &jail);
	if (!text || !read_event(&e, text, &subject))
		return;
	text = subject + strcspn(subject, " ");
	e.rest = xstrdup(*text ? text + 1 : "");
	*text = '\0';
	e.jail = xstrdup(jail);
	e.subject = xstrdup(subject);
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 256;
		l->v = xrealloc(l->v, l->cap * sizeof(*l->v));
	}
	l->v[l->n++] = e;
}

static int
same_subject(const struct said_event *a, const struct said_event *b)
{
	int c = strcmp(a->jail, b->jail);

	return c ? c : strcmp(a->subject, b->subject);
}

static int
in_order(const void *x, const void *y)
{
	const struct said_event *a = x, *b = y;
	int c = same_subject(a, b);

	return c ? c : (a->ms > b->ms) - (a->ms < b->ms);
}

int
said_read(struct said_log *l, const char *path)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!f)
		return -errno;
	while (getline(&line, &room, f) >= 0)
		take_line(l, line);
	free(line);
	fclose(f);
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), in_order);
	return 0;
}

void
said_free(struct said_log *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].jail);
		free(l->v[i].subject);
		free(l->v[i].rest);
	}
	free(l->v);
}

struct said_event *
said_of(const struct said_log *l, const char *jail, const char *subject, size_t *n)
{
	struct said_event key = { .jail = (char *)(uintptr_t)jail,
		.subject = (char *)(uintptr_t)subject };
	size_t low = 0, high = l->n, end;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (same_subject(&l->v[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < l->n && same_subject(&l->v[end], &key) == 0; end++)
		;
	*n = end - low;
	return l->v + low;
}
