/* SPDX-License-Identifier: GPL-2.0-or-later
 * plan.h - which lines a match looks at: the literals of all its jails, one scan.
 */
#ifndef BANNER_PLAN_H
#define BANNER_PLAN_H

#include "banner/core/rules_data.h"
#include "banner/core/scan.h"

struct plan {
	struct scan *scan;
	struct scan_run *run;
	bool sampled;		/* chosen by a sample of the source */
};

/* Literals of all regexes; sets r->every_line. For rules_new. */
void	plan_literals(struct rules *);
/* Bits of this jail in the scan: one per failregex, or one for all its lines. */
size_t	plan_bits(const struct rules *);
bool	plan_own_bits(const struct rules *);
/* Choose by what the source is like. A second call replaces the first. */
void	plan_make(struct plan *, struct rules *const *, size_t n, struct str sample);
void	plan_fini(struct plan *);

#endif
