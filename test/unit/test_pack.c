/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_pack.c - the packed configuration: complete, and safe to unpack when damaged.
 */
#include "test/unit/conf_rig.h"

static struct conf *
sample(const struct folder *f)
{
	folder_write(f, "filters/f.conf",
	    "[Definition]\nfailregex = ^a <HOST>\n ^b <HOST>\n"
	    "prefregex = ^x\njournalmatch = A=b\n");
	folder_write(f, "jails.d/a.conf",
	    "[DEFAULT]\nfilter = f\nenabled = yes\n[a]\n"
	    "logpath = /a tail\n /b\nignoreip = ::1 127.0.0.1\nbantime.increment = "
	    "yes\n"
	    "bantime.factor = 1.5\nbackend = systemd[journalpath=/x]\n"
	    "action = route\n null[a=b]\n"
	    "count = net/26,60\ndistinct = host\n[b]\nbantime = -1\nbroken\n[c]\n");
	return folder_read(f);
}

static void
survives_the_trip(void **state)
{
	struct conf *c = sample(*state), *d;
	struct buf image = { 0 }, again = { 0 }, before = { 0 }, after = { 0 };
	struct err e;

	conf_pack(c, &image);
	assert_int_equal(conf_unpack(buf_view(&image), CONF_WHOLE, &d, &e), 0);
	conf_pack(d, &again);
	assert_int_equal(again.len, image.len);
	assert_memory_equal(again.p, image.p, image.len);
	conf_dump(c, &before);
	conf_dump(d, &after);
	assert_string_equal(before.p, after.p);
	assert_int_equal(d->nproblems, c->nproblems);
	assert_string_equal(d->problems[0].text, c->problems[0].text);
	buf_fini(&image);
	buf_fini(&again);
	buf_fini(&before);
	buf_fini(&after);
	conf_free(c);
	conf_free(d);
}

static void
head_is_without_jails(void **state)
{
	struct conf *c = sample(*state), *d;
	struct buf image = { 0 };
	struct err e;

	conf_pack(c, &image);
	assert_int_equal(conf_unpack(buf_view(&image), CONF_HEAD, &d, &e), 0);
	assert_int_equal(d->njails, 0);
	assert_int_equal(d->nactions, 2);
	assert_string_equal(d->actions[1].options.v[0].value, "b");
	assert_string_equal(d->daemon.state, c->daemon.state);
	assert_int_equal(d->nproblems, c->nproblems);
	conf_free(d);
	buf_fini(&image);
	conf_free(c);
}

/* Many jails of one filter have its texts once. */
static void
texts_are_there_once(void **state)
{
	struct buf jails = { 0 }, image = { 0 };
	struct conf *c, *d;
	struct err e;

	folder_write(*state, "filters/f.conf",
	    "[Definition]\nfailregex = ^a text that will be seen once <HOST>\n");
	buf_puts(&jails, "[DEFAULT]\nfilter = f\nenabled = yes\nlogpath = /a\n");
	for (int i = 0; i < 50; i++)
		buf_printf(&jails, "[j%d]\n", i);
	folder_write(*state, "jails.d/a.conf", jails.p);
	c = folder_read(*state);
	conf_pack(c, &image);
	assert_int_equal(conf_unpack(buf_view(&image), CONF_WHOLE, &d, &e), 0);
	assert_int_equal(d->njails, 50);
	assert_ptr_equal(d->jails[0].filter.failregex.v[0],
	    d->jails[49].filter.failregex.v[0]);
	conf_free(d);
	conf_free(c);
	buf_fini(&jails);
	buf_fini(&image);
}

static void
every_cut_is_refused(void **state)
{
	struct conf *c = sample(*state), *d;
	struct buf image = { 0 };
	struct err e;

	conf_pack(c, &image);
	for (size_t n = 0; n < image.len; n++) {
		char *copy = xmalloc(n); /* exact, so that a sanitizer sees overruns */

		memcpy(copy, image.p, n);
		assert_int_equal(conf_unpack((struct str){ copy, n }, CONF_WHOLE, &d,
		    &e), -EINVAL);
		assert_null(d);
		free(copy);
	}
	buf_putc(&image, 'x');
	assert_int_equal(conf_unpack(buf_view(&image), CONF_WHOLE, &d, &e), -EINVAL);
	buf_fini(&image);
	conf_free(c);
}

/* Damaged bytes give an error, or a configuration that can be used safely. */
static void
damage_is_harmless(void **state)
{
	struct conf *c = sample(*state), *d;
	struct buf image = { 0 };
	uint64_t seed = 7;
	struct err e;

	conf_pack(c, &image);
	for (int round = 0; round < 3000; round++) {
		char *copy = xmalloc(image.len);
		struct buf out = { 0 };

		memcpy(copy, image.p, image.len);
		for (int k = 0; k < 3; k++)
			copy[unit_random(&seed) % image.len] = (char)unit_random(&seed);
		if (conf_unpack((struct str){ copy, image.len }, CONF_WHOLE, &d,
		    &e) == 0) {
			conf_dump(d, &out);
			conf_free(d);
		}
		buf_fini(&out);
		free(copy);
	}
	buf_fini(&image);
	conf_free(c);
}

#define FOLDER_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, folder_setup, folder_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FOLDER_TEST(survives_the_trip),
		FOLDER_TEST(head_is_without_jails),
		FOLDER_TEST(texts_are_there_once),
		FOLDER_TEST(every_cut_is_refused),
		FOLDER_TEST(damage_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
