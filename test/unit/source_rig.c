/* SPDX-License-Identifier: GPL-2.0-or-later
 * source_rig.c - a temporary folder, a loop and a host that keeps all it is given.
 */
#include "source_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "banner/source/inner.h"

/* The number at the start of a line; no byte behind the line is looked at. */
static size_t
number_of(struct str line)
{
	size_t n = 0;

	for (size_t i = 0; i < line.len && line.s[i] >= '0' && line.s[i] <= '9'; i++)
		n = n * 10 + (size_t)(line.s[i] - '0');
	return n;
}

static void
rig_block(void *arg, struct source *s, const struct block *b)
{
	struct rig *r = arg;
	struct str rest = b->text, line;
	void *const *groups;

	r->blocks++;
	buf_str(&r->text, b->text);
	r->last = s;
	r->line_ms = b->line_ms;
	r->ngroups = source_groups(s, &groups);
	memcpy(r->groups, groups, (r->ngroups < 8 ? r->ngroups : 8) * sizeof(*groups));
	if (!b->live)
		r->dead += b->text.len;
	if (b->found && b->found_for == r->match)
		r->found += b->text.len;
	if (b->origin.len > 0)
		buf_printf(&r->log, "origin %.*s\n", (int)b->origin.len, b->origin.s);
	while (str_cut(&rest, '\n', &line)) {
		size_t n = number_of(line);

		if (line.len > 0 && n < RIG_NUMBERS && r->seen[n] < 255)
			r->seen[n]++;
		if (n > r->progress[0])
			r->progress[0] = n;
	}
}

static void
rig_event(void *arg, struct source *s, enum source_event what, const char *detail)
{
	static const char *const names[RIG_EVENTS] = { "opened", "rotated", "truncated",
	    "gone", "missing", "caught-up", "denied", "long-line", "lost", "error" };
	struct rig *r = arg;

	r->events[what]++;
	buf_printf(&r->log, "%s %s %s\n", source_name(s), names[what], detail);
}

static int64_t
rig_time(void *arg, struct source *s, struct str line)
{
	return line.len > 0 && line.s[0] >= '0' && line.s[0] <= '9' ?
	    (int64_t)number_of(line) : -1;
}

static const char *
rig_place(void *arg, const char *name)
{
	static char place[SOURCE_PLACE_MAX];
	struct rig *r = arg;
	char key[256], *at, *end;

	snprintf(key, sizeof(key), "\n%s=", name);
	at = r->places.p ? strstr(r->places.p, key) : NULL;
	if (!at)
		return NULL;
	at += strlen(key);
	end = strchr(at, '\n');
	snprintf(place, sizeof(place), "%.*s", (int)(end - at), at);
	return place;
}

static int64_t
rig_now(void *arg)
{
	struct rig *r = arg;

	return r->now_ms ? r->now_ms : (int64_t)time(NULL) * 1000;
}

static struct match *
rig_match(void *arg, struct source *s)
{
	return ((struct rig *)arg)->match;
}

int
rig_setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	strcpy(r->dir, "/tmp/banner-source-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	r->opt = (struct sources_options){ .max_line_bytes = 1000, .backlog_ms = 1000 };
	r->linger_ms = 100;
	r->base = event_base_new();
	r->progress = mmap(NULL, sizeof(size_t), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*state = r;
	rig_new(r);
	return 0;
}

int
rig_teardown(void **state)
{
	struct rig *r = *state;
	char command[128];

	sources_free(r->set);
	event_base_free(r->base);
	snprintf(command, sizeof(command), "rm -rf %s", r->dir);
	if (system(command) != 0)
		return -1;
	buf_fini(&r->text);
	buf_fini(&r->log);
	buf_fini(&r->places);
	free(r);
	return 0;
}

void
rig_new(struct rig *r)
{
	struct source_host host = { .arg = r, .block = rig_block, .event = rig_event,
	    .line_time = r->with_time ? rig_time : NULL, .place = rig_place,
	    .now_ms = rig_now, .match = rig_match };
	struct err e;

	assert_int_equal(sources_new(r->base, &host, &r->opt, &r->set, &e), 0);
	r->set->linger_ms = r->linger_ms;
}

static void
keep_place(void *arg, struct source *s)
{
	struct rig *r = arg;

	buf_printf(&r->places, "%s=%s\n", source_name(s), source_place(s));
}

void
rig_stop(struct rig *r)
{
	buf_clear(&r->places);
	buf_putc(&r->places, '\n');
	sources_each(r->set, keep_place, r);
	sources_free(r->set);
	r->set = NULL;
}

void
rig_run(struct rig *r, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_base_loopexit(r->base, &tv);
	event_base_dispatch(r->base);
}

const char *
rig_text(struct rig *r)
{
	return r->text.p ? r->text.p : "";
}

void
rig_until(struct rig *r, const char *tail)
{
	for (int i = 0; i < 5000; i++) {
		if (str_ends(buf_view(&r->text), tail))
			return;
		rig_run(r, 2);
	}
	fail_msg("no \"%s\" at the end of %zu bytes, \"%.200s\"\n%s", tail, r->text.len,
	    r->text.len > 200 ? r->text.p + r->text.len - 200 : rig_text(r), r->log.p);
}

void
rig_until_event(struct rig *r, enum source_event what, unsigned n)
{
	for (int i = 0; i < 5000 && r->events[what] < n; i++)
		rig_run(r, 2);
	if (r->events[what] < n)
		fail_msg("event %u did not come %u times:\n%s", what, n, r->log.p);
}

const char *
rig_path(struct rig *r, const char *name)
{
	static char ring[8][256];
	static unsigned at;

	at = (at + 1) % 8;
	snprintf(ring[at], sizeof(ring[at]), "%s/%s", r->dir, name);
	return ring[at];
}

void
rig_write(struct rig *r, const char *name, const char *text)
{
	int fd = open(rig_path(r, name), O_WRONLY | O_CREAT | O_APPEND, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

void
rig_rename(struct rig *r, const char *from, const char *to)
{
	assert_int_equal(rename(rig_path(r, from), rig_path(r, to)), 0);
}

void
rig_remove(struct rig *r, const char *name)
{
	assert_int_equal(unlink(rig_path(r, name)), 0);
}

void
rig_follow(struct rig *r, const char *glob)
{
	struct err e;

	assert_int_equal(sources_add_glob(r->set,
			     &(struct glob_request){ rig_path(r, glob), false, false },
			     (void *)1, &e),
	    0);
	sources_start(r->set);
}

void
rig_gives(struct rig *r, const char *name, const char *text)
{
	rig_write(r, name, text);
	rig_until(r, text);
}

void
rig_start(struct rig *r, const char *name, const char *text)
{
	rig_write(r, name, text);
	rig_follow(r, name);
	rig_until(r, text);
}

struct found { const char *name; struct source *source; };

static void
compare(void *arg, struct source *s)
{
	struct found *f = arg;

	if (strcmp(source_name(s), f->name) == 0)
		f->source = s;
}

struct source *
rig_source(struct rig *r, const char *name)
{
	struct found f = { rig_path(r, name), NULL };

	sources_each(r->set, compare, &f);
	return f.source;
}

void
rig_each_once(struct rig *r, size_t from, size_t to)
{
	size_t wrong = 0, first = 0;

	for (size_t i = to; i-- > from; )
		if (r->seen[i] != 1) {
			wrong++;
			first = i;
		}
	if (wrong > 0)
		fail_msg(
		    "%zu lines of %zu to %zu are wrong; line %zu came %u times\n%s",
		    wrong, from, to, first, r->seen[first], r->log.p);
}
