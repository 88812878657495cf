/* SPDX-License-Identifier: GPL-2.0-or-later
 * lines.c - cut what was read into runs of whole lines. Pure.
 */
#include "banner/source/lines.h"

#include <string.h>

/* A line over the cap shows as a window of max + 1 bytes without LF, so only the last
 * line of each window is looked at, not every line. */
enum lines_kind
runs_next(struct str *rest, size_t max, struct str *run)
{
	size_t good = 0;
	const char *lf = NULL;
	bool is_long = false;

	while (rest->len - good > max && !is_long) {
		lf = memrchr(rest->s + good, '\n', max + 1);
		is_long = !lf;
		if (lf)
			good = (size_t)(lf + 1 - rest->s);
	}
	if (!is_long && rest->len > good) {
		lf = memrchr(rest->s + good, '\n', rest->len - good);
		if (lf)
			good = (size_t)(lf + 1 - rest->s);
	}
	*run = (struct str){ rest->s, good };
	if (good == 0 && !is_long)
		return LINES_PART;
	if (good == 0) {
		lf = memchr(rest->s, '\n', rest->len);
		run->len = lf ? (size_t)(lf + 1 - rest->s) : rest->len;
	}
	rest->s += run->len;
	rest->len -= run->len;
	return good == 0 ? LINES_LONG : LINES_RUN;
}

/* Eight bytes at a time: a byte of x is zero where the text has LF. Each such byte
 * becomes 1, and a multiplication adds them up in the highest byte. */
uint64_t
runs_count(struct str text)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), low7 = ones * 0x7f;
	uint64_t n = 0, x;

	for (; text.len >= 8; text.s += 8, text.len -= 8) {
		memcpy(&x, text.s, 8);
		x ^= ones * '\n';
		x = ~(((x & low7) + low7) | x | low7);
		n += (x >> 7) * ones >> 56;
	}
	for (; text.len > 0; text.s++, text.len--)
		n += *text.s == '\n';
	return n;
}
