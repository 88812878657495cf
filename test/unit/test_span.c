/* SPDX-License-Identifier: GPL-2.0-or-later
 * test_span.c - time expressions and ban-time formulas.
 */
#include "test/unit/unit.h"

#include <errno.h>
#include <math.h>

#include "banner/conf/span.h"

static const struct {
	const char *text;
	double seconds;
} spans[] = {
	{ "600", 600 },
	{ "10m", 600 },
	{ "10M", 600 },
	{ "1d12h30m", 131400 },
	{ "1h 30m", 5400 },
	{ "1y6mo", 47336400 },
	{ "1hour+30min", 5400 },
	{ "1year-6mo", 31557600 - 6 * 2629800.0 },
	{ "2*1h", 7200 },
	{ "60*60", 3600 },
	{ "1.5h", 5400 },
	{ "-1", -1 },
	{ "1h30", 3630 },
	{ "1/4", 0.25 },
	{ "1y6mo30w15d12h35m25s", 66821725 },
	{ "2yy 3mo 4ww 10dd 5hh 30mm 20ss", 74307620 },
	{ "2 years 3 months", 71004600 },
	{ "  5 min  ", 300 },
	{ "1w", 604800 },
	{ "(1h+30m)*2", 10800 },
	{ "2*1h30m", 9000 },
	{ ".5h", 1800 },
	{ "- 5 - -2", -3 },
	{ "1Week", 604800 },
	{ "3seconds", 3 },
	{ "1ye", 31557600 },
	{ "1mon", 2629800 },
};

static void
reads_spans(void **state)
{
	struct err e = { "" };
	double v;

	for (size_t i = 0; i < N(spans); i++) {
		assert_int_equal(span_seconds(str_of(spans[i].text), &v, &e), 0);
		assert_true(fabs(v - spans[i].seconds) < 1e-6);
	}
}

static const char *const bad_spans[] = { "", "  ", "abc", "1q", "1e3", "0x10", "1h,",
	"1 2", "1h)", "(1h", "1/0", "--", "1hx", "h", "ban.Time", "1 if 1 else 2", ".",
	"5 days ago", "import os" };

static void
refuses_bad_spans(void **state)
{
	struct err e;
	double v;

	for (size_t i = 0; i < N(bad_spans); i++)
		assert_int_equal(span_seconds(str_of(bad_spans[i]), &v, &e), -EINVAL);
	span_seconds(STR("10m 5q"), &v, &e);
	assert_non_null(strstr(e.text, "column 6"));
}

static void
gives_milliseconds(void **state)
{
	int64_t ms;

	assert_int_equal(span_ms(STR("1.5s"), &ms, NULL), 0);
	assert_int_equal(ms, 1500);
	assert_int_equal(span_ms(STR("-1"), &ms, NULL), 0);
	assert_int_equal(ms, -1000);
	assert_int_equal(span_ms(STR("99999999999999999999y"), &ms, NULL), -ERANGE);
}

static const struct {
	const char *text;
	double value;
} formulas[] = {
	{ "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor",
	    600 * 8 * 2 },
	{ "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)",
	    600 * 2980.9579870417283 / 7.38905609893065 },
	{ "2", 2 },
	{ "2**3**2", 512 },
	{ "-2**2", -4 },
	{ "7//2", 3 },
	{ "-7//2", -4 },
	{ "7%3", 1 },
	{ "-7%3", 2 },
	{ "max(ban.Time, 86400)", 86400 },
	{ "min(1, 2) + abs(-3) + int(2.9) + round(2.5)", 8 },
	{ "math.pow(2, 10)", 1024 },
	{ "math.log(math.e) + math.log(8, 2) + math.log2(8) + math.log10(100)", 9 },
	{ "1 if ban.Count >= 3 else 0 if 1 else 5", 1 },
	{ "3 == 3", 1 },
	{ "3 != 3", 0 },
	{ "1024>>3", 128 },
	{ "math.sqrt(16) + math.floor(1.5) + math.ceil(1.5)", 7 },
};

static void
computes_formulas(void **state)
{
	const struct span_vars vars = { 600, 3, 2 };
	struct err e;
	double v;

	for (size_t i = 0; i < N(formulas); i++) {
		assert_int_equal(span_formula(formulas[i].text, &vars, &v, &e), 0);
		assert_true(fabs(v - formulas[i].value) < 1e-6 * fabs(v) + 1e-9);
	}
}

static const char *const bad_formulas[] = { "", "ban.Nothing", "__import__('os')",
	"1 +", "max(1)", "min(1,2,3)", "math.exp", "1 if 2", "1<<1.5", "1 << -1",
	"open(1)", "10m", "ban.Time.x", "'a'", "1 ** ", "[1][0]" };

static void
refuses_bad_formulas(void **state)
{
	const struct span_vars vars = { 600, 3, 1 };
	struct err e;
	double v;

	for (size_t i = 0; i < N(bad_formulas); i++)
		assert_int_equal(span_formula(bad_formulas[i], &vars, &v, &e), -EINVAL);
	assert_int_equal(span_formula("math.exp(1000)", &vars, &v, &e), -ERANGE);
	assert_int_equal(span_formula("math.sqrt(-1)", &vars, &v, &e), -ERANGE);
}

static void
nesting_has_an_end(void **state)
{
	const struct span_vars vars = { 600, 3, 1 };
	char deep[20001];
	double v;

	memset(deep, '(', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	assert_int_equal(span_formula(deep, &vars, &v, NULL), -EINVAL);
	memset(deep, '-', sizeof(deep) - 1);
	assert_int_equal(span_seconds(str_of(deep), &v, NULL), -EINVAL);
	assert_int_equal(span_formula("((((((((((1))))))))))", &vars, &v, NULL), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_spans),
		cmocka_unit_test(refuses_bad_spans),
		cmocka_unit_test(gives_milliseconds),
		cmocka_unit_test(computes_formulas),
		cmocka_unit_test(refuses_bad_formulas),
		cmocka_unit_test(nesting_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
