/* SPDX-License-Identifier: GPL-2.0-or-later
 * span.c - time expressions, and the expression language of ban-time formulas.
 *
 * One recursive-descent parser for both; the flags say which words exist. Numbers
 * are doubles throughout, as they are where the formulas come from.
 */
#include "banner/conf/span.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { MAX_NEST = 64 };

struct parser {
	const char *start, *p, *end;
	const struct span_vars *vars;	/* NULL: a time expression */
	unsigned nest;
	bool unit;			/* the number read last had a unit */
	int rc;				/* first error; everything returns 0 then */
	struct err *e;
};

static double	conditional(struct parser *);

static double
fail(struct parser *ps, const char *expected)
{
	size_t left = (size_t)(ps->end - ps->p);

	if (!ps->rc)
		ps->rc = err_set(ps->e, -EINVAL, "column %zu: found \"%.*s\", "
		    "expected %s", (size_t)(ps->p - ps->start) + 1,
		    (int)(left > 20 ? 20 : left), ps->p, expected);
	ps->p = ps->end;
	return 0;
}

static void
skip(struct parser *ps)
{
	while (ps->p < ps->end && strchr(" \t\r\n", *ps->p))
		ps->p++;
}

static bool
is_digit(const struct parser *ps)
{
	return ps->p < ps->end && ((*ps->p >= '0' && *ps->p <= '9') || *ps->p == '.');
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Take an operator; longer ones are asked for first by the callers. */
static bool
take(struct parser *ps, const char *op)
{
	size_t n = strlen(op);

	skip(ps);
	if ((size_t)(ps->end - ps->p) < n || memcmp(ps->p, op, n) != 0)
		return false;
	if (is_letter(op[0]) && ps->p + n < ps->end &&
	    (is_letter(ps->p[n]) || (ps->p[n] >= '0' && ps->p[n] <= '9')))
		return false;
	ps->p += n;
	return true;
}

/* The word at p with dots and digits inside; does not move. */
static size_t
word(const struct parser *ps)
{
	const char *q = ps->p;

	while (q < ps->end && (is_letter(*q) ||
	    (q > ps->p && (*q == '.' || (*q >= '0' && *q <= '9')))))
		q++;
	return (size_t)(q - ps->p);
}

static bool
is_one_of(const char *p, size_t n, const char *const *words)
{
	for (; *words; words++)
		if (strlen(*words) == n && strncasecmp(p, *words, n) == 0)
			return true;
	return false;
}

static double
unit(struct parser *ps)
{
	static const struct {
		double seconds;
		const char *const names[8];
	} units[] = {
		{ 365.25 * 86400, { "y", "yy", "ye", "yea", "year", "years" } },
		{ 30.4375 * 86400, { "mo", "mon", "month", "months" } },
		{ 7 * 86400, { "w", "ww", "we", "wee", "week", "weeks" } },
		{ 86400, { "d", "dd", "da", "day", "days" } },
		{ 3600, { "h", "hh", "ho", "hou", "hour", "hours" } },
		{ 60, { "m", "mm", "mi", "min", "minute", "minutes" } },
		{ 1, { "s", "ss", "se", "sec", "second", "seconds" } },
	};
	size_t n = 0;

	while (ps->p + n < ps->end && is_letter(ps->p[n]))
		n++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (is_one_of(ps->p, n, units[i].names)) {
			ps->p += n;
			ps->unit = true;
			return units[i].seconds;
		}
	return fail(ps, "a unit: s m h d w mo y");
}

static double
number(struct parser *ps)
{
	double v = 0, scale = 1;
	const char *from = ps->p;

	for (; ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9'; ps->p++)
		v = v * 10 + (*ps->p - '0');
	if (ps->p < ps->end && *ps->p == '.')
		for (ps->p++; ps->p < ps->end && *ps->p >= '0' && *ps->p <= '9';
		    ps->p++)
			v += (*ps->p - '0') * (scale /= 10);
	if (ps->p - from == 1 && *from == '.')
		return fail(ps, "a digit");
	ps->unit = false;
	if (ps->vars) {
		if (ps->p < ps->end && is_letter(*ps->p))
			return fail(ps, "an operator");
		return v;
	}
	from = ps->p;
	skip(ps);
	if (ps->p < ps->end && is_letter(*ps->p))
		return v * unit(ps);
	ps->p = from;
	return v;
}

enum function { F_EXP, F_LOG, F_LOG2, F_LOG10, F_SQRT, F_POW, F_FLOOR, F_CEIL, F_FLOAT,
	F_INT, F_ROUND, F_ABS, F_MIN, F_MAX };

static const struct {
	const char *name;
	enum function what;
	int least, most;	/* arguments */
} functions[] = {
	{ "math.exp", F_EXP, 1, 1 }, { "math.log", F_LOG, 1, 2 },
	{ "math.log2", F_LOG2, 1, 1 }, { "math.log10", F_LOG10, 1, 1 },
	{ "math.sqrt", F_SQRT, 1, 1 }, { "math.pow", F_POW, 2, 2 },
	{ "math.floor", F_FLOOR, 1, 1 }, { "math.ceil", F_CEIL, 1, 1 },
	{ "float", F_FLOAT, 1, 1 }, { "int", F_INT, 1, 1 },
	{ "round", F_ROUND, 1, 1 }, { "abs", F_ABS, 1, 1 },
	{ "min", F_MIN, 2, 2 }, { "max", F_MAX, 2, 2 },
	{ "pow", F_POW, 2, 2 },
};

static double
apply(enum function f, double a, double b, int n)
{
	switch (f) {
	case F_EXP: return exp(a);
	case F_LOG: return n == 2 ? log(a) / log(b) : log(a);
	case F_LOG2: return log2(a);
	case F_LOG10: return log10(a);
	case F_SQRT: return sqrt(a);
	case F_POW: return pow(a, b);
	case F_FLOOR: return floor(a);
	case F_CEIL: return ceil(a);
	case F_FLOAT: return a;
	case F_INT: return trunc(a);
	case F_ROUND: return nearbyint(a);
	case F_ABS: return fabs(a);
	case F_MIN: return b < a ? b : a;
	case F_MAX: return b > a ? b : a;
	}
	return 0;
}

static double
call(struct parser *ps, size_t i)
{
	double v[2] = { 0, 0 };
	int n = 0;

	if (!take(ps, "("))
		return fail(ps, "\"(\"");
	do {
		if (n == functions[i].most)
			return fail(ps, "\")\"");
		v[n++] = conditional(ps);
	} while (!ps->rc && take(ps, ","));
	if (n < functions[i].least)
		return fail(ps, "\",\" and one more value");
	if (!take(ps, ")"))
		return fail(ps, "\")\"");
	return apply(functions[i].what, v[0], v[1], n);
}

static double
name(struct parser *ps)
{
	size_t n = word(ps);
	struct str w = { ps->p, n };

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (str_is(w, functions[i].name)) {
			ps->p += n;
			return call(ps, i);
		}
	if (!str_is(w, "ban.Time") && !str_is(w, "ban.Count") &&
	    !str_is(w, "banFactor") && !str_is(w, "math.e") && !str_is(w, "math.pi"))
		return fail(ps, "a number, ban.Time, ban.Count, banFactor or a "
		    "function");
	ps->p += n;
	return str_is(w, "ban.Time") ? ps->vars->ban_time :
	    str_is(w, "ban.Count") ? ps->vars->ban_count :
	    str_is(w, "banFactor") ? ps->vars->ban_factor :
	    str_is(w, "math.e") ? M_E : M_PI;
}

static double
primary(struct parser *ps)
{
	double v;

	skip(ps);
	if (is_digit(ps))
		return number(ps);
	if (take(ps, "(")) {
		v = conditional(ps);
		if (!take(ps, ")"))
			return fail(ps, "\")\"");
		ps->unit = false;
		return v;
	}
	if (ps->vars && ps->p < ps->end && is_letter(*ps->p))
		return name(ps);
	return fail(ps, "a number");
}

/* Signs and powers; "**" binds tighter than a sign before it. */
static double
factor(struct parser *ps)
{
	double v;

	if (++ps->nest > MAX_NEST)
		return fail(ps, "fewer nested parts");
	if (take(ps, "-")) {
		v = -factor(ps);
	} else if (take(ps, "+")) {
		v = factor(ps);
	} else {
		v = primary(ps);
		if (ps->vars && take(ps, "**"))
			v = pow(v, factor(ps));
	}
	ps->nest--;
	return v;
}

static double
divide(struct parser *ps, double a, double b, bool whole)
{
	if (b == 0)
		return fail(ps, "a divisor that is not zero");
	return whole ? floor(a / b) : a / b;
}

static double
term(struct parser *ps)
{
	double v = factor(ps);

	while (!ps->rc) {
		if (take(ps, "*"))
			v *= factor(ps);
		else if (take(ps, "//"))
			v = divide(ps, v, factor(ps), true);
		else if (take(ps, "/"))
			v = divide(ps, v, factor(ps), false);
		else if (ps->vars && take(ps, "%")) {
			double d = factor(ps);

			v -= d * divide(ps, v, d, true);
		} else
			break;
	}
	return v;
}

/* After a unit the "+" may be left out: 1d 12h, 1h30. */
static double
sum(struct parser *ps)
{
	double v = term(ps);

	while (!ps->rc) {
		if (take(ps, "+"))
			v += term(ps);
		else if (take(ps, "-"))
			v -= term(ps);
		else if (ps->unit && is_digit(ps))
			v += term(ps);
		else
			break;
	}
	return v;
}

static double
shift(struct parser *ps)
{
	double v = sum(ps);

	while (!ps->rc && ps->vars) {
		bool left = take(ps, "<<");
		double n;

		if (!left && !take(ps, ">>"))
			break;
		n = sum(ps);
		if (!(n >= 0 && n <= 1000) || n != trunc(n) || v != trunc(v))
			return fail(ps, "whole numbers around a shift");
		v = left ? ldexp(v, (int)n) : floor(ldexp(v, -(int)n));
	}
	return v;
}

static double
comparison(struct parser *ps)
{
	double v = shift(ps);

	while (!ps->rc && ps->vars) {
		if (take(ps, "<="))
			v = v <= shift(ps);
		else if (take(ps, ">="))
			v = v >= shift(ps);
		else if (take(ps, "=="))
			v = v == shift(ps);
		else if (take(ps, "!="))
			v = v != shift(ps);
		else if (take(ps, "<"))
			v = v < shift(ps);
		else if (take(ps, ">"))
			v = v > shift(ps);
		else
			break;
	}
	return v;
}

static double
conditional(struct parser *ps)
{
	double v, other;
	bool yes;

	if (++ps->nest > MAX_NEST)
		return fail(ps, "fewer nested parts");
	v = comparison(ps);
	if (ps->vars && !ps->rc && take(ps, "if")) {
		yes = comparison(ps) != 0;
		if (!take(ps, "else"))
			return fail(ps, "\"else\"");
		other = conditional(ps);
		v = yes ? v : other;
	}
	ps->nest--;
	return v;
}

static int
parse(struct parser *ps, double *out)
{
	double v = conditional(ps);

	skip(ps);
	if (!ps->rc && ps->p < ps->end)
		fail(ps, "the end or an operator");
	if (!ps->rc && !(fabs(v) <= DBL_MAX))
		ps->rc = err_set(ps->e, -ERANGE, "too large a number");
	if (!ps->rc)
		*out = v;
	return ps->rc;
}

int
span_seconds(struct str s, double *out, struct err *e)
{
	struct parser ps = { .start = s.s, .p = s.s, .end = s.s + s.len, .e = e };

	if (!str_trim(s).len)
		return err_set(e, -EINVAL, "found nothing, expected a time such as "
		    "10m");
	return parse(&ps, out);
}

int
span_ms(struct str s, int64_t *out, struct err *e)
{
	double v = 0;
	int rc = span_seconds(s, &v, e);

	if (rc < 0)
		return rc;
	if (fabs(v) > 9e15)
		return err_set(e, -ERANGE, "too long a time, expected less than "
		    "285 million years");
	*out = (int64_t)llround(v * 1000);
	return 0;
}

int
span_formula(const char *formula, const struct span_vars *vars, double *out,
    struct err *e)
{
	struct parser ps = { .start = formula, .p = formula,
		.end = formula + strlen(formula), .vars = vars, .e = e };

	return parse(&ps, out);
}
