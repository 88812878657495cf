/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_wire.c - records there and back, and a reader that believes nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "banner/daemon/proc/wire.h"

static struct wire_in
whole(const struct buf *b)
{
	const uint8_t *p = (const uint8_t *)b->p;

	return (struct wire_in){ p, p + b->len, false };
}

static const struct ban sample = {
	.id = 77, .jail = "sshd",
	.subject = { .kind = SUBJECT_ADDR, .addr = { 4, 24, { 192, 0, 2 } } },
	.since_ms = 1000, .until_ms = 0, .failures = 5, .count = 2, .manual = true,
	.comment = "by hand",
};

static void
put_sample(struct buf *b)
{
	struct str lines[] = { STR("first"), { "with\0nul", 8 } };
	struct field fields[] = { { STR("user"), STR("root") } };
	size_t at = wire_start(b, WIRE_BAN);

	wire_put_ban(b,
	    &(struct order){ .verb = VERB_BAN,
		.cause = CAUSE_ADMIN,
		.ban = &sample,
		.lines = lines,
		.nlines = 2,
		.fields = fields,
		.nfields = 1 });
	assert_int_equal(wire_finish(b, at), 0);
}

static void
test_ban(void **state)
{
	struct buf b = { 0 };
	struct wire_in frame, body;
	struct wire_ban w;
	enum wire_type type;

	put_sample(&b);
	frame = whole(&b);
	assert_int_equal(wire_next(&frame, &type, &body), 1);
	assert_int_equal(type, WIRE_BAN);
	assert_int_equal(wire_get_ban(&body, &w), 0);
	assert_int_equal(wire_done(&body), 0);
	assert_int_equal(w.ban.id, 77);
	assert_string_equal(w.ban.jail, "sshd");
	assert_true(addr_eq(&w.ban.subject.addr, &sample.subject.addr));
	assert_true(w.ban.manual && !w.ban.restored);
	assert_string_equal(w.ban.comment, "by hand");
	assert_int_equal(w.nlines, 2);
	assert_true(str_is(wire_get_str(&w.lines), "first"));
	assert_int_equal(wire_get_str(&w.lines).len, 8);
	assert_int_equal(w.nfields, 1);
	assert_true(str_is(wire_get_str(&w.fields), "user"));
	assert_true(str_is(wire_get_str(&w.fields), "root"));
	assert_int_equal(wire_next(&frame, &type, &body), 0);
	buf_fini(&b);
}

/* The biggest ban there can be still fits into a frame, and says what was cut. */
static void
test_ban_cut(void **state)
{
	static char big[3 * WIRE_FRAME];
	struct str lines[100];
	struct field fields[FAILURE_FIELDS];
	struct ban n = sample;
	struct buf b = { 0 };
	struct wire_in frame, body;
	struct wire_ban w;
	enum wire_type type;
	struct str s = { "", 0 };
	size_t at;

	memset(big, 'x', sizeof(big) - 1);
	n.comment = big;
	for (size_t i = 0; i < 100; i++)
		lines[i] = (struct str){ big, sizeof(big) - 1 };
	lines[99] = STR("newest");
	for (size_t i = 0; i < FAILURE_FIELDS; i++)
		fields[i] = (struct field){ { big, 100 }, { big, sizeof(big) - 1 } };
	at = wire_start(&b, WIRE_BAN);
	wire_put_ban(&b, &(struct order){ .ban = &n, .lines = lines, .nlines = 100,
	    .fields = fields, .nfields = FAILURE_FIELDS });
	assert_int_equal(wire_finish(&b, at), 0);
	frame = whole(&b);
	assert_int_equal(wire_next(&frame, &type, &body), 1);
	assert_int_equal(wire_get_ban(&body, &w), 0);
	assert_in_range(w.nlines, 2, 99);
	for (uint32_t i = 0; i < w.nlines; i++) {
		s = wire_get_str(&w.lines);
		if (i == 0) {
			assert_int_equal(s.len, WIRE_LINE);
			assert_true(str_ends(s, "x..."));
		}
	}
	assert_true(str_is(s, "newest"));
	buf_fini(&b);
}

static void
test_too_big(void **state)
{
	static char big[WIRE_FRAME];
	struct buf b = { 0 };
	size_t at;

	wire_empty(&b, WIRE_READY);
	at = wire_start(&b, WIRE_LOG);
	wire_str(&b, (struct str){ big, sizeof(big) });
	assert_int_equal(wire_finish(&b, at), -EMSGSIZE);
	assert_int_equal(b.len, at);
	buf_fini(&b);
}

