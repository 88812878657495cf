/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_filter.c - a filter file: read, and compiled.
 */
#include "banner/base/arena.h"
#include "banner/base/err.h"
#include "banner/conf/conf.h"
#include "banner/core/rules.h"
#include "test/fuzz/folder.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct arena *a = arena_new();
	struct conf_filter filter = { 0 };
	struct rules_options o = { .filter = &filter };
	char dir[64];
	struct conf_filter_request q = { .dir = dir, .spec = "x", .arena = a,
		.logtype = "file" };
	struct rules *r;
	struct err e;

	folder_put(dir, "filter.d/x.conf", p, n);
	if (conf_filter_read(&q, &filter, &e) == 0 && rules_new(&o, &r, &e) == 0)
		rules_free(r);
	folder_drop(dir);
	arena_free(a);
	return 0;
}
