/* SPDX-License-Identifier: GPL-2.0-or-later
 * increment.c - bantime.increment, as fail2ban documents it.
 */
#include "banner/core/increment.h"

#include <math.h>
#include <stdlib.h>

#include "banner/conf/jail.h"
#include "banner/conf/span.h"

enum { DOUBLINGS = 20 };
#define LONGEST_MS (100.0 * 366 * 86400 * 1000)	/* a century is long enough */

/* Element n of "1 5 30 60"; the last one repeats. Nothing readable: 1. */
static double
multiplier(const char *list, unsigned n)
{
	double m = 1;
	char *end;

	for (unsigned i = 0;; i++) {
		double v = strtod(list, &end);

		if (end == list)
			return m;
		m = v;
		if (i == n)
			return m;
		list = end;
		while (*list == ',' || *list == ' ' || *list == '\n' || *list == '\t')
			list++;
	}
}

static double
factor(const struct conf_increment *inc, double seconds, unsigned before)
{
	struct span_vars vars = { .ban_time = seconds, .ban_count = before,
	    .ban_factor = 1 };
	double f;

	if (inc->factor_expr && span_formula(inc->factor_expr, &vars, &f, NULL) == 0)
		return f;
	return inc->factor > 0 ? inc->factor : 1;
}

static double
longer(const struct conf_increment *inc, double seconds, unsigned before)
{
	double f = factor(inc, seconds, before), t;
	struct span_vars vars = { .ban_time = seconds, .ban_count = before,
	    .ban_factor = f };

	if (inc->multipliers)
		return seconds * f * multiplier(inc->multipliers, before);
	if (inc->formula)
		return span_formula(inc->formula, &vars, &t, NULL) == 0 ? t : seconds;
	t = ldexp(seconds, (int)(before < DOUBLINGS ? before : DOUBLINGS)) * f;
	return t > seconds ? t : seconds;
}

int64_t
increment_bantime(const struct conf_increment *inc, int64_t bantime_ms, unsigned before,
    double random)
{
	double ms;

	if (!inc->on || before == 0 || bantime_ms < 0)
		return bantime_ms;
	ms = longer(inc, (double)bantime_ms / 1000, before) * 1000;
	if (!(ms > 0))
		return bantime_ms;
	if (inc->maxtime_ms > 0 && ms > (double)inc->maxtime_ms)
		ms = (double)inc->maxtime_ms;
	if (inc->rndtime_ms > 0)
		ms += random * (double)inc->rndtime_ms;
	return (int64_t)(ms < LONGEST_MS ? ms : LONGEST_MS);
}

unsigned
increment_weight(unsigned before, unsigned maxretry)
{
	unsigned weight = 1;

	if (before)
		weight = (1u << (before < DOUBLINGS ? before : DOUBLINGS)) / 2 + 1;
	return weight < maxretry ? weight : maxretry;
}
