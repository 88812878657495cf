/* SPDX-License-Identifier: GPL-2.0-or-later
 * span.h - time expressions and ban-time formulas.
 *
 * The grammar is what fail2ban documents: numbers with units ("1d 12h", "1h30m"),
 * arithmetic, and for bantime.formula and bantime.factor the small expression
 * language that its documentation and stock files use. Nothing is ever evaluated
 * as a program; what is not in the grammar is an error with its column.
 */
#ifndef BANNER_CONF_SPAN_H
#define BANNER_CONF_SPAN_H

#include <stdint.h>

#include "banner/base/err.h"
#include "banner/base/str.h"

/* Seconds; "-1" gives -1. 0, -EINVAL, -ERANGE. */
int	span_seconds(struct str, double *, struct err *);
/* The same in whole milliseconds. */
int	span_ms(struct str, int64_t *, struct err *);

/* What a formula may name: numbers, + - * / // % ** << >>, comparisons,
 * "a if c else b", math.exp log log2 log10 sqrt pow floor ceil e pi, min max abs int
 * float round pow, and ban.Time (seconds), ban.Count, banFactor.
 * 0, -EINVAL, -ERANGE. */
struct span_vars { double ban_time, ban_count, ban_factor; };
int	span_formula(const char *formula, const struct span_vars *, double *,
	    struct err *);

#endif
