/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_ban.c - the ban table, known offenders, longer bans, evidence, repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "banner/conf/conf.h"
#include "banner/core/bans.h"
#include "banner/core/evidence.h"
#include "banner/core/history.h"
#include "banner/core/increment.h"
#include "banner/core/inside.h"
#include "banner/core/repeat.h"

static struct subject
host(unsigned n)
{
	struct subject s = { .kind = SUBJECT_ADDR,
		.addr = { .family = 4, .plen = 32 } };

	memcpy(s.addr.ip, &n, 4);
	return s;
}

static void
table_finds_and_orders(void **state)
{
	struct conf_jail conf = { .name = "sshd" };
	struct jail j = { .conf = &conf, .index = 3 }, other = { .conf = &conf };
	struct subject s = host(5);
	struct bans b;

	bans_init(&b, 100);
	for (unsigned i = 1; i <= 50; i++) {
		struct ban ban = { .id = i, .subject = host(i), .manual = i == 2,
		    .until_ms = i == 1 ? 0 : 1000 + i };

		bans_add(&b, &j, &ban);
	}
	assert_int_equal(bans_find(&b, &j, &s)->ban.id, 5);
	assert_null(bans_find(&b, &other, &s));
	assert_int_equal(bans_first(&b)->ban.id, 2);
	assert_int_equal(bans_victim(&b)->ban.id, 3);
	bans_end(&b, bans_by_id(&b, 3), 0);	/* for ever: no victim */
	assert_int_equal(bans_victim(&b)->ban.id, 4);
	bans_del(&b, bans_by_id(&b, 2));
	assert_null(bans_by_id(&b, 2));
	assert_int_equal(bans_first(&b)->ban.id, 4);
	bans_shift(&b, 500);
	assert_int_equal(bans_first(&b)->ban.until_ms, 1504);
	assert_int_equal(j.banned, 49);
	bans_fini(&b);
}

static void
subjects_differ(void **state)
{
	struct conf_jail conf = { .name = "sshd" };
	struct jail j = { .conf = &conf };
	struct subject user = { .kind = SUBJECT_USER, .text = STR("bob") };
	struct subject id = { .kind = SUBJECT_ID, .text = STR("bob") };
	struct subject none = { .kind = SUBJECT_NONE };
	struct bans b;

	bans_init(&b, 100);
	bans_add(&b, &j, &(struct ban){ .id = 1, .subject = user, .comment = "why" });
	assert_null(bans_find(&b, &j, &id));
	bans_add(&b, &j, &(struct ban){ .id = 2, .subject = id });
	bans_add(&b, &j, &(struct ban){ .id = 3, .subject = none });
	assert_int_equal(bans_find(&b, &j, &user)->ban.id, 1);
	assert_string_equal(bans_find(&b, &j, &user)->ban.comment, "why");
	assert_int_equal(bans_find(&b, &j, &none)->ban.id, 3);
	bans_fini(&b);
}

static void
history_counts(void **state)
{
	struct history *h = history_new(6, 1000, true);
	struct subject a = host(1), b = host(2);

	history_add(h, 0, &a, 0, 100);
	history_add(h, 1, &a, 0, 100);
	history_add(h, 0, &b, 0, 0);
	assert_int_equal(history_count(h, 0, &a, 1100), 1);
	assert_int_equal(history_count(h, HISTORY_ALL, &a, 1100), 2);
	assert_int_equal(history_count(h, 0, &a, 1101), 0);	/* long ago */
	assert_int_equal(history_count(h, 0, &b, 999999), 1);	/* for ever */
	history_restore(h, 0, &b, 4, 500);
	assert_int_equal(history_count(h, 0, &b, 999999), 4);
	history_forget(h, 0, &b);
	assert_int_equal(history_count(h, HISTORY_ALL, &b, 0), 0);
	for (unsigned i = 10; i < 1000; i++)
		history_add(h, 0, &(struct subject){ .kind = SUBJECT_ADDR,
		    .addr = host(i).addr }, 0, 100);
	assert_true(history_size(h) <= 6);
	history_free(h);
}

static void
longer_bans(void **state)
{
	struct conf_increment inc = { .on = true, .factor = 1 };
	const int64_t h = 3600000;

	assert_int_equal(increment_bantime(&inc, h, 0, 0), h);
	assert_int_equal(increment_bantime(&inc, h, 1, 0), 2 * h);
	assert_int_equal(increment_bantime(&inc, h, 3, 0), 8 * h);
	assert_int_equal(increment_bantime(&inc, -1, 3, 0), -1);
	assert_int_equal(increment_bantime(&inc, h, 1000, 0),
	    increment_bantime(&inc, h, 20, 0));
	inc.factor = 0.1;	/* never shorter than the plain time */
	assert_int_equal(increment_bantime(&inc, h, 1, 0), h);
	inc.factor = 2;
	inc.multipliers = "1 5 30";
	assert_int_equal(increment_bantime(&inc, h, 1, 0), 10 * h);
	assert_int_equal(increment_bantime(&inc, h, 9, 0), 60 * h);
	inc.maxtime_ms = 24 * h;
	inc.rndtime_ms = h;	/* comes after the maximum */
	assert_int_equal(increment_bantime(&inc, h, 9, 0.5), 24 * h + h / 2);
	inc.on = false;
	assert_int_equal(increment_bantime(&inc, h, 9, 0.5), h);
}

