/* SPDX-License-Identifier: GPL-2.0-or-later
 * fuzz_control.c - a line of the control socket becomes words.
 */
#include <stdlib.h>
#include <string.h>

#include "banner/daemon/control/request.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct request r = { 0 };
	struct err e;
	size_t bytes = 0;

	if (request_parse(&r, (struct str){ (const char *)p, n }, &e) == 0) {
		for (size_t i = 0; i < r.argc; i++)
			bytes += strlen(r.argv[i]) + 1;
		if (r.argv[r.argc] || bytes > n + 1)
			abort();
	}
	request_fini(&r);
	return 0;
}
