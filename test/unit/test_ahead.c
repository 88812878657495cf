/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_ahead.c - a big backlog, read by threads: the same lines, in the same order.
 */
#include "source_rig.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "banner/core/match.h"
#include "banner/source/ahead.h"
#include "banner/source/reader.h"

enum { LINES = 250000, LONG_AT = 30000, LONG_BYTES = 600 * 1000 };

struct bench {
	struct rig *rig;
	const char *fail[1];
	struct conf_filter filter;
	struct rules_options o;
	struct rules *rules;
	struct buf want;	/* all lines but the one that is too long */
};

static bool
many_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 1;
}

static void
set_up(struct bench *b, struct rig *r)
{
	struct err e;

	*b = (struct bench){ .rig = r, .fail = { "bad <HOST>$" } };
	b->filter.failregex = (struct conf_list){ b->fail, 1 };
	b->filter.maxlines = 1;
	b->o.filter = &b->filter;
	assert_int_equal(rules_new(&b->o, &b->rules, &e), 0);
	assert_int_equal(match_new(&b->rules, 1, &r->match, &e), 0);
}

static void
tear_down(struct bench *b)
{
	sources_free(b->rig->set);
	match_free(b->rig->match);
	b->rig->match = NULL;
	rig_new(b->rig);
	rules_free(b->rules);
	buf_fini(&b->want);
}

/* Lines of 1 to 197 bytes, one longer than two pieces, an empty one, and one without
 * its end. */
static void
write_log(struct bench *b)
{
	struct buf log = { 0 };
	FILE *f;

	for (unsigned i = 0; i < LINES; i++) {
		size_t from = log.len;

		buf_printf(&log, "%u %.*s%s\n", i, (int)(i * 7919 % 190),
		    "some text that is of no use, but it must be long enough to fill "
		    "what the longest of these lines takes, and so it goes on and on "
		    "and on until there are two hundred bytes of it, which is now so",
		    i % 1000 == 0 ? " bad 192.0.2.1" : i == 17 ? "\n" : "");
		buf_add(&b->want, log.p + from, log.len - from);
		for (int k = 0; i == LONG_AT && k < LONG_BYTES; k++)
			buf_putc(&log, k == LONG_BYTES - 1 ? '\n' : 'x');
	}
	buf_puts(&log, "999 no end");
	f = fopen(rig_path(b->rig, "a.log"), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(log.p, 1, log.len, f), log.len);
	assert_int_equal(fclose(f), 0);
	assert_true(log.len > AHEAD_LEAST);
	buf_fini(&log);
}

static void
same_lines(void **state)
{
	struct rig *r = *state;
	struct bench b;

	set_up(&b, r);
	write_log(&b);
	rig_follow(r, "a.log");
	for (int i = 0; i < 100 && r->events[SOURCE_CAUGHT_UP] == 0; i++)
		rig_run(r, 100);
	assert_int_equal(r->events[SOURCE_LONG_LINE], 1);
	assert_int_equal(r->text.len, b.want.len);
	assert_memory_equal(r->text.p, b.want.p, b.want.len);
	assert_int_equal(r->dead, r->text.len);
	if (many_processors())
		assert_true(r->found > r->text.len / 2);
	rig_write(r, "a.log", " now\n");
	rig_until(r, "\n999 no end now\n");
	tear_down(&b);
}

/* The place is always that of the next line, also when we stop in the middle. */
static void
stops_in_the_middle(void **state)
{
	struct rig *r = *state;
	struct bench b;

	set_up(&b, r);
	write_log(&b);
	rig_follow(r, "a.log");
	while (r->text.len < b.want.len / 3)
		event_base_loop(r->base, EVLOOP_ONCE);
	assert_true(r->text.len < b.want.len);
	rig_stop(r);
	rig_new(r);
	rig_follow(r, "a.log");
	for (int i = 0; i < 100 && r->text.len < b.want.len; i++)
		rig_run(r, 100);
	assert_int_equal(r->text.len, b.want.len);
	assert_memory_equal(r->text.p, b.want.p, b.want.len);
	tear_down(&b);
}

/* Truncated and filled anew while threads are ahead: what is read then is new. */
static void
truncated_under_threads(void **state)
{
	struct rig *r = *state;
	struct bench b;

	set_up(&b, r);
	write_log(&b);
	rig_follow(r, "a.log");
	while (r->text.len < b.want.len / 4)
		rig_run(r, 1);
	assert_int_equal(truncate(rig_path(r, "a.log"), 0), 0);
	rig_write(r, "a.log", "199999 new\n");
	for (int i = 0; i < 100 && r->events[SOURCE_TRUNCATED] == 0; i++)
		rig_run(r, 20);
	rig_until(r, "199999 new\n");
	tear_down(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same_lines, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(stops_in_the_middle, rig_setup,
		    rig_teardown),
		cmocka_unit_test_setup_teardown(truncated_under_threads, rig_setup,
		    rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