static void
formulas(void **state)
{
	struct conf_increment inc = { .on = true, .factor = 2,
	    .formula = "ban.Time * ban.Count * banFactor" };

	assert_int_equal(increment_bantime(&inc, 10000, 3, 0), 60000);
	inc.formula = "nonsense(";
	assert_int_equal(increment_bantime(&inc, 10000, 3, 0), 10000);
	inc.formula = NULL;
	inc.factor_expr = "1.5";
	assert_int_equal(increment_bantime(&inc, 10000, 1, 0), 30000);
}

static void
known_offenders_weigh_more(void **state)
{
	static const unsigned want[] = { 1, 2, 3, 5, 9, 10, 10 };

	for (unsigned n = 0; n < sizeof(want) / sizeof(*want); n++)
		assert_int_equal(increment_weight(n, 10), want[n]);
	assert_int_equal(increment_weight(4000000000u, 5), 5);
}

static void
evidence_is_a_ring(void **state)
{
	struct evidence *ev = evidence_new(65536);
	struct evidence_owner me = { .jail = 1, .key = { { 1 } } };
	struct evidence_owner you = { .jail = 2, .key = { { 1 } } };
	struct evidence_from none = { 0, 0 };
	struct str lines[8];
	uint32_t mark = 0, his = 0;
	char text[32], big[3000];

	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "line %d", i);
		mark = evidence_add(ev, &me, mark, str_of(text),
		    (struct evidence_from){ 3, (uint16_t)i });
		his = evidence_add(ev, &you, his, STR("other"), none);
	}
	assert_int_equal(evidence_get(ev, &me, mark, lines, 3), 3);
	assert_true(str_is(lines[0], "line 2") && str_is(lines[2], "line 4"));
	assert_int_equal(evidence_from(lines[2]).log, 3);
	assert_int_equal(evidence_from(lines[2]).rule, 4);
	assert_int_equal(evidence_get(ev, &me, his, lines, 3), 0);	/* not mine */
	assert_int_equal(evidence_get(ev, &me, 0, lines, 3), 0);
	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 1000; i++)
		his = evidence_add(ev, &you, his, (struct str){ big, sizeof(big) },
		    none);
	assert_int_equal(evidence_get(ev, &me, mark, lines, 3), 0); /* overwritten */
	assert_int_equal(evidence_get(ev, &you, his, lines, 8), 8);
	assert_int_equal(lines[0].len, EVIDENCE_LINE + 3);
	assert_true(str_ends(lines[0], "x..."));
	evidence_free(ev);
}

static bool
seen(struct repeat *r, uint32_t jail, struct attempt_key exact, int64_t when_ms)
{
	return repeat_seen(r, jail, &(struct failure){ .when_ms = when_ms,
	    .attempt = { .exact = exact } });
}

static void
repeats_within_two_seconds(void **state)
{
	struct attempt_key k = { { STR("k") }, { 0 } };
	struct repeat *r = repeat_new();

	assert_false(seen(r, 1, k, 10000));
	assert_true(seen(r, 1, k, 12000));
	assert_true(seen(r, 1, k, 8000));
	assert_false(seen(r, 2, k, 10000));
	assert_false(seen(r, 1, k, 12001));
	repeat_free(r);
}

/* As many attempts as lines of the kind that came most often. */
static void
kinds_of_lines(void **state)
{
	struct attempt_key login = { { STR("7") }, STR("LOGIN") }, plain = login;
	struct repeat *r = repeat_new();

	plain.kind = STR("PLAIN");
	assert_false(seen(r, 1, login, 0));
	assert_true(seen(r, 1, plain, 3000));
	assert_false(seen(r, 1, plain, 50000));
	assert_true(seen(r, 1, login, 100000));
	assert_false(seen(r, 1, login, 100000));
	assert_false(seen(r, 1, plain, 161000));	/* forgotten meanwhile */
	repeat_free(r);
}

/* A copy is no line of its own; a loose key is for moments, an origin for itself. */
static void
copies_and_loose_keys(void **state)
{
	struct failure f = { .attempt = { .once = STR("line"),
	    .loose = { { STR("imap"), STR("anna") }, STR("security") } } };
	struct repeat *r = repeat_new();

	assert_false(repeat_seen(r, 1, &f));
	assert_true(repeat_seen(r, 1, &f));
	f.attempt.once = STR("line 2");
	assert_false(repeat_seen(r, 1, &f));
	f.attempt = (struct attempt_id){ .loose = f.attempt.loose };
	f.attempt.loose.kind = STR("imap");
	assert_true(repeat_seen(r, 1, &f));
	f.origin = STR("mx2");
	assert_false(repeat_seen(r, 1, &f));
	f.origin = (struct str){ 0 };
	f.when_ms = 2001;
	assert_false(repeat_seen(r, 1, &f));
	repeat_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_finds_and_orders),
		cmocka_unit_test(subjects_differ),
		cmocka_unit_test(history_counts),
		cmocka_unit_test(longer_bans),
		cmocka_unit_test(formulas),
		cmocka_unit_test(known_offenders_weigh_more),
		cmocka_unit_test(evidence_is_a_ring),
		cmocka_unit_test(repeats_within_two_seconds),
		cmocka_unit_test(kinds_of_lines),
		cmocka_unit_test(copies_and_loose_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
