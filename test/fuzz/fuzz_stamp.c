/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_stamp.c - dates of lines, by hand and by the regexes: the same.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/core/stamp_int.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.s[i] >= 0x80)
			return false;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p, n }, line;
	struct conf_list none = { 0 };
	struct stamp *fast, *slow;
	struct err e;

	if (stamp_new(&none, "UTC", &fast, &e) < 0 ||
	    stamp_new(&none, "UTC", &slow, &e) < 0)
		abort();
	stamp_no_shortcuts(slow);
	while (rest.s && rest.len > 0) {
		struct stamp_hit a = { 0 }, b = { 0 };

		str_cut(&rest, '\n', &line);
		if (!is_ascii(line))
			continue;
		if (stamp_find(fast, line, INT64_C(1124013600000), &a) !=
		    stamp_find(slow, line, INT64_C(1124013600000), &b) ||
		    a.cut_start != b.cut_start || a.cut_end != b.cut_end ||
		    (a.has_time && memcmp(&a.when_s, &b.when_s, sizeof(a.when_s))))
			abort();
	}
	stamp_free(fast);
	stamp_free(slow);
	return 0;
}