/* Read everything a frame could hold, whatever its records claim to be. */
static void
swallow(struct wire_in frame)
{
	struct wire_in body;
	struct wire_ban w;
	enum wire_type type;

	while (wire_next(&frame, &type, &body) > 0) {
		struct wire_in copy = body;

		if (wire_get_ban(&copy, &w) == 0) {
			for (uint32_t i = 0; i < w.nlines; i++)
				assert_non_null(wire_get_str(&w.lines).s);
			for (uint32_t i = 0; i < 2 * w.nfields; i++)
				assert_non_null(wire_get_str(&w.fields).s);
			assert_false(w.lines.bad || w.fields.bad);
			assert_in_range(w.ban.subject.text.len, 0, SUBJECT_TEXT);
		}
		wire_get_text(&body);
		wire_get_subject(&body);
		wire_get_i64(&body);
		assert_true(body.p <= body.end);
	}
}

static void
test_hostile(void **state)
{
	struct buf b = { 0 };
	unsigned seed = 1;

	put_sample(&b);
	put_sample(&b);
	for (size_t cut = 0; cut < b.len; cut++) {
		/* Its own memory, so that a read past the end is seen. */
		uint8_t *p = malloc(cut ? cut : 1);

		memcpy(p, b.p, cut);
		swallow((struct wire_in){ p, p + cut, false });
		free(p);
	}
	for (int round = 0; round < 200000; round++) {
		uint8_t *p = malloc(b.len);

		memcpy(p, b.p, b.len);
		for (int i = rand_r(&seed) % 4; i >= 0; i--)
			p[(size_t)rand_r(&seed) % b.len] = (uint8_t)rand_r(&seed);
		swallow((struct wire_in){ p, p + b.len, false });
		free(p);
	}
	buf_fini(&b);
}

static void
test_bad_values(void **state)
{
	static const struct addr bad[] = {
		{ 5, 32, { 1 } }, { 4, 33, { 1 } }, { 4, 24, { 1, 2, 3, 4 } },
		{ 6, 129, { 1 } }, { 6, 64, { [15] = 1 } }, { 0, 1, { 0 } },
		{ 4, 32, { 1, 2, 3, 4, 5 } },
	};
	struct buf b = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wire_in in;

		buf_clear(&b);
		wire_addr(&b, &bad[i]);
		in = whole(&b);
		assert_int_equal(wire_get_addr(&in).family, 0);
		assert_int_equal(wire_done(&in), -EBADMSG);
	}
	buf_clear(&b);
	wire_str(&b, (struct str){ "a\0b", 3 });
	{
		struct wire_in in = whole(&b);

		assert_string_equal(wire_get_text(&in), "");
		assert_true(in.bad);
	}
	buf_fini(&b);
}

static void
test_frames(void **state)
{
	static uint8_t frame[WIRE_FRAME];
	struct buf b = { 0 };
	struct wire_in in, body;
	enum wire_type type;
	unsigned n = 0, want = 5000, frames = 0;
	int sv[2], fd, rc = -EAGAIN;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	for (unsigned i = 0; i < want; i++)
		put_sample(&b);
	while (n < want) {
		if (rc == -EAGAIN)
			rc = wire_send(sv[0], &b, -1);
		assert_true(rc == 0 || rc == -EAGAIN);
		while (wire_recv(sv[1], frame, &in, &fd) > 0) {
			frames++;
			assert_int_equal(fd, -1);
			while (wire_next(&in, &type, &body) > 0)
				n++;
			assert_false(in.bad);
		}
	}
	assert_int_equal(n, want);
	assert_int_equal(b.len, 0);
	assert_in_range(frames, 2, want / 10);
	close(sv[0]);
	assert_int_equal(wire_recv(sv[1], frame, &in, &fd), 0);
	close(sv[1]);
	buf_fini(&b);
}

static void
test_descriptor(void **state)
{
	static uint8_t frame[WIRE_FRAME];
	struct buf b = { 0 };
	struct wire_in in;
	int sv[2], p[2], fd;
	char c;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	assert_int_equal(pipe(p), 0);
	wire_empty(&b, WIRE_SOCKET);
	assert_int_equal(wire_send(sv[0], &b, p[1]), 0);
	close(p[1]);
	assert_true(wire_recv(sv[1], frame, &in, &fd) > 0);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(p[0], &c, 1), 1);
	close(fd);
	close(p[0]);
	close(sv[0]);
	close(sv[1]);
	buf_fini(&b);
}

/* A peer that is killed with our records unread resets the connection; what it sent
 * before must still arrive: the store drains a dead engine's socket that way. */
static void
test_reset(void **state)
{
	static uint8_t frame[WIRE_FRAME];
	struct buf b = { 0 };
	struct wire_in in;
	int sv[2], fd;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	wire_empty(&b, WIRE_READY);
	assert_int_equal(wire_send(sv[1], &b, -1), 0);	/* never read */
	wire_empty(&b, WIRE_BEAT);
	assert_int_equal(wire_send(sv[0], &b, -1), 0);
	close(sv[0]);
	assert_true(wire_recv(sv[1], frame, &in, &fd) > 0);
	assert_int_equal(wire_recv(sv[1], frame, &in, &fd), 0);
	close(sv[1]);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ban),
		cmocka_unit_test(test_ban_cut),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
