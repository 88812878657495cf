/* SPDX-License-Identifier: GPL-2.0-or-later
 * spell.c - which word was meant?
 */
#include "banner/base/spell.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 40 };	/* of a word */

/* Edits (insert, delete, change, swap of neighbours) between two short words. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned d[LONGEST + 1][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= n; i++)
		d[i][0] = (unsigned)i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++) {
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			if (d[i - 1][j] + 1 < best)
				best = d[i - 1][j] + 1;
			if (d[i][j - 1] + 1 < best)
				best = d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	return d[n][m];
}

const char *
spell_nearest(const char *word, const char *const *known)
{
	const char *best = NULL;
	unsigned least = strlen(word) < 5 ? 2 : 3;

	for (; *known; known++) {
		unsigned d = distance(word, *known);

		if (d < least) {
			least = d;
			best = *known;
		}
	}
	return best;
}
